/* SPDX-License-Identifier: Apache-2.0
 *
 * EhrlinkSession: what one tap opens between two devices, from arming the reader to the
 * receipt.
 */
#pragma once

#include <gio/gio.h>

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

#pragma GCC visibility pop
G_END_DECLS
