/* SPDX-License-Identifier: Apache-2.0
 *
 * ErecNames: the words of the names of the people whom records are about, to keep them out of
 * titles and file names: a manifest never carries a patient's name. It errs on the side of
 * finding one.
 */
#pragma once

#include "lib/record/json.h"

typedef struct ErecNames ErecNames;

ErecNames *erec_names_new(void);
void erec_names_free(ErecNames *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ErecNames, erec_names_free)

/* The words of a name as written anywhere ("Müller, Anna", "MUELLER^ANNA"). NULL adds nothing.
 */
void erec_names_add(ErecNames *self, const char *name);
/* Every name of a Patient or RelatedPerson. */
void erec_names_add_person(ErecNames *self, const ErecNode *person);
void erec_names_add_all(ErecNames *self, const ErecNames *others);
gboolean erec_names_is_empty(const ErecNames *self);
/* Whether one of the words is in the text. */
gboolean erec_names_are_in(const ErecNames *self, const char *text);
