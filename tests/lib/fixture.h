/* SPDX-License-Identifier: Apache-2.0
 *
 * A private bus with the fake service on it, and the ways to wait for things without a nested
 * guess: everything that is waited for is an event, and a watchdog ends a test that hangs.
 */
#pragma once

#include <gio/gio.h>

#include "ehrlink.h"

/* Starts the bus once per program and puts the fake back to its beginnings. */
void fixture_reset(void);
void fixture_down(void);

/* A directory of the test's own, removed at the end. */
const char *fixture_dir(void);
char *fixture_file(const char *name, const char *content);

/* A bus connection that is not the library's. */
GDBusConnection *fixture_stranger(void);
const char *fixture_library_name(EhrlinkClient *client);
/* How many are open in this process. */
guint fixture_descriptors(void);
/* GDBus's thread lets go of the last ones of a connection a moment after it is finalised. */
void fixture_await_descriptors(guint most);

/* Runs a method of org.ehrlink1.Fake to its end, with the main loop running. May be of any
 * type; (transfer full) reply, NULL if it had to die. */
GVariant *fake(const char *method, GVariant *parameters);
/* In any thread, without the main loop; it may not die. */
GVariant *fake_blocking(const char *method, GVariant *parameters);
/* Begins one; fake_end() waits for the reply. */
gpointer fake_begin(const char *method, GVariant *parameters);
char *fake_end_text(gpointer begun);
/* Waits for one that the fake died of. */
void fake_end_dead(gpointer begun);
char *fake_text(const char *method, GVariant *parameters);
/* What the fake saw, as JSON. */
char *fake_seen(void);
gboolean fake_saw(const char *what);

/* GAsyncReadyCallback that stores the result where user_data says; await() waits for it. */
void on_result(GObject *source, GAsyncResult *result, gpointer user_data);
GAsyncResult *await(GAsyncResult **result);
/* Runs the main loop until the counter has reached the number. */
void await_count(const guint *counter, guint number);
/* Signal handler (swapped) that counts. */
void on_count(gpointer counter);

EhrlinkClient *fixture_client(void);
EhrlinkSession *fixture_receive(EhrlinkClient *client);
EhrlinkSession *fixture_send(EhrlinkClient *client, EhrlinkItem **items, gsize n,
                             GError **error);
/* Ends it, so that nothing is left of it. */
void fixture_end(EhrlinkSession *session);

/* (transfer floating) */
GVariant *vardict(const char *text);
