/* SPDX-License-Identifier: Apache-2.0
 *
 * A session between two honest devices, from the tap to the end, over links that are lost and
 * processes that are killed. Who is in which state, what is listed and what follows comes from
 * the engine's own tables (names.pml and rules.h, printed by tables.c); written here is what each action
 * says, what is durable when, and how a killed process comes back.
 *
 * A row of transfers, the later ones asked for by the terminal, each of one item. Positions: 0,
 * 1 … segments, then the whole item, verified and renamed.
 * A key stands for a generation: its number in the code can come twice, the keys behind it cannot.
 *
 *   LOSSES     how many times the link is cut, at any moment, in both directions or one
 *   CRASHES    how many times each of the two is killed
 *   TRANSFERS  how many there are; SEGMENTS of each one's item
 *   GIVING_UP  1: people and clocks may end it at any moment (safety); 0: they do not, and then
 *              both must end with the receipt (progress)
 */
#include "names.pml"

c_decl {
    \#include "rules.h"
}

#ifndef LOSSES
#define LOSSES 2
#endif
#ifndef CRASHES
#define CRASHES 1
#endif
#ifndef GIVING_UP
#define GIVING_UP 0
#endif

#define MESSAGE1 1
#define MESSAGE2 2
#define RECORD   3
#define FIRST    254 /* in place of a key: the tap's split keys */
#define NOT_YET  255 /* attempt: the next close makes it the newest */

#ifndef TRANSFERS
#define TRANSFERS 1
#endif
#ifndef SEGMENTS
#define SEGMENTS 2
#endif
#define WHOLE  (SEGMENTS + 1)
#define WINDOW 2
#define LAST   (TRANSFERS - 1)

/* ResumeHello.consent_state */
#define NONE    0
#define GRANTED 1
#define ASKED   2
/* with it goes the number of the transfer */
#define SAYING(no, state) ((no)*4 + (state))
#define STATE(a)          ((a) % 4)
#define NUMBER(a)         ((a) / 4)

chan to_t = [7] of { byte, byte, byte, byte };
chan to_p = [7] of { byte, byte, byte, byte };
bool wire;    /* there is a connection */
bool t_stale; /* ... and it is not the one that the terminal knows of */
byte keys;    /* the newest one that was ever made */

/* patient: memory */
byte p_st = SS_STAPLE, p_lk = LS_FREE;
byte p_held[2], p_n = 1, p_try, p_base;
bool p_split = 1, p_first, p_said_hello, p_got_hello, p_agreed, p_save, p_wait;
byte p_peer_state, p_peer_at;
bool p_person, p_granted, p_due, p_complete, p_ahead;
byte p_no, p_say, p_next, p_acked, p_receipt, p_crashes;
/* patient: disk */
byte pd_held[2], pd_n = 1, pd_no, pd_acked, pd_receipt[TRANSFERS];
bool pd_granted;

/* terminal: memory */
byte t_st = SS_ASKING, t_lk = LS_FREE;
byte t_key, t_new;
bool t_split = 1, t_first, t_said_hello, t_got_hello, t_agreed, t_save, t_wait;
byte t_peer_state;
bool t_granted, t_complete, t_known, t_status, t_due;
byte t_no, t_got, t_told, t_receipt, t_receipts, t_crashes;
/* terminal: disk */
byte td_key, td_no, td_at, td_receipt[TRANSFERS];
bool td_granted, td_visible[TRANSFERS];

byte losses;

/* Within a step only. */
#define NO_EVENT 0 /* padding: never run here */
byte act, next, q_at, q_event, p_ev, p_a, p_b, t_ev, t_a, t_b;

inline patient_rule(at, event) {
    q_at = at; q_event = event;
    c_code { now.act = patient_rules[now.q_at][now.q_event][0]; now.next = patient_rules[now.q_at][now.q_event][1]; };
    q_at = 0; q_event = 0
}
inline terminal_rule(at, event) {
    q_at = at; q_event = event;
    c_code { now.act = terminal_rules[now.q_at][now.q_event][0]; now.next = terminal_rules[now.q_at][now.q_event][1]; };
    q_at = 0; q_event = 0
}
inline link_rule(at, event) {
    q_at = at; q_event = event;
    c_code { now.act = link_rules[now.q_at][now.q_event][0]; now.next = link_rules[now.q_at][now.q_event][1]; };
    q_at = 0; q_event = 0
}

