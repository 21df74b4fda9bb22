/* SPDX-License-Identifier: Apache-2.0
 *
 * Who a record says it is about: read from its Patient, shown, compared; never merged, never kept.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "ehrlink.h"

/* All owned; NULL or empty: the record does not say. */
typedef struct Person Person;
struct Person {
    GPtrArray *names;       /* of char, as they are written, the usual one first */
    GPtrArray *families;    /* of char, the family names alone; empty when they are not told apart */
    char *birth_date, *sex; /* FHIR date; administrative gender */
    GPtrArray *identifiers; /* of char, "system|value" */
    Person *also;           /* what another file says of the same person: for comparing only */
};

void person_free(Person *person);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Person, person_free)
/* Of a FHIR record (JSON) or a DICOM file; NULL when it names nobody or is no such file. */
Person *person_of_file(const char *path);
/* Everybody whom it is about, of Person; that of person_of_file() first. Never NULL. */
GPtrArray *people_of_file(const char *path);
/* Adds those of a file who cannot be one of `people`; to an array of people_new(). */
GPtrArray *people_new(void);
void people_take(GPtrArray *people, const char *path);
/* The people of all these files who cannot be one; of each the file that says most of them. */
GPtrArray *people_of_directory(const char *directory, const GPtrArray *files);

/* Certainly two people: one system with two numbers, or two dates of birth. */
gboolean person_conflict(const Person *a, const Person *b);
/* No conflict, and names that share a word, or none. */
gboolean person_may_be_one(const Person *a, const Person *b);
/* Marks the items of people who cannot be one: the service refuses to send them together. */
void person_mark_subjects(GPtrArray *items);

/* Whether that is a file with a FHIR Patient, or KEY=VALUE with a key that there is. */
gboolean person_can_be_expected(const char *text);

/* expected: files with a FHIR Patient, or KEY=VALUE: name, family, birth-date, sex, identifier (value, or
 * system|value). What differs, in words; empty: nothing. What the record does not say differs. */
GStrv person_compare(const Person *person, char **expected);

/* On the screen; with more than one a warning. */
void people_show(const GPtrArray *people);
void person_add_members(const Person *person, JsonBuilder *builder);
