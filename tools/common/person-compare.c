/* SPDX-License-Identifier: Apache-2.0
 *
 * Whether people who were read from records can be one, and how one differs from who is
 * expected. It errs on the side of a difference: that is only looked at by a person.
 */
#include <glib/gi18n.h>
#include <string.h>

#include "tools/common/person.h"

#define SHOWN_MAX  120
#define DAY_LENGTH 10
/* Files that say something of one person that none before did. */
#define ALSO_MAX   64

/* As far as both are precise. */
static gboolean
same_day(const char *a, const char *b)
{
    const gsize length = MIN(MIN(strlen(a), strlen(b)), DAY_LENGTH);

    return length >= 4 && strncmp(a, b, length) == 0;
}

static gboolean
same_system(const char *a, const char *b)
{
    const gsize length = strcspn(a, "|");

    return length > 0 && length == strcspn(b, "|") && strncmp(a, b, length) == 0;
}

gboolean
person_conflict(const Person *a, const Person *b)
{
    gboolean conflict = a->birth_date != NULL && b->birth_date != NULL &&
                        !same_day(a->birth_date, b->birth_date);
    gboolean agree = FALSE;

    for (guint i = 0; i < a->identifiers->len; i++)
        for (guint k = 0; k < b->identifiers->len; k++) {
            if (!same_system(a->identifiers->pdata[i], b->identifiers->pdata[k]))
                continue;
            agree |= g_str_equal(a->identifiers->pdata[i], b->identifiers->pdata[k]);
            conflict |= !g_str_equal(a->identifiers->pdata[i], b->identifiers->pdata[k]);
        }
    return conflict && !agree;
}

static gboolean
conflicts_with_any(GPtrArray *people, guint n, const Person *person)
{
    for (guint i = 0; i < n; i++)
        if (person_conflict(g_ptr_array_index(people, i), person))
            return TRUE;
    return FALSE;
}

void
person_mark_subjects(GPtrArray *items)
{
    static const guint8 one[] = {1}, other[] = {2};
    g_autoptr(GBytes) first_group = g_bytes_new_static(one, sizeof one);
    g_autoptr(GBytes) other_group = g_bytes_new_static(other, sizeof other);
    g_autoptr(GPtrArray) known = g_ptr_array_new_with_free_func((GDestroyNotify)person_free);

    for (guint i = 0; i < items->len; i++) {
        EhrlinkItem *item = g_ptr_array_index(items, i);
        g_autoptr(GPtrArray) people = people_of_file(ehrlink_item_get_path(item));
        gboolean conflict = FALSE;

        while (people->len > 0) {
            Person *person = g_ptr_array_steal_index(people, 0);

            conflict = conflicts_with_any(known, known->len, person) || conflict;
            g_ptr_array_add(known, person);
        }
        ehrlink_item_set_subject(item, conflict ? other_group : first_group);
    }
}

/* --- names -----------------------------------------------------------------------------------
 */

static gboolean
has_token(char **tokens, const char *token)
{
    for (; *tokens != NULL; tokens++)
        if (g_str_equal(*tokens, token))
            return TRUE;
    return FALSE;
}

/* All words of the one are words of the other; "Berg" is not "Bergmann". */
static gboolean
has_words(const char *text, const char *wanted)
{
    g_auto(GStrv) words = g_str_tokenize_and_fold(text, NULL, NULL);
    g_auto(GStrv) wanted_words = g_str_tokenize_and_fold(wanted, NULL, NULL);

    for (char **word = wanted_words; *word != NULL; word++)
        if (!has_token(words, *word))
            return FALSE;
    return *wanted_words != NULL;
}

static gboolean
any_has_words(const GPtrArray *texts, const char *wanted)
{
    for (guint i = 0; i < texts->len; i++)
        if (has_words(texts->pdata[i], wanted))
            return TRUE;
    return FALSE;
}

static gboolean
share_word(const char *a, const char *b)
{
    g_auto(GStrv) words = g_str_tokenize_and_fold(a, NULL, NULL);
    g_auto(GStrv) others = g_str_tokenize_and_fold(b, NULL, NULL);

    if (g_str_equal(a, b))
        return TRUE; /* a whole name may be one letter */
    for (char **word = words; *word != NULL; word++)
        if (g_utf8_strlen(*word, -1) > 1 && has_token(others, *word))
            return TRUE;
    return FALSE;
}

gboolean
person_may_be_one(const Person *a, const Person *b)
{
    for (const Person *said = a; said != NULL; said = said->also)
        if (person_conflict(said, b))
            return FALSE;
    if (a->names->len == 0 || b->names->len == 0)
        return TRUE;
    for (guint i = 0; i < a->names->len; i++)
        for (guint k = 0; k < b->names->len; k++)
            if (share_word(a->names->pdata[i], b->names->pdata[k]))
                return TRUE;
    return FALSE;
}

/* --- of a directory --------------------------------------------------------------------------
 */

static guint
n_known(const Person *person)
{
    return (person->names->len > 0) + (person->birth_date != NULL) + (person->sex != NULL) +
           (person->identifiers->len > 0);
}

