/* SPDX-License-Identifier: Apache-2.0
 *
 * See person.h: reading and showing; comparing is in person-compare.c. What is shown was made
 * harmless; what is compared is the record's own.
 */
#include "tools/common/person.h"

#include <glib/gi18n.h>
#include <string.h>

#include "lib/record/dicom.h"
#include "lib/record/kind.h"
#include "lib/record/subject.h"
#include "tools/common/output.h"

#define NAMES_MAX       8
#define IDENTIFIERS_MAX 16
#define SHOWN_MAX       120
/* Looked at for people who are only named; told apart. */
#define ENTRIES_MAX     20000
#define PEOPLE_MAX      16

void
person_free(Person *person)
{
    if (person == NULL)
        return;
    g_ptr_array_unref(person->names);
    g_ptr_array_unref(person->families);
    g_ptr_array_unref(person->identifiers);
    g_free(person->birth_date);
    g_free(person->sex);
    person_free(person->also);
    g_free(person);
}

/* --- reading ---------------------------------------------------------------------------------
 */

static char *
name_of(const ErecNode *name)
{
    const char *text = erec_text(name, "text"), *family = erec_text(name, "family");
    GString *all;

    if (text != NULL)
        return g_strdup(text);
    all = g_string_new(NULL);
    for (const ErecNode *given = erec_each(name, "given"); given != NULL;
         given = erec_each_next(given))
        g_string_append_printf(all, "%s ", given->text);
    g_string_append(all, family != NULL ? family : "");
    return g_strchomp(g_string_free(all, FALSE));
}

/* A name that somebody had, or has beside. */
static gboolean
is_other_name(const ErecNode *name)
{
    static const char *const uses[] = {"old", "maiden", "nickname", "anonymous", "temp", NULL};
    const char *use = erec_text(name, "use");

    return use != NULL && g_strv_contains(uses, use);
}

static void
add_names(Person *person, const ErecNode *patient)
{
    gint current = 0;

    for (const ErecNode *name = erec_each(patient, "name");
         name != NULL && person->names->len < NAMES_MAX; name = erec_each_next(name)) {
        g_autofree char *text = name_of(name);
        const gboolean usual =
            erec_text_is(name, "use", "official") || erec_text_is(name, "use", "usual");

        if (erec_text(name, "family") != NULL)
            g_ptr_array_add(person->families, g_strdup(erec_text(name, "family")));
        if (*text == '\0')
            continue;
        g_ptr_array_insert(person->names,
                           usual                 ? 0
                           : is_other_name(name) ? -1
                                                 : current,
                           g_steal_pointer(&text));
        current += !is_other_name(name);
    }
}

static void
add_identifier(Person *person, const char *system, const char *value)
{
    if (value != NULL && person->identifiers->len < IDENTIFIERS_MAX)
        g_ptr_array_add(person->identifiers,
                        g_strdup_printf("%s|%s", system != NULL ? system : "", value));
}

static Person *
person_new(void)
{
    Person *person = g_new0(Person, 1);

    person->names = g_ptr_array_new_with_free_func(g_free);
    person->families = g_ptr_array_new_with_free_func(g_free);
    person->identifiers = g_ptr_array_new_with_free_func(g_free);
    return person;
}

static Person *
person_of_resource(const ErecNode *patient)
{
    Person *person = person_new();

    person->birth_date = g_strdup(erec_text(patient, "birthDate"));
    person->sex = g_strdup(erec_text(patient, "gender"));
    add_names(person, patient);
    for (const ErecNode *id = erec_each(patient, "identifier"); id != NULL;
         id = erec_each_next(id))
        add_identifier(person, erec_text(id, "system"), erec_text(id, "value"));
    return person;
}

/* Somebody who is not in the file: what is said beside the reference. */
static Person *
person_of_reference(const ErecNode *reference)
{
    Person *person = person_new();

    if (erec_text(reference, "display") != NULL)
        g_ptr_array_add(person->names, g_strdup(erec_text(reference, "display")));
    add_identifier(person, erec_text(reference, "identifier.system"),
                   erec_text(reference, "identifier.value"));
    if (person->names->len > 0 || person->identifiers->len > 0)
        return person;
    person_free(person);
    return NULL;
}

/* "BERG^ANNA^MARIA=…": family, given, middle; what is behind "=" is the same in other letters.
 */
