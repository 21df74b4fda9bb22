/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of a session: typed views of what the service last told. At an attached session
 * that is what was true at the last signal. Strings belong to the session and stay valid until
 * the main loop runs again.
 */
#pragma once

#include <gio/gio.h>

#include "ehrlink-error.h"
#include "ehrlink-session.h"

G_BEGIN_DECLS
#pragma GCC visibility push(default)

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
 *   ehrlink_client_receive_async()
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
 * ehrlink_session_get_owned:
 * @self: a session of ehrlink_client_list_sessions_async()
 *
 * Returns: whether a program had it then; if not, ehrlink_client_reattach_async() takes it from
 *   nobody
 */
gboolean ehrlink_session_get_owned(EhrlinkSession *self);

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

#pragma GCC visibility pop
G_END_DECLS
