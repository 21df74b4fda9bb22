/* SPDX-License-Identifier: Apache-2.0
 *
 * Who got what, when, for which purpose: append-only JSON lines, each holding the hash of the
 * one before (README.md, Audit). No name, address or identifier of a patient ever gets in: the
 * fields are a closed set. An append is durable on return. Blocking (about 50 µs); one thread.
 */
#pragma once

#include <glib.h>

#include "daemon/store/state.h"
#include "proto/status.h"

typedef struct EhdAudit EhdAudit;

#define EHD_AUDIT_HASH_LEN 32

typedef enum {
    EHD_AUDIT_STARTED,  /* first line ever */
    EHD_AUDIT_TAP,      /* a tap gave a session */
    EHD_AUDIT_STOPPED,  /* a terminal was turned away; status says why */
    EHD_AUDIT_ALLOWED,  /* the user let an unverified terminal pass */
    EHD_AUDIT_CONSENT,  /* given */
    EHD_AUDIT_DECLINED, /* not given, for whatever reason; patient's side */
    EHD_AUDIT_REVOKED,
    EHD_AUDIT_SENT,     /* a verified receipt is stored */
    EHD_AUDIT_RECEIVED, /* items and receipt are durable here */
    EHD_AUDIT_FILED,
    EHD_AUDIT_DISCARDED,
    EHD_AUDIT_REJECTED,
    EHD_AUDIT_FAILED, /* a session ended otherwise; status says why */
    EHD_AUDIT_TRUST_ADDED,
    EHD_AUDIT_TRUST_REMOVED,
    EHD_AUDIT_IDENTITY,  /* key made or chain imported */
    EHD_AUDIT_RECOVERED, /* a torn last line was cut off; bytes says how much */
    EHD_AUDIT_KINDS,
} EhdAuditKind;

/* Everything optional: NULL, 0, EHP_OK, -1 as noted mean "not said". All borrowed. */
typedef struct {
    const char *session;      /* id */
    const char *role;         /* "patient" or "terminal" */
    const char *organisation; /* of the terminal, verified or as stated (see verified) */
    const char *terminal;
    const guint8 *fingerprint; /* 32 bytes: leaf or anchor */
    int verified;              /* 1, 0, or -1: not said */
    const char *crl_state;     /* "checked", "not-checked" */
    const char *purpose;       /* code */
    const char *categories;    /* codes, blank-separated */
    const char *direction;     /* "to-terminal", "to-patient" */
    const char *acting_as;
    gint64 items;                /* -1: not said */
    gint64 bytes;                /* -1: not said */
    const guint8 *manifest_hash; /* 32 bytes each */
    const guint8 *consent_hash;
    const guint8 *receipt_hash;
    const char *rule;  /* rejected: rule id */
    ehp_status status; /* EHP_OK: not said */
} EhdAuditEntry;

/* An entry that says nothing yet. */
#define EHD_AUDIT_ENTRY_INIT                                                                   \
    {                                                                                          \
        .verified = -1, .items = -1, .bytes = -1                                               \
    }

const char *ehd_audit_kind_name(EhdAuditKind kind);

/* Opens, verifies the newest file's chain, cuts off a torn last line (and says so in a new
 * one). STATE_DAMAGED if the chain is broken: the daemon refuses to go on appending to it. A
 * full disk is no reason to fail: what should be written at the opening is then written before
 * the first line that can be. `now`: Unix seconds. */
EhdAudit *ehd_audit_open(EhdState *state, gint64 now, GError **error);
void ehd_audit_free(EhdAudit *audit);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdAudit, ehd_audit_free)

gboolean ehd_audit_append(EhdAudit *audit, EhdAuditKind kind, const EhdAuditEntry *entry,
                          gint64 now, GError **error);
/* SHA-256 of the last line: goes into receipts. */
void ehd_audit_head(const EhdAudit *audit, guint8 head[EHD_AUDIT_HASH_LEN]);
guint64 ehd_audit_count(const EhdAudit *audit); /* lines ever */
/* Bytes of all files. Any thread. */
guint64 ehd_audit_used(EhdAudit *audit);

/* Calls back with every line (JSON, no newline), oldest first; stops when the callback returns
 * FALSE. Checks the whole chain on the way: STATE_DAMAGED at the first line that does not fit.
 */
typedef gboolean (*EhdAuditVisit)(const char *line, gsize length, gpointer user_data);
gboolean ehd_audit_visit(EhdAudit *audit, EhdAuditVisit visit, gpointer user_data,
                         GError **error);

/* *has: is there a line of that kind about that receipt? Looks from the newest file on
 * backwards, at all of them only when there is none. STATE_DAMAGED. */
gboolean ehd_audit_has_receipt(EhdAudit *audit, EhdAuditKind kind,
                               const guint8 receipt_hash[EHD_AUDIT_HASH_LEN], gboolean *has,
                               GError **error);