inline empty_out(c) {
    do
    :: nempty(c) -> c?_, _, _, _
    :: empty(c) -> break
    od
}
/* What is on its way when a connection goes arrives or not, each way for itself. */
inline cut() {
    wire = 0;
    if
    :: empty_out(to_t)
    :: skip
    fi;
    if
    :: empty_out(to_p)
    :: skip
    fi
}

#define P_OPEN (p_lk == LS_UP && (p_first || p_agreed))
#define T_OPEN ((t_lk == LS_SILENT && t_first) || (t_lk == LS_UP && (t_first || t_agreed)))

/* A ResumeHello goes over any link; all else over one that is agreed on, or is not said. */
inline p_say_hello(state, at) {
    if
    :: wire -> assert(nfull(to_t)); to_t!RECORD, SE_RESUME_HELLO, state, at
    :: else
    fi
}
inline p_tell(event, a, b) {
    if
    :: wire && P_OPEN -> assert(nfull(to_t)); to_t!RECORD, event, a, b
    :: else
    fi
}
inline t_say_hello(state, at) {
    if
    :: wire && !t_stale -> assert(nfull(to_p)); to_p!RECORD, SE_RESUME_HELLO, state, at
    :: else
    fi
}
inline t_tell(event, a, b) {
    if
    :: wire && !t_stale && T_OPEN -> assert(nfull(to_p)); to_p!RECORD, event, a, b
    :: else
    fi
}

/* ---------------------------------------------------------------- patient */

/* ... the manifest of this transfer */
#define P_GRANTED     (p_granted && p_st != SS_REQUESTED)
#define P_CONSENT_DUE (p_due && p_no == 0)

inline p_end() {
    p_st = SS_ENDED;
    if
    :: p_lk != LS_FREE -> wire = 0 /* after what was said */
    :: else
    fi;
    p_lk = LS_FREE
}

inline p_do(a, b) {
    if
    :: act == SA_NONE || act == SA_KEEP_CRLS || act == SA_FORGET_CRLS ||
           act == SA_CHECK_REQUEST || act == SA_CHECK_STATUS
    :: act == SA_ASK_CONSENT
    :: act == SA_REFUSE || act == SA_CONSENT_VOID ->
        p_tell(SE_REFUSAL, 0, 0);
        p_tell(SE_BYE_REASON, 0, 0)
    :: act == SA_GRANT ->
        p_granted = 1; p_due = 1; p_save = 1; p_wait = 1; p_say = 0
    :: act == SA_ACK ->
        assert(b <= p_next || b <= p_acked);
        p_acked = (b > p_acked -> b : p_acked)
    :: act == SA_CHECK_RECEIPT ->
        assert(p_acked == WHOLE && a == td_receipt[p_no]); /* that of this transfer */
        p_receipt = a
    :: act == SA_RECEIPT_AGAIN ->
        assert(a == pd_receipt[p_no]);
        p_tell(SE_RECEIPT_ACK, a, 0)
    :: act == SA_RESUME_SENDING ->
        if
        :: p_ahead /* nothing of the one before is outstanding */
        :: !p_ahead && p_st == SS_SENDING ->
            p_say = (p_peer_state == GRANTED -> 4 : (p_no > 0 -> 2 : 0));
            p_next = (p_peer_state == GRANTED -> p_peer_at : 0);
            p_acked = (p_next > p_acked -> p_next : p_acked)
        :: else -> assert(p_peer_state == GRANTED && p_peer_at == WHOLE)
        fi
    :: act == SA_SENT_ALL ->
        assert(pd_receipt[p_no] != 0); /* no "done" before the receipt is durable */
        p_complete = 1;
        p_tell(SE_RECEIPT_ACK, pd_receipt[p_no], 0)
    :: act == SA_ASK_ITEMS -> p_no++; p_complete = 0; p_peer_state = NONE
    :: act == SA_OFFER_ITEMS ->
        p_due = 1; p_save = 1; p_wait = 1;
        p_say = 2; p_next = 0; p_acked = 0; p_receipt = 0
    :: act == SA_WITHDRAW ->
        if
        :: P_CONSENT_DUE /* what was never said needs no withdrawal */
        :: else -> p_tell(SE_REVOKE, 0, 0)
        fi
    :: act == SA_BYE -> p_tell(SE_BYE, 0, 0)
    :: act == SA_END ->
        if
        :: p_granted && !P_CONSENT_DUE
        :: else -> p_tell(SE_REFUSAL, 0, 0)
        fi;
        p_tell(SE_BYE_REASON, 0, 0)
    :: act == SA_PEER_DONE || act == SA_PEER_ENDED
    :: else -> assert(false) /* not listed, or not known here */
    fi;
    if
    :: next == SS_ENDED -> p_end()
    :: else -> p_st = next
    fi
}
/* One event a step: looked up and done in one place, at the end of the step. */
inline p_run(event, a, b) {
    p_ev = event; p_a = a; p_b = b
}

