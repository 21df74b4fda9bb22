/* SPDX-License-Identifier: Apache-2.0
 *
 * Sealing: version byte, 24 random bytes of nonce, XChaCha20-Poly1305. Owns the sealing key.
 * Any thread.
 */
#include "daemon/store/seal.h"

#include <sodium.h>
#include <string.h>

#include "daemon/error.h"
#include "daemon/store/atomic.h"
#include "daemon/words.h"

#define KEY_FILE  "seal.key"
#define KEY_KIND  "seal-key"
#define KEY_LEN   crypto_aead_xchacha20poly1305_ietf_KEYBYTES
#define NONCE_LEN crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN   crypto_aead_xchacha20poly1305_ietf_ABYTES
#define FORMAT    1

G_STATIC_ASSERT(EHD_SEAL_OVERHEAD == 1 + NONCE_LEN + TAG_LEN);

struct EhdSeal {
    guint8 key[KEY_LEN];
};

static gboolean
make_key(EhdSeal *seal, EhdState *state, GError **error)
{
    randombytes_buf(seal->key, KEY_LEN);
    return ehd_record_write(ehd_state_fd(state), KEY_FILE, KEY_KIND, seal->key, KEY_LEN, error);
}

static gboolean
load_key(EhdSeal *seal, EhdState *state, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(GBytes) key =
        ehd_record_read(ehd_state_fd(state), KEY_FILE, KEY_KIND, KEY_LEN, &local);
    if (key == NULL) {
        if (g_error_matches(local, EHD_ERROR, EHP_NOT_FOUND))
            return make_key(seal, state, error);
        g_propagate_error(error, g_steal_pointer(&local));
        return FALSE;
    }
    if (g_bytes_get_size(key) != KEY_LEN) {
        ehd_error_set(error, EHP_STATE_DAMAGED, KEY_FILE ": " N_("wrong length"));
        return FALSE;
    }
    memcpy(seal->key, g_bytes_get_data(key, NULL), KEY_LEN);
    return TRUE;
}

EhdSeal *
ehd_seal_open(EhdState *state, GError **error)
{
    if (sodium_init() < 0) {
        ehd_error_set(error, EHP_INTERNAL, N_("libsodium does not start"));
        return NULL;
    }
    EhdSeal *seal = g_new0(EhdSeal, 1);
    if (load_key(seal, state, error))
        return seal;
    ehd_seal_free(seal);
    return NULL;
}

void
ehd_seal_free(EhdSeal *seal)
{
    if (seal == NULL)
        return;
    sodium_memzero(seal, sizeof *seal);
    g_free(seal);
}

/* The NUL keeps label "a", path "bc" apart from "ab", "c". */
static GString *
bound_to(const char *label, const char *path)
{
    GString *ad = g_string_new("ehrlink-seal 1");
    g_string_append_c(ad, '\0');
    g_string_append(ad, label);
    g_string_append_c(ad, '\0');
    g_string_append(ad, path);
    return ad;
}

GBytes *
ehd_seal_wrap(const EhdSeal *seal, const char *label, const char *path, const void *data,
              gsize length)
{
    gsize total = length + EHD_SEAL_OVERHEAD;
    guint8 *blob = g_malloc(total);
    GString *ad = bound_to(label, path);
    blob[0] = FORMAT;
    randombytes_buf(blob + 1, NONCE_LEN);
    crypto_aead_xchacha20poly1305_ietf_encrypt(blob + 1 + NONCE_LEN, NULL, data, length,
                                               (const guint8 *)ad->str, ad->len, NULL, blob + 1,
                                               seal->key);
    g_string_free(ad, TRUE);
    return g_bytes_new_take(blob, total);
}

typedef struct {
    gsize length;
    guint8 data[];
} Secret;

static void
secret_free(gpointer data)
{
    Secret *secret = data;
    sodium_memzero(secret->data, secret->length);
    g_free(secret);
}

static gboolean
open_into(const EhdSeal *seal, const char *label, const char *path, const guint8 *blob,
          gsize length, guint8 *out)
{
    GString *ad = bound_to(label, path);
    int bad = crypto_aead_xchacha20poly1305_ietf_decrypt(
        out, NULL, NULL, blob + 1 + NONCE_LEN, length - 1 - NONCE_LEN, (const guint8 *)ad->str,
        ad->len, blob + 1, seal->key);
    g_string_free(ad, TRUE);
    return bad == 0;
}

GBytes *
ehd_seal_unwrap(const EhdSeal *seal, const char *label, const char *path, const void *data,
                gsize length, GError **error)
{
    const guint8 *blob = data;
    if (length >= EHD_SEAL_OVERHEAD && blob[0] > FORMAT) {
        ehd_error_set(error, EHP_STATE_TOO_NEW, "%s %s", label, path);
        return NULL;
    }
    if (length < EHD_SEAL_OVERHEAD || blob[0] != FORMAT) {
        ehd_error_set(error, EHP_STATE_DAMAGED, "%s %s: " N_("not sealed"), label, path);
        return NULL;
    }
    gsize plain = length - EHD_SEAL_OVERHEAD;
    Secret *secret = g_malloc(sizeof *secret + plain);
    secret->length = plain;
    if (!open_into(seal, label, path, blob, length, secret->data)) {
        secret_free(secret);
        ehd_error_set(error, EHP_STATE_DAMAGED, "%s %s: " N_("the seal is broken"), label,
                      path);
        return NULL;
    }
    return g_bytes_new_with_free_func(secret->data, plain, secret_free, secret);
}
