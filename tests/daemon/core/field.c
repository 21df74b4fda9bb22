/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/daemon/core/field.h"

#include <string.h>

#include "proto/bounds.h"

struct FieldPort {
    EhdTapPort base;
    EhdTapPortRole role; /* 0: not armed */
    EhdTapPortEvents events;
    gpointer events_data;
    guint arming; /* counts arm, disarm and taps: a late idle source is of an earlier one */
    ehp_status broken;
    FieldPort *other; /* while active */
    guint torn_after, apdus;
    guint8 last[EHP_APDU_MAX];
    gsize last_length;
};

typedef struct {
    FieldPort *port;
    guint arming;
    guint8 apdu[EHP_APDU_MAX];
    gsize length;
    ehp_status why;
} Delivery;

static Delivery *
delivery_new(FieldPort *port)
{
    Delivery *delivery = g_new0(Delivery, 1);

    delivery->port = port;
    delivery->arming = port->arming;
    return delivery;
}

static void
deliver(GSourceFunc func, Delivery *delivery)
{
    GSource *source = g_idle_source_new();

    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, func, delivery, g_free);
    g_source_attach(source, NULL);
    g_source_unref(source);
}

static gboolean
is_current(const Delivery *delivery)
{
    return delivery->port->role != 0 && delivery->port->arming == delivery->arming;
}

static gboolean
on_lost(gpointer data)
{
    Delivery *delivery = data;

    if (is_current(delivery))
        delivery->port->events.on_lost(delivery->why, "field", delivery->port->events_data);
    return G_SOURCE_REMOVE;
}

static void
part(FieldPort *port, ehp_status why)
{
    FieldPort *other = port->other;

    if (other == NULL)
        return;
    port->other = other->other = NULL;
    for (guint i = 0; i < 2; i++) {
        Delivery *delivery = delivery_new(i == 0 ? port : other);

        delivery->why = why;
        deliver(on_lost, delivery);
    }
}

static gboolean
on_armed(gpointer data)
{
    Delivery *delivery = data;
    FieldPort *port = delivery->port;

    if (!is_current(delivery))
        return G_SOURCE_REMOVE;
    if (port->broken != EHP_OK)
        port->events.on_error(port->broken, "as told by the test", port->events_data);
    else
        port->events.on_ready(port->events_data);
    return G_SOURCE_REMOVE;
}

static void
port_arm(EhdTapPort *base, EhdTapPortRole role, const EhdTapPortEvents *events,
         gpointer user_data)
{
    FieldPort *port = (FieldPort *)base;

    part(port, EHP_TAP_TORN);
    port->arming++;
    port->role = role;
    port->events = *events;
    port->events_data = user_data;
    deliver(on_armed, delivery_new(port));
}

static void
port_disarm(EhdTapPort *base)
{
    FieldPort *port = (FieldPort *)base;

    part(port, EHP_TAP_TORN);
    port->arming++;
    port->role = 0;
}

static gboolean
on_apdu(gpointer data)
{
    Delivery *delivery = data;
    FieldPort *port = delivery->port;

    if (!is_current(delivery) || port->other == NULL)
        return G_SOURCE_REMOVE;
    memcpy(port->last, delivery->apdu, delivery->length);
    port->last_length = delivery->length;
    port->events.on_apdu(delivery->apdu, delivery->length, port->events_data);
    return G_SOURCE_REMOVE;
}

static ehp_status
port_send_apdu(EhdTapPort *base, const guint8 *apdu, gsize length)
{
    FieldPort *port = (FieldPort *)base, *other = port->other;
    Delivery *delivery;

    g_assert_cmpuint(length, >, 0);
    g_assert_cmpuint(length, <=, EHP_APDU_MAX);
    if (other == NULL)
        return EHP_WRONG_STATE;
    port->apdus++;
    other->apdus++;
    if (port->torn_after > 0 && port->apdus >= port->torn_after) {
        part(port, EHP_TAP_TORN);
        return EHP_OK;
    }
    delivery = delivery_new(other);
    memcpy(delivery->apdu, apdu, length);
    delivery->length = length;
    deliver(on_apdu, delivery);
    return EHP_OK;
}

static gboolean
on_release(gpointer data)
{
    Delivery *delivery = data;

    if (is_current(delivery))
        part(delivery->port, EHP_OK);
    return G_SOURCE_REMOVE;
}

static void
port_release(EhdTapPort *base)
{
    FieldPort *port = (FieldPort *)base;

    if (port->other != NULL) /* after the answer that is on its way */
        deliver(on_release, delivery_new(port));
}

static ehp_status
port_get_state(EhdTapPort *base, const char **detail)
{
    *detail = "field";
    return ((FieldPort *)base)->broken;
}

static void
port_probe(EhdTapPort *base, EhdTapPortProbed done, gpointer user_data)
{
    done(((FieldPort *)base)->broken, "field", user_data);
}

static void
port_free(EhdTapPort *base)
{
    g_free(base);
}

static const EhdTapPortOps ops = {
    .arm = port_arm,
    .disarm = port_disarm,
    .send_apdu = port_send_apdu,
    .release = port_release,
    .get_state = port_get_state,
    .probe = port_probe,
    .free = port_free,
};

FieldPort *
field_port_new(void)
{
    FieldPort *port = g_new0(FieldPort, 1);

    port->base.ops = &ops;
    return port;
}

EhdTapPort *
field_port_get(FieldPort *port)
{
    return &port->base;
}

void
field_port_free(FieldPort *port)
{
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_free(port);
}

void
field_port_set_broken(FieldPort *port, ehp_status broken)
{
    port->broken = broken;
}

gboolean
field_port_is_armed(FieldPort *port, EhdTapPortRole role)
{
    return port->role == role;
}

gboolean
field_port_is_active(FieldPort *port)
{
    return port->other != NULL;
}

guint
field_port_get_apdus(FieldPort *port)
{
    return port->apdus;
}

const guint8 *
field_port_get_last(FieldPort *port, gsize *length)
{
    *length = port->last_length;
    return port->last;
}

void
field_tap(FieldPort *reader, FieldPort *card, guint torn_after)
{
    g_assert_cmpint(reader->role, ==, EHD_TAP_PORT_READER);
    g_assert_cmpint(card->role, ==, EHD_TAP_PORT_CARD);
    g_assert_null(reader->other);
    reader->other = card;
    card->other = reader;
    reader->torn_after = card->torn_after = torn_after;
    reader->apdus = card->apdus = 0;
    reader->arming++;
    card->arming++;
    card->events.on_activated(card->events_data);
    if (reader->other != NULL)
        reader->events.on_activated(reader->events_data);
}
