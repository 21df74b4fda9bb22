/* SPDX-License-Identifier: Apache-2.0
 *
 * The real reader behind EhdTapPort: forwards to daemon/tap and back. Main context.
 */
#include "daemon/core/tap-port.h"
#include "daemon/tap/tap.h"

typedef struct {
    EhdTapPort base;
    EhdTap *tap; /* borrowed */
    EhdTapPortEvents events;
    gpointer events_data;
} NfcPort;

typedef struct {
    EhdTapPortProbed done;
    gpointer user_data;
} Probe;

static void
on_ready(EhdTap *tap, gpointer user_data)
{
    NfcPort *self = user_data;

    self->events.on_ready(self->events_data);
}

static void
on_activated(EhdTap *tap, gpointer user_data)
{
    NfcPort *self = user_data;

    self->events.on_activated(self->events_data);
}

static void
on_apdu(EhdTap *tap, const guint8 *apdu, gsize length, gpointer user_data)
{
    NfcPort *self = user_data;

    self->events.on_apdu(apdu, length, self->events_data);
}

static void
on_lost(EhdTap *tap, ehp_status why, const char *detail, gpointer user_data)
{
    NfcPort *self = user_data;

    self->events.on_lost(why, detail, self->events_data);
}

static void
on_error(EhdTap *tap, ehp_status status, const char *detail, gpointer user_data)
{
    NfcPort *self = user_data;

    self->events.on_error(status, detail, self->events_data);
}

static const EhdTapEvents tap_events = {
    .on_ready = on_ready,
    .on_activated = on_activated,
    .on_apdu = on_apdu,
    .on_lost = on_lost,
    .on_error = on_error,
};

static void
nfc_arm(EhdTapPort *port, EhdTapPortRole role, const EhdTapPortEvents *events,
        gpointer user_data)
{
    NfcPort *self = (NfcPort *)port;

    self->events = *events;
    self->events_data = user_data;
    ehd_tap_arm(self->tap, role == EHD_TAP_PORT_CARD ? EHD_TAP_CARD : EHD_TAP_READER,
                &tap_events, self);
}

static void
nfc_disarm(EhdTapPort *port)
{
    ehd_tap_disarm(((NfcPort *)port)->tap);
}

static ehp_status
nfc_send_apdu(EhdTapPort *port, const guint8 *apdu, gsize length)
{
    return ehd_tap_send_apdu(((NfcPort *)port)->tap, apdu, length);
}

static void
nfc_release(EhdTapPort *port)
{
    ehd_tap_release(((NfcPort *)port)->tap);
}

static ehp_status
nfc_get_state(EhdTapPort *port, const char **detail)
{
    return ehd_tap_get_reader_state(((NfcPort *)port)->tap, detail);
}

static void
on_probed(EhdTap *tap, ehp_status status, const char *detail, gpointer user_data)
{
    Probe *probe = user_data;

    probe->done(status, detail, probe->user_data);
    g_free(probe);
}

static void
nfc_probe(EhdTapPort *port, EhdTapPortProbed done, gpointer user_data)
{
    Probe *probe = g_new(Probe, 1);

    probe->done = done;
    probe->user_data = user_data;
    ehd_tap_probe(((NfcPort *)port)->tap, on_probed, probe);
}

static void
nfc_free(EhdTapPort *port)
{
    ehd_tap_disarm(((NfcPort *)port)->tap);
    g_free(port);
}

static const EhdTapPortOps nfc_ops = {
    .arm = nfc_arm,
    .disarm = nfc_disarm,
    .send_apdu = nfc_send_apdu,
    .release = nfc_release,
    .get_state = nfc_get_state,
    .probe = nfc_probe,
    .free = nfc_free,
};

EhdTapPort *
ehd_tap_port_nfc_new(struct EhdTap *tap)
{
    NfcPort *self = g_new0(NfcPort, 1);

    self->base.ops = &nfc_ops;
    self->tap = tap;
    return &self->base;
}

void
ehd_tap_port_free(EhdTapPort *port)
{
    if (port != NULL)
        port->ops->free(port);
}
