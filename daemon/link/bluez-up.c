/* SPDX-License-Identifier: Apache-2.0
 *
 * Brings the adapter up, and the listener on it, and keeps them up: through a bluetoothd that
 * starts after us or restarts, an adapter that is unplugged and comes back. One step is under
 * way at a time; settle() looks at how things are and takes the next one. A channel that was
 * told in a tap stays the same.
 */
#include "daemon/link/bluez-private.h"

#include <string.h>

#include "daemon/error.h"

/* What was lost is tried again. */
#define RETRY_MS 2000

typedef struct {
    EhdBluezLevel level;
    EhdBluezUp done;
    gpointer user_data;
} Waiter;

const EhdBluezAdapter *
ehd_bluez_up_adapter(EhdLinkBluez *self)
{
    /* sessions that were told an address keep to it */
    const guint8 *address = self->listening     ? self->at.address
                            : self->has_address ? self->address
                                                : NULL;

    return ehd_bluez_bus_get_adapter(self->bus, address);
}

/* --- those who wait --------------------------------------------------------------------------
 */

GArray *
ehd_bluez_waiters_new(void)
{
    return g_array_new(FALSE, FALSE, sizeof(Waiter));
}

static void
tell(EhdLinkBluez *self, EhdBluezLevel from, EhdBluezLevel to, const GError *error)
{
    g_autoptr(GArray) waiters = self->waiters;

    self->waiters = ehd_bluez_waiters_new();
    for (guint i = 0; i < waiters->len; i++) {
        Waiter *waiter = &g_array_index(waiters, Waiter, i);

        if (waiter->level >= from && waiter->level <= to)
            waiter->done(self, error, waiter->user_data);
        else
            g_array_append_val(self->waiters, *waiter);
    }
}

/* Who listens: nobody can connect now, or they can again. */
static void
tell_watch(EhdLinkBluez *self, ehp_status status)
{
    if (!self->listening || self->told == status)
        return;
    self->told = status;
    if (self->on_watch != NULL)
        self->on_watch(status, self->watch_data);
}

static void
reached(EhdLinkBluez *self, EhdBluezLevel level)
{
    self->patience = 0;
    if (self->listening && self->trouble != EHP_OK)
        g_info("the Bluetooth link is ready again");
    self->trouble = self->problem = EHP_OK;
    tell_watch(self, EHP_OK);
    tell(self, EHD_BLUEZ_ADAPTER_UP, level, NULL);
    ehd_bluez_up_rest(self);
}

static gboolean
on_timer(gpointer user_data)
{
    EhdLinkBluez *self = ehd_bluez_ref(user_data);

    self->timer = 0;
    ehd_bluez_up_settle(self);
    ehd_bluez_unref(self);
    return G_SOURCE_REMOVE;
}

static void
again_in(EhdLinkBluez *self, guint ms)
{
    g_clear_handle_id(&self->timer, g_source_remove);
    self->timer = g_timeout_add(ms, on_timer, self);
}

/* It cannot be reached now. Those who wait are told; a listener that was up goes on trying. */
static void
fail(EhdLinkBluez *self, EhdBluezLevel level, const GError *error)
{
    self->patience = 0;
    self->started = FALSE;
    self->problem = ehd_error_status(error);
    if (self->listening) {
        if (self->trouble != ehd_error_status(error))
            g_warning("the Bluetooth link is not ready: %s", error->message);
        self->trouble = ehd_error_status(error);
        tell_watch(self, self->trouble);
        again_in(self, RETRY_MS);
    } else {
        self->wanted = FALSE;
    }
    tell(self, level, EHD_BLUEZ_LISTENING, error);
    ehd_bluez_up_rest(self);
}

static void
fail_with(EhdLinkBluez *self, EhdBluezLevel level, ehp_status status)
{
    g_autoptr(GError) error = NULL;

    ehd_error_set(&error, status, NULL);
    fail(self, level, error);
}

/* What is not there may still come. */
static void
wait_or_fail(EhdLinkBluez *self, ehp_status status)
{
    gint64 now = g_get_monotonic_time();

    if (self->patience == 0)
        self->patience = now + self->patience_ms * 1000ll;
    if (now < self->patience)
        again_in(self, (guint)((self->patience - now) / 1000) + 1);
    else
        fail_with(self, EHD_BLUEZ_ADAPTER_UP, status);
}

