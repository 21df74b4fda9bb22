/* SPDX-License-Identifier: Apache-2.0
 *
 * Who a record says it is about: read from its Patient, shown, compared; never merged, never kept.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "ehrlink.h"

/* All owned; NULL or empty: the record does not say. */
typedef struct {
    GPtrArray *names;       /* of char, as they are written, the usual one first */
    char *birth_date, *sex; /* FHIR date; administrative gender */
    GPtrArray *identifiers; /* of char, "system|value" */
} Person;

/* Of a FHIR record (JSON); NULL when it names no patient or is no such record. */
Person *person_of_file(const char *path);
/* Of the first of these files of a directory that says so. */
Person *person_of_directory(const char *directory, GPtrArray *files);
void person_free(Person *person);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Person, person_free)

/* Certainly two people: one system with two numbers, or two dates of birth. */
gboolean person_conflict(const Person *a, const Person *b);
/* Marks the items of people who cannot be one: the service refuses to send them together. */
void person_mark_subjects(GPtrArray *items);

/* Whether that is a file with a FHIR Patient, or KEY=VALUE with a key that there is. */
gboolean person_can_be_expected(const char *text);

/* expected: files with a FHIR Patient, or KEY=VALUE: name, family, birth-date, sex, identifier (value, or
 * system|value). What differs, in words; empty: nothing. What the record does not say differs. */
GStrv person_compare(const Person *person, char **expected);

/* On the screen; NULL: that nobody is named. */
void person_show(const Person *person);
void person_add_members(const Person *person, JsonBuilder *builder);
