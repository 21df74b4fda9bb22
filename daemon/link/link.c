/* SPDX-License-Identifier: Apache-2.0
 *
 * Chooses the link that the configuration names and forwards to it. Main thread.
 */
#include "daemon/link/link.h"

#include <sys/socket.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/link/bluez.h"
#include "daemon/link/unix.h"
#include "daemon/words.h"

EhdLink *
ehd_link_new(const EhdLinkParts *parts, GError **error)
{
    const EhdConfig *config = parts->config;

    switch (config->link_type) {
    case EHD_LINK_UNIX:
        return ehd_link_unix_new(config->link_directory, config->link_address,
                                 config->link_channels, config->link_n_channels, error);
    case EHD_LINK_BLUETOOTH:
        return ehd_link_bluez_new(parts, error);
    }
    ehd_error_set(error, EHP_CONFIG_INVALID, N_("unknown type of link"));
    return NULL;
}

void
ehd_link_free(EhdLink *link)
{
    if (link != NULL)
        link->ops->free(link);
}

const char *
ehd_link_kind(EhdLink *link)
{
    return link->ops->kind;
}

gsize
ehd_link_write_max(const EhdLink *link)
{
    return link->ops->write_max;
}

void
ehd_link_listen_async(EhdLink *link, EhdLinkIncoming on_incoming, gpointer incoming_data,
                      GCancellable *cancellable, GAsyncReadyCallback callback,
                      gpointer user_data)
{
    link->ops->listen_async(link, on_incoming, incoming_data, cancellable, callback, user_data);
}

gboolean
ehd_link_listen_finish(EhdLink *link, GAsyncResult *result, EhdLinkAddress *address,
                       GError **error)
{
    return link->ops->listen_finish(link, result, address, error);
}

void
ehd_link_stop(EhdLink *link)
{
    link->ops->stop(link);
}

void
ehd_link_watch(EhdLink *link, EhdLinkWatch on_changed, gpointer user_data)
{
    if (link->ops->watch != NULL)
        link->ops->watch(link, on_changed, user_data);
}

void
ehd_link_hold_async(EhdLink *link, GCancellable *cancellable, GAsyncReadyCallback callback,
                    gpointer user_data)
{
    g_autoptr(GTask) task = NULL;

    if (link->ops->hold_async != NULL) {
        link->ops->hold_async(link, cancellable, callback, user_data);
        return;
    }
    task = g_task_new(NULL, cancellable, callback, user_data);
    g_task_return_boolean(task, TRUE);
}

gboolean
ehd_link_hold_finish(EhdLink *link, GAsyncResult *result, GError **error)
{
    if (link->ops->hold_finish != NULL)
        return link->ops->hold_finish(link, result, error);
    return g_task_propagate_boolean(G_TASK(result), error);
}

void
ehd_link_release(EhdLink *link)
{
    if (link->ops->release != NULL)
        link->ops->release(link);
}

gboolean
ehd_link_needs_lookup(EhdLink *link)
{
    return link->ops->needs_lookup != NULL && link->ops->needs_lookup(link);
}

void
ehd_link_be_found(EhdLink *link)
{
    if (link->ops->be_found != NULL)
        link->ops->be_found(link);
}

void
ehd_link_connect_async(EhdLink *link, const EhdLinkAddress *address, GCancellable *cancellable,
                       GAsyncReadyCallback callback, gpointer user_data)
{
    link->ops->connect_async(link, address, cancellable, callback, user_data);
}

int
ehd_link_connect_finish(EhdLink *link, GAsyncResult *result, GError **error)
{
    return link->ops->connect_finish(link, result, error);
}

gboolean
ehd_link_has_oob(EhdLink *link)
{
    return link->ops->oob_take_async != NULL;
}

void
ehd_link_oob_take_async(EhdLink *link, GAsyncReadyCallback callback, gpointer user_data)
{
    link->ops->oob_take_async(link, callback, user_data);
}

gboolean
ehd_link_oob_take_finish(EhdLink *link, GAsyncResult *result, EhdLinkOob *own, GError **error)
{
    return link->ops->oob_take_finish(link, result, own, error);
}

void
ehd_link_oob_drop(EhdLink *link)
{
    link->ops->oob_drop(link);
}

void
ehd_link_oob_add(EhdLink *link, const EhdLinkOob *peer)
{
    link->ops->oob_add(link, peer);
}

void
ehd_link_oob_remove(EhdLink *link, const guint8 address[EHD_LINK_ADDRESS_LEN])
{
    link->ops->oob_remove(link, address);
}

void
ehd_link_hang_up(int fd)
{
    if (fd < 0)
        return;
    shutdown(fd, SHUT_RDWR);
    close(fd);
}

void
ehd_link_probe_async(EhdLink *link, GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = NULL;

    if (link->ops->probe_async != NULL) {
        link->ops->probe_async(link, callback, user_data);
        return;
    }
    task = g_task_new(NULL, NULL, callback, user_data);
    g_task_return_boolean(task, TRUE);
}

gboolean
ehd_link_describe(EhdLink *link, EhdLinkDescription *description, GError **error)
{
    return link->ops->describe(link, description, error);
}

void
ehd_link_description_clear(EhdLinkDescription *description)
{
    g_clear_pointer(&description->text, g_free);
    g_clear_pointer(&description->remedy, g_free);
    g_clear_pointer(&description->note, g_free);
    g_clear_pointer(&description->note_remedy, g_free);
}
