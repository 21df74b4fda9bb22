/* SPDX-License-Identifier: Apache-2.0
 *
 * From structs to dictionaries, one function per struct. Holds no state.
 */
#include "daemon/bus/details.h"

#include <string.h>

#include "daemon/bus/names.h"
#include "daemon/core/codes.h"
#include "proto/ehrlink.pb-c.h"

/* A session has two sets of items: by EhdDirection. */
static const char *const suffixes[EHD_DIRECTIONS] = {"/transfer/0", "/transfer/1"};

/* A variant must never be made of bytes that are not UTF-8, whoever they came from. */
static GVariant *
text(const char *bytes)
{
    if (g_utf8_validate(bytes, -1, NULL))
        return g_variant_new_string(bytes);
    return g_variant_new_take_string(g_utf8_make_valid(bytes, -1));
}

static void
add(GVariantBuilder *dict, const char *key, GVariant *value)
{
    g_variant_builder_add(dict, "{sv}", key, value);
}

static void
add_text(GVariantBuilder *dict, const char *key, const char *value)
{
    if (value != NULL && *value != '\0')
        add(dict, key, text(value));
}

static void
add_hex(GVariantBuilder *dict, const char *key, const guint8 *bytes, gsize length)
{
    GString *hex = g_string_sized_new(2 * length + 1);
    for (gsize i = 0; i < length; i++)
        g_string_append_printf(hex, "%02x", bytes[i]);
    add(dict, key, g_variant_new_take_string(g_string_free(hex, FALSE)));
}

static void
add_problem(GVariantBuilder *dict, ehp_status problem)
{
    if (problem != EHP_OK)
        add_text(dict, "problem", ehp_status_name(problem));
}

char *
ehd_session_path(const char *id)
{
    return g_strconcat(EHD_BUS_SESSION_DIR, id, NULL);
}

char *
ehd_transfer_path(const char *id, EhdDirection direction)
{
    return g_strconcat(EHD_BUS_SESSION_DIR, id, suffixes[direction], NULL);
}

EhdDirection
ehd_direction_of_path(const char *path)
{
    return g_str_has_suffix(path, suffixes[EHD_TO_PATIENT]) ? EHD_TO_PATIENT : EHD_TO_TERMINAL;
}

char *
ehd_session_id_of_path(const char *path)
{
    if (!g_str_has_prefix(path, EHD_BUS_SESSION_DIR))
        return NULL;
    const char *id = path + strlen(EHD_BUS_SESSION_DIR);
    gsize length = strcspn(id, "/");
    if (length == 0 ||
        (id[length] != '\0' && strcmp(id + length, suffixes[EHD_TO_TERMINAL]) != 0 &&
         strcmp(id + length, suffixes[EHD_TO_PATIENT]) != 0))
        return NULL;
    return g_strndup(id, length);
}

static GVariant *
details_of_peer(const EhdPeerInfo *peer)
{
    GVariantBuilder dict;
    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    add(&dict, "verified", g_variant_new_boolean(peer->verified));
    add_text(&dict, "organisation", peer->organisation);
    add_text(&dict, "terminal", peer->terminal);
    add_text(&dict, "place", peer->place);
    add_text(&dict, "authority", peer->authority);
    add_text(&dict, "fingerprint", peer->fingerprint);
    add_text(&dict, "crl-state", peer->crl_state);
    add_problem(&dict, peer->problem);
    return g_variant_builder_end(&dict);
}

static GVariant *
details_of_operator(const EhdOperator *operator_)
{
    GVariantBuilder dict;
    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    add_text(&dict, "display", operator_->display);
    add_text(&dict, "role-code", operator_->role_code);
    add_text(&dict, "identifier", operator_->identifier);
    add_text(&dict, "assurance", ehd_assurance_code(operator_->assurance));
    return g_variant_builder_end(&dict);
}

static GVariant *
codes_of_categories(const int *categories, gsize n)
{
    GVariantBuilder list;
    g_variant_builder_init(&list, G_VARIANT_TYPE_STRING_ARRAY);
    for (gsize i = 0; i < n; i++) {
        const char *code = ehd_category_code(categories[i]);
        if (code != NULL)
            g_variant_builder_add(&list, "s", code);
    }
    return g_variant_builder_end(&list);
}

