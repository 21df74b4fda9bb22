/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose an item is: what the terminal signs at its end, what a patient takes, and the proof
 * that is kept of it, of which no bit may change.
 */
#include "proto/origin.h"

#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "pair.h"
#include "proto/session-priv.h"
#include "proto/wire.h"
#include "vectors.h"

static const pair_item two[] = {{"report.pdf", 300000, 0}, {"empty.txt", 0, 0}};

/* What the patient keeps of one reply. */
typedef struct {
    GPtrArray *items; /* of GBytes */
    unsigned roots;
} kept;

static void
keep_item(pair_side *side, const ehp_event *event)
{
    kept *all = side->store;

    if (side->patient && event->type == EHP_EV_ITEM_COMPLETE) {
        g_assert_cmpuint(event->item, ==, all->items->len);
        g_assert_cmpuint(event->bytes.len, >, 0);
        g_ptr_array_add(all->items, g_bytes_new(event->bytes.data, event->bytes.len));
    }
}

static Ehp__Signed *
unpack(const void *data, size_t len)
{
    Ehp__Signed *message = ehp__signed__unpack(NULL, len, data);

    g_assert_nonnull(message);
    return message;
}

static GBytes *
make_proof(pair *w, const kept *all)
{
    Ehp__OriginProof proof = EHP__ORIGIN_PROOF__INIT;
    ehp_bytes request = ehp_session_document(w->p.s, EHP_DOC_REQUEST);
    Ehp__Signed *items[G_N_ELEMENTS(two)];
    uint8_t *packed;
    size_t len;

    proof.has_leaf_key = 1;
    proof.leaf_key = ehp_wire_binary(ehp_session_leaf_key(w->p.s), EHP_SIGN_PUBLIC_LEN);
    proof.request = unpack(request.data, request.len);
    for (guint i = 0; i < all->items->len; i++)
        items[i] = unpack(g_bytes_get_data(all->items->pdata[i], NULL),
                          g_bytes_get_size(all->items->pdata[i]));
    proof.n_item = all->items->len;
    proof.item = items;
    len = ehp__origin_proof__get_packed_size(&proof);
    packed = g_malloc(len);
    ehp__origin_proof__pack(&proof, packed);
    ehp__signed__free_unpacked(proof.request, NULL);
    for (guint i = 0; i < all->items->len; i++)
        ehp__signed__free_unpacked(items[i], NULL);
    return g_bytes_new_take(packed, len);
}

/* A session in which the terminal sends both items back, over a link that is cut. */
static void
replied(pair *w, kept *all)
{
    all->items = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    pair_init(w);
    w->items = two;
    w->n_items = G_N_ELEMENTS(two);
    w->later = "w";
    w->on_event = keep_item;
    w->p.store = all;
    pair_start(w);
    pair_connect(w);
    pair_run(w);
    g_assert_cmpuint(all->items->len, ==, G_N_ELEMENTS(two));
}

static gboolean
opens(const uint8_t *data, size_t len)
{
    ehp_proof proof = {0};
    ehp_origin origin;
    ehp_status status = ehp_proof_open(ehp_bytes_of(data, len), &proof);

    for (size_t i = 0; status == EHP_OK && i < proof.proof->n_item; i++)
        status = ehp_proof_item(&proof, i, &origin);
    if (status == EHP_OK && proof.proof->n_item != G_N_ELEMENTS(two))
        status = EHP_ORIGIN_INVALID; /* whoever holds it against the files sees that */
    if (status != EHP_OK)
        g_assert_cmpint(status, ==, EHP_ORIGIN_INVALID);
    ehp_proof_clear(&proof);
    return status == EHP_OK;
}

static void
test_proof(void)
{
    kept all = {0};
    ehp_proof proof = {0};
    ehp_origin origin;
    pair w;
    gsize len;

    replied(&w, &all);
    g_autoptr(GBytes) bytes = make_proof(&w, &all);
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    g_assert_cmpint(ehp_proof_open(ehp_bytes_of(data, len), &proof), ==, EHP_OK);
    for (uint32_t i = 0; i < G_N_ELEMENTS(two); i++) {
        g_assert_cmpint(ehp_proof_item(&proof, i, &origin), ==, EHP_OK);
        g_assert_cmpuint(origin.item, ==, i);
        g_assert_cmpuint(origin.size, ==, two[i].size);
        g_assert_cmpuint(origin.transfer, ==, 1);
        g_assert_cmpmem(origin.session, 32, ehp_session_id(w.p.s), 32);
    }
    g_assert_cmpint(ehp_proof_item(&proof, 2, &origin), ==, EHP_ORIGIN_INVALID);
    ehp_proof_clear(&proof);
    g_ptr_array_unref(all.items);
    pair_clear(&w);
}

/* Every byte, and every length. */
static void
test_changed(void)
{
    kept all = {0};
    pair w;
    gsize len;

    replied(&w, &all);
    g_autoptr(GBytes) bytes = make_proof(&w, &all);
    const uint8_t *data = g_bytes_get_data(bytes, &len);
    g_autofree uint8_t *copy = g_memdup2(data, len);
    g_assert_true(opens(copy, len));
    for (gsize i = 0; i < len; i++) {
        copy[i] ^= (uint8_t)(1 << i % 8);
        g_assert_false(opens(copy, len));
        copy[i] = data[i];
    }
    for (gsize cut = 0; cut < len; cut++)
        g_assert_false(opens(data, cut));
    g_ptr_array_unref(all.items);
    pair_clear(&w);
}

