/* SPDX-License-Identifier: Apache-2.0
 *
 * Noise against our own vectors (made by tests/vectors/make.py), against every public vector of
 * the suite, and against misuse.
 */
#include "proto/noise.h"

#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "proto/noise-patterns.h"
#include "tests/proto/vectors.h"

#define BUFFER 4096

typedef struct {
    ehp_noise noise[2]; /* initiator, responder */
    uint8_t psks[2][EHP_NOISE_PSKS_MAX][EHP_KEY_LEN];
} pair;

static const char *const side_names[] = {"init", "resp"};

static ehp_bytes
side_hex(JsonObject *v, int side, const char *what)
{
    g_autofree char *member = g_strdup_printf("%s_%s", side_names[side], what);

    return vectors_hex(v, member);
}

static const uint8_t *
or_null(ehp_bytes b)
{
    return b.len > 0 ? b.data : NULL;
}

static size_t
load_psks(JsonObject *v, const char *member, uint8_t psks[][EHP_KEY_LEN])
{
    JsonArray *array;
    guint n = vectors_count(v, member);

    if (n == 0)
        return 0;
    array = json_object_get_array_member(v, member);
    for (guint i = 0; i < n; i++) {
        const ehp_bytes psk = vectors_hex_of(json_array_get_string_element(array, i));

        g_assert_cmpuint(psk.len, ==, EHP_KEY_LEN);
        memcpy(psks[i], psk.data, EHP_KEY_LEN);
    }
    return n;
}

/* "Noise_XXpsk0+psk3_25519_ChaChaPoly_SHA256": false when it is another suite or pattern. */
static bool
parse_name(const char *name, ehp_noise_pattern *pattern, unsigned *psk_mask)
{
    g_auto(GStrv) parts = g_strsplit(name, "_", 5);
    const char *base = parts[1];
    const char *psks;

    if (g_strv_length(parts) != 5 || strcmp(parts[2], "25519") != 0 ||
        strcmp(parts[3], "ChaChaPoly") != 0 || strcmp(parts[4], "SHA256") != 0)
        return false;
    psks = strstr(base, "psk");
    *psk_mask = 0;
    for (const char *at = psks; at; at = strstr(at + 1, "psk"))
        *psk_mask |= EHP_NOISE_PSK((unsigned)(at[3] - '0'));
    for (int i = 0; i < EHP_NOISE_PATTERNS; i++) {
        const size_t len = psks ? (size_t)(psks - base) : strlen(base);

        if (strlen(ehp_noise_patterns[i].name) == len &&
            strncmp(ehp_noise_patterns[i].name, base, len) == 0) {
            *pattern = (ehp_noise_pattern)i;
            return true;
        }
    }
    return false;
}

static void
write_message(pair *p, int side, ehp_bytes e, ehp_bytes payload, ehp_bytes want)
{
    uint8_t out[BUFFER], back[BUFFER];
    ehp_writer w, plain;

    g_assert_true(ehp_noise_my_turn(&p->noise[side]));
    g_assert_false(ehp_noise_my_turn(&p->noise[!side]));
    ehp_writer_init(&w, out, sizeof out);
    assert_ok(ehp_noise_write(&p->noise[side], or_null(e), payload, &w));
    g_assert_cmpmem(out, w.len, want.data, want.len);
    ehp_writer_init(&plain, back, sizeof back);
    assert_ok(ehp_noise_read(&p->noise[!side], want, &plain));
    g_assert_cmpmem(back, plain.len, payload.data, payload.len);
}

static void
transport_message(ehp_cipher *from, ehp_cipher *to, ehp_bytes plain, ehp_bytes want)
{
    uint8_t out[BUFFER], back[BUFFER];
    const ehp_bytes no_ad = {NULL, 0};

    assert_ok(ehp_cipher_seal(from, no_ad, plain.data, plain.len, out));
    g_assert_cmpmem(out, plain.len + EHP_TAG_LEN, want.data, want.len);
    assert_ok(ehp_cipher_open(to, no_ad, out, want.len, back));
    g_assert_cmpmem(back, want.len - EHP_TAG_LEN, plain.data, plain.len);
}

/* ---- public vectors ---- */

static void
init_public(pair *p, JsonObject *v, ehp_noise_pattern pattern, unsigned psk_mask)
{
    for (int side = 0; side < 2; side++) {
        const char *psks = side == 0 ? "init_psks" : "resp_psks";
        ehp_noise_params params = {
            .pattern = pattern,
            .psk_mask = psk_mask,
            .initiator = side == 0,
            .prologue = side_hex(v, side, "prologue"),
            .s_secret = or_null(side_hex(v, side, "static")),
            .rs = or_null(side_hex(v, side, "remote_static")),
            .psks = (const uint8_t(*)[EHP_KEY_LEN])p->psks[side],
        };

        params.n_psks = load_psks(v, psks, p->psks[side]);
        assert_ok(ehp_noise_init(&p->noise[side], &params));
    }
}