static GVariant *
details_of_query(const EhdQuery *query)
{
    GVariantBuilder dict;
    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    if (query->n_categories > 0)
        add(&dict, "categories", codes_of_categories(query->categories, query->n_categories));
    add_text(&dict, "type", query->type);
    add_text(&dict, "since", query->since);
    add_text(&dict, "until", query->until);
    if (query->last > 0)
        add(&dict, "last", g_variant_new_uint32(query->last));
    if (query->ids != NULL)
        add(&dict, "ids", g_variant_new_strv((const char *const *)query->ids, -1));
    return g_variant_builder_end(&dict);
}

static GVariant *
details_of_queries(const GArray *queries)
{
    GVariantBuilder list;
    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < queries->len; i++)
        g_variant_builder_add_value(&list,
                                    details_of_query(&g_array_index(queries, EhdQuery, i)));
    return g_variant_builder_end(&list);
}

static GVariant *
details_of_request(const EhdRequestInfo *request)
{
    GVariantBuilder dict;
    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    add_text(&dict, "purpose", ehd_purpose_code(request->purpose));
    add(&dict, "categories", codes_of_categories(request->categories, request->n_categories));
    add(&dict, "period-days", g_variant_new_uint64(request->period_days));
    add(&dict, "retention-days", g_variant_new_uint64(request->retention_days));
    add_text(&dict, "text", request->text);
    if (request->queries != NULL && request->queries->len > 0)
        add(&dict, "queries", details_of_queries(request->queries));
    add(&dict, "list", g_variant_new_boolean(request->list));
    if (request->operator_ != NULL)
        add(&dict, "operator", details_of_operator(request->operator_));
    if (request->time != 0)
        add(&dict, "time", g_variant_new_int64(request->time));
    return g_variant_builder_end(&dict);
}

static GVariant *
details_of_consent(const EhdConsentInfo *consent)
{
    GVariantBuilder dict;
    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    add_text(&dict, "purpose", ehd_purpose_code(consent->purpose));
    add_text(&dict, "acting-as", ehd_acting_as_code(consent->acting_as));
    add(&dict, "time", g_variant_new_int64(consent->time));
    add(&dict, "expires", g_variant_new_int64(consent->expires));
    return g_variant_builder_end(&dict);
}

static void
add_transfer(GVariantBuilder *dict, const EhdSessionInfo *info)
{
    g_autofree char *path = ehd_transfer_path(info->id, EHD_TO_TERMINAL);
    add(dict, "transfer", g_variant_new_object_path(path));
    add(dict, "items", g_variant_new_uint32(info->items));
    add(dict, "bytes", g_variant_new_uint64(info->bytes));
    add(dict, "done", g_variant_new_uint64(info->done));
}

static void
add_reply(GVariantBuilder *dict, const EhdSessionInfo *info)
{
    g_autofree char *path = ehd_transfer_path(info->id, EHD_TO_PATIENT);
    GVariantBuilder reply;
    g_variant_builder_init(&reply, G_VARIANT_TYPE_VARDICT);
    add(&reply, "transfer", g_variant_new_object_path(path));
    add_text(&reply, "state", ehd_transfer_state_name(info->reply));
    add(&reply, "items", g_variant_new_uint32(info->reply_items));
    add(&reply, "bytes", g_variant_new_uint64(info->reply_bytes));
    add(&reply, "done", g_variant_new_uint64(info->reply_done));
    add(dict, "reply", g_variant_builder_end(&reply));
}

static void
add_error(GVariantBuilder *dict, const EhdSessionInfo *info)
{
    if (info->error == EHP_OK)
        return;
    add_text(dict, "error", ehp_status_name(info->error));
    add_text(dict, "error-text", ehp_status_text(info->error));
    add_text(dict, "error-detail", info->error_detail);
}

GVariant *
ehd_details_of_session(const EhdSessionInfo *info, gboolean with_path)
{
    GVariantBuilder dict;
    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    if (with_path) {
        g_autofree char *path = ehd_session_path(info->id);
        add(&dict, "path", g_variant_new_object_path(path));
    }
    add_text(&dict, "state", ehd_session_state_name(info->state));
    add_text(&dict, "role", ehd_session_role_name(info->role));
    add_text(&dict, "id", info->id);
    add(&dict, "created", g_variant_new_int64(info->created));
    if (info->deadline >= 0)
        add(&dict, "deadline", g_variant_new_uint32((guint32)info->deadline));
    if (info->has_transfer)
        add_transfer(&dict, info);
    if (info->has_reply)
        add_reply(&dict, info);
    if (info->may_ask || info->left)
        add(&dict, "may-ask", g_variant_new_boolean(info->may_ask));
    if (info->n_matching > 0)
        add(&dict, "matching",
            g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, info->matching, info->n_matching,
                                      sizeof(guint32)));
    add_text(&dict, "directory", info->directory);
    add(&dict, "unfiled", g_variant_new_boolean(info->unfiled));
    if (info->needs_files)
        add(&dict, "waits-for-files", g_variant_new_boolean(TRUE));
    add_text(&dict, "status", info->status);
    add_error(&dict, info);
    if (info->peer != NULL)
        add(&dict, "peer", details_of_peer(info->peer));
    if (info->request != NULL)
        add(&dict, "request", details_of_request(info->request));
    if (info->consent != NULL)
        add(&dict, "consent", details_of_consent(info->consent));
    return g_variant_builder_end(&dict);
}

