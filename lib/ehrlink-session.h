/* SPDX-License-Identifier: Apache-2.0
 *
 * EhrlinkSession: what one tap opens between two devices, from arming the reader to the
 * receipt.
 */
#pragma once

#include <gio/gio.h>

#include "ehrlink-error.h"
#include "ehrlink-item.h"

G_BEGIN_DECLS
#pragma GCC visibility push(default)

/**
 * EhrlinkSessionState:
 * @EHRLINK_SESSION_STATE_UNKNOWN: a state that this version of the library does not know
 * @EHRLINK_SESSION_STATE_READY: armed, waiting for the tap
 * @EHRLINK_SESSION_STATE_TAPPING: the other device is in the field; hold still
 * @EHRLINK_SESSION_STATE_STOPPED: patient: the terminal could not be verified
 * @EHRLINK_SESSION_STATE_TAPPED: the tap is complete, the devices may be lifted
 * @EHRLINK_SESSION_STATE_DECIDING: the patient decides
 * @EHRLINK_SESSION_STATE_TRANSFERRING: items are under way
 * @EHRLINK_SESSION_STATE_SUSPENDED: the link is lost; it may come back
 * @EHRLINK_SESSION_STATE_CONFIRMING: everything arrived; staff have yet to confirm
 * @EHRLINK_SESSION_STATE_FILED: confirmed; the session is about to end
 * @EHRLINK_SESSION_STATE_DONE: ended well
 * @EHRLINK_SESSION_STATE_FAILED: ended otherwise; see ehrlink_session_dup_error()
 */
typedef enum {
    EHRLINK_SESSION_STATE_UNKNOWN = 0,
    EHRLINK_SESSION_STATE_READY = 1,
    EHRLINK_SESSION_STATE_TAPPING = 2,
    EHRLINK_SESSION_STATE_STOPPED = 3,
    EHRLINK_SESSION_STATE_TAPPED = 4,
    EHRLINK_SESSION_STATE_DECIDING = 5,
    EHRLINK_SESSION_STATE_TRANSFERRING = 6,
    EHRLINK_SESSION_STATE_SUSPENDED = 7,
    EHRLINK_SESSION_STATE_CONFIRMING = 8,
    EHRLINK_SESSION_STATE_FILED = 9,
    EHRLINK_SESSION_STATE_DONE = 10,
    EHRLINK_SESSION_STATE_FAILED = 11,
} EhrlinkSessionState;

/**
 * EhrlinkRole:
 * @EHRLINK_ROLE_PATIENT: the patient's device
 * @EHRLINK_ROLE_TERMINAL: the clinic's terminal
 *
 * Which of the two devices this one is in a session.
 */
typedef enum {
    EHRLINK_ROLE_PATIENT = 0,
    EHRLINK_ROLE_TERMINAL = 1,
} EhrlinkRole;

/**
 * ehrlink_session_state_to_string:
 * @state: a state
 *
 * Returns: (transfer none): its name on the bus, "ready"; "unknown" for any other value
 */
const char *ehrlink_session_state_to_string(EhrlinkSessionState state);

#define EHRLINK_TYPE_SESSION (ehrlink_session_get_type())

/**
 * EhrlinkSession:
 *
 * Comes from ehrlink_client_send_async(), ehrlink_client_receive_async() or
 * ehrlink_client_reattach_async(), and is then *attached*: the service asks this process for
 * files and consent, and the signals are emitted. An attached session is kept alive by the
 * library until it has ended; dropping the last reference does not cancel it.
 *
 * Sessions from ehrlink_client_list_sessions_async() are not attached: they emit nothing and
 * hold what was true then; ehrlink_session_refresh_async() asks again. All methods work on
 * them.
 *
 * If the service ends in between, an attached session emits #EhrlinkSession::detached, starts
 * the service again, attaches itself, its items included, and emits
 * #EhrlinkSession::reattached; calls under way are repeated where that is safe. If the service
 * no longer knows the session, it ends with %EHRLINK_ERROR_DAEMON_UNAVAILABLE.
 */
G_DECLARE_FINAL_TYPE(EhrlinkSession, ehrlink_session, EHRLINK, SESSION, GObject)

/* --- signals and properties ----------------------------------------------------------------
 */

/**
 * EhrlinkSession::changed:
 * @self: the session
 *
 * The state or a detail changed. Emitted before the more particular signals below. At least
 * once for each state, in order; the getters give what is true at the time of the signal.
 */

