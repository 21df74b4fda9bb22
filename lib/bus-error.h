/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <gio/gio.h>

/* Whether a call failed because the service ended, rather than by its answer; before mapping.
 */
gboolean ehrlink_bus_error_is_gone(const GError *error);

/* Turns what GDBus returned into an error of EHRLINK_ERROR with a clean message.
 * G_IO_ERROR_CANCELLED is left as it is. Takes @error, returns (transfer full). */
GError *ehrlink_bus_error_map(GError *error);
