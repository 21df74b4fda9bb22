/* SPDX-License-Identifier: Apache-2.0
 *
 * What is kept on disk of a session. In the ledger, sealed: a record that begins with its
 * stage, then (once it is live) what is secret, with its length, then a GVariant; the items are
 * in a note of their own, record-items.c. Read back by this file only; what does not have the
 * expected type is damaged.
 */
#include "daemon/core/record-private.h"

#include <sodium.h>
#include <string.h>

#define RECORD_TYPE    "(ua{sv})"
/* Of the record itself; the ledger has its own. */
#define RECORD_VERSION 1
/* What the record begins with: one letter, padded to what a GVariant is aligned to. */
#define STAGE_LEN      8
#define STAGE_PENDING  'P'
#define STAGE_LIVE     'L'
#define ALIGNED(n)     (((n) + 7) / 8 * 8)

GBytes *
ehd_record_pack(GVariant *value)
{
    GVariant *owned = g_variant_ref_sink(value);
    GBytes *bytes = g_variant_get_data_as_bytes(owned);

    g_variant_unref(owned);
    return bytes;
}

static void
wipe_free(gpointer data)
{
    GBytes *inner = data;

    sodium_memzero((void *)g_bytes_get_data(inner, NULL), g_bytes_get_size(inner));
    g_bytes_unref(inner);
}

/* The keys as they are, behind a stage that take_up() does not know: no copy of them stays in
 * memory. */
GBytes *
ehd_record_pending(EhdSession *self, ehp_bytes secrets)
{
    gsize length = STAGE_LEN + secrets.len;
    guint8 *record = g_malloc0(length);
    GBytes *inner;

    record[0] = STAGE_PENDING;
    memcpy(record + STAGE_LEN, secrets.data, secrets.len);
    inner = g_bytes_new_take(record, length);
    return g_bytes_new_with_free_func(record, length, wipe_free, inner);
}

static void
add_string(GVariantBuilder *dict, const char *key, const char *value)
{
    if (value != NULL)
        g_variant_builder_add(dict, "{sv}", key, g_variant_new_string(value));
}

static void
add_wishes(GVariantBuilder *dict, const EhdWishes *wishes)
{
    g_variant_builder_add(dict, "{sv}", "categories",
                          g_variant_new_fixed_array(G_VARIANT_TYPE_INT32,
                                                    wishes->categories->data,
                                                    wishes->categories->len, sizeof(gint32)));
    g_variant_builder_add(dict, "{sv}", "purpose", g_variant_new_int32(wishes->purpose));
    g_variant_builder_add(dict, "{sv}", "period", g_variant_new_uint64(wishes->period_days));
    g_variant_builder_add(dict, "{sv}", "retention",
                          g_variant_new_uint64(wishes->retention_days));
    g_variant_builder_add(dict, "{sv}", "filing", g_variant_new_uint32(wishes->filing_s));
    add_string(dict, "text", wishes->text);
    add_string(dict, "directory", wishes->directory);
    if (!wishes->has_operator)
        return;
    g_variant_builder_add(dict, "{sv}", "operator-assurance",
                          g_variant_new_int32(wishes->operator_assurance));
    add_string(dict, "operator-display", wishes->operator_display);
    add_string(dict, "operator-role", wishes->operator_role);
    add_string(dict, "operator-identifier", wishes->operator_identifier);
}

static void
add_peer(GVariantBuilder *dict, EhdSession *self)
{
    const EhdVerdict *v = &self->verdict;

    if (!self->has_verdict)
        return;
    g_variant_builder_add(dict, "{sv}", "peer",
                          g_variant_new("(sbssss)", ehp_status_name(v->status), v->readable,
                                        v->organisation, v->terminal, v->place, v->authority));
    g_variant_builder_add(dict, "{sv}", "fingerprint",
                          g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, v->fingerprint,
                                                    sizeof v->fingerprint, 1));
    if (self->crl_known)
        add_string(dict, "crl", ehp_status_name(self->crl_status));
}

static void
add_blobs(GVariantBuilder *dict, const char *key, GBytes *const *blobs, guint n)
{
    GVariantBuilder list;

    g_variant_builder_init(&list, G_VARIANT_TYPE("aay"));
    for (guint i = 0; i < n; i++)
        g_variant_builder_add_value(
            &list, g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, blobs[i], TRUE));
    g_variant_builder_add(dict, "{sv}", key, g_variant_builder_end(&list));
}

static void
add_link(GVariantBuilder *dict, EhdSession *self)
{
    g_variant_builder_add(dict, "{sv}", "address",
                          g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, self->address.address,
                                                    sizeof self->address.address, 1));
    g_variant_builder_add(dict, "{sv}", "channel", g_variant_new_byte(self->address.channel));
    g_variant_builder_add(dict, "{sv}", "connects",
                          g_variant_new_boolean(self->role == EHD_PATIENT && self->reachable));
}

