/* SPDX-License-Identifier: Apache-2.0
 *
 * What the three command lines have in common: locale, option parsing with exit status 64, Ctrl-C, and the
 * status that the program ends with.
 */
#pragma once

#include <gio/gio.h>

#include "ehrlink.h"

typedef struct {
    gboolean json;
    gboolean quiet;
    gboolean version;
} CliCommon;

#define CLI_EXIT_USAGE 64
#define CLI_EXIT_INTERRUPTED 130

/* Locale and gettext; call first. */
void cli_init(const char *program);
/* Parses argv; on a wrong option prints why and a hint, and returns 64; 0 to go on; -1 to exit with 0
 * (--version was answered). `entries` are the program's own, `common` is filled in. `summary` is shown by
 * --help, `arguments` is what follows the options. */
int cli_parse(int *argc, char ***argv, const GOptionEntry *entries, CliCommon *common,
              const char *arguments, const char *summary);
/* Prints "PROGRAM: text" and a hint at --help, with --json also the "end" event; returns 64. */
int cli_usage(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* "PROGRAM VERSION" to stdout. */
void cli_print_version(void);

/* Exit status of an error. */
int cli_exit_code(const GError *error);
/* Says the error in words (stderr) and, with --json, as the "end" event; returns its exit status. */
int cli_end(EhrlinkRole role, const GError *error);
/* The same of one session of several, as the event "failed": the program goes on. session: its id,
 * NULL when there was none yet. */
void cli_failed(EhrlinkRole role, const char *session, const GError *error);
/* Says what did not work beside that, and is no end of anything. */
void cli_complain(const GError *error);

/* SIGINT, SIGTERM, SIGHUP call this; the second time the program ends at once with 130. */
void cli_on_interrupt(void (*callback)(gpointer user_data), gpointer user_data);
gboolean cli_interrupted(void);

/* If `answer` is a fingerprint (64 hex digits; colons and spaces ignored), it in lower case, else NULL. */
char *cli_parse_fingerprint(const char *text);