static void
run_public(JsonObject *v, ehp_noise_pattern pattern, unsigned psk_mask)
{
    pair p;
    ehp_noise_keys keys[2] = {0};
    int side = 0;

    init_public(&p, v, pattern, psk_mask);
    VECTORS_EACH(m, v, "messages")
    {
        const ehp_bytes payload = vectors_hex(m, "payload");
        const ehp_bytes want = vectors_hex(m, "ciphertext");

        if (!ehp_noise_done(&p.noise[0]) && p.noise[0].live) {
            write_message(&p, side, side_hex(v, side, "ephemeral"), payload, want);
        } else {
            if (p.noise[0].live) {
                assert_ok(ehp_noise_finish(&p.noise[0], 0, &keys[0]));
                assert_ok(ehp_noise_finish(&p.noise[1], 0, &keys[1]));
            }
            transport_message(&keys[side].send, &keys[!side].recv, payload, want);
        }
        side = !side;
    }
    g_assert_cmpmem(keys[0].h, EHP_HASH_LEN, keys[1].h, EHP_HASH_LEN);
    if (vectors_has(v, "handshake_hash"))
        g_assert_cmpmem(keys[0].h, EHP_HASH_LEN, vectors_hex(v, "handshake_hash").data,
                        EHP_HASH_LEN);
}

static void
test_public(void)
{
    JsonObject *all = vectors_shared("noise/subset-libsodium.json");
    int run = 0, other_suite = 0;

    if (!all)
        return;
    VECTORS_EACH(v, all, "vectors")
    {
        const char *name = json_object_get_string_member(v, "protocol_name");
        ehp_noise_pattern pattern;
        unsigned psk_mask;

        if (!g_str_has_suffix(name, "_25519_ChaChaPoly_SHA256")) {
            other_suite++;
            continue;
        }
        g_assert_true(parse_name(name, &pattern, &psk_mask));
        run_public(v, pattern, psk_mask);
        run++;
    }
    g_assert_cmpint(run, >, 0);
    g_test_message("%d public vectors passed; %d are of another suite", run, other_suite);
}

/* ---- our own vectors ---- */

static void
init_own(ehp_noise *n, JsonObject *v, int side, JsonObject *changed)
{
    uint8_t psks[EHP_NOISE_PSKS_MAX][EHP_KEY_LEN];
    ehp_noise_params params = {
        .initiator = side == 0,
        .prologue = vectors_hex(v, "prologue"),
        .s_secret = or_null(side_hex(v, side, "s")),
        .psks = (const uint8_t(*)[EHP_KEY_LEN])psks,
        .n_psks = load_psks(v, "psks", psks),
    };

    g_assert_true(parse_name(json_object_get_string_member(v, "protocol_name"), &params.pattern,
                             &params.psk_mask));
    if (changed && vectors_has(changed, "prologue"))
        params.prologue = vectors_hex(changed, "prologue");
    if (changed && vectors_has(changed, "psk"))
        memcpy(psks[0], vectors_hex(changed, "psk").data, EHP_KEY_LEN);
    assert_ok(ehp_noise_init(n, &params));
}

/* In steps, so that h just before the payload is seen on both sides. */
static void
own_message(pair *p, int side, ehp_bytes e, JsonObject *m)
{
    const ehp_bytes want = vectors_hex(m, "message"), payload = vectors_hex(m, "payload");
    const ehp_bytes h = vectors_hex(m, "h_before_payload");
    uint8_t out[BUFFER], back[BUFFER];
    ehp_writer w, plain;
    ehp_reader r;

    ehp_writer_init(&w, out, sizeof out);
    assert_ok(ehp_noise_write_tokens(&p->noise[side], or_null(e), &w));
    g_assert_cmpmem(ehp_noise_hash(&p->noise[side]), EHP_HASH_LEN, h.data, h.len);
    assert_ok(ehp_noise_write_payload(&p->noise[side], payload, &w));
    g_assert_cmpmem(out, w.len, want.data, want.len);

    ehp_reader_init(&r, want.data, want.len);
    ehp_writer_init(&plain, back, sizeof back);
    assert_ok(ehp_noise_read_tokens(&p->noise[!side], &r));
    g_assert_cmpmem(ehp_noise_hash(&p->noise[!side]), EHP_HASH_LEN, h.data, h.len);
    assert_ok(ehp_noise_read_payload(&p->noise[!side], &r, &plain));
    g_assert_cmpmem(back, plain.len, payload.data, payload.len);
}

