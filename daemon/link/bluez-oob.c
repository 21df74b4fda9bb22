/* SPDX-License-Identifier: Apache-2.0
 *
 * Out-of-band data of pairing (P-256), by ehrlink-bt: ours to be told in a tap, the other
 * device's for the kernel. It is a courtesy: where the helper is not installed or slow, or the
 * controller has none, the tap goes without. Main context.
 */
#include "daemon/link/bluez-private.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/words.h"

/* A person waits to tap. The helper and the kernel answer at once or not at all. */
#define PATIENCE_MS 1000

/* A device of which an adapter's kernel side has data. */
typedef struct {
    guint8 own[EHD_LINK_ADDRESS_LEN], peer[EHD_LINK_ADDRESS_LEN];
} Peer;

typedef struct {
    EhdLinkBluez *link; /* referenced */
    GCancellable *late; /* owned */
    guint timer;
    guint8 own[EHD_LINK_ADDRESS_LEN];
} Read;

GArray *
ehd_bluez_oob_peers_new(void)
{
    return g_array_new(FALSE, FALSE, sizeof(Peer));
}

/* --- ours ------------------------------------------------------------------------------------
 */

static void
read_free(gpointer data)
{
    Read *read = data;

    g_clear_handle_id(&read->timer, g_source_remove);
    g_object_unref(read->late);
    ehd_bluez_unref(read->link);
    g_free(read);
}

static void
own_free(gpointer data)
{
    EhdLinkOob *own = data;

    explicit_bzero(own, sizeof *own);
    g_free(own);
}

static gboolean
on_late(gpointer user_data)
{
    Read *read = user_data;

    read->timer = 0;
    g_cancellable_cancel(read->late);
    return G_SOURCE_REMOVE;
}

static void
on_read(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    Read *read = g_task_get_task_data(task);
    EhdLinkOob *own = g_new0(EhdLinkOob, 1);
    gboolean has_oob = FALSE;
    GError *error = NULL;

    if (ehd_radio_ask_finish(read->link->radio, result, NULL, own->data, &has_oob, &error) &&
        !has_oob)
        ehd_error_set(&error, EHP_LINK_UNAVAILABLE, N_("no out-of-band data came"));
    if (error == NULL) {
        memcpy(own->address, read->own, sizeof own->address);
        g_task_return_pointer(task, own, own_free);
        return;
    }
    own_free(own);
    read->link->oob_taken = FALSE;
    g_debug("the tap goes without out-of-band data: %s", error->message);
    g_task_return_error(task, error);
}

void
ehd_bluez_oob_take_async(EhdLink *link, GAsyncReadyCallback callback, gpointer user_data)
{
    EhdLinkBluez *self = (EhdLinkBluez *)link;
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    const EhdBluezAdapter *adapter = ehd_bluez_up_adapter(self);
    EhdRadioMessage message = {.type = EHD_RADIO_READ_OOB};
    GError *error = NULL;
    Read *read;

    if (adapter == NULL || !ehd_radio_is_installed(self->radio))
        ehd_error_set(&error, EHP_LINK_UNAVAILABLE, N_("nobody can be asked for it"));
    else if (self->oob_taken)
        ehd_error_set(&error, EHP_LIMIT_REACHED, N_("another session has it"));
    if (error != NULL) {
        g_task_return_error(task, error);
        return;
    }
    self->oob_taken = TRUE;
    read = g_new0(Read, 1);
    read->link = ehd_bluez_ref(self);
    read->late = g_cancellable_new();
    memcpy(read->own, adapter->address, sizeof read->own);
    memcpy(message.own, adapter->address, sizeof message.own);
    read->timer = g_timeout_add(PATIENCE_MS, on_late, read);
    g_task_set_task_data(task, read, read_free);
    ehd_radio_ask_async(self->radio, &message, read->late, on_read, g_object_ref(task));
}

gboolean
ehd_bluez_oob_take_finish(EhdLink *link, GAsyncResult *result, EhdLinkOob *own, GError **error)
{
    EhdLinkOob *got = g_task_propagate_pointer(G_TASK(result), error);

    if (got == NULL)
        return FALSE;
    *own = *got;
    own_free(got);
    return TRUE;
}

void
ehd_bluez_oob_drop(EhdLink *link)
{
    ((EhdLinkBluez *)link)->oob_taken = FALSE;
}

/* --- the other device's ----------------------------------------------------------------------
 */

static void
on_told(GObject *source, GAsyncResult *result, gpointer user_data)
{
    EhdLinkBluez *self = user_data;
    g_autoptr(GError) error = NULL;

    if (!ehd_radio_ask_finish(self->radio, result, NULL, NULL, NULL, &error))
        g_debug("out-of-band data of a device: %s", error->message);
    ehd_bluez_unref(self);
}

static void
tell(EhdLinkBluez *self, EhdRadioType type, const Peer *peer, const guint8 *data)
{
    EhdRadioMessage message = {
        .type = type, .data = data, .len = data != NULL ? EHD_LINK_OOB_LEN : 0};

    memcpy(message.own, peer->own, sizeof message.own);
    memcpy(message.peer, peer->peer, sizeof message.peer);
    ehd_radio_ask_async(self->radio, &message, NULL, on_told, ehd_bluez_ref(self));
}

void
ehd_bluez_oob_add(EhdLink *link, const EhdLinkOob *oob)
{
    EhdLinkBluez *self = (EhdLinkBluez *)link;
    const EhdBluezAdapter *adapter = ehd_bluez_up_adapter(self);
    Peer peer;

    if (adapter == NULL || !ehd_radio_is_installed(self->radio))
        return;
    memcpy(peer.own, adapter->address, sizeof peer.own);
    memcpy(peer.peer, oob->address, sizeof peer.peer);
    g_array_append_val(self->oob_peers, peer);
    /* the helper forgets them when we hang up */
    ehd_radio_keep(self->radio);
    tell(self, EHD_RADIO_ADD_OOB, &peer, oob->data);
}

void
ehd_bluez_oob_remove(EhdLink *link, const guint8 address[EHD_LINK_ADDRESS_LEN])
{
    EhdLinkBluez *self = (EhdLinkBluez *)link;

    for (guint i = 0; i < self->oob_peers->len; i++) {
        Peer peer = g_array_index(self->oob_peers, Peer, i);

        if (memcmp(peer.peer, address, sizeof peer.peer) != 0)
            continue;
        g_array_remove_index_fast(self->oob_peers, i);
        tell(self, EHD_RADIO_REMOVE_OOB, &peer, NULL);
        ehd_radio_let_go(self->radio);
        return;
    }
}
