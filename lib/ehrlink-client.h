/* SPDX-License-Identifier: Apache-2.0
 *
 * EhrlinkClient: the service on the bus; opens sessions, and keeps this machine's identity and
 * the authorities that it trusts.
 */
#pragma once

#include <gio/gio.h>

#include "ehrlink-item.h"
#include "ehrlink-session.h"

G_BEGIN_DECLS
#pragma GCC visibility push(default)

#define EHRLINK_TYPE_CLIENT (ehrlink_client_get_type())

/**
 * EhrlinkClient:
 *
 * A connection to the service. The service is started by the bus when it is called, and leaves
 * when it has nothing to do; a client does not notice, other than by #EhrlinkClient:available.
 *
 * The a{sv} arguments and results have the keys that org.ehrlink1.Manager documents. An option
 * that the service does not know is refused (%EHRLINK_ERROR_INVALID_ARGUMENT). A floating
 * reference of an argument is taken.
 */
G_DECLARE_FINAL_TYPE(EhrlinkClient, ehrlink_client, EHRLINK, CLIENT, GObject)

/**
 * EhrlinkClient:connection:
 *
 * The message bus.
 */

/**
 * EhrlinkClient:available:
 *
 * Whether the service is running at the moment.
 */

/**
 * EhrlinkClient:interactive:
 *
 * Whether polkit may ask the user for a password during a call; %TRUE at first.
 */

/**
 * ehrlink_client_new_async:
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * Connects to the system bus and starts the service.
 */
void ehrlink_client_new_async(GCancellable *cancellable, GAsyncReadyCallback callback,
                              gpointer user_data);

/**
 * ehrlink_client_new_for_connection_async:
 * @connection: a message bus
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * As ehrlink_client_new_async(), on a bus of the caller's choice.
 */
