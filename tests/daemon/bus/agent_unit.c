/* SPDX-License-Identifier: Apache-2.0
 *
 * What is asked of an application, and what is made of its answers: good, wrong, late, none.
 */
#include "tests/daemon/bus/adapters.h"

#include <string.h>

static void
test_consent(void)
{
    static const struct {
        AgentMood mood;
        const char *answer;
        gboolean granted;
        guint n_items;
    } cases[] = {
        {AGENT_YES, "{}", TRUE, 0},
        {AGENT_YES, "{'items': <[uint32 3, 1]>, 'acting-as': <'parent'>, 'expires': <int64 9>}",
         TRUE, 2},
        {AGENT_NO, "{}", FALSE, 0},
        {AGENT_NO, "{'items': <[uint32 3]>}", FALSE, 0},
        {AGENT_ERROR, "{}", FALSE, 0},
        /* what is not understood is not consent */
        {AGENT_YES, "{'items': <@au []>}", FALSE, 0},
        {AGENT_YES, "{'items': <[3]>}", FALSE, 0},
        {AGENT_YES, "{'everything': <true>}", FALSE, 0},
        {AGENT_YES, "{'acting-as': <'doctor'>}", FALSE, 0},
    };
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    Agent agent = {0};
    agent_export(&agent, f.owner);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        agent.mood = cases[i].mood;
        agent.answer = cases[i].answer;
        session->listener->ask_consent(session, session->user_data);
        while (session->consents <= i)
            iterate();
        g_assert_cmpint(session->granted, ==, cases[i].granted);
        g_assert_cmpuint(session->granted_items->len, ==, cases[i].n_items);
    }
    g_assert_cmpstr(agent.sender, ==, g_dbus_connection_get_unique_name(f.server));
    agent_clear(&agent);
    fixture_end(&f);
}

static void
test_consent_void(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    Agent agent = {.mood = AGENT_SILENT};
    agent_export(&agent, f.owner);
    session->listener->ask_consent(session, session->user_data);
    wait_until(&agent.called);
    session->listener->void_questions(session, EHD_VOID_TIMED_OUT, session->user_data);
    while (agent.cancels == 0)
        iterate();
    g_assert_cmpstr(agent.reason, ==, "timed-out");
    /* yes, but too late */
    g_dbus_method_invocation_return_value(g_steal_pointer(&agent.silent),
                                          g_variant_new("(ba{sv})", TRUE, NULL));
    settle(f.owner);
    settle(f.server);
    g_assert_cmpuint(session->consents, ==, 0);
    /* a new question is a new one */
    agent.mood = AGENT_YES;
    session->listener->ask_consent(session, session->user_data);
    while (session->consents == 0)
        iterate();
    g_assert_true(session->granted);
    agent_clear(&agent);
    fixture_end(&f);
}

static void
test_consent_owner_leaves(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    Agent agent = {.mood = AGENT_SILENT};
    agent_export(&agent, f.owner);
    session->listener->ask_consent(session, session->user_data);
    wait_until(&agent.called);
    g_clear_object(&agent.silent);
    g_dbus_connection_close_sync(f.owner, NULL, NULL);
    while (session->vanished == 0)
        iterate();
    agent_clear(&agent);
    fixture_end(&f);
}

static void
test_open_item(void)
{
    static const struct {
        AgentMood mood;
        ehp_status why;
    } cases[] = {
        {AGENT_FD, EHP_OK},
        {AGENT_TWO_FDS, EHP_NO_INPUT},
        {AGENT_NO_FD, EHP_NO_INPUT},
        {AGENT_CHANGED, EHP_ITEM_CHANGED},
    };
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    Agent agent = {0};
    agent_export(&agent, f.owner);
    guint before = count_fds();
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        agent.mood = cases[i].mood;
        session->listener->open_item(session, 7 + i, session->user_data);
        while (session->items_given <= i)
            iterate();
        g_assert_cmpuint(session->item_id, ==, 7 + i);
        g_assert_cmpint(session->item_why, ==, cases[i].why);
        g_assert_cmpint(session->item_fd >= 0, ==, cases[i].why == EHP_OK);
    }
    settle(f.owner);
    settle(f.server);
    g_assert_cmpuint(count_fds(), <=, before);
    agent_clear(&agent);
    /* nobody is at that path any more */
    session->listener->open_item(session, 1, session->user_data);
    while (session->items_given <= G_N_ELEMENTS(cases))
        iterate();
    g_assert_cmpint(session->item_why, ==, EHP_NO_AGENT);
    fixture_end(&f);
}

static void
test_items_arrived(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    Agent agent = {0};
    agent_export(&agent, f.owner);
    session->info.has_transfer = TRUE;
    session->listener->items_arrived(session, EHD_TO_TERMINAL, session->user_data);
    wait_until(&agent.called);
    g_assert_cmpuint(agent.arrivals, ==, 1);
    agent_clear(&agent);
    fixture_end(&f);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bus/agent/consent", test_consent);
    g_test_add_func("/bus/agent/consent-void", test_consent_void);
    g_test_add_func("/bus/agent/consent-owner-leaves", test_consent_owner_leaves);
    g_test_add_func("/bus/agent/open-item", test_open_item);
    g_test_add_func("/bus/agent/items-arrived", test_items_arrived);
    return g_test_run();
}
