/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the format of an audit line (README.md, Audit). Pure; any thread.
 */
#include "daemon/store/audit-line.h"

#include <sodium.h>
#include <string.h>

#include "daemon/store/display.h"

/* Every line begins {"prev":"<64 hex>","seq":<n>, so that the chain can be checked without a
 * JSON parser. */
#define PREV      "{\"prev\":\""
#define SEQ       "\",\"seq\":"
#define HEX       (2 * EHD_AUDIT_HASH_LEN)
#define VALUE_MAX 256

static const char *const kind_names[EHD_AUDIT_KINDS] = {
    [EHD_AUDIT_STARTED] = "started",
    [EHD_AUDIT_TAP] = "tap",
    [EHD_AUDIT_STOPPED] = "stopped",
    [EHD_AUDIT_ALLOWED] = "allowed",
    [EHD_AUDIT_CONSENT] = "consent",
    [EHD_AUDIT_DECLINED] = "declined",
    [EHD_AUDIT_REVOKED] = "revoked",
    [EHD_AUDIT_SENT] = "sent",
    [EHD_AUDIT_RECEIVED] = "received",
    [EHD_AUDIT_FILED] = "filed",
    [EHD_AUDIT_DISCARDED] = "discarded",
    [EHD_AUDIT_REJECTED] = "rejected",
    [EHD_AUDIT_FAILED] = "failed",
    [EHD_AUDIT_TRUST_ADDED] = "trust-added",
    [EHD_AUDIT_TRUST_REMOVED] = "trust-removed",
    [EHD_AUDIT_IDENTITY] = "identity",
    [EHD_AUDIT_RECOVERED] = "recovered",
};

const char *
ehd_audit_kind_name(EhdAuditKind kind)
{
    return (unsigned)kind < EHD_AUDIT_KINDS ? kind_names[kind] : "unknown";
}

/* The value is made safe first: no control character is left that JSON would want escaped. */
static void
add_text(GString *line, const char *name, const char *value)
{
    char safe[VALUE_MAX];
    if (value == NULL)
        return;
    ehd_display_copy(safe, sizeof safe, value, strlen(value));
    g_string_append_printf(line, ",\"%s\":\"", name);
    for (const char *at = safe; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            g_string_append_c(line, '\\');
        g_string_append_c(line, *at);
    }
    g_string_append_c(line, '"');
}

static void
add_hash(GString *line, const char *name, const guint8 *hash)
{
    char hex[HEX + 1];
    if (hash == NULL)
        return;
    sodium_bin2hex(hex, sizeof hex, hash, EHD_AUDIT_HASH_LEN);
    add_text(line, name, hex);
}

static void
add_number(GString *line, const char *name, gint64 value)
{
    if (value >= 0)
        g_string_append_printf(line, ",\"%s\":%" G_GINT64_FORMAT, name, value);
}

static void
add_entry(GString *line, const EhdAuditEntry *entry)
{
    add_text(line, "session", entry->session);
    add_text(line, "role", entry->role);
    add_text(line, "organisation", entry->organisation);
    add_text(line, "terminal", entry->terminal);
    add_hash(line, "fingerprint", entry->fingerprint);
    if (entry->verified >= 0)
        g_string_append_printf(line, ",\"verified\":%s", entry->verified ? "true" : "false");
    add_text(line, "crl-state", entry->crl_state);
    add_text(line, "purpose", entry->purpose);
    add_text(line, "categories", entry->categories);
    add_text(line, "direction", entry->direction);
    add_text(line, "acting-as", entry->acting_as);
    add_number(line, "items", entry->items);
    add_number(line, "bytes", entry->bytes);
    add_hash(line, "manifest-hash", entry->manifest_hash);
    add_hash(line, "consent-hash", entry->consent_hash);
    add_hash(line, "receipt-hash", entry->receipt_hash);
    add_text(line, "rule", entry->rule);
    if (entry->status != EHP_OK)
        add_text(line, "error", ehp_status_name(entry->status));
}

static char *
format_time(gint64 now)
{
    g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(now);
    return time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%SZ") : g_strdup("unknown");
}

GString *
ehd_audit_line_format(const EhdAuditChain *chain, EhdAuditKind kind, const EhdAuditEntry *entry,
                      gint64 now)
{
    char hex[HEX + 1];
    g_autofree char *time = format_time(now);
    GString *line = g_string_sized_new(512);
    sodium_bin2hex(hex, sizeof hex, chain->head, EHD_AUDIT_HASH_LEN);
    g_string_append_printf(
        line, PREV "%s" SEQ "%" G_GUINT64_FORMAT ",\"time\":\"%s\",\"kind\":\"%s\"", hex,
        chain->seq + 1, time, ehd_audit_kind_name(kind));
    if (entry != NULL)
        add_entry(line, entry);
    g_string_append(line, "}\n");
    return line;
}

static gboolean
parse_prefix(const char *line, gsize length, guint8 prev[EHD_AUDIT_HASH_LEN], guint64 *seq)
{
    const gsize before_seq = strlen(PREV) + HEX + strlen(SEQ);
    char digits[24];
    gsize n = 0;
    gsize hex_length = 0;
    if (length < before_seq + 2 || length >= EHD_AUDIT_LINE_MAX || line[length - 1] != '}' ||
        memcmp(line, PREV, strlen(PREV)) != 0 ||
        memcmp(line + strlen(PREV) + HEX, SEQ, strlen(SEQ)) != 0)
        return FALSE;
    if (sodium_hex2bin(prev, EHD_AUDIT_HASH_LEN, line + strlen(PREV), HEX, NULL, &hex_length,
                       NULL) != 0 ||
        hex_length != EHD_AUDIT_HASH_LEN)
        return FALSE;
    while (n < sizeof digits - 1 && g_ascii_isdigit(line[before_seq + n])) {
        digits[n] = line[before_seq + n];
        n++;
    }
    digits[n] = '\0';
    return line[before_seq + n] == ',' &&
           g_ascii_string_to_unsigned(digits, 10, 1, G_MAXUINT64, seq, NULL);
}

gboolean
ehd_audit_line_follow(EhdAuditChain *chain, const char *line, gsize length)
{
    guint8 prev[EHD_AUDIT_HASH_LEN];
    guint64 seq = 0;
    if (!parse_prefix(line, length, prev, &seq))
        return FALSE;
    if (chain->known && (seq != chain->seq + 1 || memcmp(prev, chain->head, sizeof prev) != 0))
        return FALSE;
    crypto_hash_sha256(chain->head, (const guint8 *)line, length);
    chain->seq = seq;
    chain->known = TRUE;
    return TRUE;
}
