/* SPDX-License-Identifier: Apache-2.0
 *
 * What ehr-send was asked to do.
 */
#pragma once

#include "tools/common/cli.h"

typedef struct {
    CliCommon common;
    gboolean yes;
    char *to;             /* owned, NULL: anyone */
    char *to_fingerprint; /* owned, NULL: `to` is an organisation */
    int timeout;          /* seconds; 0 once parsed: not given, the service's default */
    char *acting_as;      /* owned */
    char *receipt;        /* owned */
    gboolean wait_filed;
    gboolean new;  /* even if an interrupted session could go on */
    char *replies; /* owned, nullable: directory for what the clinic sends back */
    char *from;    /* owned, nullable: offer a folder */
    char **only;   /* owned, nullable: categories of it */
    char *since, *until, *type; /* owned, nullable: and only these */
    int last;                   /* and the newest so many; 0: all */
    char **exclude, **include;  /* owned, nullable: see leave-out.h */
    char **files;               /* owned, NULL-terminated */
} SendOptions;

/* 0 to go on, -1 to exit with 0, else the exit status. Says what is wrong. */
int send_options_parse(SendOptions *options, int argc, char **argv);
void send_options_clear(SendOptions *options);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(SendOptions, send_options_clear)
