/* SPDX-License-Identifier: Apache-2.0
 *
 * What Manager.Send and Manager.Receive were asked for, parsed by the bus adapter into plain
 * structs. Codes are the enum values of proto/ehrlink.proto as plain ints. The core copies what
 * it keeps and checks all bounds again.
 */
#pragma once

#include <gio/gio.h>

#include "daemon/config.h"
#include "proto/bounds.h"

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
/* Copies of them, behind what is there. */
void ehd_items_append(GArray *items, const GArray *more);
/* Checks bounds and that all are about one subject. Errors: ITEM_INVALID (names the item),
 * MIXED_SUBJECTS, LIMIT_REACHED, INVALID_ARGUMENT (none at all). */
gboolean ehd_items_check(const GArray *items, GError **error);
/* Same descriptions in the same order. */
gboolean ehd_items_equal(const GArray *a, const GArray *b);

/* One question: all that is given holds together (PROTOCOL.md, section 8.2). Owned. */
typedef struct {
    int categories[EHP_TAP_CATEGORIES_MAX]; /* Category */
    guint n_categories;
    char *type;          /* system|code; NULL: not given, as below */
    char *since, *until; /* FHIR dates */
    guint last;          /* 0: all */
    GStrv ids;
} EhdQuery;

void ehd_query_clear(EhdQuery *query);
/* A GArray of EhdQuery whose elements are cleared with it. */
GArray *ehd_queries_new(void);
/* INVALID_ARGUMENT names what is wrong. None at all is fine. */
gboolean ehd_queries_check(const GArray *queries, GError **error);

/* A time in seconds that was not given: what the configuration says. */
#define EHD_SECONDS_CONFIGURED G_MAXUINT

typedef struct {
    const GArray *items; /* borrowed, of EhdItem */
    guint timeout;       /* seconds armed, 1..3600, or EHD_SECONDS_CONFIGURED */
    gboolean detach;
    guint linger;         /* seconds, 0..660 */
    int acting_as;        /* ActingAs; 0 not stated */
    gboolean offer_later; /* no items yet: the answer to the question for consent names them */
    gboolean replies;     /* the application takes what the clinic sends back */
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
    const GArray *queries;        /* borrowed, of EhdQuery; NULL: by categories */
    gboolean list;                /* first the list alone */
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