inline p_connect() {
    empty_out(to_t);
    empty_out(to_p);
    wire = 1;
    t_stale = 1;
    p_said_hello = 0; p_got_hello = 0; p_agreed = 0;
    p_first = p_split;
    if
    :: p_split ->
        link_rule(p_lk, LE_CONNECT_FIRST);
        assert(act == LA_TAKE_KEYS_PREAMBLE);
        p_split = 0;
        to_t!MESSAGE1, FIRST, 0, 0
    :: else ->
        link_rule(p_lk, LE_CONNECT_RESUME);
        assert(act == LA_OFFER);
        p_base = p_held[p_try % p_n];
        to_t!MESSAGE1, p_base, 0, 0
    fi;
    p_lk = next
}

inline p_lost() {
    link_rule(p_lk, LE_LOST);
    assert(act == LA_FREE);
    p_lk = next;
    p_try = (p_try == NOT_YET -> 0 : (p_try + 1) % p_n);
    if
    :: p_agreed || p_first || p_got_hello -> p_run(SE_LINK_LOST, 0, 0)
    :: else
    fi;
    p_agreed = 0; p_first = 0; p_got_hello = 0
}

/* The listener proved that it has p_base, and will have the new one or still that. */
inline p_finish(key) {
    link_rule(p_lk, LE_HANDSHAKE);
    assert(act == LA_FINISH);
    p_lk = next;
    p_held[0] = key;
    p_held[1] = p_base;
    p_n = 2;
    p_try = NOT_YET;
    p_save = 1; p_wait = 1
}

inline p_hello(saying, at) {
    link_rule(p_lk, LE_HELLO);
    assert(act == LA_AGREE);
    p_lk = next;
    p_try = NOT_YET;
    p_peer_state = STATE(saying); p_peer_at = at;
    p_got_hello = 1;
    p_ahead = (NUMBER(saying) == p_no + 1 && p_st == SS_SENT);
    if
    :: p_ahead -> assert(p_peer_state == NONE)
    :: else ->
        /* or it was rolled back */
        assert(NUMBER(saying) == p_no);
        assert(p_peer_state == GRANTED || !P_GRANTED || p_acked == 0);
        assert(p_peer_state != GRANTED || P_GRANTED)
    fi
}

inline p_record(event, a, b) {
    link_rule(p_lk, LE_RECORD);
    assert(act == LA_WIN || act == LA_PROVE);
    if
    :: act == LA_PROVE && !p_first && p_n == 2 -> p_n = 1; p_held[1] = 0; p_save = 1
    :: else
    fi;
    p_lk = next;
    p_run(event, a, b)
}

/* It has on disk what was kept, and nothing else. A request that was not answered is not. */
inline p_crash() {
    p_crashes++;
    if
    :: p_lk != LS_FREE -> cut(); empty_out(to_p)
    :: else
    fi;
    p_lk = LS_FREE;
    p_split = 0; p_first = 0; p_agreed = 0; p_said_hello = 0; p_got_hello = 0;
    p_save = 0; p_wait = 0; p_due = 0;
    p_held[0] = pd_held[0]; p_held[1] = pd_held[1]; p_n = pd_n; p_try = 0;
    p_granted = pd_granted; p_person = pd_granted;
    p_no = pd_no; p_ahead = 0;
    p_acked = (pd_receipt[p_no] -> WHOLE : pd_acked); p_next = 0; p_say = 0;
    p_receipt = pd_receipt[p_no];
    p_complete = (pd_receipt[p_no] != 0);
    p_st = (pd_receipt[p_no] -> SS_SENT : (pd_granted -> SS_SENDING : SS_STAPLE))
}

