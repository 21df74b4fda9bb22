/* SPDX-License-Identifier: Apache-2.0
 *
 * EHD_ERROR: the one GError domain of the daemon. Its codes are ehp_status (proto/errors.def);
 * on the bus each is org.ehrlink1.Error.<Name>, registered when the quark is first asked for.
 */
#pragma once

#include <glib.h>

#include "proto/status.h"

#define EHD_ERROR            (ehd_error_quark())
#define EHD_ERROR_BUS_PREFIX "org.ehrlink1.Error."

GQuark ehd_error_quark(void);

/* Sets *error (which may be NULL) to `status`. The message is the detail alone, in English and
 * without a full stop ("device.conf: line 3 …"): whoever shows it says ehp_status_text first.
 * With a NULL format the message is ehp_status_text. Never put a secret, a patient's name or an
 * address in it: messages are logged. */
void ehd_error_set(GError **error, ehp_status status, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

/* The same from errno: ENOSPC and EDQUOT become NO_SPACE, ENOENT NOT_FOUND, ENOMEM NO_MEMORY,
 * anything else STORE_FAILED. `what` says what we were doing ("write ledger/3f"); strerror is
 * appended. */
void ehd_error_set_errno(GError **error, int saved_errno, const char *what);

/* Puts "<what we were doing>: " before the message; does nothing where there is no error. Once
 * per layer. */
void ehd_error_prefix(GError **error, const char *format, ...) G_GNUC_PRINTF(2, 3);

/* What an error means: its code when the domain is EHD_ERROR; a remote D-Bus error of our names
 * is mapped back; EHP_INTERNAL for every other domain; EHP_OK for NULL. */
ehp_status ehd_error_status(const GError *error);
