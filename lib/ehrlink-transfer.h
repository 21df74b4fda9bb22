/* SPDX-License-Identifier: Apache-2.0
 *
 * EhrlinkSession: what moves in it. How far it is, which items there are, and how a receiver
 * gets them into a directory.
 */
#pragma once

#include <gio/gio.h>

#include "ehrlink-session.h"

G_BEGIN_DECLS
#pragma GCC visibility push(default)

/**
 * ehrlink_session_get_progress_async:
 * @self: a session
 * @cancellable: (nullable): stops waiting
 * @callback: (scope async): called when done
 * @user_data: (closure): for @callback
 *
 * Asks how far the transfer is; #EhrlinkSession::progress tells it without being asked.
 */
void ehrlink_session_get_progress_async(EhrlinkSession *self, GCancellable *cancellable,
                                        GAsyncReadyCallback callback, gpointer user_data);

/**
 * ehrlink_session_get_progress_finish:
 * @self: the session
 * @result: what the callback got
 * @done: (out) (optional): bytes that are durable at the receiver
 * @total: (out) (optional): bytes of all items
 * @items_done: (out) (optional): items that are durable at the receiver
 * @error: where to put an error, or %NULL
 *
 * Returns: %TRUE, or %FALSE with an error set: %EHRLINK_ERROR_WRONG_STATE while nothing is
 * announced
 */
gboolean ehrlink_session_get_progress_finish(EhrlinkSession *self, GAsyncResult *result,
                                             guint64 *done, guint64 *total, guint *items_done,
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
 *
 * Possible on #EhrlinkSession::item-stored, while others are still under way: the item can then
 * be opened, its state stays %EHRLINK_ITEM_STATE_STORED, and ehrlink_session_collect_async()
 * with the same directory completes it once everything arrived.
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
