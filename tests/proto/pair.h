/* SPDX-License-Identifier: Apache-2.0
 *
 * Two sessions and the wire between them, all in one process: for tests, vectors and fuzzing.
 * Time is a number that the test moves; the wire delivers in chunks of any size, changes or
 * cuts what it is told to.
 */
#pragma once

#include <glib.h>

#include "proto/session.h"

typedef struct {
    const char *name;
    uint64_t size;
    unsigned kind; /* 0 random bytes, 1 repeating text */
} pair_item;

typedef struct pair pair;

/* What strikes when a cut or an event comes: the link is gone in any case. */
typedef enum {
    PAIR_CUT = 0,
    PAIR_KILL_PATIENT = 1,
    PAIR_KILL_TERMINAL = 2,
    PAIR_KILL_BOTH = 3,
} pair_blow;

typedef struct {
    pair *pair;
    ehp_session *s;
    bool patient;
    int link;          /* of the connection, -1: none */
    bool closing;      /* LINK_CLOSE came: close when the output is empty */
    GByteArray *inbox; /* bytes that have arrived and were not taken yet */

    /* what happened */
    ehp_event_type last;
    unsigned seen[EHP_EV_ENDED + 1];
    bool ended;
    ehp_status status;
    bool by_peer;
    uint32_t status_kind;
    uint8_t receipt[EHP_RECEIPT_MAX];
    size_t receipt_len;
    uint64_t deadline;

    /* receiver */
    uint64_t received_bytes;
    uint32_t items_whole;
    uint32_t pending_items; /* ITEM_COMPLETE not answered yet */
    unsigned events;
    bool dead;   /* killed, and not revived */
    void *store; /* the test's */
} pair_side;

struct pair {
    uint64_t now;
    pair_side p, t;
    bool connected;
    GByteArray *preamble; /* listener: before the session is known */
    bool known;

    /* how the devices behave */
    const pair_item *items;
    size_t n_items;
    int zstd_level;
    ehp_status crl_verdict;
    bool crl_allowed;
    ehp_status refuse_with; /* patient: EHP_OK grants */
    bool hold_consent;      /* ASK_CONSENT stays open */
    bool hold_durable; /* receiver: durable is only said when suspended or at the end of an item
                        */
    bool hold_crls, hold_manifest, hold_data, hold_items, hold_commit;
    bool hold_receipt, hold_receipt_ready, hold_request;
    ehp_status manifest_verdict, data_verdict, item_verdict, receipt_verdict, stored_verdict;
    bool no_reconnect;
    uint8_t number;           /* of the tap: other keys for each */
    const ehp_taken *from;    /* the patient goes on with an earlier session */
    bool deaf_patient;        /* a test speaks in its name: it must not hear the answers */
    bool stop_after_complete; /* the patient says bye at once */
    uint32_t tell_status;     /* terminal: StatusKind after COMPLETE, 0: none */
    /* Later transfers, one letter each, once the one before is done: r asks for every second
     * item, n for what is not there, l for a list; w offers all items to the patient, x offers
     * what is refused, v what is not answered; s tells the status now (the patient stays). At
     * the end the terminal tells the status, or says bye if it has. NULL: none. */
    const char *later;
    size_t at_later;
    bool list_first;            /* the first transfer is a list */
    size_t picked[8], n_picked; /* of the transfer in course: which items */
    Ehp__ItemEntry *picked_entries[8];
    ehp_event_type end_at; /* the side in end_patient ends when it sees this */
    bool end_patient;
    ehp_status end_with;
    bool revoke_at_data;
    unsigned revoke_after; /* segments */

    /* how the wire behaves; offsets count all bytes of a direction over all connections,
     * UINT64_MAX: never */
    size_t chunk;
    uint64_t sent_p, sent_t; /* bytes carried so far, from the patient, from the terminal */
    uint64_t cut_p, cut_t, flip_p, flip_t;
    unsigned flip_bit;
    uint64_t
        cut_every; /* after a cut, the next one so many bytes of the patient's later; 0: no */
    unsigned cut_more; /* so often; 0: always */
    uint64_t stop_at;  /* pair_run returns once the patient has sent so much; 0: no */
    unsigned cuts, connects;
    GByteArray *tape_p, *tape_t; /* if there: all bytes carried */

    /* for tests that end a device's process and start it again: revive gives the session that
     * comes back, or NULL. Set before pair_start. */
    ehp_session *(*revive)(pair_side *side);
    void (*on_event)(pair_side *side, const ehp_event *event); /* before it is handled */
    pair_blow blow;
    unsigned blows;
    bool kill_patient;   /* whose events are counted */
    bool kill_handled;   /* after the event; else before, if it is that side which is killed */
    unsigned kill_at;    /* the side's event so many; 0: none */
    unsigned kill_again; /* and once more after so many more; 0: no */
    unsigned kills;
    bool data_changed; /* ehp_session_data notices */

    /* somebody between: takes what `from` has to say (may be none) and gives the other what it
     * likes; true: something moved */
    bool (*between)(pair *w, pair_side *from, pair_side *to);
    void *user;
    bool lax; /* what a peer says is not compared with what an honest one would */

    /* for tests that speak for the terminal or patient themselves */
    const Ehp__ConsentRequest *request; /* NULL: a default */
    Ehp__ItemEntry **entries;
    Ehp__ItemEntry *entry_store;
};

/* Secrets of both sides as a tap would leave them, from fixed seeds. */
void pair_secrets(ehp_secrets *patient, ehp_secrets *terminal);
const uint8_t *pair_leaf_secret(void);
uint8_t pair_byte(const pair_item *item, uint32_t id, uint64_t offset);

/* Everything at its defaults: one small item, one whole chunk at a time, both sides willing. */
void pair_init(pair *w);
/* After the fields are set: makes both sessions. */
void pair_start(pair *w);
void pair_connect(pair *w);
/* Until nothing moves any more at this time. */
void pair_run(pair *w);
/* The next deadline of either side, and what follows. False when there is none. */
bool pair_wait(pair *w);
/* run and wait until both have ended (or `limit` deadlines passed). */
void pair_finish(pair *w, unsigned limit);
void pair_cut(pair *w);
void pair_handle(pair_side *side);
/* The side's process ends, whatever it was doing, and is revived. */
void pair_kill(pair_side *side);
/* A terminal that was revived: takes the next step of `later`, if one can be taken now. */
void pair_go_on(pair_side *side);
void pair_clear(pair *w);