/**
 * EhrlinkSession::progress:
 * @self: the session
 * @done: bytes that are durable at the receiver
 * @total: bytes of all items
 */

/**
 * EhrlinkSession::item-stored:
 * @self: the session
 * @id: the item's id
 *
 * At the receiver: a single item is complete and verified, and can be collected, while others
 * may still be under way.
 */

/**
 * EhrlinkSession::consent-requested:
 * @self: the session
 *
 * At the sender: the terminal was verified, or allowed as unverified, and the person is to be
 * asked; ehrlink_session_get_peer_verified() and its neighbours say by whom, and for what.
 * To be answered with ehrlink_session_answer_consent(), now or later. Where nobody has
 * connected to this signal, the answer is no.
 */

/**
 * EhrlinkSession::consent-cancelled:
 * @self: the session
 * @reason: "timed-out", "peer-gone", "cancelled" or "daemon-stops"
 *
 * The question of #EhrlinkSession::consent-requested is void: the dialogue is to be taken down.
 */

/**
 * EhrlinkSession::items-arrived:
 * @self: the session
 * @items: how many
 * @bytes: their size
 *
 * At the receiver: everything is complete, verified and durable in the service's spool, and the
 * receipt is signed. Next: ehrlink_session_collect_async(), then ehrlink_session_file_async()
 * or ehrlink_session_discard_async().
 */

/**
 * EhrlinkSession::stopped:
 * @self: the session
 *
 * At the sender: the terminal could not prove who it is (ehrlink_session_get_peer_problem()).
 * The session ends unless the person confirms it in so many words, and
 * ehrlink_session_allow_unverified_async() and a second tap follow.
 */

/**
 * EhrlinkSession::detached:
 * @self: the session
 *
 * The service is gone; it is being started again.
 */

/**
 * EhrlinkSession::reattached:
 * @self: the session
 *
 * The service is back and has the session; the details are fresh.
 */

/**
 * EhrlinkSession::ended:
 * @self: the session
 *
 * The last signal, exactly once: the state is done or failed.
 */

/**
 * EhrlinkSession:path:
 *
 * Object path on the bus.
 */

/**
 * EhrlinkSession:state:
 *
 * Where the journey is.
 */

/**
 * EhrlinkSession:attached:
 *
 * Whether the service asks this object.
 */

/* --- what is known -------------------------------------------------------------------------
 */

/**
 * ehrlink_session_get_path:
 * @self: a session
 *
 * Returns: (transfer none): the object path on the bus
 */
const char *ehrlink_session_get_path(EhrlinkSession *self);

/**
 * ehrlink_session_get_id:
 * @self: a session
 *
 * Returns: (transfer none): the last part of the path; what `ehrctl session` calls it by
 */
const char *ehrlink_session_get_id(EhrlinkSession *self);

/**
 * ehrlink_session_get_role:
 * @self: a session
 *
 * Returns: which of the two devices this one is
 */
EhrlinkRole ehrlink_session_get_role(EhrlinkSession *self);

/**
 * ehrlink_session_get_state:
 * @self: a session
 *
 * Returns: where the journey is
 */
EhrlinkSessionState ehrlink_session_get_state(EhrlinkSession *self);

/**
 * ehrlink_session_get_attached:
 * @self: a session
 *
 * Returns: whether the service asks this object
 */
gboolean ehrlink_session_get_attached(EhrlinkSession *self);

/**
 * ehrlink_session_has_ended:
 * @self: a session
 *
 * Returns: whether the state is done or failed
 */
gboolean ehrlink_session_has_ended(EhrlinkSession *self);

/**
 * ehrlink_session_get_deadline:
 * @self: a session
 *
 * Returns: seconds from now until the state ends by itself, not below 0; -1 if it does not
 */
int ehrlink_session_get_deadline(EhrlinkSession *self);

/**
 * ehrlink_session_get_created:
 * @self: a session
 *
 * Returns: when it was opened, Unix seconds; 0 if unknown
 */
gint64 ehrlink_session_get_created(EhrlinkSession *self);

/**
 * ehrlink_session_get_n_items:
 * @self: a session
 *
 * Returns: how many items; 0 before that is known
 */
guint ehrlink_session_get_n_items(EhrlinkSession *self);

/**
 * ehrlink_session_get_n_bytes:
 * @self: a session
 *
 * Returns: bytes of all items; 0 before that is known
 */
