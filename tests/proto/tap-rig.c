/* SPDX-License-Identifier: Apache-2.0
 *
 * See tap-rig.h.
 */
#include "tap-rig.h"

#include <string.h>

const uint8_t rig_address[6] = {0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
static const uint32_t categories[] = {1, 5};

static void
fill(uint8_t *p, size_t len, uint8_t start)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(start + i * 7);
}

ehp_tap_config
rig_terminal_config(rig *r)
{
    ehp_tap_config c = {.role = EHP_ROLE_TERMINAL, .nfc = EHP_NFC_READER};

    memset(c.seed, 0x11, sizeof(c.seed));
    c.chain = r->chain;
    c.n_chain = r->n_chain;
    c.leaf_secret = r->leaf_secret;
    c.purpose = 1;
    c.categories = categories;
    c.n_categories = 2;
    c.address = rig_address;
    c.channel = 7;
    return c;
}

void
rig_init(rig *r, size_t n_chain, size_t cert_len)
{
    uint8_t seed[32];
    ehp_tap_config t, p = {.role = EHP_ROLE_PATIENT, .nfc = EHP_NFC_CARD};

    memset(r, 0, sizeof(*r));
    memset(seed, 0x42, sizeof(seed));
    ehp_sign_keypair(seed, r->leaf_public, r->leaf_secret);
    r->n_chain = n_chain;
    for (size_t i = 0; i < n_chain; i++) {
        fill(r->cert[i], cert_len, (uint8_t)i);
        r->chain[i] = ehp_bytes_of(r->cert[i], cert_len);
    }
    r->verdict = n_chain > 0 ? EHP_OK : EHP_UNVERIFIED;
    r->allowed = n_chain == 0;
    r->cut_c = r->cut_r = r->flip_c = r->flip_r = -1;
    t = rig_terminal_config(r);
    g_assert_cmpint(ehp_tap_new(&t, &r->reader), ==, EHP_OK);
    memset(p.seed, 0x22, sizeof(p.seed));
    g_assert_cmpint(ehp_tap_new(&p, &r->card), ==, EHP_OK);
}

void
rig_clear(rig *r)
{
    ehp_tap_free(r->reader);
    ehp_tap_free(r->card);
}

void
rig_handle_card(rig *r)
{
    ehp_tap_event ev;

    while (ehp_tap_next_event(r->card, &ev)) {
        r->card_last = ev.type;
        r->card_status = ev.status;
        if (ev.type == EHP_TAP_STOPPED && ev.fingerprint != NULL)
            memcpy(r->fingerprint, ev.fingerprint, 32);
        if (ev.type == EHP_TAP_ASK_VERDICT && !r->keep_question) {
            uint8_t key[32];
            memcpy(key, r->leaf_public, 32);
            g_assert_cmpuint(ev.n_chain, ==, r->n_chain);
            for (size_t i = 0; i < ev.n_chain; i++)
                g_assert_true(ehp_bytes_equal(ev.chain[i], r->chain[i]));
            g_assert_true((ev.leaf_key == NULL) == (r->n_chain > 0));
            if (ev.leaf_key != NULL)
                g_assert_cmpmem(ev.leaf_key, 32, r->leaf_public, 32);
            g_assert_cmpuint(ev.purpose, ==, 1);
            g_assert_cmpuint(ev.n_categories, ==, 2);
            g_assert_cmpuint(ev.categories[1], ==, 5);
            if (r->wrong_key)
                key[3] ^= 1;
            g_assert_cmpint(ehp_tap_verdict(r->card, r->verdict, r->allowed,
                                            r->no_key ? NULL : key, r->now),
                            ==, EHP_OK);
        }
    }
}

void
rig_handle_reader(rig *r)
{
    ehp_tap_event ev;

    while (ehp_tap_next_event(r->reader, &ev)) {
        r->reader_last = ev.type;
        r->reader_status = ev.status;
        if (ev.type == EHP_TAP_STORE_PENDING) {
            memcpy(r->saved, ev.saved.data, ev.saved.len);
            r->saved_len = ev.saved.len;
            g_assert_cmpint(ehp_tap_stored(r->reader, r->store, r->now), ==, EHP_OK);
        }
    }
}

