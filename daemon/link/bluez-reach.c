/* SPDX-License-Identifier: Apache-2.0
 *
 * While we listen others can reach the adapter: it answers pages (fast connectable by
 * ehrlink-bt, where that is not installed discoverable), and inquiries of a device that has to
 * look us up. Each is put back after it (hold.h).
 */
#include "daemon/link/bluez-private.h"

#include <string.h>

/* Somebody who has to look us up does so within this. */
#define FOUND_MS 30000

/* Pages are answered from now on, as far as we can bring that about. */
static void
answers(EhdLinkBluez *self)
{
    if (!self->has_fast && !self->has_open) /* of an earlier listener */
        return;
    g_clear_handle_id(&self->answer_timer, g_source_remove);
    self->answers = TRUE;
    ehd_bluez_up_settle(self);
}

static gboolean
on_answer_late(gpointer user_data)
{
    EhdLinkBluez *self = ehd_bluez_ref(user_data);

    self->answer_timer = 0;
    g_warning("the adapter may not answer: nobody says that it does");
    answers(self);
    ehd_bluez_unref(self);
    return G_SOURCE_REMOVE;
}

static void
on_open(const GError *error, gpointer user_data)
{
    EhdLinkBluez *self = user_data;

    if (error != NULL)
        g_warning("the adapter may not answer: it cannot be made discoverable: %s",
                  error->message);
    if (!self->freed)
        answers(self);
}

/* bluetoothd leaves an adapter that knows no other device deaf to pages. It has no property to
 * change just that, but what can be found can be reached. */
static void
take_open(EhdLinkBluez *self)
{
    if (self->has_open)
        return;
    self->has_open = TRUE;
    ehd_hold_take(self->hold, EHD_HOLD_DISCOVERABLE, self->fast_of, on_open, self);
}

static void
on_fast(const GError *error, gpointer user_data)
{
    EhdLinkBluez *self = user_data;

    if (error != NULL)
        g_debug("fast connectable is not set: %s", error->message);
    if (error != NULL && !self->freed && self->has_fast)
        take_open(self);
    else if (error == NULL && !self->freed)
        answers(self);
}

void
ehd_bluez_reach_begin(EhdLinkBluez *self)
{
    if (self->has_fast || self->has_open)
        return;
    memcpy(self->fast_of, self->at.address, sizeof self->fast_of);
    self->answer_timer = g_timeout_add(self->patience_ms, on_answer_late, self);
    if (!ehd_radio_is_installed(self->radio)) {
        take_open(self);
        return;
    }
    self->has_fast = TRUE;
    ehd_hold_take(self->hold, EHD_HOLD_FAST, self->fast_of, on_fast, self);
}

static void
on_shown(const GError *error, gpointer user_data)
{
    if (error != NULL)
        g_info("cannot be found by an inquiry: %s", error->message);
}

static gboolean
on_shown_long(gpointer user_data)
{
    EhdLinkBluez *self = user_data;

    self->found_timer = 0;
    ehd_bluez_reach_hide(self);
    return G_SOURCE_REMOVE;
}

void
ehd_bluez_reach_show(EhdLinkBluez *self)
{
    if (!self->listening)
        return;
    ehd_bluez_reach_hide(self);
    self->found_held = TRUE;
    memcpy(self->found_of, self->at.address, sizeof self->found_of);
    self->found_timer = g_timeout_add(FOUND_MS, on_shown_long, self);
    ehd_hold_take(self->hold, EHD_HOLD_DISCOVERABLE, self->found_of, on_shown, NULL);
}

void
ehd_bluez_reach_hide(EhdLinkBluez *self)
{
    g_clear_handle_id(&self->found_timer, g_source_remove);
    if (self->found_held)
        ehd_hold_drop(self->hold, EHD_HOLD_DISCOVERABLE, self->found_of);
    self->found_held = FALSE;
}

void
ehd_bluez_reach_end(EhdLinkBluez *self)
{
    g_clear_handle_id(&self->answer_timer, g_source_remove);
    self->answers = FALSE;
    if (self->has_fast)
        ehd_hold_drop(self->hold, EHD_HOLD_FAST, self->fast_of);
    self->has_fast = FALSE;
    if (self->has_open)
        ehd_hold_drop(self->hold, EHD_HOLD_DISCOVERABLE, self->fast_of);
    self->has_open = FALSE;
}