/* Agreed at once when both hellos are through, before another record is read. */
#define P_AGREES (p_lk == LS_UP && !p_first && p_said_hello && p_got_hello && !p_agreed && !p_wait)
#define P_READS                                                                                \
    (p_lk == LS_MESSAGE2 ||                                                                    \
     (!p_wait && p_st != SS_RECEIPT && !P_AGREES && (p_first || p_said_hello)))
/* The consent leaves in the step in which it may; nothing comes between. */
#define P_OWES (p_st == SS_SENDING && P_OPEN && !p_due && !p_wait && p_say == 0)
#define P_SENDS (p_st == SS_SENDING && P_OPEN && !p_due && !p_wait && len(to_t) < 4)

proctype Patient() {
    byte kind, event, a, b;
    do
    :: p_st == SS_ENDED -> break
    :: atomic {
        if
        :: p_st != SS_ENDED && p_lk == LS_FREE && !wire && t_st != SS_ENDED &&
                !p_wait -> p_connect()
        :: p_lk != LS_FREE && P_READS && nempty(to_p) ->
        to_p?kind, event, a, b;
        if
        :: kind == MESSAGE2 -> p_finish(event)
        :: kind == RECORD && event == SE_RESUME_HELLO -> p_hello(a, b)
        :: kind == RECORD && event != SE_RESUME_HELLO -> p_record(event, a, b)
        fi;
        kind = 0; event = 0; a = 0; b = 0
        :: p_lk != LS_FREE && !wire && empty(to_p) -> p_lost()

        :: (p_lk == LS_HELLO || p_lk == LS_UP) && !p_first && !p_said_hello && !p_wait ->
        p_said_hello = 1;
        p_say_hello(SAYING(p_no, (P_GRANTED -> GRANTED :
                        (p_st == SS_CRLS || p_st == SS_CONSENT || p_st == SS_REQUESTED ->
                            ASKED : NONE))),
                    p_acked)
        :: P_AGREES -> p_agreed = 1; p_run(SE_AGREED, 0, 0)

        :: p_save -> /* made durable */
        p_save = 0; p_wait = 0; p_due = 0;
        pd_held[0] = p_held[0]; pd_held[1] = p_held[1]; pd_n = p_n;
        pd_granted = p_granted;
        if
        :: P_GRANTED && pd_no < p_no -> pd_no = p_no; pd_acked = 0
        :: else
        fi
        :: p_st == SS_SENDING && pd_granted && pd_no == p_no && pd_acked < p_acked ->
        pd_acked = p_acked
        :: p_st == SS_RECEIPT && !p_wait ->
        assert(pd_receipt[p_no] == 0);
        pd_receipt[p_no] = p_receipt;
        p_run(SE_STORED, 0, 0)
        :: p_st == SS_REQUESTED && !p_wait -> p_run(SE_OFFER, 0, 0) /* asks nobody */

        :: p_st == SS_CRLS -> p_run(SE_CRLS_GOOD, 0, 0)
        :: p_st == SS_CONSENT -> p_person = 1; p_run(SE_GRANT, 0, 0)

        :: P_SENDS && p_say == 0 -> /* nothing before consent, and before it is kept */
        assert(p_person && pd_granted);
        p_tell(SE_SESSION_KEY, 0, 0);
        p_tell(SE_CONSENT, 0, 0);
        p_say = 2
        :: P_SENDS && p_say == 2 -> /* nor what was not asked for, durably on both sides */
        assert(p_person && pd_granted && pd_no == p_no && td_no >= p_no);
        p_tell(SE_MANIFEST_PAGE, 0, 0);
        p_say = 3
        :: P_SENDS && p_say == 3 -> p_tell(SE_MANIFEST, 0, 0); p_say = 4
        :: P_SENDS && p_say == 4 && p_next < WHOLE && p_next < p_acked + WINDOW ->
        assert(p_person && pd_granted);
        if
        :: p_next < SEGMENTS -> p_tell(SE_SEGMENT_PART, 0, p_next)
        :: else -> p_tell(SE_ITEM_DONE, 0, 0)
        fi;
        p_next++

        :: p_st == SS_SENT && !p_wait && (GIVING_UP || p_no == LAST) ->
        p_run(SE_SAY_BYE, 0, 0) /* it lingered */
        :: p_st != SS_ENDED && p_lk == LS_FREE && t_st == SS_ENDED -> p_end()
        :: p_st != SS_ENDED && p_crashes < CRASHES -> p_crash()
#if GIVING_UP
        :: p_st != SS_ENDED && p_lk == LS_FREE -> p_end()
        :: p_st == SS_CRLS -> p_run(SE_CRLS_BAD, 0, 0)
        :: p_st == SS_CONSENT -> p_run(SE_REFUSE, 0, 0)
        :: p_st == SS_CONSENT -> p_run(SE_CONSENT_VOID, 0, 0)
        :: (p_st == SS_SENDING || p_st == SS_RECEIPT || p_st == SS_REQUESTED) && !P_OWES ->
        p_run(SE_WITHDRAW, 0, 0)
        :: p_st != SS_ENDED -> p_run(SE_END, 0, 0)
#endif
        fi;
        if
        :: p_ev == NO_EVENT
        :: else -> patient_rule(p_st, p_ev); p_do(p_a, p_b)
        fi;
        p_ev = NO_EVENT; p_a = 0; p_b = 0; act = 0; next = 0 }
    od
}

