/* SPDX-License-Identifier: Apache-2.0
 *
 * One finding of the doctor, made so that it can be said in any language: a marked sentence
 * (daemon/words.h) apart from what is filled in and from what is told beside it.
 */
#pragma once

#include <glib.h>

#include "proto/status.h"

typedef enum { EHD_LEVEL_OK, EHD_LEVEL_NOTE, EHD_LEVEL_WARNING, EHD_LEVEL_PROBLEM } EhdLevel;
const char *ehd_level_name(EhdLevel level); /* "ok" … */

typedef struct {
    /* static: reader, link, strangers, identity, revocation, trust, clock, state, room */
    const char *id;
    EhdLevel level;
    ehp_status error; /* EHP_OK unless a problem */
    char *words;      /* owned, a sentence that N_() marked; {1} … {9} are its arguments */
    GPtrArray *arguments; /* owned, of owned strings: names, numbers */
    char *detail; /* owned; NULL: none. As messages of errors are: parts behind colons */
    char *remedy; /* owned, marked; NULL: nothing to do */
} EhdFinding;

EhdFinding *ehd_finding_new(const char *id, EhdLevel level, ehp_status error, const char *words,
                            const char *remedy);
/* The next of its arguments. */
void ehd_finding_argument(EhdFinding *finding, const char *format, ...) G_GNUC_PRINTF(2, 3);
/* detail: NULL, empty, or what words say already: none. */
void ehd_finding_set_detail(EhdFinding *finding, const char *detail);
/* All of it in English, (transfer full): for who does not translate. */
char *ehd_finding_text(const EhdFinding *finding);
void ehd_finding_free(EhdFinding *finding);
