/* SPDX-License-Identifier: Apache-2.0
 *
 * See person.h. What is shown was made harmless; what is compared is the record's own.
 */
#include "tools/common/person.h"

#include <glib/gi18n.h>
#include <string.h>

#include "lib/record/bundle.h"
#include "tools/common/output.h"

#define NAMES_MAX       8
#define IDENTIFIERS_MAX 16
#define SHOWN_MAX       120

void
person_free(Person *person)
{
    if (person == NULL)
        return;
    g_ptr_array_unref(person->names);
    g_ptr_array_unref(person->identifiers);
    g_free(person->birth_date);
    g_free(person->sex);
    g_free(person);
}

/* --- reading --------------------------------------------------------------------------------- */

static char *
name_of(const ErecNode *name)
{
    const char *text = erec_text(name, "text"), *family = erec_text(name, "family");
    GString *all;

    if (text != NULL)
        return g_strdup(text);
    all = g_string_new(NULL);
    for (const ErecNode *given = erec_each(name, "given"); given != NULL; given = erec_each_next(given))
        g_string_append_printf(all, "%s ", given->text);
    g_string_append(all, family != NULL ? family : "");
    return g_strchomp(g_string_free(all, FALSE));
}

static void
add_names(Person *person, const ErecNode *patient)
{
    for (const ErecNode *name = erec_each(patient, "name"); name != NULL && person->names->len < NAMES_MAX;
         name = erec_each_next(name)) {
        g_autofree char *text = name_of(name);
        const gboolean usual = erec_text_is(name, "use", "official") || erec_text_is(name, "use", "usual");

        if (*text != '\0')
            g_ptr_array_insert(person->names, usual ? 0 : -1, g_steal_pointer(&text));
    }
}

static void
add_identifiers(Person *person, const ErecNode *patient)
{
    for (const ErecNode *id = erec_each(patient, "identifier");
         id != NULL && person->identifiers->len < IDENTIFIERS_MAX; id = erec_each_next(id)) {
        const char *system = erec_text(id, "system"), *value = erec_text(id, "value");

        if (value != NULL)
            g_ptr_array_add(person->identifiers,
                            g_strdup_printf("%s|%s", system != NULL ? system : "", value));
    }
}

static Person *
person_of_resource(const ErecNode *patient)
{
    Person *person = g_new0(Person, 1);

    person->names = g_ptr_array_new_with_free_func(g_free);
    person->identifiers = g_ptr_array_new_with_free_func(g_free);
    person->birth_date = g_strdup(erec_text(patient, "birthDate"));
    person->sex = g_strdup(erec_text(patient, "gender"));
    add_names(person, patient);
    add_identifiers(person, patient);
    return person;
}

/* Patients that a document is not about (a mother, a donor) do not come first in it. */
Person *
person_of_file(const char *path)
{
    g_autoptr(ErecSource) source = erec_source_new_path(path, NULL);
    g_autoptr(ErecBundle) bundle = NULL;
    g_autoptr(ErecTree) tree = NULL;
    ErecFault fault = {0};
    gint at;

    if (source != NULL)
        bundle = erec_bundle_new(source, &fault);
    at = bundle != NULL ? erec_bundle_find_type(bundle, "Patient", 0) : -1;
    if (at >= 0)
        tree = erec_bundle_load(bundle, (guint)at, &fault);
    return tree != NULL ? person_of_resource(erec_tree_root(tree)) : NULL;
}

Person *
person_of_directory(const char *directory, GPtrArray *files)
{
    for (guint i = 0; files != NULL && i < files->len; i++) {
        g_autofree char *path = g_build_filename(directory, files->pdata[i], NULL);
        Person *person = person_of_file(path);

        if (person != NULL)
            return person;
    }
    return NULL;
}

/* --- comparing ------------------------------------------------------------------------------- */

static gboolean
same_system(const char *a, const char *b)
{
    const gsize length = strcspn(a, "|");

    return length > 0 && length == strcspn(b, "|") && strncmp(a, b, length) == 0;
}

