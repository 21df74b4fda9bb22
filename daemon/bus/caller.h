/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdCaller: who calls, known by the unique name that the bus stamps on every message. Learns
 * the uid from the bus (asynchronously, once per connection), notices when the connection is
 * gone, and counts what it has under way. A unique name is never given twice while a bus lives,
 * so what was learned stays true. Works in the main context in which EhdCallers was made.
 */
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

/* Methods under way at once, of one connection and of one uid. The system bus itself allows 128
 * unanswered calls per connection. */
#define EHD_CALLER_CALLS_MAX 64
#define EHD_UID_CALLS_MAX    128
/* Callers that are remembered although they have nothing here. */
#define EHD_CALLERS_KEPT     32

typedef struct EhdCallers EhdCallers;
typedef struct EhdCaller EhdCaller;

/* The caller left the bus; told once. */
typedef void (*EhdCallerGone)(EhdCaller *caller, gpointer user_data);
/* The uid is known (ehd_caller_get_uid), or the caller is gone (ehd_caller_is_gone). */
typedef void (*EhdCallerKnown)(EhdCaller *caller, gpointer user_data);

EhdCallers *ehd_callers_new(GDBusConnection *connection, EhdCallerGone on_gone,
                            gpointer user_data);
/* Takes all its callers with it: whoever still holds one must not touch it again. */
void ehd_callers_free(EhdCallers *callers);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdCallers, ehd_callers_free)

/* (transfer full) The caller with this unique name. */
EhdCaller *ehd_callers_get(EhdCallers *callers, const char *name);
EhdCaller *ehd_caller_ref(EhdCaller *caller);
void ehd_caller_unref(EhdCaller *caller);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdCaller, ehd_caller_unref)

/* Calls back once, at once if it is known already. A reference is held until then. */
void ehd_caller_when_known(EhdCaller *caller, EhdCallerKnown callback, gpointer user_data);

const char *ehd_caller_get_name(const EhdCaller *caller);
/* Only once known and not gone. */
uid_t ehd_caller_get_uid(const EhdCaller *caller);
gboolean ehd_caller_is_gone(const EhdCaller *caller);
/* Cancelled when the caller leaves; for everything that is done for it alone. Borrowed. */
GCancellable *ehd_caller_get_cancellable(EhdCaller *caller);

/* One more call of this connection; LIMIT_REACHED. */
gboolean ehd_caller_enter(EhdCaller *caller, GError **error);
/* It is one more of its uid as well, once that is known; LIMIT_REACHED. */
gboolean ehd_caller_enter_uid(EhdCaller *caller, GError **error);
/* Takes back both, as far as they were entered. */
void ehd_caller_leave(EhdCaller *caller, gboolean uid_entered);