static void
check_keys(JsonObject *v, ehp_noise_keys *keys)
{
    for (int side = 0; side < 2; side++) {
        const ehp_noise_keys *k = &keys[side];

        g_assert_cmpmem(k->h, EHP_HASH_LEN, vectors_hex(v, "h").data, EHP_HASH_LEN);
        g_assert_cmpmem(k->locator, EHP_KEY_LEN, vectors_hex(v, "locator").data, EHP_KEY_LEN);
        g_assert_cmpmem(k->resume, EHP_KEY_LEN, vectors_hex(v, "resume").data, EHP_KEY_LEN);
        g_assert_cmpmem(k->export_key, EHP_KEY_LEN, vectors_hex(v, "export").data, EHP_KEY_LEN);
    }
    VECTORS_EACH(t, v, "transport")
    {
        const bool back = g_str_equal(json_object_get_string_member(t, "from"), "responder");

        transport_message(&keys[back].send, &keys[!back].recv, vectors_hex(t, "plain"),
                          vectors_hex(t, "sealed"));
    }
}

static void
test_own(void)
{
    JsonObject *all = vectors_own("noise.json");

    VECTORS_EACH(v, all, "cases")
    {
        pair p;
        ehp_noise_keys keys[2];
        int side = 0;

        init_own(&p.noise[0], v, 0, NULL);
        init_own(&p.noise[1], v, 1, NULL);
        VECTORS_EACH(m, v, "messages")
        {
            own_message(&p, side, side_hex(v, side, "e"), m);
            side = !side;
        }
        for (int i = 0; i < 2; i++) {
            const uint32_t generation = (uint32_t)json_object_get_int_member(v, "generation");

            g_assert_true(ehp_noise_done(&p.noise[i]));
            assert_ok(ehp_noise_finish(&p.noise[i], generation, &keys[i]));
            g_assert_true(sodium_is_zero((const uint8_t *)&p.noise[i], sizeof p.noise[i]));
        }
        check_keys(v, keys);
        ehp_noise_keys_clear(&keys[0]);
        g_assert_true(sodium_is_zero((const uint8_t *)&keys[0], sizeof keys[0]));
    }
}

static JsonObject *
case_named(JsonObject *all, const char *name)
{
    VECTORS_EACH(v, all, "cases")
    if (g_str_equal(json_object_get_string_member(v, "name"), name))
        return v;
    g_assert_not_reached();
}

/* Brings the victim to the message, with the other side's part from the case. */
static void
replay(ehp_noise *n, JsonObject *v, int side, int upto)
{
    for (int i = 0; i < upto; i++) {
        JsonObject *m = vectors_at(v, "messages", (guint)i);
        uint8_t out[BUFFER];
        ehp_writer w;

        ehp_writer_init(&w, out, sizeof out);
        if (i % 2 == side)
            assert_ok(ehp_noise_write(n, or_null(side_hex(v, side, "e")),
                                      vectors_hex(m, "payload"), &w));
        else
            assert_ok(ehp_noise_read(n, vectors_hex(m, "message"), &w));
    }
}

static void
test_must_fail(void)
{
    JsonObject *all = vectors_own("noise.json");

    VECTORS_EACH(f, all, "must_fail")
    {
        JsonObject *v = case_named(all, json_object_get_string_member(f, "case"));
        const int side =
            g_str_equal(json_object_get_string_member(f, "victim"), "initiator") ? 0 : 1;
        ehp_noise n;
        uint8_t out[BUFFER];
        ehp_writer w;

        g_test_message("%s, message %d: %s", json_object_get_string_member(f, "case"),
                       (int)json_object_get_int_member(f, "at"),
                       json_object_get_string_member(f, "comment"));
        init_own(&n, v, side, f);
        replay(&n, v, side, (int)json_object_get_int_member(f, "at"));
        ehp_writer_init(&w, out, sizeof out);
        assert_status(ehp_noise_read(&n, vectors_hex(f, "message"), &w), vectors_error(f));
        g_assert_true(sodium_is_zero((const uint8_t *)&n, sizeof n));
        assert_status(ehp_noise_read(&n, vectors_hex(f, "message"), &w), EHP_WRONG_STATE);
    }
}

/* ---- misuse ---- */

static const uint8_t key_a[EHP_DH_LEN] = {1}, key_b[EHP_DH_LEN] = {2};

