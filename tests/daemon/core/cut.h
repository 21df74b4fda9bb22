/* SPDX-License-Identifier: Apache-2.0
 *
 * A link that can be cut: passes everything on to another one, and remembers the descriptors
 * that it handed out.
 */
#pragma once

#include "daemon/link/link.h"

typedef struct CutLink CutLink;

/* inner: (transfer full). */
CutLink *cut_link_new(EhdLink *inner);
EhdLink *cut_link_get(CutLink *link);
/* All connections end now; none comes about until up. */
void cut_link_down(CutLink *link);
void cut_link_up(CutLink *link);
/* All connections end now, and the next comes about at once. */
void cut_link_snap(CutLink *link);
/* The listener's link is in trouble, or out of it (EHP_OK); connections are as they were. */
void cut_link_tell(CutLink *link, ehp_status status);
guint cut_link_get_connects(CutLink *link);
/* From now on whoever connects by it has to look the other one up. */
void cut_link_set_lookup(CutLink *link);
/* How often it was to be found. */
guint cut_link_get_shown(CutLink *link);
/* From now on sessions find out-of-band data here, with this address and these bytes. */
void cut_link_set_oob(CutLink *link, const guint8 address[EHD_LINK_ADDRESS_LEN], guint8 byte);
typedef struct {
    guint taken, dropped, added, removed;
    EhdLinkOob last;       /* that was added */
    gboolean before_first; /* it was added before any connection */
} CutOob;
const CutOob *cut_link_get_oob(CutLink *link);
/* Where the inner link listens; valid after a listen. */
const EhdLinkAddress *cut_link_get_address(CutLink *link);