/* A date of birth, or a number, that none of what is known has. */
static gboolean
says_anew(const Person *known, const Person *person)
{
    gboolean born = person->birth_date == NULL;
    guint n = 0;

    for (const Person *said = known; said != NULL; said = said->also) {
        born = born || g_strcmp0(said->birth_date, person->birth_date) == 0;
        for (guint i = 0; i < person->identifiers->len; i++)
            n += g_ptr_array_find_with_equal_func(
                said->identifiers, person->identifiers->pdata[i], g_str_equal, NULL);
    }
    return !born || n < person->identifiers->len;
}

/* What the poorer of two files says and the richer does not may be what tells the next one
 * apart. */
static void
keep_also(Person *person, Person *poorer)
{
    Person *last = person;
    guint n = 0;

    for (; last->also != NULL; last = last->also)
        n++;
    if (n < ALSO_MAX && says_anew(person, poorer))
        last->also = poorer;
    else
        person_free(poorer);
}

static void
take(GPtrArray *people, Person *person)
{
    for (guint i = 0; i < people->len; i++) {
        Person *known = g_ptr_array_index(people, i);

        if (!person_may_be_one(known, person))
            continue;
        if (n_known(person) > n_known(known)) {
            people->pdata[i] = person;
            person->also = g_steal_pointer(&known->also);
            keep_also(person, known);
        } else {
            keep_also(known, person);
        }
        return;
    }
    g_ptr_array_add(people, person);
}

void
people_take(GPtrArray *people, const char *path)
{
    g_autoptr(GPtrArray) more = people_of_file(path);

    while (more->len > 0)
        take(people, g_ptr_array_steal_index(more, 0));
}

GPtrArray *
people_of_directory(const char *directory, const GPtrArray *files)
{
    GPtrArray *all = people_new();

    for (guint i = 0; files != NULL && i < files->len; i++) {
        g_autofree char *path = g_build_filename(directory, files->pdata[i], NULL);

        people_take(all, path);
    }
    return all;
}

/* --- who is expected -------------------------------------------------------------------------
 */

static gboolean
has_identifier(const Person *person, const char *wanted)
{
    const gboolean with_system = strchr(wanted, '|') != NULL;

    for (guint i = 0; i < person->identifiers->len; i++) {
        const char *whole = person->identifiers->pdata[i], *value = strchr(whole, '|') + 1;

        if (g_str_equal(with_system ? whole : value, wanted))
            return TRUE;
    }
    return FALSE;
}

static gboolean
fits(const Person *person, const char *key, const char *value)
{
    if (g_str_equal(key, "name"))
        return any_has_words(person->names, value);
    if (g_str_equal(key, "family"))
        return any_has_words(person->families->len > 0 ? person->families : person->names,
                             value);
    if (g_str_equal(key, "birth-date"))
        return g_strcmp0(person->birth_date, value) == 0;
    if (g_str_equal(key, "sex"))
        return g_strcmp0(person->sex, value) == 0;
    return g_str_equal(key, "identifier") && has_identifier(person, value);
}

static void
compare_pair(const Person *person, const char *key, const char *value,
             GStrvBuilder *differences)
{
    g_autofree char *safe = NULL;
    g_autofree char *text = NULL;

    if (value == NULL || (person != NULL && fits(person, key, value)))
        return;
    safe = ehrlink_safe_text(value, SHOWN_MAX);
    text = g_strdup_printf("%s %s", key, safe);
    g_strv_builder_add(differences, text);
}

/* One number in common is enough, and some that the other side does not have are no difference.
 */
static void
compare_people(const Person *person, const Person *wanted, GStrvBuilder *differences)
{
    gboolean any = FALSE;

    if (wanted->names->len > 0)
        compare_pair(person, "name", wanted->names->pdata[0], differences);
    compare_pair(person, "birth-date", wanted->birth_date, differences);
    compare_pair(person, "sex", wanted->sex, differences);
    for (guint i = 0; person != NULL && i < wanted->identifiers->len; i++)
        any |= has_identifier(person, wanted->identifiers->pdata[i]);
    if (!any && wanted->identifiers->len > 0)
        compare_pair(person, "identifier", wanted->identifiers->pdata[0], differences);
}

gboolean
person_can_be_expected(const char *text)
{
    static const char *const keys[] = {"name", "family",     "birth-date",
                                       "sex",  "identifier", NULL};
    const char *equals = strchr(text, '=');
    g_autofree char *key = equals != NULL ? g_strndup(text, (gsize)(equals - text)) : NULL;
    g_autoptr(Person) wanted = person_of_file(text);

    return wanted != NULL || (key != NULL && equals[1] != '\0' && g_strv_contains(keys, key));
}

GStrv
person_compare(const Person *person, char **expected)
{
    g_autoptr(GStrvBuilder) differences = g_strv_builder_new();

    for (char **one = expected; *one != NULL; one++) {
        const char *equals = strchr(*one, '=');
        g_autoptr(Person) wanted = person_of_file(*one);

        if (wanted != NULL) {
            compare_people(person, wanted, differences);
        } else if (equals != NULL) {
            g_autofree char *key = g_strndup(*one, (gsize)(equals - *one));
            compare_pair(person, key, equals + 1, differences);
        } else {
            g_strv_builder_add(differences, _("the expected person cannot be read"));
        }
    }
    return g_strv_builder_end(differences);
}