static void
test_bad_params(void)
{
    const uint8_t psks[2][EHP_KEY_LEN] = {{0}};
    const ehp_noise_params bad[] = {
        {.pattern = EHP_NOISE_PATTERNS},
        {.pattern = EHP_NOISE_XX, .initiator = true},
        {.pattern = EHP_NOISE_XX, .initiator = false},
        {.pattern = EHP_NOISE_NK, .initiator = false},
        {.pattern = EHP_NOISE_NK, .initiator = true},
        {.pattern = EHP_NOISE_KN, .initiator = false},
        {.pattern = EHP_NOISE_NN, .psk_mask = 1},
        {.pattern = EHP_NOISE_NN, .psk_mask = 1, .n_psks = 1},
        {.pattern = EHP_NOISE_NN, .psk_mask = 1, .n_psks = 2, .psks = psks},
        {.pattern = EHP_NOISE_NN, .n_psks = 1, .psks = psks},
        {.pattern = EHP_NOISE_NN, .psk_mask = EHP_NOISE_PSK(3), .n_psks = 1, .psks = psks},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++) {
        ehp_noise n;

        assert_status(ehp_noise_init(&n, &bad[i]), EHP_INVALID_ARGUMENT);
        g_assert_false(ehp_noise_my_turn(&n));
        g_assert_false(ehp_noise_done(&n));
    }
}

static void
start_nn(ehp_noise *n, bool initiator)
{
    const ehp_noise_params params = {.pattern = EHP_NOISE_NN, .initiator = initiator};

    assert_ok(ehp_noise_init(n, &params));
}

static void
test_out_of_turn(void)
{
    ehp_noise n;
    ehp_noise_keys keys;
    uint8_t out[BUFFER], key[EHP_KEY_LEN];
    const ehp_bytes empty = {NULL, 0};
    ehp_writer w;

    ehp_writer_init(&w, out, sizeof out);
    start_nn(&n, false);
    assert_status(ehp_noise_write(&n, key_a, empty, &w), EHP_WRONG_STATE);
    start_nn(&n, true);
    assert_status(ehp_noise_read(&n, empty, &w), EHP_WRONG_STATE);
    start_nn(&n, true);
    assert_status(ehp_noise_write_payload(&n, empty, &w), EHP_WRONG_STATE);
    start_nn(&n, true);
    assert_ok(ehp_noise_write_tokens(&n, key_a, &w));
    assert_status(ehp_noise_write_tokens(&n, key_a, &w), EHP_WRONG_STATE);
    start_nn(&n, true);
    assert_status(ehp_noise_derive(&n, "export", key), EHP_WRONG_STATE);
    assert_status(ehp_noise_finish(&n, 0, &keys), EHP_WRONG_STATE);
    start_nn(&n, true);
    assert_status(ehp_noise_write(&n, NULL, empty, &w), EHP_INVALID_ARGUMENT);
    g_assert_false(n.live);
}

static void
test_no_room(void)
{
    static const uint8_t payload[100];
    ehp_noise a, b;
    uint8_t out[EHP_DH_LEN + 10], small[10], e_only[EHP_DH_LEN];
    ehp_writer w;

    start_nn(&a, true);
    ehp_writer_init(&w, out, 31);
    assert_status(ehp_noise_write(&a, key_a, ehp_bytes_of(NULL, 0), &w), EHP_TOO_LARGE);
    start_nn(&a, true);
    ehp_writer_init(&w, out, sizeof out);
    assert_status(ehp_noise_write(&a, key_a, ehp_bytes_of(payload, 11), &w), EHP_TOO_LARGE);

    start_nn(&b, false);
    ehp_noise_public(e_only, key_b);
    memcpy(out, e_only, sizeof e_only);
    memset(out + sizeof e_only, 0, 10);
    ehp_writer_init(&w, small, 9);
    assert_status(ehp_noise_read(&b, ehp_bytes_of(out, sizeof out), &w), EHP_TOO_LARGE);
}

static void
test_reflection(void)
{
    /* an initiator that is sent its own ephemeral back does not get a channel with itself */
    ehp_noise n;
    uint8_t out[BUFFER];
    ehp_writer w;

    start_nn(&n, true);
    ehp_writer_init(&w, out, sizeof out);
    assert_ok(ehp_noise_write(&n, key_a, ehp_bytes_of(NULL, 0), &w));
    w.len += 16;
    memset(out + EHP_DH_LEN, 0, 16);
    ehp_writer plain;
    uint8_t back[BUFFER];
    ehp_writer_init(&plain, back, sizeof back);
    assert_status(ehp_noise_read(&n, ehp_bytes_of(out, w.len), &plain), EHP_BAD_TAG);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/noise/own", test_own);
    g_test_add_func("/noise/must-fail", test_must_fail);
    g_test_add_func("/noise/public", test_public);
    g_test_add_func("/noise/params", test_bad_params);
    g_test_add_func("/noise/turn", test_out_of_turn);
    g_test_add_func("/noise/room", test_no_room);
    g_test_add_func("/noise/reflection", test_reflection);
    return g_test_run();
}