static Person *
person_of_dicom(ErecSource *source)
{
    g_auto(ErecDicom) dicom = {0};
    g_auto(GStrv) parts = NULL;
    g_autofree char *name = NULL;
    Person *person;

    erec_dicom_read(source, &dicom);
    if (dicom.patient == NULL && dicom.birth_date == NULL && dicom.number == NULL)
        return NULL;
    person = person_new();
    person->birth_date = g_steal_pointer(&dicom.birth_date);
    person->sex = g_steal_pointer(&dicom.sex);
    add_identifier(person, NULL, dicom.number);
    if (dicom.patient == NULL)
        return person;
    dicom.patient[strcspn(dicom.patient, "=")] = '\0';
    parts = g_strsplit(dicom.patient, "^", 4);
    name = g_strdup_printf("%s %s %s", parts[0] != NULL && parts[1] != NULL ? parts[1] : "",
                           parts[0] != NULL && parts[1] != NULL && parts[2] != NULL ? parts[2]
                                                                                    : "",
                           parts[0] != NULL ? parts[0] : "");
    if (parts[0] != NULL && *parts[0] != '\0')
        g_ptr_array_add(person->families, g_strdup(parts[0]));
    g_ptr_array_add(person->names, g_strdup(g_strstrip(name)));
    return person;
}

GPtrArray *
people_new(void)
{
    return g_ptr_array_new_with_free_func((GDestroyNotify)person_free);
}

static void
add_person(GPtrArray *people, Person *person)
{
    if (person != NULL)
        g_ptr_array_add(people, person);
}

static Person *
stranger_of(const ErecNode *resource)
{
    const ErecNode *reference = erec_subject_of(resource), *contained;
    const char *target = erec_text(reference, "reference");

    if (target == NULL || *target != '#')
        return reference != NULL ? person_of_reference(reference) : NULL;
    contained = erec_contained(resource, target);
    return contained != NULL && erec_text_is(contained, "resourceType", "Patient")
               ? person_of_resource(contained)
               : NULL;
}

/* People who are no entries of the file, as far as its entries name them. Who is named alike is
 * told once. */
static void
add_strangers(GPtrArray *people, const ErecBundle *bundle)
{
    const guint n = MIN(erec_bundle_n_entries(bundle), ENTRIES_MAX);

    for (guint i = 0; i < n && people->len < PEOPLE_MAX; i++) {
        g_autoptr(ErecTree) tree = erec_bundle_load(bundle, i, NULL);
        g_autoptr(Person) person = tree != NULL ? stranger_of(erec_tree_root(tree)) : NULL;
        gboolean known = FALSE;

        for (guint k = 0; person != NULL && k < people->len && !known; k++)
            known = person_may_be_one(g_ptr_array_index(people, k), person);
        if (person != NULL && !known)
            g_ptr_array_add(people, g_steal_pointer(&person));
    }
}

static void
people_of_bundle(GPtrArray *people, const ErecBundle *bundle)
{
    g_autoptr(GArray) all = erec_subject_all(bundle);

    for (guint i = 0; i < all->len; i++) {
        g_autoptr(ErecTree) tree = erec_bundle_load(bundle, g_array_index(all, guint, i), NULL);

        if (tree != NULL)
            add_person(people, person_of_resource(erec_tree_root(tree)));
    }
    if (all->len == 0) {
        g_auto(ErecSubject) subject = {.entry = -1};

        erec_subject_find(bundle, &subject);
        if (subject.patient != NULL)
            add_person(people, person_of_resource(subject.patient));
        else if (subject.reference != NULL)
            add_person(people, person_of_reference(subject.reference));
        add_strangers(people, bundle);
    }
}

GPtrArray *
people_of_file(const char *path)
{
    g_autoptr(ErecSource) source = erec_source_new_path(path, NULL);
    g_autoptr(ErecBundle) bundle = NULL;
    GPtrArray *people = people_new();

    if (source == NULL)
        return people;
    if (erec_kind_of(source) == EREC_KIND_DICOM)
        add_person(people, person_of_dicom(source));
    else if ((bundle = erec_bundle_new(source, NULL)) != NULL)
        people_of_bundle(people, bundle);
    return people;
}

Person *
person_of_file(const char *path)
{
    g_autoptr(GPtrArray) people = people_of_file(path);

    return people->len > 0 ? g_ptr_array_steal_index(people, 0) : NULL;
}

/* --- showing ---------------------------------------------------------------------------------
 */

static void
show_line(const char *label, const char *value)
{
    g_autofree char *safe = value != NULL ? ehrlink_safe_text(value, SHOWN_MAX) : NULL;

    output_note("  %-14s %s", label, safe != NULL ? safe : _("not said"));
}

static void
show_person(const Person *person)
{
    show_line(_("Name:"), person->names->len > 0 ? person->names->pdata[0] : NULL);
    show_line(_("Born:"), person->birth_date);
    show_line(_("Sex:"), person->sex);
    for (guint i = 0; i < person->identifiers->len; i++)
        show_line(i == 0 ? _("Identifier:") : "", person->identifiers->pdata[i]);
}

void
people_show(const GPtrArray *people)
{
    if (people->len == 0)
        output_note(
            _("What can be read here of the records does not say whom they are about."));
    else if (people->len == 1)
        output_note(_("The records are about:"));
    else
        output_note(_("*** THE RECORDS ARE ABOUT MORE THAN ONE PERSON: ***"));
    for (guint i = 0; i < people->len; i++) {
        if (i > 0)
            output_note(_("and about:"));
        show_person(g_ptr_array_index(people, i));
    }
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
