/* SPDX-License-Identifier: Apache-2.0
 *
 * EhrlinkSession beyond the first transfer: what was asked for in detail, lists and items of
 * them, what the clinic sends back.
 */
#pragma once

#include <gio/gio.h>

#include "ehrlink-session.h"

G_BEGIN_DECLS
#pragma GCC visibility push(default)

/**
 * EhrlinkSession::reply-offered:
 * @self: the session
 * @items: (element-type EhrlinkItem): what the clinic would send back, at most the first 256
 *
 * At the patient, opened with the option "replies": the person is to be asked; the peer is who
 * sends it, the request's operator for whom. Answer with ehrlink_session_answer_reply(), now or
 * later; #EhrlinkSession::consent-cancelled takes the question back.
 */
/**
 * EhrlinkSession::reply-arrived:
 * @self: the session
 *
 * At the patient: all of it is here. ehrlink_session_collect_replies_async() stores it; only
 * then is the receipt signed. Told again after #EhrlinkSession::reattached, while that is not
 * signed: a collection that is under way goes on by itself.
 */

/**
 * ehrlink_session_get_may_ask:
 * @self: a session
 *
 * Returns: at the terminal: whether more can be asked for, or a reply be sent, now
 */
gboolean ehrlink_session_get_may_ask(EhrlinkSession *self);

/**
 * ehrlink_session_get_peer_left:
 * @self: a session
 *
 * Returns: at the terminal: whether the patient's device has left, so that nothing more can be
 *   asked for or sent back
 */
gboolean ehrlink_session_get_peer_left(EhrlinkSession *self);

/**
 * ehrlink_session_get_request_list:
 * @self: a session
 *
 * Returns: whether the terminal asks for the list first, and then for items of it
 */
gboolean ehrlink_session_get_request_list(EhrlinkSession *self);

/**
 * ehrlink_session_get_matching:
 * @self: a session of a patient
 * @n_ids: (out): how many
 *
 * Returns: (transfer none) (array length=n_ids) (nullable): ids of the items named at
 *   ehrlink_client_send_async() that fit what is asked for, valid until the main loop runs
 *   again
 */
const guint *ehrlink_session_get_matching(EhrlinkSession *self, gsize *n_ids);

/**
 * ehrlink_session_get_reply_state:
 * @self: a session
 *
 * Returns: (transfer none) (nullable): of what the clinic sends back: "running", "suspended",
 *   "complete" (the receipt is stored), "failed" (or not taken); %NULL: nothing yet
 */
const char *ehrlink_session_get_reply_state(EhrlinkSession *self);

/**
 * ehrlink_session_offer_items_async:
 * @self: a session that emitted #EhrlinkSession::consent-requested
 * @items: (array length=n_items): what to send, in place of what it was opened with
 * @n_items: how many
 * @options: (nullable): as for ehrlink_session_answer_consent()
 * @cancellable: (nullable): stops looking at the files; the question stays open
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * Agrees, and names the items only now that the request is known. For a session that was opened
 * with "offer-later" and no items.
 */
void ehrlink_session_offer_items_async(EhrlinkSession *self, EhrlinkItem **items, gsize n_items,
                                       GVariant *options, GCancellable *cancellable,
                                       GAsyncReadyCallback callback, gpointer user_data);
/**
 * ehrlink_session_offer_items_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: %TRUE, or %FALSE with an error set (a file, %EHRLINK_ERROR_WRONG_STATE: no question)
 */
gboolean ehrlink_session_offer_items_finish(EhrlinkSession *self, GAsyncResult *result,
                                            GError **error);

/**
 * ehrlink_session_request_items_async:
 * @self: a session of a terminal, when ehrlink_session_get_may_ask()
 * @queries: an aa{sv} as "queries" of ehrlink_client_receive_async(). A floating reference is
 *   taken.
 * @list: only the list of them
 * @cancellable: (nullable): stops waiting; what was asked for may happen all the same
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * #EhrlinkSession::items-arrived follows.
 */
void ehrlink_session_request_items_async(EhrlinkSession *self, GVariant *queries, gboolean list,
                                         GCancellable *cancellable,
                                         GAsyncReadyCallback callback, gpointer user_data);
