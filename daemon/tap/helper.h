/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdTapHelper: a running ehrlink-nfc and the socket to it. Started, watched, ended; what the
 * messages mean is tap.c's.
 */
#pragma once

#include "daemon/nfc/wire.h"
#include "daemon/tap/tap.h"

typedef struct EhdTapHelper EhdTapHelper;

typedef struct {
    /* A message that parsed; borrowed. May call any function but free. */
    void (*on_message)(const EhdNfcMessage *message, gpointer user_data);
    /* The helper is gone of itself, or said nonsense. It is already stopped. */
    void (*on_gone)(gpointer user_data);
} EhdTapHelperEvents;

EhdTapHelper *ehd_tap_helper_new(const EhdTapConfig *config, const EhdTapHelperEvents *events,
                                 gpointer user_data);
/* Stops first. From within a callback only as the last thing it does. */
void ehd_tap_helper_free(EhdTapHelper *helper);

gboolean ehd_tap_helper_is_running(EhdTapHelper *helper);
/* Starts or connects; no-op when running. FALSE with *why (static or borrowed until the next
 * call) if that cannot be done. */
gboolean ehd_tap_helper_start(EhdTapHelper *helper, const char **why);
/* Hangs up: the helper closes the reader and ends. With `now` it is killed: it did not answer.
 */
void ehd_tap_helper_stop(EhdTapHelper *helper, gboolean now);
/* Sends if running; a failure is an on_gone to come. */
void ehd_tap_helper_send(EhdTapHelper *helper, const EhdNfcMessage *message);
