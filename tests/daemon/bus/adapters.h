/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the adapters share: EhdBus over a fake core on a private bus, an owner, a
 * second connection of the same user, and an application's agent that answers as told.
 */
#pragma once

#include "daemon/bus/bus.h"
#include "tests/daemon/bus/fake-core.h"
#include "tests/daemon/bus/private-bus.h"

#define ROOT     "/org/ehrlink1"
#define MANAGER  "org.ehrlink1.Manager"
#define SESSION  "org.ehrlink1.Session"
#define TRANSFER "org.ehrlink1.Transfer"
#define AGENT    "/agent"

typedef struct {
    PrivateBus *private_bus;
    Polkit *polkit; /* NULL: none */
    GDBusConnection *server, *owner, *other;
    EhdBus *bus;
    EhdCore *core;
    guint activity;
} Fixture;

/* FALSE: skipped. */
gboolean fixture_start(Fixture *fixture, gboolean with_polkit);
void fixture_end(Fixture *fixture);

/* Floating: one description, and options with the agent and whatever text adds ("'detach':
 * <true>"). */
GVariant *send_arguments(const char *more);
GVariant *receive_arguments(const char *more);
/* Opens a session by Send from the owner. */
EhdSession *open_session(Fixture *fixture);
/* (transfer full) its paths */
char *path_of(EhdSession *session);
char *transfer_of(EhdSession *session);

typedef enum {
    AGENT_YES,
    AGENT_NO,
    AGENT_ERROR,
    AGENT_SILENT,
    AGENT_FD,
    AGENT_TWO_FDS,
    AGENT_NO_FD,
    AGENT_CHANGED,
} AgentMood;

typedef struct {
    AgentMood mood;
    const char *answer; /* text of the a{sv} that goes with yes */
    guint consents, opens, arrivals, cancels;
    char *reason, *sender; /* owned */
    gboolean called;       /* set at every call; for wait_until */
    GDBusMethodInvocation *silent;
    GDBusConnection *connection;
    guint id;
} Agent;

void agent_export(Agent *agent, GDBusConnection *connection);
void agent_clear(Agent *agent);