void ehrlink_client_new_for_connection_async(GDBusConnection *connection,
                                             GCancellable *cancellable,
                                             GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_client_new_finish:
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Finishes both.
 *
 * Returns: (transfer full): a client; %NULL with an error set,
 * %EHRLINK_ERROR_DAEMON_UNAVAILABLE if there is no bus or the service does not start
 */
EhrlinkClient *ehrlink_client_new_finish(GAsyncResult *result, GError **error);

/**
 * ehrlink_client_get_connection:
 * @self: a client
 *
 * Returns: (transfer none): the message bus
 */
GDBusConnection *ehrlink_client_get_connection(EhrlinkClient *self);

/**
 * ehrlink_client_get_available:
 * @self: a client
 *
 * Returns: whether the service is running at the moment
 */
gboolean ehrlink_client_get_available(EhrlinkClient *self);

/**
 * ehrlink_client_get_interactive:
 * @self: a client
 *
 * Returns: whether polkit may ask the user for a password
 */
gboolean ehrlink_client_get_interactive(EhrlinkClient *self);

/**
 * ehrlink_client_set_interactive:
 * @self: a client
 * @interactive: whether polkit may ask the user for a password
 */
void ehrlink_client_set_interactive(EhrlinkClient *self, gboolean interactive);

/**
 * ehrlink_client_get_version:
 * @self: a client
 *
 * Returns: (transfer none): the version of the service, "0.1.0"; valid as long as the client
 */
const char *ehrlink_client_get_version(EhrlinkClient *self);

/**
 * ehrlink_client_get_protocol_version:
 * @self: a client
 *
 * Returns: the newest version of the protocol that the service speaks
 */
guint ehrlink_client_get_protocol_version(EhrlinkClient *self);

/**
 * ehrlink_client_get_unread_sessions:
 * @self: a client
 *
 * While it is not 0, a session that ehrlink_client_list_sessions_async() does not tell may be one of
 * these: what was collected of it must be kept.
 *
 * Returns: how many sessions the service keeps that it could not read when it was started
 */
guint ehrlink_client_get_unread_sessions(EhrlinkClient *self);

/**
 * ehrlink_client_send_async:
 * @self: a client
 * @items: (array length=n_items): what to send, in this order; each gets its index as id
 * @n_items: how many, 1 to 16384
 * @options: (nullable): an a{sv}, or %NULL for none
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * Opens a session as the patient's device. Every file is opened and looked at first: one that
 * is missing, unreadable, empty, a directory or anything else but a regular file ends it with
 * %EHRLINK_ERROR_NO_INPUT, and the file's name in the message, before the service is called.
 * Later each is opened again when its turn comes, and must not have changed.
 *
 * Options are those of Manager.Send but "agent": "timeout", "linger" (u), "detach",
 * "offer-later", "replies" (b), "acting-as" (s). With "detach" the session goes on without this
 * program only with the files that are open by then, at most eight; for others it waits for a
 * program that calls ehrlink_client_reattach_async() with the items.
 *
 * If @cancellable is cancelled in between, a session that was opened already is cancelled too;
 * a service that waits for a password is not waited for, and what it opens later is cancelled
 * then.
 */
void ehrlink_client_send_async(EhrlinkClient *self, EhrlinkItem **items, gsize n_items,
                               GVariant *options, GCancellable *cancellable,
                               GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_client_send_finish:
 * @self: the client
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer full): the session, attached; %NULL with an error set
 */
EhrlinkSession *ehrlink_client_send_finish(EhrlinkClient *self, GAsyncResult *result,
                                           GError **error);

/**
 * ehrlink_client_receive_async:
 * @self: a client
 * @options: (nullable): an a{sv}, or %NULL for none
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * Opens a session as a clinic's terminal.
 *
 * Options are those of Manager.Receive but "agent": "timeout", "filing-timeout" (u), "detach",
 * "unverified", "list" (b), "purpose", "text", "directory" (s), "categories" (as),
 * "period-days", "retention-days" (t), "operator" (a{sv}), "queries" (aa{sv}).
 *
 * If @cancellable is cancelled in between, a session that was opened already is cancelled too;
 * a service that waits for a password is not waited for, and what it opens later is cancelled
 * then.
 */
void ehrlink_client_receive_async(EhrlinkClient *self, GVariant *options,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data);

/**
 * ehrlink_client_receive_finish:
 * @self: the client
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer full): the session, attached; %NULL with an error set
 */
EhrlinkSession *ehrlink_client_receive_finish(EhrlinkClient *self, GAsyncResult *result,
                                              GError **error);

/**
 * ehrlink_client_reattach_async:
 * @self: a client
 * @path: the object path of a session
 * @items: (array length=n_items) (nullable): at a sender what was given to
 *   ehrlink_client_send_async(); unchanged, or it fails with %EHRLINK_ERROR_ITEM_CHANGED
 * @n_items: how many; 0 at a receiver
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * Takes up a session of the same user, after this program was restarted or instead of another
 * one. What the service asked before may be asked again.
 */
void ehrlink_client_reattach_async(EhrlinkClient *self, const char *path, EhrlinkItem **items,
                                   gsize n_items, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_client_reattach_finish:
 * @self: the client
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer full): the session, attached; %NULL with an error set
 */
EhrlinkSession *ehrlink_client_reattach_finish(EhrlinkClient *self, GAsyncResult *result,
                                               GError **error);

/**
 * ehrlink_client_list_sessions_async:
 * @self: a client
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * All sessions of the calling user, whichever program opened them. Those that this client is
 * attached to are the same objects; the others are not attached.
 */
void ehrlink_client_list_sessions_async(EhrlinkClient *self, GCancellable *cancellable,
                                        GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_client_list_sessions_finish:
 * @self: the client
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer container) (element-type EhrlinkSession): the sessions; %NULL with an
 * error set
 */
GPtrArray *ehrlink_client_list_sessions_finish(EhrlinkClient *self, GAsyncResult *result,
                                               GError **error);

/**
 * ehrlink_client_get_identity_async:
 * @self: a client
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * This machine's identity as a terminal.
 */
void ehrlink_client_get_identity_async(EhrlinkClient *self, GCancellable *cancellable,
                                       GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_client_get_identity_finish:
 * @self: the client
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer full): an a{sv} as documented at Manager.GetIdentity; %NULL with an error
 * set
 */
GVariant *ehrlink_client_get_identity_finish(EhrlinkClient *self, GAsyncResult *result,
                                             GError **error);

/**
 * ehrlink_client_init_identity_async:
 * @self: a client
 * @options: (nullable): an a{sv}, or %NULL for none
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * Makes the device key, unless there is one, and a signing request for the operator's
 * authority. Options: "organisation", "terminal", "locality", "country" (s), "replace" (b).
 */
void ehrlink_client_init_identity_async(EhrlinkClient *self, GVariant *options,
                                        GCancellable *cancellable, GAsyncReadyCallback callback,
                                        gpointer user_data);

/**
 * ehrlink_client_init_identity_finish:
 * @self: the client
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer full): an a{sv} with "fingerprint", "csr" (s); %NULL with an error set
 */
GVariant *ehrlink_client_init_identity_finish(EhrlinkClient *self, GAsyncResult *result,
                                              GError **error);

/**
 * ehrlink_client_import_identity_async:
 * @self: a client
 * @chain: X.509 certificates, PEM, leaf first; empty: only the CRLs are replaced
 * @crls: (array zero-terminated=1) (nullable): X.509 CRLs, PEM
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * Takes the certificates that the authority issued.
 */
void ehrlink_client_import_identity_async(EhrlinkClient *self, const char *chain,
                                          const char *const *crls, GCancellable *cancellable,
                                          GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_client_import_identity_finish:
 * @self: the client
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer full): as ehrlink_client_get_identity_finish(); %NULL with an error set
 */
GVariant *ehrlink_client_import_identity_finish(EhrlinkClient *self, GAsyncResult *result,
                                                GError **error);

/**
 * ehrlink_client_add_trust_async:
 * @self: a client
 * @certificate: one X.509 CA certificate, PEM
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * Trusts an authority to vouch for terminals.
 */
void ehrlink_client_add_trust_async(EhrlinkClient *self, const char *certificate,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer user_data);

/**
 * ehrlink_client_add_trust_finish:
 * @self: the client
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer full): its fingerprint; %NULL with an error set
 */
char *ehrlink_client_add_trust_finish(EhrlinkClient *self, GAsyncResult *result,
                                      GError **error);

/**
 * ehrlink_client_list_trust_async:
 * @self: a client
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * The authorities that this machine trusts.
 */
void ehrlink_client_list_trust_async(EhrlinkClient *self, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_client_list_trust_finish:
 * @self: the client
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer full): an aa{sv} with "fingerprint", "name" (s), "not-after" (x), "system"
 * (b); %NULL with an error set
 */
GVariant *ehrlink_client_list_trust_finish(EhrlinkClient *self, GAsyncResult *result,
                                           GError **error);

/**
 * ehrlink_client_remove_trust_async:
 * @self: a client
 * @fingerprint: at least its first 8 hex digits, unambiguous
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * Trusts an authority no longer.
 */
void ehrlink_client_remove_trust_async(EhrlinkClient *self, const char *fingerprint,
                                       GCancellable *cancellable, GAsyncReadyCallback callback,
                                       gpointer user_data);

/**
 * ehrlink_client_remove_trust_finish:
 * @self: the client
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: %TRUE, or %FALSE with an error set
 */
gboolean ehrlink_client_remove_trust_finish(EhrlinkClient *self, GAsyncResult *result,
                                            GError **error);

/**
 * ehrlink_client_verify_receipt_async:
 * @self: a client
 * @receipt: as ehrlink_session_get_receipt_finish() returned it
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * Checks a receipt, and says what it states. %EHRLINK_ERROR_RECEIPT_INVALID if it is malformed
 * or its signature wrong; whether the signer is one to be trusted is "verified" in the result.
 */
void ehrlink_client_verify_receipt_async(EhrlinkClient *self, GBytes *receipt,
                                         GCancellable *cancellable,
                                         GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_client_verify_receipt_finish:
 * @self: the client
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer full): an a{sv} as documented at Manager.VerifyReceipt; %NULL with an
 * error set
 */
GVariant *ehrlink_client_verify_receipt_finish(EhrlinkClient *self, GAsyncResult *result,
                                               GError **error);

/**
 * ehrlink_client_verify_origin_async:
 * @self: a client
 * @proof: as ehrlink_session_get_origin_finish() returned it
 * @crl: (nullable): a revocation list (DER) that was published since
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * Checks the proof of where something comes from. %EHRLINK_ERROR_ORIGIN_INVALID if it is
 * malformed or a signature wrong; whether the signer is one to be trusted is "verified" in the
 * result.
 */
void ehrlink_client_verify_origin_async(EhrlinkClient *self, GBytes *proof, GBytes *crl,
                                        GCancellable *cancellable, GAsyncReadyCallback callback,
                                        gpointer user_data);

/**
 * ehrlink_client_verify_origin_finish:
 * @self: the client
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer full): an a{sv} as documented at Manager.VerifyOrigin; %NULL with an error
 * set
 */
GVariant *ehrlink_client_verify_origin_finish(EhrlinkClient *self, GAsyncResult *result,
                                              GError **error);

/**
 * ehrlink_client_diagnose_async:
 * @self: a client
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * Looks for what is missing on this machine.
 */
void ehrlink_client_diagnose_async(EhrlinkClient *self, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_client_diagnose_finish:
 * @self: the client
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer full): an aa{sv} with "id", "level", "error", "text", "remedy" (s), and
 * "words", "detail" (s), "arguments" (as) for who translates; %NULL with an error set
 */
GVariant *ehrlink_client_diagnose_finish(EhrlinkClient *self, GAsyncResult *result,
                                         GError **error);

#pragma GCC visibility pop
G_END_DECLS
