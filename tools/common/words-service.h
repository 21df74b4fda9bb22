/* SPDX-License-Identifier: Apache-2.0
 *
 * What the service says, in the language of whoever reads it. It writes English and marks its
 * sentences as message ids (daemon/words.h); what is none of them is a name, a number or a
 * path, and stays as it is.
 */
#pragma once

#include <glib.h>

/* The detail of an error or of a finding: parts with ": " between them, each translated where
 * it is known, or where it fits one of the forms (words-forms.h). Transfer full. */
char *words_detail(const char *english);
/* The message of an error, likewise; safe to print; transfer full. */
char *words_error(const GError *error);
/* What was found, of a finding as Manager.Diagnose has it; safe to print; transfer full. */
char *words_finding(GVariant *finding);
/* What to do about it; NULL: nothing. Static, or borrowed from the finding. */
const char *words_remedy(GVariant *finding);
