/* SPDX-License-Identifier: Apache-2.0
 *
 * A core that does as it is told: every function of daemon/core/core.h, session.h, doctor.h and
 * receipt.h that the bus calls, with what it was called with kept to be looked at. Tests of the
 * adapters link it in the place of the real one.
 */
#pragma once

#include "daemon/core/core.h"
#include "daemon/core/doctor.h"
#include "daemon/core/receipt.h"

struct EhdSession {
    EhdCore *core; /* borrowed */
    EhdSessionInfo info;
    char *id; /* owned */
    const EhdSessionListener *listener;
    gpointer user_data;
    guint listeners_set, vanished;

    /* the last answer of an agent */
    guint consents, items_given;
    gboolean granted, accepted, list;
    guint offered, replies, queries, reply_items;
    GArray *granted_items; /* owned, of guint */
    int acting_as;
    gint64 expires;
    guint item_id;
    int item_fd; /* owned, or -1 */
    ehp_status item_why;

    /* the last calls of methods */
    guint cancels, files, extends, revokes, stored;
    char *rule, *allowed; /* owned */
    char *collect;        /* what CollectItem hands out; owned */
};

struct EhdCore {
    const EhdCoreHooks *hooks;
    gpointer user_data;
    GPtrArray *sessions; /* owned, of EhdSession */
    ehp_status next_error;
    gboolean hold; /* send and receive do not return until let go */
    GPtrArray *held;
    gboolean forgets; /* a cancelled session goes at once: when made by ehd_core_new */
    guint sends, receives, identity_calls, trust_calls;
    guint n_items, n_crls;
    EhdReceiveOptions received; /* borrowed pointers are not to be followed */
    char *text, *display;       /* owned */
    const EhdTrust *trust;      /* borrowed, or NULL */
    EhdIdentity identity;
    gboolean has_identity;
};

EhdCore *fake_core_new(const EhdCoreHooks *hooks, gpointer user_data);
/* (transfer none) */
EhdSession *fake_core_add(EhdCore *core, uid_t uid, EhdSessionRole role);
void fake_core_remove(EhdCore *core, EhdSession *session);
void fake_core_let_go(EhdCore *core);