/* ---------------------------------------------------------------- terminal */

inline t_end() {
    t_st = SS_ENDED;
    if
    :: t_lk != LS_FREE && !t_stale -> wire = 0
    :: t_stale -> cut() /* a newcomer finds nobody */
    :: else
    fi;
    t_lk = LS_FREE
}

inline t_do(a, b) {
    if
    :: act == SA_NONE || act == SA_KEEP_KEY || act == SA_FORGET_CONSENT ||
           act == SA_CHECK_CONSENT || act == SA_PAGE || act == SA_ACCEPT ||
           act == SA_DROP_PART || act == SA_ASK_COMMIT || act == SA_FORGET_PAGES
    :: act == SA_ASK ->
        if
        :: t_first || t_peer_state == NONE ->
            t_tell(SE_CRL_STAPLE, 0, 0);
            t_tell(SE_CONSENT_REQUEST, 0, 0)
        :: else
        fi
    :: act == SA_OFFER -> t_granted = 1
    :: act == SA_PART ->
        assert(b == t_got); /* nothing twice, nothing left out */
        t_got = b + 1
    :: act == SA_ITEM_DONE ->
        assert(t_got == SEGMENTS);
        t_got = WHOLE
    :: act == SA_BUILD_RECEIPT -> t_receipts++; t_receipt = t_receipts
    :: act == SA_SEND_RECEIPT ->
        /* durable before it is said */
        assert(td_receipt[t_no] == t_receipt && td_visible[t_no]);
        t_complete = 1;
        t_tell(SE_ACK, 0, td_at);
        t_tell(SE_RECEIPT, td_receipt[t_no], 0)
    :: act == SA_RECEIPT_ACKED ->
        assert(a == td_receipt[t_no] && a == pd_receipt[t_no]);
        t_known = 1
    :: act == SA_REQUEST_ITEMS ->
        t_no++;
        t_granted = 0; t_complete = 0; t_known = 0; t_got = 0; t_told = 0; t_receipt = 0;
        t_peer_state = NONE; /* what its hello said was of the one before */
        t_save = 1; t_wait = 1; t_due = 1
    :: act == SA_REQUEST_AGAIN ->
        if
        :: t_peer_state == NONE -> t_tell(SE_ITEM_REQUEST, 0, 0)
        :: else
        fi
    :: act == SA_SEND_STATUS -> t_status = 1; t_tell(SE_STATUS, 0, 0)
    :: act == SA_SEND_AGAIN ->
        if
        :: !t_known -> t_tell(SE_RECEIPT, td_receipt[t_no], 0)
        :: else
        fi;
        if
        :: t_status -> t_tell(SE_STATUS, 0, 0)
        :: else
        fi
    :: act == SA_REVOKED || act == SA_DECLINED || act == SA_PEER_DONE ||
           act == SA_PEER_ENDED || act == SA_PEER_LEFT
    :: act == SA_BYE -> t_tell(SE_BYE, 0, 0)
    :: act == SA_END ->
        t_tell(SE_BYE_REASON, 0, 0)
    :: else -> assert(false)
    fi;
    if
    :: next == SS_ENDED -> t_end()
    :: else -> t_st = next
    fi
}
inline t_run(event, a, b) {
    t_ev = event; t_a = a; t_b = b
}