/**
 * ehrlink_session_request_items_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: %TRUE, or %FALSE with an error set
 */
gboolean ehrlink_session_request_items_finish(EhrlinkSession *self, GAsyncResult *result,
                                              GError **error);

/**
 * ehrlink_session_reply_async:
 * @self: a session of a terminal, when ehrlink_session_get_may_ask()
 * @items: (array length=n_items): what to send back
 * @n_items: how many
 * @cancellable: (nullable): stops waiting; what was asked for may happen all the same
 * @callback: (scope async): called when the service has it, over its own end
 * @user_data: (closure): for @callback
 *
 * It is offered to the patient; ehrlink_session_get_reply_state() tells what becomes of it. A
 * program that reattaches with the same items brings their files again.
 */
void ehrlink_session_reply_async(EhrlinkSession *self, EhrlinkItem **items, gsize n_items,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data);
/**
 * ehrlink_session_reply_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: %TRUE, or %FALSE with an error set
 */
gboolean ehrlink_session_reply_finish(EhrlinkSession *self, GAsyncResult *result,
                                      GError **error);

/**
 * ehrlink_session_answer_reply:
 * @self: a session that emitted #EhrlinkSession::reply-offered
 * @accepted: whether the person takes it
 *
 * Returns: whether an offer was open; if not, nothing happened
 */
gboolean ehrlink_session_answer_reply(EhrlinkSession *self, gboolean accepted);

/**
 * ehrlink_session_list_replies_async:
 * @self: a session
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * What the clinic sends back.
 */
void ehrlink_session_list_replies_async(EhrlinkSession *self, GCancellable *cancellable,
                                        GAsyncReadyCallback callback, gpointer user_data);
/**
 * ehrlink_session_list_replies_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer container) (element-type EhrlinkItem): the items; %NULL with an error set
 */
GPtrArray *ehrlink_session_list_replies_finish(EhrlinkSession *self, GAsyncResult *result,
                                               GError **error);

/**
 * ehrlink_session_collect_replies_async:
 * @self: a session that emitted #EhrlinkSession::reply-arrived
 * @directory: an existing local directory
 * @cancellable: (nullable): stops waiting; what was asked for may happen all the same
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * As ehrlink_session_collect_async(), for what the clinic sent back.
 */
void ehrlink_session_collect_replies_async(EhrlinkSession *self, GFile *directory,
                                           GCancellable *cancellable,
                                           GAsyncReadyCallback callback, gpointer user_data);
/**
 * ehrlink_session_collect_replies_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer container) (element-type EhrlinkItem): the items collected by this call;
 *   %NULL with an error set
 */
GPtrArray *ehrlink_session_collect_replies_finish(EhrlinkSession *self, GAsyncResult *result,
                                                  GError **error);

/**
 * ehrlink_session_get_receipt_of_async:
 * @self: a session
 * @transfer: which of its transfers, from 0 (ehrlink_item_get_transfer())
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * As ehrlink_session_get_receipt_async(), whose finish function ends it.
 */
void ehrlink_session_get_receipt_of_async(EhrlinkSession *self, guint transfer,
                                          GCancellable *cancellable,
                                          GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_session_get_origin_async:
 * @self: a session
 * @transfer: which of its transfers to the patient (ehrlink_item_get_transfer())
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * What proves, later and elsewhere, whose the items of that transfer are, and that they are
 * what was sent. Once ::reply-arrived was emitted for it.
 */
void ehrlink_session_get_origin_async(EhrlinkSession *self, guint transfer,
                                      GCancellable *cancellable, GAsyncReadyCallback callback,
                                      gpointer user_data);

/**
 * ehrlink_session_get_origin_finish:
 * @self: the session
 * @result: what the callback got
 * @error: where to put an error, or %NULL
 *
 * Returns: (transfer full): the proof, for ehrlink_client_verify_origin_async(); %NULL with an
 * error set
 */
GBytes *ehrlink_session_get_origin_finish(EhrlinkSession *self, GAsyncResult *result,
                                          GError **error);

#pragma GCC visibility pop
G_END_DECLS