guint64 ehrlink_session_get_n_bytes(EhrlinkSession *self);

/**
 * ehrlink_session_get_n_done:
 * @self: a session
 *
 * Returns: bytes of them that are durable at the receiver
 */
guint64 ehrlink_session_get_n_done(EhrlinkSession *self);

/**
 * ehrlink_session_get_directory:
 * @self: a session
 *
 * Returns: (transfer none) (nullable) (type filename): the directory named at
 *   ehrlink_client_receive_async(). Like all strings here it stays valid until the next
 *   #EhrlinkSession::changed.
 */
const char *ehrlink_session_get_directory(EhrlinkSession *self);

/**
 * ehrlink_session_get_unfiled:
 * @self: a session
 *
 * Returns: whether items were received and are neither filed nor discarded
 */
gboolean ehrlink_session_get_unfiled(EhrlinkSession *self);

/**
 * ehrlink_session_get_status:
 * @self: a session
 *
 * Returns: (transfer none) (nullable): "filed", "discarded" or "rejected", once that is known
 */
const char *ehrlink_session_get_status(EhrlinkSession *self);

/**
 * ehrlink_session_dup_error:
 * @self: a session
 *
 * Returns: (transfer full) (nullable): why the session failed; the domain is %EHRLINK_ERROR.
 * The message is English; ehrlink_error_get_text() of the code is a gettext key. %NULL if it
 * did not fail.
 */
GError *ehrlink_session_dup_error(EhrlinkSession *self);

/**
 * ehrlink_session_get_details:
 * @self: a session
 *
 * Returns: (transfer full): everything, an a{sv} as documented at Session.GetDetails
 */
GVariant *ehrlink_session_get_details(EhrlinkSession *self);

/**
 * ehrlink_session_has_peer:
 * @self: a session
 *
 * Returns: at the patient: whether the terminal has said who it is
 */
gboolean ehrlink_session_has_peer(EhrlinkSession *self);

/**
 * ehrlink_session_get_peer_verified:
 * @self: a session
 *
 * Returns: whether a trusted authority vouches for the terminal; a %FALSE is never to be shown
 * as anything but unverified
 */
gboolean ehrlink_session_get_peer_verified(EhrlinkSession *self);

/**
 * ehrlink_session_get_peer_organisation:
 * @self: a session
 *
 * Returns: (transfer none) (nullable): its organisation. This and the three below are safe to
 * be shown, and are claims only unless ehrlink_session_get_peer_verified().
 */
const char *ehrlink_session_get_peer_organisation(EhrlinkSession *self);

/**
 * ehrlink_session_get_peer_terminal:
 * @self: a session
 *
 * Returns: (transfer none) (nullable): its own name in the organisation
 */
const char *ehrlink_session_get_peer_terminal(EhrlinkSession *self);

/**
 * ehrlink_session_get_peer_place:
 * @self: a session
 *
 * Returns: (transfer none) (nullable): where it is
 */
const char *ehrlink_session_get_peer_place(EhrlinkSession *self);

/**
 * ehrlink_session_get_peer_authority:
 * @self: a session
 *
 * Returns: (transfer none) (nullable): who vouches
 */
const char *ehrlink_session_get_peer_authority(EhrlinkSession *self);

/**
 * ehrlink_session_get_peer_fingerprint:
 * @self: a session
 *
 * Returns: (transfer none) (nullable): 64 hex digits, SHA-256 of its key
 */
const char *ehrlink_session_get_peer_fingerprint(EhrlinkSession *self);

/**
 * ehrlink_session_get_peer_crl_state:
 * @self: a session
 *
 * Returns: (transfer none) (nullable): "checked" or "not-checked": whether its revocation was
 * looked up
 */
const char *ehrlink_session_get_peer_crl_state(EhrlinkSession *self);

/**
 * ehrlink_session_get_peer_problem:
 * @self: a session
 * @problem: (out) (optional): why it is not verified
 *
 * Returns: whether there is a problem
 */
gboolean ehrlink_session_get_peer_problem(EhrlinkSession *self, EhrlinkError *problem);

/**
 * ehrlink_session_get_request:
 * @self: a session
 *
 * Returns: (transfer full) (nullable): what the terminal asks for: an a{sv} with "purpose" (s),
 *   "categories" (as), "period-days", "retention-days" (t), "text" (s), "operator" (a{sv}),
 *   "time" (x). "text" and what is in "operator" are the terminal's own words: show them marked
 * as such and through ehrlink_safe_text().
 */
