/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdRadio: the daemon's client of ehrlink-bt. Started or connected when something is asked of
 * it, let go of when nothing is wanted any more. Main context.
 */
#pragma once

#include <gio/gio.h>

#include "daemon/radio/wire.h"

typedef struct EhdRadio EhdRadio;

/* program: absolute, or NULL; socket_path: NULL, or a socket-activated helper's, which is then
 * used. Copied. */
EhdRadio *ehd_radio_new(const char *program, const char *socket_path, gboolean verbose);
/* What is under way ends with G_IO_ERROR_CANCELLED. */
void ehd_radio_free(EhdRadio *radio);

/* Is there one on this machine? If not, links go through bluetoothd. */
gboolean ehd_radio_is_installed(EhdRadio *radio);

/* Asks; message is copied (data too), its id is set here. Every error is one of ours; a helper
 * that fails is RADIO_HELPER_FAILED. */
void ehd_radio_ask_async(EhdRadio *radio, const EhdRadioMessage *message,
                         GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data);
/* For CONNECT: the descriptor, (transfer full), connected, non-blocking; -1 with error. */
int ehd_radio_ask_finish_fd(EhdRadio *radio, GAsyncResult *result, GError **error);
/* For the others. value and oob (EHD_RADIO_OOB_LEN bytes) may be NULL; *has_oob. */
gboolean ehd_radio_ask_finish(EhdRadio *radio, GAsyncResult *result, gboolean *value,
                              guint8 *oob, gboolean *has_oob, GError **error);

/* Something is set that the helper puts back when we hang up: stay connected until released.
 * Counted. */
void ehd_radio_keep(EhdRadio *radio);
void ehd_radio_let_go(EhdRadio *radio);
