/* SPDX-License-Identifier: Apache-2.0
 *
 * Two readers that are no readers: EhdTapPorts that can be brought together, exchange APDUs
 * over idle sources, and be torn apart after any of them.
 */
#pragma once

#include "daemon/core/tap-port.h"

typedef struct FieldPort FieldPort;

/* Not ready until field_port_ready() if broken is set: on_error(broken) instead of on_ready. */
FieldPort *field_port_new(void);
EhdTapPort *field_port_get(FieldPort *port);
void field_port_free(FieldPort *port);
/* What the next arm() meets. EHP_OK: the reader is there. */
void field_port_set_broken(FieldPort *port, ehp_status broken);
gboolean field_port_is_armed(FieldPort *port, EhdTapPortRole role);

/* Holds two together until the tap ends. torn_after: APDUs, both directions counted, before
 * they are moved apart; 0: never. Both must be armed. */
void field_tap(FieldPort *reader, FieldPort *card, guint torn_after);
/* A tap is under way at this port. */
gboolean field_port_is_active(FieldPort *port);
/* APDUs of the last tap. */
guint field_port_get_apdus(FieldPort *port);
/* The last APDU that came to this port, and how long it was. */
const guint8 *field_port_get_last(FieldPort *port, gsize *length);