inline t_lost() {
    link_rule(t_lk, LE_LOST);
    assert(act == LA_FREE);
    t_lk = next;
    if
    :: t_first || t_got_hello -> t_run(SE_LINK_LOST, 0, 0)
    :: else
    fi;
    t_first = 0; t_agreed = 0; t_got_hello = 0; t_said_hello = 0
}

/* A connection whose preamble fits no key is closed, and costs nothing else. */
inline t_close() {
    wire = 0;
    empty_out(to_t);
    empty_out(to_p)
}
inline t_answer(key) {
    link_rule(t_lk, LE_ACCEPT_RESUME);
    assert(act == LA_AWAIT);
    link_rule(next, LE_HANDSHAKE);
    assert(act == LA_ANSWER);
    t_lk = next;
    keys++;
    t_new = keys;
    if
    :: wire -> to_p!MESSAGE2, t_new, 0, 0
    :: else
    fi
}
inline t_accept(key) {
    t_stale = 0;
    if
    :: key == FIRST && t_split ->
        link_rule(t_lk, LE_ACCEPT_FIRST);
        assert(act == LA_TAKE_KEYS);
        t_lk = next;
        t_split = 0; t_first = 1; t_peer_state = NONE;
        t_run(SE_AGREED, 0, 0)
    :: key != FIRST && key == t_key -> t_answer(key)
    :: else -> t_close()
    fi
}

inline t_hello(saying, at) {
    link_rule(t_lk, LE_HELLO);
    assert(act == LA_AGREE);
    t_lk = next;
    t_key = t_new;
    t_split = 0;
    t_save = 1; t_wait = 1;
    t_got_hello = 1;
    if
    :: NUMBER(saying) + 1 == t_no && t_st == SS_REQUESTING -> t_peer_state = NONE /* behind */
    :: else ->
        assert(NUMBER(saying) == t_no);
        t_peer_state = STATE(saying);
        assert(!t_granted || (t_peer_state == GRANTED && at <= td_at))
    fi
}

inline t_record(event, a, b) {
    link_rule(t_lk, LE_RECORD);
    assert(act == LA_WIN || act == LA_PROVE);
    t_lk = next;
    t_run(event, a, b)
}

inline t_crash() {
    t_crashes++;
    if
    :: wire -> cut()
    :: else
    fi;
    empty_out(to_t);
    t_stale = 0;
    t_lk = LS_FREE;
    t_split = 0; t_first = 0; t_agreed = 0; t_said_hello = 0; t_got_hello = 0;
    t_save = 0; t_wait = 0;
    t_key = td_key;
    t_no = td_no; t_due = 0;
    t_granted = td_granted;
    t_got = td_at; t_told = td_at;
    t_receipt = td_receipt[t_no];
    t_complete = (td_receipt[t_no] != 0);
    t_known = 0; t_status = 0;
    t_st = (td_receipt[t_no] -> SS_RECEIVED :
            (!td_granted -> (t_no > 0 -> SS_REQUESTING : SS_ASKING) :
             (td_at == WHOLE -> SS_COMMITTING : SS_RECEIVING)))
}

#define T_AGREES (t_lk == LS_UP && !t_first && t_said_hello && t_got_hello && !t_agreed && !t_wait)
#define T_READS (!t_wait && t_st != SS_OFFERED && !T_AGREES)
#define T_SETTLED (!t_granted || t_got == td_at)