/* Two sessions: the signature on an item of one is none in the other. */
static void
test_exchanged(void)
{
    kept all = {0}, other = {0};
    ehp_proof proof = {0};
    ehp_origin origin;
    pair w, v;
    gsize len;

    replied(&w, &all);
    replied(&v, &other);
    /* another request of the same terminal */
    Ehp__ConsentRequest request = EHP__CONSENT_REQUEST__INIT;
    ehp_doc doc = {0};
    request.has_session = request.has_time = 1;
    request.session = ehp_wire_binary(ehp_session_id(v.p.s), 32);
    request.time = 7;
    g_assert_cmpint(
        ehp_doc_make(&doc, EHP_SIGN_CONSENT_REQUEST, pair_leaf_secret(), &request.base), ==,
        EHP_OK);
    Ehp__OriginProof mixed = EHP__ORIGIN_PROOF__INIT;
    Ehp__Signed *items[] = {unpack(g_bytes_get_data(all.items->pdata[0], NULL),
                                   g_bytes_get_size(all.items->pdata[0]))};
    mixed.has_leaf_key = 1;
    mixed.leaf_key = ehp_wire_binary(ehp_session_leaf_key(w.p.s), EHP_SIGN_PUBLIC_LEN);
    mixed.request = &doc.message;
    mixed.n_item = 1;
    mixed.item = items;
    len = ehp__origin_proof__get_packed_size(&mixed);
    g_autofree uint8_t *packed = g_malloc(len);
    ehp__origin_proof__pack(&mixed, packed);
    g_assert_cmpint(ehp_proof_open(ehp_bytes_of(packed, len), &proof), ==, EHP_OK);
    g_assert_cmpint(ehp_proof_item(&proof, 0, &origin), ==, EHP_ORIGIN_INVALID);
    ehp_proof_clear(&proof);
    ehp__signed__free_unpacked(items[0], NULL);
    ehp_doc_clear(&doc);
    g_ptr_array_unref(all.items);
    g_ptr_array_unref(other.items);
    pair_clear(&w);
    pair_clear(&v);
}

static const ehp_origin due = {.session = {1},
                               .request_hash = {2},
                               .manifest_hash = {3},
                               .transfer = 4,
                               .item = 5,
                               .size = 6,
                               .salt = {7},
                               .root = {8}};

/* Each field is compared. */
static void
test_fields(void)
{
    const size_t at[] = {
        G_STRUCT_OFFSET(ehp_origin, session),       G_STRUCT_OFFSET(ehp_origin, request_hash),
        G_STRUCT_OFFSET(ehp_origin, manifest_hash), G_STRUCT_OFFSET(ehp_origin, transfer),
        G_STRUCT_OFFSET(ehp_origin, item),          G_STRUCT_OFFSET(ehp_origin, size),
        G_STRUCT_OFFSET(ehp_origin, salt),          G_STRUCT_OFFSET(ehp_origin, root),
    };
    uint8_t seed[32] = {9}, key[32], secret[64];
    ehp_doc said = {0}, doc = {0};

    ehp_sign_keypair(seed, key, secret);
    for (size_t i = 0; i < G_N_ELEMENTS(at); i++) {
        ehp_origin lie = due;
        ((uint8_t *)&lie)[at[i]] ^= 1;
        g_assert_cmpint(ehp_origin_make(&said, &lie, secret), ==, EHP_OK);
        g_assert_cmpint(ehp_origin_take(&doc, &due, key, &said.message), ==, EHP_BAD_MESSAGE);
        g_assert_false(ehp_doc_there(&doc));
    }
    g_assert_cmpint(ehp_origin_make(&said, &due, secret), ==, EHP_OK);
    g_assert_cmpint(ehp_origin_take(&doc, &due, key, &said.message), ==, EHP_OK);
    key[3] ^= 1;
    g_assert_cmpint(ehp_origin_take(&doc, &due, key, &said.message), ==, EHP_BAD_SIGNATURE);
    ehp_doc_clear(&said);
    ehp_doc_clear(&doc);
}

/* Opens it and every item of it; the sizes, if `sizes` is given. */
static ehp_status
read_proof(JsonObject *v, JsonArray *sizes)
{
    ehp_proof proof = {0};
    ehp_origin origin;
    ehp_status status = ehp_proof_open(vectors_hex(v, "proof"), &proof);

    for (size_t i = 0; status == EHP_OK && i < proof.proof->n_item; i++) {
        status = ehp_proof_item(&proof, i, &origin);
        if (status == EHP_OK && sizes != NULL)
            g_assert_cmpuint(origin.size, ==, json_array_get_int_element(sizes, (guint)i));
    }
    if (status == EHP_OK && sizes != NULL) {
        g_assert_cmpuint(proof.proof->n_item, ==, json_array_get_length(sizes));
        assert_bytes(ehp_bytes_of(proof.request_hash, EHP_HASH_LEN),
                     vectors_hex(v, "request_hash"));
        assert_bytes(ehp_bytes_of(proof.proof->leaf_key.data, proof.proof->leaf_key.len),
                     vectors_hex(v, "leaf_key"));
    }
    ehp_proof_clear(&proof);
    return status;
}

static void
test_vectors(void)
{
    JsonObject *file = vectors_own("origin.json");

    VECTORS_EACH(v, file, "cases")
    assert_ok(read_proof(v, json_object_get_array_member(v, "sizes")));
    g_assert_cmpuint(vectors_count(file, "must_fail"), >=, 20);
    VECTORS_EACH(v, file, "must_fail")
    {
        g_test_message("%s", json_object_get_string_member(v, "comment"));
        assert_status(read_proof(v, NULL), vectors_error(v));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/origin/proof", test_proof);
    g_test_add_func("/origin/changed", test_changed);
    g_test_add_func("/origin/exchanged", test_exchanged);
    g_test_add_func("/origin/fields", test_fields);
    g_test_add_func("/origin/vectors", test_vectors);
    return g_test_run();
}