GVariant *
ehd_details_of_progress(const EhdSessionInfo *info, EhdDirection direction)
{
    gboolean reply = direction == EHD_TO_PATIENT;
    GVariantBuilder dict;
    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    add(&dict, "items", g_variant_new_uint32(reply ? info->reply_items : info->items));
    add(&dict, "items-done",
        g_variant_new_uint32(reply ? info->reply_items_done : info->items_done));
    return g_variant_new("(tta{sv})", reply ? info->reply_done : info->done,
                         reply ? info->reply_bytes : info->bytes, &dict);
}

GVariant *
ehd_details_of_arrival(const EhdSessionInfo *info, EhdDirection direction)
{
    gboolean reply = direction == EHD_TO_PATIENT;
    GVariantBuilder dict;
    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    add(&dict, "items", g_variant_new_uint32(reply ? info->reply_items : info->items));
    add(&dict, "bytes", g_variant_new_uint64(reply ? info->reply_bytes : info->bytes));
    return g_variant_builder_end(&dict);
}

static GVariant *
details_of_item(const EhdItemInfo *item)
{
    GVariantBuilder dict;
    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    add(&dict, "id", g_variant_new_uint32(item->id));
    add(&dict, "name", text(item->name));
    add(&dict, "size", g_variant_new_uint64(item->size));
    add_text(&dict, "media-type", item->media_type);
    add_text(&dict, "title", item->title);
    add_text(&dict, "date", item->date);
    add_text(&dict, "category", ehd_category_code(item->category));
    add_text(&dict, "type-code", item->type_code);
    add_text(&dict, "author", item->author);
    add(&dict, "patient-entered", g_variant_new_boolean(item->patient_entered));
    add_text(&dict, "state", ehd_item_state_name(item->state));
    if (item->salt != NULL) {
        add(&dict, "transfer", g_variant_new_uint32(item->transfer));
        add(&dict, "number", g_variant_new_uint32(item->in_transfer));
        add_hex(&dict, "salt", item->salt, EHP_SALT_LEN);
    }
    return g_variant_builder_end(&dict);
}

GVariant *
ehd_details_of_items(const GArray *items)
{
    GVariantBuilder list;
    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < items->len; i++)
        g_variant_builder_add_value(&list,
                                    details_of_item(&g_array_index(items, EhdItemInfo, i)));
    return g_variant_builder_end(&list);
}

static void
add_certificate(GVariantBuilder *dict, const EhdIdentity *identity)
{
    add_text(dict, "organisation", identity->organisation);
    add_text(dict, "terminal", identity->terminal);
    add_text(dict, "place", identity->place);
    add_text(dict, "authority", identity->authority);
    add(dict, "not-after", g_variant_new_int64(identity->not_after));
    add(dict, "crls", g_variant_new_uint32(identity->n_crls));
    if (identity->crl_next_update != 0)
        add(dict, "crl-next-update", g_variant_new_int64(identity->crl_next_update));
}

GVariant *
ehd_details_of_identity(const EhdIdentity *identity, ehp_status problem)
{
    GVariantBuilder dict;
    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    gboolean certified = identity != NULL && identity->n_chain > 0;
    add(&dict, "exists", g_variant_new_boolean(identity != NULL));
    add(&dict, "certified", g_variant_new_boolean(certified));
    if (identity != NULL)
        add_hex(&dict, "fingerprint", identity->fingerprint, sizeof identity->fingerprint);
    if (certified)
        add_certificate(&dict, identity);
    add_problem(&dict, problem);
    return g_variant_builder_end(&dict);
}

GVariant *
ehd_details_of_trust(const EhdTrust *trust)
{
    GVariantBuilder list;
    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < ehd_trust_count(trust); i++) {
        const EhdAnchor *anchor = ehd_trust_get(trust, i);
        GVariantBuilder dict;
        g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
        add_hex(&dict, "fingerprint", anchor->fingerprint, sizeof anchor->fingerprint);
        add_text(&dict, "name", anchor->name);
        add(&dict, "not-after", g_variant_new_int64(anchor->not_after));
        add(&dict, "system", g_variant_new_boolean(anchor->system));
        g_variant_builder_add_value(&list, g_variant_builder_end(&dict));
    }
    return g_variant_builder_end(&list);
}

