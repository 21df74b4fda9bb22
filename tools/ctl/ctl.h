/* SPDX-License-Identifier: Apache-2.0
 *
 * What the verbs of ehrctl share: one client, one main loop, and synchronous-looking calls on top of them (this
 * program does one thing and ends, so a loop for each call is no harm here).
 */
#pragma once

#include "tools/common/cli.h"

typedef struct {
    EhrlinkClient *client; /* owned; NULL until ctl_connect() */
    GMainLoop *loop;       /* owned */
} Ctl;

/* One verb. argv[0] is the verb itself; returns the exit status. */
typedef int (*CtlRun)(Ctl *ctl, int argc, char **argv);

/* One row of the dispatcher; `usage` is what stands behind "ehrctl". */
typedef struct {
    const char *group; /* "identity", or the verb itself where there is no group */
    const char *verb;  /* NULL: no second word */
    CtlRun run;
    const char *usage;
    const char *summary;
} CtlVerb;

extern const CtlVerb ctl_verbs[];

/* Connects; on error says so and returns its exit status, else 0. */
int ctl_connect(Ctl *ctl);
/* Says the error; returns its exit status. */
int ctl_fail(const GError *error);
/* The same of what was read from a file: a certificate that is not right is bad data here. */
#define CTL_EXIT_BAD_DATA 65
int ctl_fail_file(const char *path, const GError *error);
/* Waits for an asynchronous call that was given ctl_on_result and the returned place. */
typedef struct {
    GMainLoop *loop;      /* borrowed */
    GAsyncResult *result; /* owned */
} CtlCall;
void ctl_on_result(GObject *source, GAsyncResult *result, gpointer call);
GAsyncResult *ctl_wait(Ctl *ctl, CtlCall *call);
void ctl_call_clear(CtlCall *call);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(CtlCall, ctl_call_clear)

/* Parses the verb's own options; FALSE: *code is the exit status (the error was said). */
gboolean ctl_options(int *argc, char ***argv, const GOptionEntry *entries, int least, int most, int *code);
/* A small file, at most 256 KiB; NULL with EHRLINK_ERROR_NO_INPUT. */
char *ctl_read_file(const char *path, GError **error);
/* One "label  value" line; nothing when value is NULL. */
void ctl_show(const char *label, const char *value);
/* String member of an a{sv}; borrowed, nullable. */
const char *ctl_string(GVariant *dict, const char *key);

/* Of what a clinic sent back: the service's facts (an a{sv}, transfer full; NULL with an error), shown, and judged: the
 * exit status. crl_path: a list that was published since, or NULL. */
GVariant *ctl_origin_verify(Ctl *ctl, GBytes *proof, const char *crl_path, GError **error);
void ctl_origin_show(GVariant *facts);
int ctl_origin_judge(GVariant *facts);

int ctl_status(Ctl *ctl, int argc, char **argv);
int ctl_doctor(Ctl *ctl, int argc, char **argv);
int ctl_identity_show(Ctl *ctl, int argc, char **argv);
int ctl_identity_init(Ctl *ctl, int argc, char **argv);
int ctl_identity_import(Ctl *ctl, int argc, char **argv);
int ctl_trust_list(Ctl *ctl, int argc, char **argv);
int ctl_trust_add(Ctl *ctl, int argc, char **argv);
int ctl_trust_remove(Ctl *ctl, int argc, char **argv);
int ctl_session_list(Ctl *ctl, int argc, char **argv);
int ctl_session_file(Ctl *ctl, int argc, char **argv);
int ctl_session_discard(Ctl *ctl, int argc, char **argv);
int ctl_session_cancel(Ctl *ctl, int argc, char **argv);
int ctl_receipt_verify(Ctl *ctl, int argc, char **argv);
