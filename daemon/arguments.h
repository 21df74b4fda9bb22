/* SPDX-License-Identifier: Apache-2.0
 *
 * The command line of ehrlinkd. Everything that decides where it listens and what it opens
 * comes from here or from the root-owned configuration, never from the environment.
 */
#pragma once

#include <glib.h>

#define EHD_IDLE_S_DEFAULT 30

typedef struct {
    char *config;          /* owned; NULL: the path that is built in */
    char *state_directory; /* owned; NULL: as configured; likewise below */
    char *link;            /* owned */
    char *reader;          /* owned */
    char *nfc_helper;      /* owned */
    char *bt_helper;       /* owned */
    guint idle_ms;         /* 0: never leaves */
    gboolean verbose;
    gboolean version;
} EhdArguments;

/* Parses argv. FALSE: *error says what is wrong with it, for one line on stderr (exit 64).
 * --help prints and exits, as GOptionContext does. */
gboolean ehd_arguments_parse(EhdArguments *arguments, int argc, char **argv, GError **error);
void ehd_arguments_clear(EhdArguments *arguments);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(EhdArguments, ehd_arguments_clear)