static const char *
word_of_crl_state(int crl_state)
{
    switch (crl_state) {
    case EHP__CRL_STATE__CRL_STATE_CHECKED:
        return "checked";
    case EHP__CRL_STATE__CRL_STATE_NOT_CHECKED:
        return "not-checked";
    default: /* a number from a peer: not in the table */
        return "unknown";
    }
}

static const char *
word_of_direction(int direction)
{
    return direction == EHP__DIRECTION__DIRECTION_TO_PATIENT ? "to-patient" : "to-terminal";
}

static void
add_verdict(GVariantBuilder *dict, const EhdVerdict *verdict)
{
    if (!verdict->readable)
        return;
    add_text(dict, "organisation", verdict->organisation);
    add_text(dict, "terminal", verdict->terminal);
    add_text(dict, "place", verdict->place);
    add_text(dict, "authority", verdict->authority);
    add_hex(dict, "fingerprint", verdict->fingerprint, sizeof verdict->fingerprint);
}

GVariant *
ehd_details_of_origin(const EhdOriginFacts *facts)
{
    GVariantBuilder dict;
    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    add_verdict(&dict, &facts->verdict);
    add(&dict, "verified", g_variant_new_boolean(facts->verified));
    add_problem(&dict, facts->problem);
    if (facts->since != EHP_OK)
        add_text(&dict, "since", ehp_status_name(facts->since));
    add(&dict, "time", g_variant_new_int64(facts->time));
    add(&dict, "items", g_variant_new_uint32(facts->items));
    add_hex(&dict, "session", facts->session, sizeof facts->session);
    if (facts->attended)
        add(&dict, "operator", details_of_operator(&facts->operator_));
    return g_variant_builder_end(&dict);
}

GVariant *
ehd_details_of_receipt(const EhdReceiptFacts *facts)
{
    GVariantBuilder dict;
    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    add_verdict(&dict, &facts->verdict);
    add(&dict, "verified", g_variant_new_boolean(facts->verified));
    add_problem(&dict, facts->problem);
    add_text(&dict, "direction", word_of_direction(facts->direction));
    add(&dict, "items", g_variant_new_uint32(facts->items));
    add(&dict, "bytes", g_variant_new_uint64(facts->bytes));
    add(&dict, "complete", g_variant_new_boolean(facts->complete));
    add(&dict, "time", g_variant_new_int64(facts->time));
    add_hex(&dict, "session", facts->session, sizeof facts->session);
    add_hex(&dict, "manifest-hash", facts->manifest_hash, sizeof facts->manifest_hash);
    add_hex(&dict, "consent-hash", facts->consent_hash, sizeof facts->consent_hash);
    add_hex(&dict, "contents-hash", facts->contents_hash, sizeof facts->contents_hash);
    add_text(&dict, "crl-state", word_of_crl_state(facts->crl_state));
    return g_variant_builder_end(&dict);
}

/* "text" is whole; the others are what it was made of, for who translates it. */
static void
add_finding_words(GVariantBuilder *dict, const EhdFinding *finding)
{
    g_autofree char *whole = ehd_finding_text(finding);
    GVariantBuilder arguments;

    add_text(dict, "text", whole);
    add_text(dict, "words", finding->words);
    add_text(dict, "detail", finding->detail);
    if (finding->arguments->len == 0)
        return;
    g_variant_builder_init(&arguments, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = 0; i < finding->arguments->len; i++)
        g_variant_builder_add_value(&arguments, text(finding->arguments->pdata[i]));
    add(dict, "arguments", g_variant_builder_end(&arguments));
}

GVariant *
ehd_details_of_findings(const GPtrArray *findings)
{
    GVariantBuilder list;
    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < findings->len; i++) {
        const EhdFinding *finding = findings->pdata[i];
        GVariantBuilder dict;
        g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
        add_text(&dict, "id", finding->id);
        add_text(&dict, "level", ehd_level_name(finding->level));
        if (finding->error != EHP_OK)
            add_text(&dict, "error", ehp_status_name(finding->error));
        add_finding_words(&dict, finding);
        add_text(&dict, "remedy", finding->remedy);
        g_variant_builder_add_value(&list, g_variant_builder_end(&dict));
    }
    return g_variant_builder_end(&list);
}
