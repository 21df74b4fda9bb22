/* SPDX-License-Identifier: Apache-2.0
 *
 * Each message in each state of either role, those of later transfers included. What the tables
 * do not list ends the session (after everything was received: is told to the peer); what they
 * list is empty here, and has the name of that. A victim that waits for its own person or disk
 * reads nothing.
 */
#include <string.h>

#include "tests/hostile/edit.h"
#include "tests/hostile/voice.h"

#define MEMORY_MAX (EHP_UNPACK_MEMORY_MAX + 64 * 1024)
#define KINDS      24 /* fields of Record, then padding and Bye with a reason */
#define PADDING    0
#define BYE_REASON 23

typedef struct {
    const char *state;
    const char *later;
    size_t hold; /* offset of the flag in pair that keeps the victim there; 0: it is seen in
                    passing */
    ehp_event_type at;
} stop;

#define HOLD(flag, event) offsetof(pair, flag), EHP_EV_##event

static const stop patient_stops[] = {
    {"Staple", NULL, 0, 0},
    {"Request", NULL, 0, 0},
    {"Crls", NULL, HOLD(hold_crls, CHECK_CRLS)},
    {"Consent", NULL, HOLD(hold_consent, ASK_CONSENT)},
    {"Sending", NULL, HOLD(hold_data, NEED_DATA)},
    {"Receipt", NULL, HOLD(hold_receipt, RECEIPT)},
    {"Sent", NULL, 0, 0},
    {"Requested", "r", HOLD(hold_request, ITEM_REQUEST)},
    {"ReplyPages", "w", 0, 0},
    {"ReplyOffered", "v", 0, 0},
    {"ReplyReceiving", "w", 0, 0},
    {"ReplyCommitting", "w", HOLD(hold_commit, COMMIT)},
    {"ReplyStoring", "w", HOLD(hold_receipt_ready, RECEIPT_READY)},
    {"ReplyReceived", "w", 0, 0},
};

static const stop terminal_stops[] = {
    {"Asking", NULL, 0, 0},
    {"Keyed", NULL, 0, 0},
    {"Pages", NULL, 0, 0},
    {"Offered", NULL, HOLD(hold_manifest, MANIFEST)},
    {"Receiving", NULL, 0, 0},
    {"Committing", NULL, HOLD(hold_commit, COMMIT)},
    {"Storing", NULL, HOLD(hold_receipt_ready, RECEIPT_READY)},
    {"Received", NULL, 0, 0},
    {"Requesting", "r", 0, 0},
    {"Replying", "w", 0, 0},
    {"ReplySending", "w", 0, 0},
    {"ReplyReceipt", "w", HOLD(hold_receipt, RECEIPT)},
};

typedef struct {
    const stop *stop;
    bool patient; /* is the victim */
    unsigned kind;
} row;

/* What the listed ones become, since nothing is in them; after everything was received it is
 * Told. */
static const char *const listed[KINDS] = {
    [PADDING] = "GoesOn",    [1] = "GoesOn",        [2] = "BadSignature", [3] = "BadMessage",
    [4] = "BadSignature",    [5] = "GoesOn",        [6] = "BadSignature", [7] = "BadManifest",
    [8] = "BadSignature",    [9] = "Told",          [10] = "BadMessage",  [11] = "BadMessage",
    [12] = "BadMessage",     [13] = "BadSignature", [14] = "Told",        [15] = "Told",
    [16] = "GoesOn",         [17] = "GoesOn",       [18] = "GoesOn",      [22] = "GoesOn",
    [BYE_REASON] = "GoesOn",
};

/* It is what comes after the empty one that is wrong, or it is early before it is wrong. */
static const struct {
    const char *state;
    unsigned kind;
    const char *outcome;
} others[] = {
    {"Staple", 1, "OutOfOrder"},
    {"Sending", 13, "OutOfOrder"},
    {"Replying", 5, "Told"},
    {"Replying", 22, "Told"},
};

static unsigned
field_of(unsigned kind)
{
    return kind == BYE_REASON ? 17 : kind;
}

static session_event
event_of(unsigned kind)
{
    /* Bye and Bye with a reason share a message; so the events after Bye are one further */
    if (kind == BYE_REASON)
        return SE_BYE_REASON;
    return (session_event)(kind <= 17 ? kind : kind + 1);
}