GVariant *ehrlink_session_get_request(EhrlinkSession *self);

/**
 * ehrlink_session_get_consent:
 * @self: a session
 *
 * Returns: (transfer full) (nullable): what was agreed to, once it was: an a{sv} with
 * "purpose", "acting-as" (s), "time", "expires" (x)
 */
GVariant *ehrlink_session_get_consent(EhrlinkSession *self);

/* --- what can be done ----------------------------------------------------------------------
 */

/**
 * ehrlink_session_answer_consent:
 * @self: a session that emitted #EhrlinkSession::consent-requested
 * @granted: whether the person agrees
 * @ids: (array length=n_ids) (nullable): ids of the items to send; %NULL: all
 * @n_ids: how many; with @ids not %NULL, 0 means that nothing is sent, which is a refusal
 * @options: (nullable): an a{sv} with "acting-as" (s: self, parent, guardian, caregiver),
 *   "expires" (x: Unix seconds); %NULL for none. A floating reference is taken.
 *
 * The terminal cannot tell from what it gets whether a consent was narrowed.
 *
 * Returns: whether a question was open; if not, nothing happened
 */
gboolean ehrlink_session_answer_consent(EhrlinkSession *self, gboolean granted,
                                        const guint *ids, gsize n_ids, GVariant *options);

/**
 * ehrlink_session_wait_async:
 * @self: a session
 * @cancellable: (nullable): stops waiting; what was asked for may happen all the same
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * Waits until the session has ended.
 */
