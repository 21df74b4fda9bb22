/* SPDX-License-Identifier: Apache-2.0
 *
 * The tables themselves: every pair is walked, every state can be reached and left, no pair is
 * listed twice; and the diagrams of PROTOCOL.md are what the tables say (EHRLINK_PRINT=1 prints
 * them).
 */
#include <glib.h>
#include <stdio.h>
#include <string.h>

#include "proto/machine.h"
#include "proto/session-priv.h"
#include "proto/tap-priv.h"

static const ehp_machine *const machines[] = {
    &ehp_tap_card_machine,        &ehp_tap_reader_machine,       &ehp_link_machine,
    &ehp_session_patient_machine, &ehp_session_terminal_machine,
};
/* where each begins */
static const unsigned starts[] = {CS_ARMED, RS_IDLE, LS_FREE, SS_STAPLE, SS_ASKING};

/* Every pair: at most one rule, found where it is, in range and with all its names. */
static void
test_every_pair(void)
{
    for (size_t m = 0; m < G_N_ELEMENTS(machines); m++) {
        const ehp_machine *machine = machines[m];
        size_t listed = 0;
        for (unsigned state = 0; state < machine->n_states; state++)
            for (unsigned event = 0; event < machine->n_events; event++) {
                const ehp_rule *found = ehp_machine_find(machine, state, event);
                unsigned times = 0;
                for (size_t i = 0; i < machine->n_rules; i++)
                    times +=
                        machine->rules[i].state == state && machine->rules[i].event == event;
                g_assert_cmpuint(times, <=, 1);
                g_assert_cmpuint(times, ==, found != NULL);
                listed += times;
                if (found == NULL)
                    continue;
                g_assert_cmpuint(found->action, <, machine->n_actions);
                g_assert_cmpuint(found->next, <, machine->n_states);
                g_assert_nonnull(machine->states[found->next]);
                g_assert_nonnull(machine->actions[found->action]);
                g_assert_nonnull(machine->events[event]);
            }
        g_assert_cmpuint(listed, ==, machine->n_rules);
        g_test_message("%s: %zu pairs, %zu listed", machine->name,
                       machine->n_states * machine->n_events, listed);
    }
}

static void
reach(const ehp_machine *machine, unsigned state, bool *seen)
{
    seen[state] = true;
    for (size_t i = 0; i < machine->n_rules; i++)
        if (machine->rules[i].state == state && !seen[machine->rules[i].next])
            reach(machine, machine->rules[i].next, seen);
}

/* No state that a rule leaves is out of reach; the end of a session has no way out. */
static void
test_reachable(void)
{
    for (size_t m = 0; m < G_N_ELEMENTS(machines); m++) {
        bool seen[64] = {false};
        reach(machines[m], starts[m], seen);
        for (size_t i = 0; i < machines[m]->n_rules; i++)
            g_assert_true(seen[machines[m]->rules[i].state]);
    }
    for (unsigned event = 0; event < SE_COUNT; event++) {
        g_assert_null(ehp_machine_find(&ehp_session_patient_machine, SS_ENDED, event));
        g_assert_null(ehp_machine_find(&ehp_session_terminal_machine, SS_ENDED, event));
    }
}

/* From every state of a session the caller can end it, and so can the peer. */
static void
test_always_endable(void)
{
    for (size_t m = 3; m < G_N_ELEMENTS(machines); m++)
        for (size_t i = 0; i < machines[m]->n_rules; i++) {
            unsigned state = machines[m]->rules[i].state;
            g_assert_nonnull(ehp_machine_find(machines[m], state, SE_END));
            g_assert_nonnull(ehp_machine_find(machines[m], state, SE_ERROR));
            g_assert_nonnull(ehp_machine_find(machines[m], state, SE_LINK_LOST));
        }
}

/* What a patient's device sends before a grant is a refusal and nothing else. */
static void
test_silent_before_grant(void)
{
    static const unsigned before[] = {SS_STAPLE, SS_REQUEST, SS_CRLS, SS_CONSENT};
    static const unsigned silent[] = {SA_NONE,          SA_KEEP_CRLS,   SA_FORGET_CRLS,
                                      SA_CHECK_REQUEST, SA_ASK_CONSENT, SA_PEER_ENDED};
    static const unsigned refusing[] = {SA_REFUSE, SA_CONSENT_VOID, SA_END};
    const ehp_machine *m = &ehp_session_patient_machine;

    for (size_t i = 0; i < m->n_rules; i++) {
        bool early = false, fine = m->rules[i].action == SA_GRANT;
        for (size_t k = 0; k < G_N_ELEMENTS(before); k++)
            early |= m->rules[i].state == before[k];
        for (size_t k = 0; k < G_N_ELEMENTS(silent); k++)
            fine |= m->rules[i].action == silent[k];
        for (size_t k = 0; k < G_N_ELEMENTS(refusing); k++)
            fine |= m->rules[i].action == refusing[k] && m->rules[i].next == SS_ENDED;
        g_assert_true(!early || fine);
    }
}

static GString *
diagram(const ehp_machine *m)
{
    GString *out = g_string_new(NULL);

    g_string_append_printf(out, "| %s | event | action | next |\n|---|---|---|---|\n", m->name);
    for (size_t i = 0; i < m->n_rules; i++) {
        const ehp_rule *r = &m->rules[i];
        bool again = i > 0 && m->rules[i - 1].state == r->state;
        g_string_append_printf(out, "| %s | %s | %s | %s |\n", again ? "" : m->states[r->state],
                               m->events[r->event], m->actions[r->action],
                               r->next == r->state ? "·" : m->states[r->next]);
    }
    return out;
}

/* PROTOCOL.md carries exactly these tables. */
static void
test_protocol_md(void)
{
    const char *root = g_getenv("EHRLINK_SOURCE_ROOT");
    g_autofree char *path = g_build_filename(root ? root : ".", "proto", "PROTOCOL.md", NULL);
    g_autofree char *text = NULL;
    bool print = g_getenv("EHRLINK_PRINT") != NULL;

    if (!print && !g_file_get_contents(path, &text, NULL, NULL)) {
        g_test_skip("skipped: no PROTOCOL.md (EHRLINK_SOURCE_ROOT)");
        return;
    }
    for (size_t m = 0; m < G_N_ELEMENTS(machines); m++) {
        GString *want = diagram(machines[m]);
        if (print)
            fprintf(stderr, "%s\n", want->str);
        else
            g_assert_nonnull(strstr(text, want->str));
        g_string_free(want, TRUE);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/machines/every-pair", test_every_pair);
    g_test_add_func("/machines/reachable", test_reachable);
    g_test_add_func("/machines/always-endable", test_always_endable);
    g_test_add_func("/machines/silent-before-grant", test_silent_before_grant);
    g_test_add_func("/machines/protocol-md", test_protocol_md);
    return g_test_run();
}