proctype Terminal() {
    byte kind, event, a, b;
    do
    :: t_st == SS_ENDED -> break
    :: atomic {
        if
        :: t_st != SS_ENDED && nempty(to_t) &&
               (t_lk == LS_FREE -> t_stale : !t_stale && T_READS) ->
        to_t?kind, event, a, b;
        if
        :: kind == MESSAGE1 -> t_accept(event)
        :: kind == RECORD && event == SE_RESUME_HELLO -> t_hello(a, b)
        :: kind == RECORD && event != SE_RESUME_HELLO -> t_record(event, a, b)
        fi;
        kind = 0; event = 0; a = 0; b = 0
        :: t_lk != LS_FREE && (t_stale && nempty(to_t)) -> t_lost() /* a newer one is there */
        :: t_lk != LS_FREE && !wire && empty(to_t) -> t_stale = 0; t_lost()

        :: (t_lk == LS_HELLO || t_lk == LS_UP) && !t_first && !t_said_hello && !t_wait &&
                T_SETTLED ->
        t_said_hello = 1;
        t_say_hello(SAYING(t_no, (t_granted -> GRANTED : NONE)), td_at)
        :: T_AGREES -> t_agreed = 1; t_run(SE_AGREED, 0, 0)
        :: t_save ->
        t_save = 0; t_wait = 0; td_key = t_key;
        if
        :: td_no < t_no -> td_no = t_no; td_granted = 0; td_at = 0
        :: else
        fi;
        if
        :: t_due -> t_due = 0; t_tell(SE_ITEM_REQUEST, 0, 0)
        :: else
        fi

        :: t_st == SS_OFFERED -> td_granted = 1; t_run(SE_MANIFEST_OK, 0, 0)
        :: t_st == SS_RECEIVING && td_at < SEGMENTS && td_at < t_got -> td_at++
        :: t_st == SS_RECEIVING && td_at == SEGMENTS && t_got == WHOLE ->
        assert(!td_visible[t_no]); /* nothing is doubled */
        td_visible[t_no] = 1; /* by rename: verified, whole, durable */
        td_at = WHOLE;
        t_run(SE_ALL_STORED, 0, 0)
        :: t_granted && t_told < td_at && T_OPEN && t_st == SS_RECEIVING &&
                len(to_p) < 4 -> t_told = td_at; t_tell(SE_ACK, 0, td_at)
        :: t_st == SS_COMMITTING -> t_run(SE_COMMIT, 0, 0)
        :: t_st == SS_STORING ->
        assert(td_receipt[t_no] == 0);
        td_receipt[t_no] = t_receipt;
        t_run(SE_STORED, 0, 0)
        :: t_st == SS_RECEIVED && t_known && !t_wait && t_no < LAST -> t_run(SE_REQUEST_ITEMS, 0, 0)
        :: t_st == SS_RECEIVED && !t_status && !t_wait && t_no == LAST -> t_run(SE_TELL_STATUS, 0, 0)
        :: t_st == SS_RECEIVED && t_known && !t_wait && (GIVING_UP || t_no == LAST) ->
        t_run(SE_SAY_BYE, 0, 0)

        :: t_st != SS_ENDED && t_lk == LS_FREE && p_st == SS_ENDED && empty(to_t) -> t_end()
        :: t_st != SS_ENDED && t_crashes < CRASHES -> t_crash()
#if GIVING_UP
        :: t_st != SS_ENDED && t_lk == LS_FREE -> t_end()
        :: t_st != SS_ENDED -> t_run(SE_END, 0, 0)
#endif
        fi;
        if
        :: t_ev == NO_EVENT
        :: else -> terminal_rule(t_st, t_ev); t_do(t_a, t_b)
        fi;
        t_ev = NO_EVENT; t_a = 0; t_b = 0; act = 0; next = 0 }
    od
}

/* ---------------------------------------------------------------- air, and what must hold */

proctype Air() {
end:
    do
    :: atomic { wire && losses < LOSSES -> losses++; cut() }
    od
}

proctype Watch() {
end:
    atomic {
        p_complete && !(td_receipt[p_no] && td_visible[p_no] &&
                        pd_receipt[p_no] == td_receipt[p_no]) -> assert(false)
    }
}

proctype Last() {
    byte i;
end:
    atomic {
        p_st == SS_ENDED && t_st == SS_ENDED ->
        assert(GIVING_UP || (p_complete && t_complete && p_no == LAST && t_no == LAST));
        assert(!td_visible[td_no] || td_granted);
        i = 0;
        do
        :: i < TRANSFERS ->
            assert(GIVING_UP || td_visible[i]);
            assert(!td_receipt[i] || td_visible[i]);
            assert(!pd_receipt[i] || pd_receipt[i] == td_receipt[i]);
            assert(i == 0 || !td_visible[i] || td_receipt[i - 1]); /* one after the other */
            i++
        :: else -> break
        od;
        i = 0
    }
}

init {
    atomic {
        run Patient();
        run Terminal();
        run Air();
        run Watch();
        run Last()
    }
}
