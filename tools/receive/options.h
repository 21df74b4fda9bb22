/* SPDX-License-Identifier: Apache-2.0
 *
 * What ehr-receive was asked to do.
 */
#pragma once

#include "tools/common/cli.h"

typedef enum {
    FILE_ASK,
    FILE_LATER,
    FILE_AUTO,
} FileMode;

/* What to do with records that have errors. */
typedef enum {
    POLICY_WARN, /* EHDS Art 7(4): accept, and say so */
    POLICY_REFUSE,
} Policy;

typedef struct {
    CliCommon common;
    char *output; /* owned; directory */
    char **request;   /* owned; category codes, nullable */
    char *purpose;    /* owned, nullable */
    int period_days;
    int retention_days;
    char *text; /* owned, nullable */
    char *operator_name; /* owned, nullable */
    char *operator_role; /* owned, nullable */
    char *operator_id; /* owned, nullable */
    char *operator_assurance; /* owned, nullable */
    gboolean once;
    int timeout; /* seconds; 0: no end; -1 once parsed: not given */
    char *file; /* owned, as given, nullable */
    FileMode file_mode;
    char *policy_name; /* owned, as given, nullable */
    Policy policy;
    char *on_filed; /* owned, nullable; program */
    gboolean unverified;
    char *type;           /* owned, nullable; as all below */
    char *since, *until;
    int last;             /* 0: all */
    char **ids;
    gboolean list;
    char *pick;
    char **reply;         /* files */
    char **expect;        /* FILE or KEY=VALUE */
} ReceiveOptions;

/* 0 to go on, -1 to exit with 0, else the exit status. Says what is wrong. */
int receive_options_parse(ReceiveOptions *options, int argc, char **argv);
/* What Manager.Receive wants; floating. */
GVariant *receive_options_to_vardict(const ReceiveOptions *options);
/* aa{sv} as Manager.Receive wants it; floating. */
GVariant *receive_options_queries(const ReceiveOptions *options);
void receive_options_clear(ReceiveOptions *options);
