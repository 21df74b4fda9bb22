/* SPDX-License-Identifier: Apache-2.0
 *
 * What is missing on this machine and how to mend it, for Manager.Diagnose. The bus adds its
 * own finding (polkit).
 */
#pragma once

#include "daemon/core/core.h"

typedef enum { EHD_LEVEL_OK, EHD_LEVEL_NOTE, EHD_LEVEL_WARNING, EHD_LEVEL_PROBLEM } EhdLevel;
const char *ehd_level_name(EhdLevel level); /* "ok" … */

typedef struct {
    /* static: reader, link, strangers, identity, revocation, trust, clock, state, room */
    const char *id;
    EhdLevel level;
    ehp_status error; /* EHP_OK unless a problem */
    char *text;       /* owned, English */
    char *remedy;     /* owned, English; NULL: nothing to do */
} EhdFinding;

EhdFinding *ehd_finding_new(const char *id, EhdLevel level, ehp_status error, const char *text,
                            const char *remedy);
void ehd_finding_free(EhdFinding *finding);

/* finish: (transfer full) GPtrArray of EhdFinding. Asks the reader unless a session holds it.
 */
void ehd_doctor_async(EhdCore *core, GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *ehd_doctor_finish(EhdCore *core, GAsyncResult *result, GError **error);