/* Pages of a manifest that is not whole do not count. */
static guint
count_items(EhdSession *self, ehp_bytes engine)
{
    ehp_session_stage stage;

    if (ehp_session_stage_of(engine, &stage) == EHP_OK && stage.transfer > 0 &&
        !stage.to_patient && !stage.granted)
        return self->base;
    return self->items->len;
}

static void
add_terminal(GVariantBuilder *dict, EhdSession *self, ehp_bytes engine)
{
    guint n_items = count_items(self, engine);

    add_wishes(dict, &self->wishes);
    g_variant_builder_add(dict, "{sv}", "items", g_variant_new_uint32(n_items));
    g_variant_builder_add(dict, "{sv}", "rows", ehd_record_rows(self, n_items));
}

static void
add_stage(GVariantBuilder *dict, EhdSession *self)
{
    g_variant_builder_add(dict, "{sv}", "uid", g_variant_new_uint32(self->uid));
    g_variant_builder_add(dict, "{sv}", "patient",
                          g_variant_new_boolean(self->role == EHD_PATIENT));
    g_variant_builder_add(
        dict, "{sv}", "granted",
        g_variant_new_boolean(self->committed != 0 ||
                              (self->engine != NULL && ehp_session_granted(self->engine))));
    g_variant_builder_add(dict, "{sv}", "transfers",
                          g_variant_new_uint32(ehd_session_transfer_number(self)));
    g_variant_builder_add(dict, "{sv}", "detach", g_variant_new_boolean(self->wishes.detach));
    g_variant_builder_add(dict, "{sv}", "created", g_variant_new_int64(self->created));
    g_variant_builder_add(dict, "{sv}", "committed", g_variant_new_int64(self->committed));
    g_variant_builder_add(dict, "{sv}", "time", g_variant_new_int64(ehd_core_now(self->core)));
    g_variant_builder_add(dict, "{sv}", "boottime",
                          g_variant_new_uint64(ehd_core_boottime(self->core)));
    if (self->consented)
        g_variant_builder_add(dict, "{sv}", "consent",
                              g_variant_new("(iixx)", self->consent.purpose,
                                            self->consent.acting_as, self->consent.time,
                                            self->consent.expires));
    if (self->status != 0)
        g_variant_builder_add(
            dict, "{sv}", "filed",
            g_variant_new("(ixms)", self->status, self->status_time, self->status_rule));
}

/* The stage, be64 length, what is secret, padding, the rest. */
static GBytes *
join(ehp_bytes secret, GBytes *rest)
{
    gsize size, at = STAGE_LEN + 8 + ALIGNED(secret.len);
    const guint8 *bytes = g_bytes_get_data(rest, &size);
    guint8 *record = g_malloc0(at + size);
    guint64 length = GUINT64_TO_BE((guint64)secret.len);
    GBytes *inner;

    record[0] = STAGE_LIVE;
    memcpy(record + STAGE_LEN, &length, 8);
    if (secret.len > 0)
        memcpy(record + STAGE_LEN + 8, secret.data, secret.len);
    memcpy(record + at, bytes, size);
    inner = g_bytes_new_take(record, at + size);
    return g_bytes_new_with_free_func(record, at + size, wipe_free, inner);
}

/* What only this session can say: its own leaf key if it has no other, and the engine. */
static gsize
put_secret(EhdSession *self, guint8 *out, gsize max)
{
    ehp_writer w;

    if (self->engine == NULL || self->engine_ended)
        return 0;
    ehp_writer_init(&w, out, max);
    if (self->own_leaf)
        ehp_put(&w, self->leaf_secret, sizeof self->leaf_secret);
    return ehp_session_save(self->engine, &w) == EHP_OK ? w.len : 0;
}

GBytes *
ehd_record_live(EhdSession *self)
{
    gsize max = EHP_SESSION_SAVED_MAX + sizeof self->leaf_secret;
    guint8 *secret = g_malloc(max);
    gsize length = put_secret(self, secret, max);
    g_autoptr(GBytes) rest = NULL;
    GVariantBuilder dict;
    GBytes *record;

    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    add_stage(&dict, self);
    add_blobs(&dict, "chain", self->chain, self->n_chain);
    add_link(&dict, self);
    g_variant_builder_add(&dict, "{sv}", "own-leaf", g_variant_new_boolean(self->own_leaf));
    if (self->role == EHD_PATIENT) {
        ehd_record_add_patient(&dict, self);
        ehd_record_add_replies(&dict, self);
        add_peer(&dict, self);
        add_blobs(&dict, "crls", (GBytes *const *)self->crls->pdata, self->crls->len);
    } else {
        gsize leaf = self->own_leaf ? sizeof self->leaf_secret : 0;

        add_terminal(&dict, self,
                     (ehp_bytes){secret + MIN(leaf, length), length - MIN(leaf, length)});
    }
    rest = ehd_record_pack(g_variant_new(RECORD_TYPE, (guint32)RECORD_VERSION, &dict));
    record = join((ehp_bytes){secret, length}, rest);
    sodium_memzero(secret, max);
    g_free(secret);
    return record;
}