static bool
carry(rig *r, ehp_tap *from, ehp_tap *to, int cut, int flip)
{
    ehp_bytes out = ehp_tap_take(from, r->now);
    uint8_t apdu[EHP_APDU_MAX];

    if (out.len == 0 || cut)
        return false;
    g_assert_cmpuint(out.len, <=, EHP_APDU_MAX);
    memcpy(apdu, out.data, out.len);
    r->bytes += (unsigned)out.len;
    if (flip)
        apdu[(r->flip_bit / 8) % out.len] ^= (uint8_t)(1 << (r->flip_bit % 8));
    g_assert_cmpint(ehp_tap_feed(to, apdu, out.len, r->now), ==, EHP_OK);
    return true;
}

void
rig_tap_once(rig *r)
{
    r->pairs = r->bytes = 0;
    g_assert_cmpint(ehp_tap_start(r->reader, r->now), ==, EHP_OK);
    for (;;) {
        int n = (int)r->pairs;
        if (!carry(r, r->reader, r->card, n == r->cut_c, n == r->flip_c))
            break;
        r->pairs++;
        rig_handle_card(r);
        if (!carry(r, r->card, r->reader, n == r->cut_r, n == r->flip_r))
            break;
        rig_handle_reader(r);
    }
    ehp_tap_lost(r->reader, r->now);
    ehp_tap_lost(r->card, r->now);
    rig_handle_card(r);
    rig_handle_reader(r);
}

void
rig_check_agreed(rig *r)
{
    ehp_secrets t, p, back;
    uint8_t sealed[20], plain[4];

    g_assert_cmpint(r->reader_last, ==, EHP_TAP_DONE);
    g_assert_cmpint(r->card_last, ==, EHP_TAP_DONE);
    g_assert_cmpint(ehp_tap_take_secrets(r->reader, &t), ==, EHP_OK);
    g_assert_cmpint(ehp_tap_take_secrets(r->card, &p), ==, EHP_OK);
    g_assert_cmpmem(t.h, 32, p.h, 32);
    g_assert_cmpmem(t.locator, 32, p.locator, 32);
    g_assert_cmpmem(t.resume, 32, p.resume, 32);
    g_assert_cmpmem(t.export_key, 32, p.export_key, 32);
    g_assert_cmpmem(p.leaf_key, 32, r->leaf_public, 32);
    g_assert_cmpmem(t.leaf_key, 32, p.leaf_key, 32);
    g_assert_cmpmem(t.chain_hash, 32, p.chain_hash, 32);
    g_assert_cmpmem(p.address, 6, rig_address, 6);
    g_assert_cmpuint(p.channel, ==, 7);
    g_assert_cmpint(p.verdict, ==, r->verdict);
    g_assert_cmpuint(t.send.nonce, ==, 1);
    g_assert_cmpuint(p.recv.nonce, ==, 1);
    g_assert_cmpint(
        ehp_cipher_seal(&p.send, ehp_bytes_of(NULL, 0), (const uint8_t *)"abcd", 4, sealed), ==,
        EHP_OK);
    g_assert_cmpint(ehp_cipher_open(&t.recv, ehp_bytes_of(NULL, 0), sealed, 20, plain), ==,
                    EHP_OK);
    /* what was stored before CONFIRM is what the session is, without the split keys */
    g_assert_cmpint(ehp_secrets_load(&back, ehp_bytes_of(r->saved, r->saved_len)), ==, EHP_OK);
    g_assert_cmpmem(back.h, 32, t.h, 32);
    g_assert_cmpmem(back.resume, 32, t.resume, 32);
    g_assert_cmpint(back.role, ==, EHP_ROLE_TERMINAL);
    g_assert_false(back.send.has_key);
    g_assert_cmpint(ehp_tap_take_secrets(r->card, &back), ==, EHP_WRONG_STATE);
    ehp_secrets_clear(&t);
    ehp_secrets_clear(&p);
}