gboolean
person_conflict(const Person *a, const Person *b)
{
    gboolean conflict = a->birth_date != NULL && b->birth_date != NULL && !g_str_equal(a->birth_date, b->birth_date);
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

void
person_mark_subjects(GPtrArray *items)
{
    static const guint8 one[] = {1}, other[] = {2};
    g_autoptr(GBytes) first_group = g_bytes_new_static(one, sizeof one);
    g_autoptr(GBytes) other_group = g_bytes_new_static(other, sizeof other);
    g_autoptr(Person) first = NULL;

    for (guint i = 0; i < items->len; i++) {
        EhrlinkItem *item = g_ptr_array_index(items, i);
        g_autoptr(Person) person = person_of_file(ehrlink_item_get_path(item));
        const gboolean conflict = first != NULL && person != NULL && person_conflict(first, person);

        ehrlink_item_set_subject(item, conflict ? other_group : first_group);
        if (first == NULL)
            first = g_steal_pointer(&person);
    }
}

static gboolean
has_word(const Person *person, const char *wanted)
{
    g_autofree char *folded = g_utf8_casefold(wanted, -1);

    for (guint i = 0; i < person->names->len; i++) {
        g_autofree char *name = g_utf8_casefold(person->names->pdata[i], -1);

        if (strstr(name, folded) != NULL)
            return TRUE;
    }
    return FALSE;
}

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
    if (g_str_equal(key, "name") || g_str_equal(key, "family"))
        return has_word(person, value);
    if (g_str_equal(key, "birth-date"))
        return g_strcmp0(person->birth_date, value) == 0;
    if (g_str_equal(key, "sex"))
        return g_strcmp0(person->sex, value) == 0;
    return g_str_equal(key, "identifier") && has_identifier(person, value);
}

static void
compare_pair(const Person *person, const char *key, const char *value, GStrvBuilder *differences)
{
    g_autofree char *safe = NULL;
    g_autofree char *text = NULL;

    if (value == NULL || (person != NULL && fits(person, key, value)))
        return;
    safe = ehrlink_safe_text(value, SHOWN_MAX);
    text = g_strdup_printf("%s %s", key, safe);
    g_strv_builder_add(differences, text);
}

/* One number in common is enough, and some that the other side does not have are no difference. */
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
    static const char *const keys[] = {"name", "family", "birth-date", "sex", "identifier", NULL};
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

/* --- showing --------------------------------------------------------------------------------- */

static void
show_line(const char *label, const char *value)
{
    g_autofree char *safe = value != NULL ? ehrlink_safe_text(value, SHOWN_MAX) : NULL;

    output_note("  %-14s %s", label, safe != NULL ? safe : _("not said"));
}

void
person_show(const Person *person)
{
    if (person == NULL) {
        output_note(_("The records do not say whom they are about."));
        return;
    }
    output_note(_("The records are about:"));
    show_line(_("Name:"), person->names->len > 0 ? person->names->pdata[0] : NULL);
    show_line(_("Born:"), person->birth_date);
    show_line(_("Sex:"), person->sex);
    for (guint i = 0; i < person->identifiers->len; i++)
        show_line(i == 0 ? _("Identifier:") : "", person->identifiers->pdata[i]);
}

static void
add_texts(JsonBuilder *builder, const char *name, GPtrArray *texts)
{
    json_builder_set_member_name(builder, name);
    json_builder_begin_array(builder);
    for (guint i = 0; i < texts->len; i++)
        json_builder_add_string_value(builder, texts->pdata[i]);
    json_builder_end_array(builder);
}

void
person_add_members(const Person *person, JsonBuilder *builder)
{
    if (person == NULL)
        return;
    add_texts(builder, "names", person->names);
    output_member_string(builder, "birth-date", person->birth_date);
    output_member_string(builder, "sex", person->sex);
    add_texts(builder, "identifiers", person->identifiers);
}
