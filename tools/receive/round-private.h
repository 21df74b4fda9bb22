/* SPDX-License-Identifier: Apache-2.0
 *
 * A round's state, and what its parts call of each other: round.c (the session, its end), round-resume.c (one that an
 * earlier run left), round-collect.c (into the directory), round-list.c (picking from a list), round-reply.c (sending back), round-file.c (filing).
 */
#pragma once

#include <json-glib/json-glib.h>

#include "tools/receive/round.h"

struct Round {
    EhrlinkClient *client;         /* borrowed */
    const ReceiveOptions *options; /* borrowed */
    const RoundListener *listener; /* borrowed */
    gpointer user_data;
    EhrlinkSession *session;   /* owned, NULL before it is open */
    GCancellable *cancellable; /* owned; ends what comes before the session */
    EhrlinkSessionState told;
    char *trouble; /* owned: the last one that was told */
    GPtrArray *items;  /* owned, of EhrlinkItem: all of the session */
    GPtrArray *files;  /* owned, of char: the name of each here, NULL: it is not here */
    char *directory;   /* owned: where it is now, NULL before there is one */
    GError *why;       /* owned: a fault of this side that ended it */
    gboolean resumed; /* an earlier run may have collected some of it */
    char *path;       /* owned: of the session, then */
    gboolean brings;  /* files that an earlier run was sending back */
    gboolean arrived, freed, over, keep;
    guint transfers;             /* to here, so far */
    GPtrArray *listed;           /* owned, of EhrlinkItem: what a list showed */
    gboolean picked;             /* from it */
    gboolean requesting;         /* and the service has not said that it will bring it */
    guint refusals;              /* one after the other, of that */
    void (*when_may_ask)(Round *round); /* waits for the patient's side to be ready for more */
    gboolean replying;
    guint early;                 /* single items on their way here, while others still come */
    gboolean collect_due;
    GPtrArray *taken;            /* owned, of EhrlinkItem: of those, what the service has let go of already */
    gboolean storing; /* a collection or a receipt is on its way here: the end waits for it */
};

Round *round_new(EhrlinkClient *client, const ReceiveOptions *options, const RoundListener *listener,
                 gpointer user_data);
/* There is a session: follows it. */
void round_attach(Round *round);
/* Tells the listener, once. */
void round_over(Round *round, const GError *error);
/* Begins an event of this session; the caller ends it. */
JsonBuilder *round_event(Round *round, const char *name);
/* Tells the listener, once, that the reader is free. */
void round_free_reader(Round *round);
/* What became of the ended session: its directory is filed, dropped or kept; on_over. */
void round_end(Round *round);
/* What was stored is here, or failed. FALSE: the session ended meanwhile, and so does the round. */
gboolean round_stored(Round *round);
/* Calls `next` once the patient's device has the receipt and listens, or has left. */
void round_when_may_ask(Round *round, void (*next)(Round *round));

/* Collects all that arrived, once nothing is on its way early; the receipt, reply and filing follow. */
void round_collect(Round *round);
void round_on_arrived(EhrlinkSession *session, guint items, guint64 bytes, gpointer user_data);
void round_on_item_stored(EhrlinkSession *session, guint id, gpointer user_data);

/* Shows what the patient's device lists and requests what is picked, or collects when there is nothing to request. */
void round_list(Round *round);

/* Offers the files of --reply; filing follows. */
void round_send_reply(Round *round);
/* Something is on its way back. */
gboolean round_goes_back(Round *round);
/* Waits for what an earlier run was sending back; filing follows. */
void round_await_reply(Round *round);
/* Looks whether the patient has taken what was offered. */
void round_look_at_reply(Round *round);

/* A fault of ours after the receipt: the patient's side hears that the items are not kept. */
void round_reject(Round *round, const GError *error);
/* Looks into what arrived. FALSE: this terminal's policy keeps none of it. */
gboolean round_accept(Round *round);
/* Tells what is stored where. */
void round_announce(Round *round);
/* Who it is about; then files it, asks, or leaves it for later, as the options say. */
void round_confirm(Round *round);