void ehrlink_session_wait_async(EhrlinkSession *self, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_session_wait_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: %TRUE if it is done; %FALSE with the reason if it failed
 */
gboolean ehrlink_session_wait_finish(EhrlinkSession *self, GAsyncResult *result,
                                     GError **error);

/**
 * ehrlink_session_refresh_async:
 * @self: a session
 * @cancellable: (nullable): stops waiting; what was asked for may happen all the same
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * Asks for the details again. Not needed for an attached session.
 */
void ehrlink_session_refresh_async(EhrlinkSession *self, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_session_refresh_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: %TRUE, or %FALSE with an error set
 */
gboolean ehrlink_session_refresh_finish(EhrlinkSession *self, GAsyncResult *result,
                                        GError **error);

/**
 * ehrlink_session_cancel_async:
 * @self: a session
 * @cancellable: (nullable): stops waiting; what was asked for may happen all the same
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * Ends the session durably: the peer is told if it can be, nothing more is sent or stored.
 * Returns when that is on disk. On an ended session it does nothing.
 */
void ehrlink_session_cancel_async(EhrlinkSession *self, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_session_cancel_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: %TRUE, or %FALSE with an error set
 */
gboolean ehrlink_session_cancel_finish(EhrlinkSession *self, GAsyncResult *result,
                                       GError **error);

/**
 * ehrlink_session_extend_async:
 * @self: a session
 * @cancellable: (nullable): stops waiting; what was asked for may happen all the same
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * At the patient, while deciding, once: as much time again.
 */
void ehrlink_session_extend_async(EhrlinkSession *self, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_session_extend_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: seconds until the deadline now; -1 with an error set
 */
int ehrlink_session_extend_finish(EhrlinkSession *self, GAsyncResult *result, GError **error);

/**
 * ehrlink_session_allow_unverified_async:
 * @self: a session
 * @fingerprint: all 64 digits of ehrlink_session_get_peer_fingerprint()
 * @cancellable: (nullable): stops waiting; what was asked for may happen all the same
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * At the patient, while stopped: lets the next tap within 60 s go on with just this terminal.
 * The person must have typed a confirmation; a program never does this by itself.
 */
void ehrlink_session_allow_unverified_async(EhrlinkSession *self, const char *fingerprint,
                                            GCancellable *cancellable,
                                            GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_session_allow_unverified_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: %TRUE, or %FALSE with an error set
 */
gboolean ehrlink_session_allow_unverified_finish(EhrlinkSession *self, GAsyncResult *result,
                                                 GError **error);

/**
 * ehrlink_session_revoke_async:
 * @self: a session
 * @cancellable: (nullable): stops waiting; what was asked for may happen all the same
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * At the patient: withdraws the consent. Stops what follows and recalls nothing.
 */
void ehrlink_session_revoke_async(EhrlinkSession *self, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_session_revoke_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: %TRUE, or %FALSE with an error set
 */
gboolean ehrlink_session_revoke_finish(EhrlinkSession *self, GAsyncResult *result,
                                       GError **error);

/**
 * ehrlink_session_file_async:
 * @self: a session
 * @cancellable: (nullable): stops waiting; what was asked for may happen all the same
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * At the terminal, when everything was collected: a person confirmed whose records these are.
 */
void ehrlink_session_file_async(EhrlinkSession *self, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_session_file_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: %TRUE, or %FALSE with an error set
 */
gboolean ehrlink_session_file_finish(EhrlinkSession *self, GAsyncResult *result,
                                     GError **error);

/**
 * ehrlink_session_discard_async:
 * @self: a session
 * @rule: (nullable): id of the rule that rejected it, at most 127 bytes
 * @cancellable: (nullable): stops waiting; what was asked for may happen all the same
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * At the terminal, when everything arrived: the items are not kept. What was collected is the
 * caller's to destroy.
 */
void ehrlink_session_discard_async(EhrlinkSession *self, const char *rule,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);

/**
 * ehrlink_session_discard_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: %TRUE, or %FALSE with an error set
 */
gboolean ehrlink_session_discard_finish(EhrlinkSession *self, GAsyncResult *result,
                                        GError **error);

/**
 * ehrlink_session_get_receipt_async:
 * @self: a session
 * @cancellable: (nullable): stops waiting; what was asked for may happen all the same
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * The receipt of an ended or confirming session, as it was sent. The sender may keep it and
 * check it at any time with ehrlink_client_verify_receipt_async().
 */
void ehrlink_session_get_receipt_async(EhrlinkSession *self, GCancellable *cancellable,
                                       GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_session_get_receipt_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer full): the receipt; %NULL with an error set
 */
GBytes *ehrlink_session_get_receipt_finish(EhrlinkSession *self, GAsyncResult *result,
                                           GError **error);

/**
 * ehrlink_session_list_items_async:
 * @self: a session
 * @cancellable: (nullable): stops waiting; what was asked for may happen all the same
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * At the receiver: what arrived or is announced. At the sender: what was consented to.
 */
void ehrlink_session_list_items_async(EhrlinkSession *self, GCancellable *cancellable,
                                      GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_session_list_items_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer container) (element-type EhrlinkItem): the items; %NULL with an error set
 */
GPtrArray *ehrlink_session_list_items_finish(EhrlinkSession *self, GAsyncResult *result,
                                             GError **error);

/**
 * ehrlink_session_collect_async:
 * @self: a session
 * @directory: an existing local directory
 * @cancellable: (nullable): stops waiting; what was asked for may happen all the same
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * At the receiver: stores every item that is in the spool and not collected yet in @directory,
 * under its ehrlink_safe_name(), never over an existing file: a second one of a name gets "
 * (2)". Each is written under a hidden name, synchronised and renamed, and the service's copy
 * is destroyed only when it is durable here. On an error those stored before stay; nothing
 * partial does; the call can be repeated and goes on with the rest.
 *
 * %EHRLINK_ERROR_NO_SPACE: the disk is full. %EHRLINK_ERROR_STORE_FAILED: @directory cannot be
 * written.
 */
void ehrlink_session_collect_async(EhrlinkSession *self, GFile *directory,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data);

/**
 * ehrlink_session_collect_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer container) (element-type EhrlinkItem): what was stored now, in the order
 * of ids; ehrlink_item_get_path() says where; %NULL with an error set
 */
GPtrArray *ehrlink_session_collect_finish(EhrlinkSession *self, GAsyncResult *result,
                                          GError **error);

/**
 * ehrlink_session_collect_item_async:
 * @self: a session
 * @directory: an existing local directory
 * @id: the item
 * @cancellable: (nullable): stops waiting; what was asked for may happen all the same
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * As ehrlink_session_collect_async(), for a single item that is stored; for those who want each
 * as it comes, on #EhrlinkSession::item-stored.
 */
void ehrlink_session_collect_item_async(EhrlinkSession *self, GFile *directory, guint id,
                                        GCancellable *cancellable, GAsyncReadyCallback callback,
                                        gpointer user_data);

/**
 * ehrlink_session_collect_item_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer full): the item; %NULL with an error set
 */
EhrlinkItem *ehrlink_session_collect_item_finish(EhrlinkSession *self, GAsyncResult *result,
                                                 GError **error);

#pragma GCC visibility pop
G_END_DECLS