/* --- reading it back ------------------------------------------------------------------------
 */

/* The two parts; FALSE: not a live record. Both are slices of it. */
static gboolean
split(GBytes *record, GBytes **secret, GBytes **rest)
{
    gsize size;
    const guint8 *bytes = g_bytes_get_data(record, &size);
    guint64 length;

    if (size < STAGE_LEN + 8 || bytes[0] != STAGE_LIVE)
        return FALSE;
    memcpy(&length, bytes + STAGE_LEN, 8);
    length = GUINT64_FROM_BE(length);
    if (length > EHD_LEDGER_BYTES_MAX || STAGE_LEN + 8 + ALIGNED(length) > size)
        return FALSE;
    *secret = g_bytes_new_from_bytes(record, STAGE_LEN + 8, length);
    *rest = g_bytes_new_from_bytes(record, STAGE_LEN + 8 + ALIGNED(length),
                                   size - STAGE_LEN - 8 - ALIGNED(length));
    return TRUE;
}

gboolean
ehd_record_is_pending(GBytes *record)
{
    gsize size;
    const guint8 *bytes = g_bytes_get_data(record, &size);

    return size > STAGE_LEN && bytes[0] == STAGE_PENDING;
}

GVariant *
ehd_record_unpack(GBytes *bytes, const char *type)
{
    GVariant *value =
        g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(type), bytes, FALSE));

    if (g_variant_is_normal_form(value))
        return value;
    g_variant_unref(value);
    return NULL;
}

static void
take_wishes(GVariant *dict, EhdWishes *wishes)
{
    g_autoptr(GVariant) categories =
        g_variant_lookup_value(dict, "categories", G_VARIANT_TYPE("ai"));
    gsize n = 0;
    const gint32 *codes;

    if (categories != NULL) {
        codes = g_variant_get_fixed_array(categories, &n, sizeof(gint32));
        g_array_append_vals(wishes->categories, codes, (guint)n);
    }
    g_variant_lookup(dict, "purpose", "i", &wishes->purpose);
    g_variant_lookup(dict, "period", "t", &wishes->period_days);
    g_variant_lookup(dict, "retention", "t", &wishes->retention_days);
    g_variant_lookup(dict, "filing", "u", &wishes->filing_s);
    g_variant_lookup(dict, "text", "s", &wishes->text);
    g_variant_lookup(dict, "directory", "s", &wishes->directory);
    wishes->has_operator =
        g_variant_lookup(dict, "operator-assurance", "i", &wishes->operator_assurance);
    g_variant_lookup(dict, "operator-display", "s", &wishes->operator_display);
    g_variant_lookup(dict, "operator-role", "s", &wishes->operator_role);
    g_variant_lookup(dict, "operator-identifier", "s", &wishes->operator_identifier);
}

static void
take_text(GVariant *value, gsize index, char *out, gsize size)
{
    g_autoptr(GVariant) child = g_variant_get_child_value(value, index);

    g_strlcpy(out, g_variant_get_string(child, NULL), size);
}

static void
take_peer(GVariant *dict, EhdSession *self)
{
    g_autoptr(GVariant) peer = g_variant_lookup_value(dict, "peer", G_VARIANT_TYPE("(sbssss)"));
    g_autoptr(GVariant) print =
        g_variant_lookup_value(dict, "fingerprint", G_VARIANT_TYPE_BYTESTRING);
    EhdVerdict *v = &self->verdict;
    const char *status = NULL, *crl = NULL;
    gsize n = 0;
    const guint8 *bytes;

    if (peer == NULL || print == NULL)
        return;
    bytes = g_variant_get_fixed_array(print, &n, 1);
    if (n != sizeof v->fingerprint)
        return;
    memcpy(v->fingerprint, bytes, n);
    g_variant_get(peer, "(&sbssss)", &status, &v->readable, NULL, NULL, NULL, NULL);
    v->status = ehp_status_from_name(status);
    take_text(peer, 2, v->organisation, sizeof v->organisation);
    take_text(peer, 3, v->terminal, sizeof v->terminal);
    take_text(peer, 4, v->place, sizeof v->place);
    take_text(peer, 5, v->authority, sizeof v->authority);
    self->has_verdict = TRUE;
    self->crl_known = g_variant_lookup(dict, "crl", "&s", &crl);
    if (self->crl_known)
        self->crl_status = ehp_status_from_name(crl);
    ehd_patient_fill_peer(self);
}

