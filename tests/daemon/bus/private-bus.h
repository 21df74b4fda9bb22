/* SPDX-License-Identifier: Apache-2.0
 *
 * For the tests of the bus room: a dbus-daemon of one's own with the real system bus's limits
 * and rules (tests/rig/bus.conf.in) and our shipped policy, connections to it, and a polkit
 * that does as it is told. All in one process and one main context: a call is made
 * asynchronously, and the context runs until its answer is there.
 */
#pragma once

#include <gio/gio.h>

typedef struct PrivateBus PrivateBus;

/* NULL after g_test_skip() when no dbus-daemon is installed. */
PrivateBus *private_bus_new(void);
void private_bus_free(PrivateBus *bus);
const char *private_bus_get_address(PrivateBus *bus);
/* (transfer full) */
GDBusConnection *private_bus_connect(PrivateBus *bus);

/* Runs the main context until *flag; fails the test after ten seconds. */
void wait_until(gboolean *flag);
/* Waits for the next event and handles it; fails the test when there is none in ten seconds. */
void iterate(void);
/* Runs until the bus has handled everything that this connection sent. */
void settle(GDBusConnection *connection);

/* Calls org.ehrlink1 and waits for the answer. arguments: floating. NULL and *error (D-Bus
 * prefix stripped) on an error reply. */
GVariant *call(GDBusConnection *client, const char *path, const char *interface,
               const char *method, GVariant *arguments, GError **error);
/* The same, without waiting. */
typedef struct {
    gboolean done;
    GVariant *reply; /* owned */
    GError *error;   /* owned */
} Pending;
Pending *call_start(GDBusConnection *client, const char *path, const char *interface,
                    const char *method, GVariant *arguments, GDBusMessageFlags flags);
void pending_free(Pending *pending);

/* "NotOwner" of an error reply org.ehrlink1.Error.NotOwner; "" for no error; else the whole
 * name. Static until the next call. */
const char *error_name(const GError *error);

/* Descriptors of this process. */
guint count_fds(void);

/* What a connection sees of org.ehrlink1: signals of our own interfaces, which are addressed to
 * it, and those of others, which everybody gets. */
typedef struct {
    guint directed, broadcast;
    GString *seen; /* owned */
    GDBusConnection *connection;
    guint id;
} Watch;
void watch_start(Watch *watch, GDBusConnection *connection);
void watch_end(Watch *watch);

/* --- polkit ----------------------------------------------------------------------------------
 */

typedef enum {
    POLKIT_ALLOW,
    POLKIT_DENY,
    POLKIT_CHALLENGE,
    POLKIT_FAIL,
    POLKIT_HANG
} PolkitMood;

typedef struct {
    PolkitMood mood;
    guint asked, cancelled;
    guint last_flags;
    char last_action[64], last_subject[64];
    GPtrArray *hanging; /* owned; invocations */
    GDBusConnection *connection;
} Polkit;

Polkit *polkit_new(PrivateBus *bus);
/* Answers yes to everything that hangs. */
void polkit_let_go(Polkit *polkit);
void polkit_free(Polkit *polkit);
