/* SPDX-License-Identifier: Apache-2.0
 *
 * What is missing on this machine and how to mend it, for Manager.Diagnose. The bus adds its
 * own finding (polkit).
 */
#pragma once

#include "daemon/core/core.h"
#include "daemon/core/finding.h"

/* finish: (transfer full) GPtrArray of EhdFinding. Asks the reader unless a session holds it.
 */
void ehd_doctor_async(EhdCore *core, GAsyncReadyCallback callback, gpointer user_data);
GPtrArray *ehd_doctor_finish(EhdCore *core, GAsyncResult *result, GError **error);