static void
take_chain(GVariant *dict, EhdSession *self)
{
    g_autoptr(GVariant) chain = g_variant_lookup_value(dict, "chain", G_VARIANT_TYPE("aay"));
    gsize n = chain != NULL ? MIN(g_variant_n_children(chain), EHP_CHAIN_MAX) : 0;

    for (gsize i = 0; i < n; i++) {
        g_autoptr(GVariant) one = g_variant_get_child_value(chain, i);

        self->chain[self->n_chain++] = g_variant_get_data_as_bytes(one);
    }
}

static void
take_crls(GVariant *dict, EhdSession *self)
{
    g_autoptr(GVariant) crls = g_variant_lookup_value(dict, "crls", G_VARIANT_TYPE("aay"));
    gsize n = crls != NULL ? MIN(g_variant_n_children(crls), EHP_CRL_MAX) : 0;

    for (gsize i = 0; i < n; i++) {
        g_autoptr(GVariant) one = g_variant_get_child_value(crls, i);

        g_ptr_array_add(self->crls, g_variant_get_data_as_bytes(one));
    }
}

static void
take_link(GVariant *dict, EhdSession *self)
{
    g_autoptr(GVariant) address =
        g_variant_lookup_value(dict, "address", G_VARIANT_TYPE_BYTESTRING);
    gsize n = 0;
    const guint8 *bytes = address != NULL ? g_variant_get_fixed_array(address, &n, 1) : NULL;

    if (n == sizeof self->address.address)
        memcpy(self->address.address, bytes, n);
    g_variant_lookup(dict, "channel", "y", &self->address.channel);
    g_variant_lookup(dict, "connects", "b", &self->reachable);
}

static void
take_stage(GVariant *dict, EhdSession *self, EhdPast *past)
{
    g_variant_lookup(dict, "detach", "b", &self->wishes.detach);
    g_variant_lookup(dict, "created", "x", &self->created);
    g_variant_lookup(dict, "committed", "x", &self->committed);
    g_variant_lookup(dict, "time", "x", &past->time);
    g_variant_lookup(dict, "boottime", "t", &past->boottime);
    g_variant_lookup(dict, "own-leaf", "b", &self->own_leaf);
    g_variant_lookup(dict, "granted", "b", &past->granted);
    g_variant_lookup(dict, "transfers", "u", &past->transfers);
    past->n_items = G_MAXUINT;
    g_variant_lookup(dict, "items", "u", &past->n_items);
    past->rows = g_variant_lookup_value(dict, "rows", G_VARIANT_TYPE(EHD_RECORD_ROWS));
    self->consented =
        g_variant_lookup(dict, "consent", "(iixx)", &self->consent.purpose,
                         &self->consent.acting_as, &self->consent.time, &self->consent.expires);
    g_variant_lookup(dict, "filed", "(ixms)", &self->status, &self->status_time,
                     &self->status_rule);
}

static gboolean
take_secret(EhdSession *self, GBytes *secret, EhdPast *past)
{
    gsize size, leaf = self->own_leaf ? sizeof self->leaf_secret : 0;
    const guint8 *bytes = g_bytes_get_data(secret, &size);

    if (size == 0)
        return TRUE;
    if (size <= leaf)
        return FALSE;
    if (leaf > 0)
        memcpy(self->leaf_secret, bytes, leaf);
    past->engine = g_bytes_new_from_bytes(secret, leaf, size - leaf);
    return TRUE;
}

gboolean
ehd_record_take_up(EhdSession *self, GBytes *record, EhdPast *past)
{
    g_autoptr(GBytes) secret = NULL;
    g_autoptr(GBytes) rest = NULL;
    g_autoptr(GVariant) value = NULL;
    g_autoptr(GVariant) dict = NULL;
    gboolean patient = FALSE;
    guint32 version, uid = G_MAXUINT32;

    if (!split(record, &secret, &rest) ||
        (value = ehd_record_unpack(rest, RECORD_TYPE)) == NULL)
        return FALSE;
    g_variant_get(value, "(u@a{sv})", &version, &dict);
    if (version != RECORD_VERSION || !g_variant_lookup(dict, "uid", "u", &uid))
        return FALSE;
    self->uid = uid;
    g_variant_lookup(dict, "patient", "b", &patient);
    self->role = patient ? EHD_PATIENT : EHD_TERMINAL;
    take_stage(dict, self, past);
    take_chain(dict, self);
    take_crls(dict, self);
    take_link(dict, self);
    if (patient) {
        ehd_record_take_patient(dict, self);
        ehd_record_take_replies(dict, past);
        take_peer(dict, self);
    } else {
        take_wishes(dict, &self->wishes);
    }
    return take_secret(self, secret, past);
}
