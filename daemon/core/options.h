/* SPDX-License-Identifier: Apache-2.0
 *
 * What Manager.Send and Manager.Receive were asked for, parsed by the bus adapter into plain
 * structs. Codes are the enum values of proto/ehrlink.proto as plain ints. The core copies what
 * it keeps and checks all bounds again.
 */
#pragma once

#include <gio/gio.h>

#include "daemon/config.h"

/* One item as the caller described it. The index in the array is the caller's id. */
typedef struct {
    char *name; /* file name, no path; 1..255 bytes */
    guint64 size;
    gboolean has_mtime;
    gint64 mtime;                                         /* microseconds since 1970 */
    char *media_type, *title, *date, *type_code, *author; /* NULL: not given */
    int category;                                         /* Category; 0 not given: other */
    gboolean patient_entered;
    GBytes *subject; /* NULL: not given */
} EhdItem;

void ehd_item_clear(EhdItem *item);
/* A zeroed GArray of EhdItem whose elements are cleared with it. */
GArray *ehd_items_new(void);
/* Checks bounds and that all are about one subject. Errors: ITEM_INVALID (names the item),
 * MIXED_SUBJECTS, LIMIT_REACHED, INVALID_ARGUMENT (none at all). */
gboolean ehd_items_check(const GArray *items, GError **error);
/* Same descriptions in the same order. */
gboolean ehd_items_equal(const GArray *a, const GArray *b);

/* A time in seconds that was not given: what the configuration says. */
#define EHD_SECONDS_CONFIGURED G_MAXUINT

typedef struct {
    const GArray *items; /* borrowed, of EhdItem */
    guint timeout;       /* seconds armed, 1..3600, or EHD_SECONDS_CONFIGURED */
    gboolean detach;
    guint linger;  /* seconds, 0..660 */
    int acting_as; /* ActingAs; 0 not stated */
} EhdSendOptions;

typedef struct {
    const char *display, *role_code, *identifier; /* NULL: not given */
    int assurance;                                /* Assurance; 0 not given */
} EhdOperator;

typedef struct {
    guint timeout; /* seconds armed; 0: until cancelled; or EHD_SECONDS_CONFIGURED */
    gboolean detach;
    int purpose;           /* Purpose */
    const int *categories; /* borrowed, Category; none: all */
    gsize n_categories;
    guint64 period_days, retention_days;
    const char *text;             /* NULL: none */
    const EhdOperator *operator_; /* NULL: unattended kiosk */
    guint filing_timeout;         /* seconds; 0: never discards; or EHD_SECONDS_CONFIGURED */
    const char *directory;        /* NULL: not given */
    gboolean unverified;          /* arm without a certificate */
} EhdReceiveOptions;

/* What the bus default is when an option was not given. */
void ehd_send_options_init(EhdSendOptions *options);
void ehd_receive_options_init(EhdReceiveOptions *options);
/* The seconds that a session is armed, that its items wait to be filed. */
guint ehd_send_options_armed(const EhdSendOptions *options, const EhdConfig *config);
guint ehd_receive_options_armed(const EhdReceiveOptions *options, const EhdConfig *config);
guint ehd_receive_options_filing(const EhdReceiveOptions *options, const EhdConfig *config);
/* Everything within its bounds? INVALID_ARGUMENT names the option. */
gboolean ehd_send_options_check(const EhdSendOptions *options, GError **error);
gboolean ehd_receive_options_check(const EhdReceiveOptions *options, GError **error);
