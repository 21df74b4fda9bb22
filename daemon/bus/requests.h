/* SPDX-License-Identifier: Apache-2.0
 *
 * What callers and agents may ask for or answer, from their dictionaries into the plain structs
 * of daemon/core/options.h. Every parse function borrows from the variants given to it, which
 * must outlive the request; clear frees what is owned and works on a request whose parse
 * failed. Pure; any thread.
 */
#pragma once

#include "daemon/core/options.h"
#include "proto/bounds.h"

/* Longest object path of an agent, longest directory that is remembered. */
#define EHD_AGENT_PATH_MAX      255
#define EHD_DIRECTORY_MAX       4096
/* A day is the longest that a reader stays armed for a caller who does not say "for ever". */
#define EHD_RECEIVE_TIMEOUT_MAX 86400
#define EHD_SEND_TIMEOUT_MAX    3600
#define EHD_LINGER_MAX          660
#define EHD_FILING_TIMEOUT_MAX  604800
#define EHD_DAYS_MAX            36525
/* PEM of a chain, of an authority, of one revocation list. */
#define EHD_PEM_MAX             (64 * 1024)

typedef struct {
    GArray *items; /* owned, of EhdItem */
    const char *agent;
    EhdSendOptions options;
} EhdSendRequest;

/* items: aa{sv}, options: a{sv}, as Manager.Send. */
gboolean ehd_send_request_parse(EhdSendRequest *request, GVariant *items, GVariant *options,
                                GError **error);
void ehd_send_request_clear(EhdSendRequest *request);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(EhdSendRequest, ehd_send_request_clear)

typedef struct {
    const char *agent;
    EhdReceiveOptions options;
    EhdOperator operator_;
    int categories[EHP_TAP_CATEGORIES_MAX];
    GVariant *category_texts, *operator_dict, *query_dicts; /* owned */
    GArray *queries; /* owned, of EhdQuery; NULL: not given */
} EhdReceiveRequest;

gboolean ehd_receive_request_parse(EhdReceiveRequest *request, GVariant *options,
                                   GError **error);
void ehd_receive_request_clear(EhdReceiveRequest *request);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(EhdReceiveRequest, ehd_receive_request_clear)

typedef struct {
    const char *agent;
    GVariant *item_dicts; /* owned */
    GArray *items;        /* owned, of EhdItem; NULL: not given */
} EhdReattachRequest;

gboolean ehd_reattach_request_parse(EhdReattachRequest *request, GVariant *options,
                                    GError **error);
void ehd_reattach_request_clear(EhdReattachRequest *request);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(EhdReattachRequest, ehd_reattach_request_clear)

typedef struct {
    const char *organisation, *terminal, *locality, *country; /* NULL: not given */
    gboolean replace;
} EhdInitIdentityRequest;

gboolean ehd_init_identity_request_parse(EhdInitIdentityRequest *request, GVariant *options,
                                         GError **error);

typedef struct {
    GVariant *texts; /* owned */
    guint n_crls;
    GBytes *crls[EHP_CRL_MAX]; /* owned, PEM */
} EhdImportRequest;

gboolean ehd_import_request_parse(EhdImportRequest *request, GVariant *options, GError **error);
void ehd_import_request_clear(EhdImportRequest *request);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(EhdImportRequest, ehd_import_request_clear)

/* What AskConsent's reply says beside yes or no. */
typedef struct {
    GVariant *ids;      /* owned, au; NULL: all */
    const guint *items; /* borrowed from ids */
    gsize n_items;
    int acting_as;
    gint64 expires;       /* Unix seconds; 0: not given */
    GVariant *item_dicts; /* owned */
    GArray *offer;        /* owned, of EhdItem; NULL: as at Send */
} EhdConsentAnswer;

gboolean ehd_consent_answer_parse(EhdConsentAnswer *answer, GVariant *dict, GError **error);
void ehd_consent_answer_clear(EhdConsentAnswer *answer);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(EhdConsentAnswer, ehd_consent_answer_clear)

/* Session.RequestItems, Session.Reply, Session.GetReceipt. Arrays are (transfer full), NULL on
 * error; *transfer: -1 when absent. */
GArray *ehd_queries_parse(GVariant *dicts, GError **error);
gboolean ehd_request_items_parse(gboolean *list, GVariant *options, GError **error);
GArray *ehd_reply_items_parse(GVariant *dicts, GError **error);
gboolean ehd_receipt_request_parse(int *transfer, GVariant *options, GError **error);
/* Manager.VerifyOrigin: *crl is owned, NULL when absent; set on error too. */
gboolean ehd_origin_request_parse(GBytes **crl, GVariant *options, GError **error);
/* Session.Discard: *rule is borrowed, NULL when absent. */
gboolean ehd_discard_request_parse(const char **rule, GVariant *options, GError **error);