/* Somebody waits for a step. */
static gboolean
is_awaited(EhdLinkBluez *self)
{
    return self->wanted || self->waiters->len > 0;
}

/* --- steps -----------------------------------------------------------------------------------
 */

static void
drop_power(EhdLinkBluez *self)
{
    if (self->has_power)
        ehd_hold_drop(self->hold, EHD_HOLD_POWER, self->power_of);
    self->has_power = FALSE;
}

static void
on_powered(const GError *error, gpointer user_data)
{
    EhdLinkBluez *self = user_data;

    self->busy = FALSE;
    if (!self->freed && error != NULL) {
        drop_power(self);
        fail(self, EHD_BLUEZ_ADAPTER_UP, error);
    }
    if (!self->freed)
        ehd_bluez_up_settle(self);
    ehd_bluez_up_rest(self);
    ehd_bluez_unref(self);
}

static void
take_power(EhdLinkBluez *self, const EhdBluezAdapter *adapter)
{
    drop_power(self);
    self->busy = self->has_power = TRUE;
    memcpy(self->power_of, adapter->address, sizeof self->power_of);
    ehd_hold_take(self->hold, EHD_HOLD_POWER, self->power_of, on_powered, ehd_bluez_ref(self));
}

/* Every channel was tried, or the only one that may be. */
static void
no_channel(EhdLinkBluez *self, const GError *error)
{
    if (!self->listening && ++self->channel < self->n_channels)
        return;
    if (!self->listening)
        self->channel = 0;
    fail(self, EHD_BLUEZ_LISTENING, error);
}

static void
is_published(EhdLinkBluez *self)
{
    const EhdBluezAdapter *adapter = ehd_bluez_up_adapter(self);

    if (adapter == NULL || !self->wanted)
        return;
    memcpy(self->at.address, adapter->address, sizeof self->at.address);
    self->at.channel = self->channels[self->channel];
    self->published = self->listening = TRUE;
    ehd_bluez_reach_begin(self);
}

static void
on_registered(GObject *source, GAsyncResult *result, gpointer user_data)
{
    EhdLinkBluez *self = user_data;
    g_autoptr(GError) error = NULL;
    gboolean done = ehd_bluez_profile_register_finish(self->profile, result, &error);

    self->busy = FALSE;
    if (self->freed) {
        ehd_bluez_unref(self);
        return;
    }
    if (done)
        is_published(self);
    else if (ehd_error_status(error) == EHP_CHANNEL_TAKEN)
        no_channel(self, error);
    else
        fail(self, EHD_BLUEZ_LISTENING, error);
    if (!self->wanted)
        ehd_bluez_profile_unregister(self->profile);
    ehd_bluez_up_settle(self);
    ehd_bluez_unref(self);
}

static void
publish(EhdLinkBluez *self, const EhdBluezAdapter *adapter)
{
    self->busy = TRUE;
    ehd_bluez_profile_register_async(self->profile, adapter->path,
                                     self->channels[self->channel], on_registered,
                                     ehd_bluez_ref(self));
}

/* bluetoothd or the adapter has gone, and with it all that we have set there: our record (the
 * channel may be another's when it is back), its power, that it answers pages. Seen at once,
 * since it may be back before the next step. */
static gboolean
notice_loss(EhdLinkBluez *self)
{
    if (self->freed || (!self->published && !self->has_power))
        return FALSE;
    if (ehd_bluez_bus_is_running(self->bus) &&
        (!ehd_bluez_bus_is_known(self->bus) || ehd_bluez_up_adapter(self) != NULL))
        return FALSE;
    self->published = FALSE;
    self->returning = TRUE;
    drop_power(self);
    ehd_bluez_reach_end(self);
    tell_watch(self,
               ehd_bluez_bus_is_running(self->bus) ? EHP_NO_ADAPTER : EHP_BLUETOOTH_STOPPED);
    return TRUE;
}

