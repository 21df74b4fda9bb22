/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdAgent: the application's org.ehrlink1.Agent, as one session asks it: always its unique
 * name, never a well-known one that could change hands. What it answers is a stranger's input
 * and is checked here. Asynchronous, main context.
 */
#pragma once

#include <gio/gio.h>

#include "daemon/bus/requests.h"
#include "daemon/core/session.h"

/* The longest that OpenItem may take. AskConsent takes as long as the session lets it. */
#define EHD_AGENT_OPEN_MS 30000

typedef struct EhdAgent EhdAgent;

/* Who is told the answers; each is called at most once per question, and never from within. */
typedef struct {
    /* answer is NULL unless granted; borrowed for the call. */
    void (*consent)(gboolean granted, const EhdConsentAnswer *answer, gpointer user_data);
    /* fd: (transfer full), or -1 and why: NO_INPUT, ITEM_CHANGED, ITEM_STALLED, NO_AGENT. */
    void (*item)(guint id, int fd, ehp_status why, gpointer user_data);
    void (*reply)(gboolean accepted, gpointer user_data);
} EhdAgentUser;

/* user: borrowed, static. name: unique name. */
EhdAgent *ehd_agent_new(GDBusConnection *connection, const char *name, const char *path,
                        const char *session_path, const EhdAgentUser *user, gpointer user_data);
/* Open questions are forgotten: their answers go nowhere. */
void ehd_agent_free(EhdAgent *agent);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdAgent, ehd_agent_free)

/* details: floating or not, a{sv} */
void ehd_agent_ask_consent(EhdAgent *agent, GVariant *details);
/* details: a{sv}, items: aa{sv}; floating or not */
void ehd_agent_offer_reply(EhdAgent *agent, GVariant *details, GVariant *items);
void ehd_agent_open_item(EhdAgent *agent, guint id);
void ehd_agent_items_arrived(EhdAgent *agent, const char *transfer_path, GVariant *details);
/* Open questions are void: they are forgotten, and the application is told why. */
void ehd_agent_cancel(EhdAgent *agent, const char *reason);
