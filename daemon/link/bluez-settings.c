/* SPDX-License-Identifier: Apache-2.0
 *
 * How the settings that are held (hold.h) are got and set: power and discoverable are
 * properties of bluetoothd's adapter, fast connectable is ehrlink-bt's.
 */
#include "daemon/link/bluez-private.h"

#include <string.h>

#include "daemon/error.h"

static const char *
property_of(EhdHoldKind kind)
{
    return kind == EHD_HOLD_POWER ? "Powered" : "Discoverable";
}

typedef struct {
    EhdLinkBluez *link; /* referenced */
    EhdHoldKind kind;
    char *path; /* owned; NULL for fast connectable */
    gboolean value;
    EhdHoldDone done;
    gpointer done_data;
} Call;

static Call *
call_new(EhdLinkBluez *self, EhdHoldKind kind, gboolean value, EhdHoldDone done,
         gpointer done_data)
{
    Call *call = g_new0(Call, 1);

    call->link = ehd_bluez_ref(self);
    call->kind = kind;
    call->value = value;
    call->done = done;
    call->done_data = done_data;
    return call;
}

static void
call_end(Call *call, gboolean value, const GError *error)
{
    call->done(value, error, call->done_data);
    ehd_bluez_unref(call->link);
    g_free(call->path);
    g_free(call);
}

static void
on_fast(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Call *call = user_data;
    g_autoptr(GError) error = NULL;
    gboolean value = FALSE;

    ehd_radio_ask_finish(call->link->radio, result, &value, NULL, NULL, &error);
    call_end(call, value, error);
}

/* The helper puts back what it has set when we hang up: stay while it is set. */
static void
on_fast_set(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Call *call = user_data;
    g_autoptr(GError) error = NULL;
    gboolean done = ehd_radio_ask_finish(call->link->radio, result, NULL, NULL, NULL, &error);

    if (!call->value)
        ehd_radio_let_go(call->link->radio);
    else if (done)
        ehd_radio_keep(call->link->radio);
    call_end(call, call->value, error);
}

static void
ask_fast(EhdLinkBluez *self, const guint8 adapter[6], gboolean set, Call *call)
{
    EhdRadioMessage message = {.type = set ? EHD_RADIO_SET_FAST : EHD_RADIO_GET_FAST};

    message.value = set && call->value;
    memcpy(message.own, adapter, sizeof message.own);
    ehd_radio_ask_async(self->radio, &message, NULL, set ? on_fast_set : on_fast, call);
}

/* Of exactly this address; "any" would be another's. */
static const EhdBluezAdapter *
find(EhdLinkBluez *self, const guint8 adapter[6], EhdHoldDone done, gpointer done_data)
{
    const EhdBluezAdapter *found = ehd_bluez_bus_get_adapter(self->bus, adapter);
    g_autoptr(GError) error = NULL;

    if (found != NULL)
        return found;
    ehd_error_set(&error, EHP_NO_ADAPTER, NULL);
    done(FALSE, error, done_data);
    return NULL;
}

static void
settings_get(EhdHoldKind kind, const guint8 adapter[6], EhdHoldDone done, gpointer done_data,
             gpointer user_data)
{
    EhdLinkBluez *self = user_data;
    const EhdBluezAdapter *found;

    if (kind == EHD_HOLD_FAST) {
        ask_fast(self, adapter, FALSE, call_new(self, kind, FALSE, done, done_data));
        return;
    }
    found = find(self, adapter, done, done_data);
    if (found != NULL)
        done(kind == EHD_HOLD_POWER ? found->powered : found->discoverable, NULL, done_data);
}

static void
on_set(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Call *call = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = ehd_bluez_bus_call_finish(call->link->bus, result, &error);

    if (reply != NULL)
        ehd_bluez_bus_assume(call->link->bus, call->path, property_of(call->kind), call->value);
    call_end(call, call->value, error);
}

static void
settings_set(EhdHoldKind kind, const guint8 adapter[6], gboolean value, EhdHoldDone done,
             gpointer done_data, gpointer user_data)
{
    EhdLinkBluez *self = user_data;
    const EhdBluezAdapter *found;
    Call *call;

    if (kind == EHD_HOLD_FAST) {
        ask_fast(self, adapter, TRUE, call_new(self, kind, value, done, done_data));
        return;
    }
    found = find(self, adapter, done, done_data);
    if (found == NULL)
        return;
    call = call_new(self, kind, value, done, done_data);
    call->path = g_strdup(found->path);
    ehd_bluez_bus_call(self->bus, call->path, "org.freedesktop.DBus.Properties", "Set",
                       g_variant_new("(ssv)", EHD_BLUEZ_ADAPTER, property_of(kind),
                                     g_variant_new_boolean(value)),
                       -1, NULL, on_set, call);
}

const EhdHoldOps ehd_bluez_hold_ops = {.get = settings_get, .set = settings_set};

void
ehd_bluez_settings_seen(EhdLinkBluez *self)
{
    const GPtrArray *adapters = ehd_bluez_bus_list_adapters(self->bus);

    if (self->hold == NULL)
        return;
    for (guint i = 0; i < adapters->len; i++) {
        const EhdBluezAdapter *adapter = g_ptr_array_index(adapters, i);

        ehd_hold_seen(self->hold, EHD_HOLD_POWER, adapter->address, adapter->powered);
        ehd_hold_seen(self->hold, EHD_HOLD_DISCOVERABLE, adapter->address,
                      adapter->discoverable);
    }
    /* what an earlier run has left is put back as soon as its adapter is there */
    if (ehd_bluez_bus_is_known(self->bus) && adapters->len > 0)
        ehd_hold_settle(self->hold);
}