static void
say_empty(voice *v, unsigned kind)
{
    static const uint8_t zeros[64];
    uint8_t bytes[128];
    const bool is_signed = edit_body(kind, NULL) != NULL;
    ehp_writer w;

    ehp_writer_init(&w, bytes, sizeof bytes);
    if (kind != PADDING) {
        const unsigned tag = field_of(kind) << 3 | 2;
        if (tag > 127)
            ehp_put_u8(&w, (uint8_t)(tag | 0x80));
        ehp_put_u8(&w, (uint8_t)(tag > 127 ? tag >> 7 : tag));
        ehp_put_u8(&w, is_signed ? 100 : kind == 18 || kind == BYE_REASON ? 2 : 0);
    }
    if (is_signed) {
        ehp_put(&w, "\x0a\x20", 2);
        ehp_put(&w, zeros, 32);
        ehp_put(&w, "\x12\x40", 2);
        ehp_put(&w, zeros, 64);
    } else if (kind == 18 || kind == BYE_REASON) {
        ehp_put(&w, "\x08\x05", 2);
    }
    voice_say(v, bytes, w.len);
}

static void
idle(voice *v)
{
    const row *r = v->row;

    if (v->struck || strcmp(ehp_session_state_name(v->victim->s), r->stop->state) != 0)
        return;
    voice_strike(v);
    say_empty(v, r->kind);
}

/* The flag is for the victim only: its peer has the same questions. */
static void
on_event(voice *v, const ehp_event *event)
{
    const row *r = v->row;

    if (r->stop->hold != 0)
        *(bool *)((char *)&v->w + r->stop->hold) = event->type == r->stop->at;
}

static const char *
expect(const voice *v, const row *r, bool is_listed)
{
    for (size_t i = 0; i < G_N_ELEMENTS(others); i++)
        if (others[i].kind == r->kind && strcmp(others[i].state, r->stop->state) == 0)
            return others[i].outcome;
    if (is_listed)
        return v->before.complete > 0 && strcmp(listed[r->kind], "GoesOn") != 0
                   ? "Told"
                   : listed[r->kind];
    return v->before.complete > 0 ? "Told" : "OutOfOrder";
}

static void
test_pair(gconstpointer data)
{
    const row *r = data;
    const ehp_rule *rule;
    unsigned state;
    voice v;

    voice_init(&v, !r->patient, NULL, r);
    v.w.later = r->stop->later;
    v.idle = idle;
    v.event = on_event;
    voice_start(&v);
    for (state = 0; strcmp(v.victim->s->machine->states[state], r->stop->state) != 0; state++)
        ;
    rule = ehp_machine_find(v.victim->s->machine, state, event_of(r->kind));
    voice_run(&v);
    g_assert_true(v.struck);
    if (v.victim->inbox->len > 0 && !v.victim->ended) {
        g_assert_true(ehp_session_blocked(v.victim->s));
        g_assert_cmpuint(v.events, <=, 1);
    } else {
        g_assert_cmpstr(voice_outcome(&v), ==, expect(&v, r, rule != NULL));
        if (rule == NULL)
            voice_expect_cheap(&v, MEMORY_MAX);
    }
    voice_clear(&v);
}

static unsigned
add(const stop *stops, size_t n, bool patient)
{
    unsigned added = 0;

    for (size_t i = 0; i < n; i++)
        for (unsigned kind = 0; kind < KINDS; kind++) {
            const ProtobufCFieldDescriptor *f = protobuf_c_message_descriptor_get_field(
                &ehp__record__descriptor, field_of(kind));
            g_autofree char *name = g_strdup_printf(
                "/hostile/state/%s/%s/%s%s", patient ? "patient" : "terminal", stops[i].state,
                f != NULL ? f->name : "padding", kind == BYE_REASON ? "-with-reason" : "");
            row *r = g_new0(row, 1);
            r->stop = &stops[i];
            r->patient = patient;
            r->kind = kind;
            g_test_add_data_func_full(name, r, test_pair, g_free);
            added++;
        }
    return added;
}

/* Every state that the tables have is one of the stops. */
static void
test_all_states(void)
{
    const size_t both = G_N_ELEMENTS(patient_stops) + G_N_ELEMENTS(terminal_stops);

    g_assert_cmpuint(both, ==, SS_COUNT - 1); /* but Ended */
    g_assert_cmpuint(ehp__record__descriptor.n_fields, ==, KINDS - 1);
}

int
main(int argc, char **argv)
{
    unsigned n;

    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/hostile/state/all-of-them", test_all_states);
    n = add(patient_stops, G_N_ELEMENTS(patient_stops), true);
    n += add(terminal_stops, G_N_ELEMENTS(terminal_stops), false);
    g_assert_cmpuint(n, >, 600);
    return g_test_run();
}
