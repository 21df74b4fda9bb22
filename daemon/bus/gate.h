/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdGate: the one place where permission is asked for. It asks polkit, never waits for it, and
 * what comes out of a yes is an EhdGrant, without which no privileged function of the core can
 * be called. Nothing that polkit does (refuse, fail, be slow, hang, be absent) keeps the daemon
 * from answering others.
 */
#pragma once

#include <gio/gio.h>

#include "daemon/core/grant.h"

typedef struct EhdGate EhdGate;

/* How long polkit may take: for itself, and with a person at a prompt. */
#define EHD_GATE_QUIET_MS  10000
#define EHD_GATE_PROMPT_MS 180000

/* own_uid: of this process; it and root pass where there is no polkit to ask. */
EhdGate *ehd_gate_new(GDBusConnection *connection, uid_t own_uid);
/* Questions under way end with G_IO_ERROR_CANCELLED. */
void ehd_gate_free(EhdGate *gate);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdGate, ehd_gate_free)

/* For tests. */
void ehd_gate_set_limits(EhdGate *gate, int quiet_ms, int prompt_ms);

/* May the program with the unique name `sender`, of uid, do this? interactive: the caller
 * allows a prompt. cancellable: cancelled when the caller leaves; polkit is told. */
void ehd_gate_check_async(EhdGate *gate, const char *sender, uid_t uid, EhdAction action,
                          gboolean interactive, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data);
/* (transfer full), or NULL: NOT_AUTHORIZED, or G_IO_ERROR_CANCELLED. */
EhdGrant *ehd_gate_check_finish(EhdGate *gate, GAsyncResult *result, GError **error);

/* Is there a polkit to ask? For the doctor. finish: FALSE without an error: no. */
void ehd_gate_probe_async(EhdGate *gate, GAsyncReadyCallback callback, gpointer user_data);
gboolean ehd_gate_probe_finish(EhdGate *gate, GAsyncResult *result, GError **error);