void
ehd_bluez_up_unpublished(EhdLinkBluez *self)
{
    self->published = FALSE;
    if (self->freed)
        return;
    tell_watch(self, EHP_BLUETOOTH_STOPPED);
    /* one that only gave it back may say nothing more that we would notice */
    if (self->wanted && self->timer == 0 && ehd_bluez_bus_is_running(self->bus))
        again_in(self, RETRY_MS);
}

void
ehd_bluez_up_settle(EhdLinkBluez *self)
{
    const EhdBluezAdapter *adapter;

    if (self->freed || self->busy || self->timer != 0 || !is_awaited(self))
        return;
    notice_loss(self);
    if (!ehd_bluez_bus_is_running(self->bus)) {
        if (ehd_bluez_bus_is_known(self->bus) && !self->started)
            ehd_bluez_bus_start(self->bus);
        self->started = ehd_bluez_bus_is_known(self->bus);
        wait_or_fail(self, EHP_BLUETOOTH_STOPPED);
        return;
    }
    self->started = FALSE;
    adapter = ehd_bluez_up_adapter(self);
    if (adapter == NULL) {
        wait_or_fail(self, EHP_NO_ADAPTER);
        return;
    }
    if (self->returning) { /* bluetoothd may be about to turn it on, which is then not our doing
                            */
        self->returning = FALSE;
        self->patience = 0;
        again_in(self, RETRY_MS);
        return;
    }
    ehd_bluez_peers_begin(self);
    if (!self->has_power || memcmp(self->power_of, adapter->address, 6) != 0)
        take_power(self, adapter);
    else if (!adapter->powered) /* somebody has turned it off again: so be it */
        fail_with(self, EHD_BLUEZ_ADAPTER_UP, EHP_ADAPTER_OFF);
    else if (self->wanted && !self->published)
        publish(self, adapter);
    else if (!self->wanted || self->answers)
        reached(self, self->wanted ? EHD_BLUEZ_LISTENING : EHD_BLUEZ_ADAPTER_UP);
}

void
ehd_bluez_up_changed(EhdLinkBluez *self)
{
    /* what failed is tried again in its time only: trying may itself cause changes */
    if (notice_loss(self) || self->patience != 0)
        g_clear_handle_id(&self->timer, g_source_remove);
    ehd_bluez_up_settle(self);
}

static gboolean
on_settle_soon(gpointer user_data)
{
    ehd_bluez_up_settle(user_data);
    ehd_bluez_unref(user_data);
    return G_SOURCE_REMOVE;
}

void
ehd_bluez_up_wait(EhdLinkBluez *self, EhdBluezLevel level, EhdBluezUp done, gpointer user_data)
{
    Waiter waiter = {.level = level, .done = done, .user_data = user_data};

    g_array_append_val(self->waiters, waiter);
    self->wanted = self->wanted || level == EHD_BLUEZ_LISTENING;
    g_idle_add(on_settle_soon, ehd_bluez_ref(self));
}

void
ehd_bluez_up_stop_listening(EhdLinkBluez *self)
{
    g_autoptr(GError) error = NULL;

    self->wanted = self->listening = self->published = FALSE;
    self->trouble = self->told = EHP_OK;
    self->channel = 0;
    g_clear_handle_id(&self->timer, g_source_remove);
    if (!self->busy)
        ehd_bluez_profile_unregister(self->profile);
    ehd_error_set(&error, EHP_CANCELLED, NULL);
    tell(self, EHD_BLUEZ_LISTENING, EHD_BLUEZ_LISTENING, error);
    ehd_bluez_reach_hide(self);
    ehd_bluez_reach_end(self);
    ehd_bluez_up_rest(self);
}

void
ehd_bluez_up_rest(EhdLinkBluez *self)
{
    if (is_awaited(self) || self->holds > 0 || self->busy)
        return;
    self->patience = 0;
    g_clear_handle_id(&self->timer, g_source_remove);
    ehd_bluez_peers_end(self);
    ehd_bluez_profile_unregister(self->profile); /* a client's */
    drop_power(self);
}

void
ehd_bluez_up_end(EhdLinkBluez *self)
{
    g_autoptr(GError) error = NULL;

    ehd_bluez_up_stop_listening(self);
    ehd_error_set(&error, EHP_CANCELLED, NULL);
    tell(self, EHD_BLUEZ_ADAPTER_UP, EHD_BLUEZ_LISTENING, error);
}
