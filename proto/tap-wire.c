/* SPDX-License-Identifier: Apache-2.0
 *
 * The three Noise messages of the tap and CONFIRM: what is in them, how the terminal's
 * signature binds its certificate to this very handshake, and the checks of both receivers. No
 * state machine here.
 */
#include "proto/tap-priv.h"

#include <string.h>

#include "proto/ehrlink.pb-c.h"
#include "proto/hash.h"

#define PROLOGUE_LABEL "ehrlink1 tap"
#define MEDIUM_NFC     1
#define E_LEN          EHP_DH_LEN
/* message 2 without its payload: e, s and tag, payload's tag */
#define MSG2_OVERHEAD  (EHP_DH_LEN + EHP_DH_LEN + EHP_TAG_LEN + EHP_TAG_LEN)
#define HELLO_MAX      (EHP_TAP_MSG2_MAX - MSG2_OVERHEAD - EHP_SIGNATURE_LEN)

static ProtobufCBinaryData
binary(const uint8_t *data, size_t len)
{
    /* protobuf-c has no const; packing only reads */
    return (ProtobufCBinaryData){.len = len, .data = (uint8_t *)data};
}

/* label ‖ 00 ‖ medium ‖ NFC role of the patient ‖ NFC role of the terminal ‖ AID ‖ version min
 * ‖ max */
static size_t
prologue(const ehp_tap *t, uint8_t *out, size_t cap)
{
    ehp_writer w;

    ehp_writer_init(&w, out, cap);
    ehp_put(&w, PROLOGUE_LABEL, sizeof(PROLOGUE_LABEL));
    ehp_put_u8(&w, MEDIUM_NFC);
    ehp_put_u8(&w, EHP_NFC_CARD);
    ehp_put_u8(&w, EHP_NFC_READER);
    ehp_put(&w, ehp_aid, EHP_AID_LEN);
    ehp_put(&w, t->versions, sizeof(t->versions));
    return w.len;
}

ehp_status
ehp_tap_start_noise(ehp_tap *t)
{
    uint8_t text[64], s_secret[EHP_DH_LEN];
    ehp_noise_params params = {
        .pattern = EHP_NOISE_XX,
        .initiator = t->role == EHP_ROLE_PATIENT,
        .prologue = {text, prologue(t, text, sizeof(text))},
        .s_secret = s_secret,
    };
    ehp_status status;

    /* the static is fresh too: nothing links two sessions of a device */
    ehp_drbg_bytes(&t->drbg, s_secret, sizeof(s_secret));
    status = ehp_noise_init(&t->noise, &params);
    ehp_wipe(s_secret, sizeof(s_secret));
    return status;
}

static size_t
pack_hello(const ehp_tap *t, uint8_t *out, size_t cap)
{
    Ehp__TerminalHello hello = EHP__TERMINAL_HELLO__INIT;
    Ehp__TapRequest request = EHP__TAP_REQUEST__INIT;
    ProtobufCBinaryData chain[EHP_CHAIN_MAX];
    Ehp__Category categories[EHP_TAP_CATEGORIES_MAX];
    const ehp_secrets *m = &t->mine;

    hello.has_version = 1;
    hello.version = t->secrets.version;
    for (size_t i = 0; i < t->n_chain; i++)
        chain[i] = binary(t->chain[i].data, t->chain[i].len);
    hello.n_chain = t->n_chain;
    hello.chain = chain;
    hello.has_leaf_key = t->n_chain == 0;
    hello.leaf_key = binary(m->leaf_key, sizeof(m->leaf_key));
    request.has_purpose = 1;
    request.purpose = (Ehp__Purpose)m->purpose;
    for (size_t i = 0; i < m->n_categories; i++)
        categories[i] = (Ehp__Category)m->categories[i];
    request.n_category = m->n_categories;
    request.category = categories;
    hello.request = &request;
    hello.has_address = hello.has_channel = m->has_address;
    hello.address = binary(m->address, sizeof(m->address));
    hello.channel = m->channel;
    hello.has_oob = m->has_oob;
    hello.oob = binary(m->oob, sizeof(m->oob));
    if (ehp__terminal_hello__get_packed_size(&hello) > cap)
        return 0;
    return ehp__terminal_hello__pack(&hello, out);
}

/* h_s ‖ SHA-256(hello): what the leaf signs as "terminal-auth" */
static void
auth_body(uint8_t out[2 * EHP_HASH_LEN], const ehp_tap *t)
{
    memcpy(out, t->h_s, EHP_HASH_LEN);
    memcpy(out + EHP_HASH_LEN, t->hello_hash, EHP_HASH_LEN);
}

ehp_status
ehp_tap_build_msg2(ehp_tap *t)
{
    uint8_t e_secret[EHP_DH_LEN], body[2 * EHP_HASH_LEN],
        payload[HELLO_MAX + EHP_SIGNATURE_LEN];
    size_t len = pack_hello(t, payload, HELLO_MAX);
    ehp_writer w;
    ehp_status status;

    if (len == 0)
        return EHP_INVALID_ARGUMENT;
    ehp_writer_init(&w, t->msg2, sizeof(t->msg2));
    ehp_drbg_bytes(&t->drbg, e_secret, sizeof(e_secret));
    status = ehp_noise_write_tokens(&t->noise, e_secret, &w);
    ehp_wipe(e_secret, sizeof(e_secret));
    if (status != EHP_OK)
        return status;
    memcpy(t->h_s, ehp_noise_hash(&t->noise), EHP_HASH_LEN);
    ehp_sha256(t->hello_hash, payload, len);
    auth_body(body, t);
    status = ehp_sign(EHP_SIGN_TERMINAL_AUTH, t->leaf_secret, ehp_bytes_of(body, sizeof(body)),
                      payload + len);
    if (status != EHP_OK)
        return status;
    status =
        ehp_noise_write_payload(&t->noise, ehp_bytes_of(payload, len + EHP_SIGNATURE_LEN), &w);
    t->msg2_len = w.len;
    t->msg2_sent = 0;
    return status;
}

static bool
known(const ProtobufCEnumDescriptor *table, int value)
{
    return value > 0 && protobuf_c_enum_descriptor_get_value(table, value) != NULL;
}

static ehp_status
take_request(ehp_secrets *s, const Ehp__TapRequest *request)
{
    if (request == NULL || !known(&ehp__purpose__descriptor, (int)request->purpose) ||
        request->n_category > EHP_TAP_CATEGORIES_MAX)
        return EHP_BAD_MESSAGE;
    s->purpose = (uint32_t)request->purpose;
    s->n_categories = request->n_category;
    for (size_t i = 0; i < request->n_category; i++) {
        if (!known(&ehp__category__descriptor, (int)request->category[i]))
            return EHP_BAD_MESSAGE;
        s->categories[i] = (uint32_t)request->category[i];
    }
    return EHP_OK;
}

static ehp_status
take_address(ehp_secrets *s, const Ehp__TerminalHello *hello)
{
    if (hello->has_address != hello->has_channel)
        return EHP_BAD_MESSAGE;
    if (hello->has_address) {
        if (hello->address.len != EHP_ADDRESS_LEN || hello->channel < 1 || hello->channel > 30)
            return EHP_BAD_MESSAGE;
        memcpy(s->address, hello->address.data, EHP_ADDRESS_LEN);
        s->channel = hello->channel;
        s->has_address = true;
    }
    if (hello->has_oob) {
        if (hello->oob.len != EHP_OOB_LEN)
            return EHP_BAD_MESSAGE;
        memcpy(s->oob, hello->oob.data, EHP_OOB_LEN);
        s->has_oob = true;
    }
    return EHP_OK;
}

void
ehp_chain_hash(uint8_t out[EHP_HASH_LEN], const ehp_bytes *chain, size_t n)
{
    ehp_sha256_state state;

    ehp_sha256_init(&state);
    for (size_t i = 0; i < n; i++) {
        uint8_t len[4];
        ehp_writer w;
        ehp_writer_init(&w, len, sizeof(len));
        ehp_put_be32(&w, (uint32_t)chain[i].len);
        ehp_sha256_update(&state, len, sizeof(len));
        ehp_sha256_update(&state, chain[i].data, chain[i].len);
    }
    ehp_sha256_final(&state, out);
}

/* A chain or a bare key, never both, never neither. */
static ehp_status
take_credential(ehp_tap *t, const Ehp__TerminalHello *hello)
{
    if ((hello->n_chain > 0) == (bool)hello->has_leaf_key || hello->n_chain > EHP_CHAIN_MAX)
        return EHP_BAD_MESSAGE;
    if (hello->has_leaf_key) {
        if (hello->leaf_key.len != sizeof(t->secrets.leaf_key))
            return EHP_BAD_MESSAGE;
        memcpy(t->secrets.leaf_key, hello->leaf_key.data, sizeof(t->secrets.leaf_key));
    }
    for (size_t i = 0; i < hello->n_chain; i++) {
        if (hello->chain[i].len == 0 || hello->chain[i].len > EHP_CERT_MAX)
            return EHP_BAD_MESSAGE;
        t->hello_chain[i] = ehp_bytes_of(hello->chain[i].data, hello->chain[i].len);
    }
    t->secrets.has_chain = hello->n_chain > 0;
    ehp_chain_hash(t->secrets.chain_hash, t->hello_chain, hello->n_chain);
    return EHP_OK;
}

static ehp_status
take_hello(ehp_tap *t)
{
    const Ehp__TerminalHello *hello = (const Ehp__TerminalHello *)t->hello.message;
    ehp_status status;

    if (!hello->has_version || hello->version < t->versions[0] ||
        hello->version > t->versions[1])
        return EHP_VERSION_UNSUPPORTED;
    t->secrets.version = hello->version;
    status = take_credential(t, hello);
    if (status == EHP_OK)
        status = take_request(&t->secrets, hello->request);
    if (status == EHP_OK)
        status = take_address(&t->secrets, hello);
    return status;
}

ehp_status
ehp_tap_read_msg2(ehp_tap *t)
{
    uint8_t payload[EHP_TAP_MSG2_MAX];
    ehp_reader in;
    ehp_writer w;
    ehp_status status;

    ehp_reader_init(&in, t->msg2, t->msg2_len);
    ehp_writer_init(&w, payload, sizeof(payload));
    status = ehp_noise_read_tokens(&t->noise, &in);
    if (status != EHP_OK)
        return status;
    memcpy(t->h_s, ehp_noise_hash(&t->noise), EHP_HASH_LEN);
    status = ehp_noise_read_payload(&t->noise, &in, &w);
    if (status != EHP_OK)
        return status;
    if (w.len <= EHP_SIGNATURE_LEN)
        return EHP_BAD_MESSAGE;
    w.len -= EHP_SIGNATURE_LEN;
    memcpy(t->signature, payload + w.len, EHP_SIGNATURE_LEN);
    ehp_sha256(t->hello_hash, payload, w.len);
    status = ehp_guard_unpack(&ehp__terminal_hello__descriptor, ehp_bytes_of(payload, w.len),
                              NULL, &t->hello);
    return status != EHP_OK ? status : take_hello(t);
}

ehp_status
ehp_tap_check_signature(const ehp_tap *t, const uint8_t leaf_key[32])
{
    uint8_t body[2 * EHP_HASH_LEN];

    auth_body(body, t);
    return ehp_sign_verify(EHP_SIGN_TERMINAL_AUTH, ehp_bytes_of(leaf_key, 32),
                           ehp_bytes_of(body, sizeof(body)),
                           ehp_bytes_of(t->signature, sizeof(t->signature)));
}

/* Handshake to keys; the split keys go on from CONFIRM into the first link. */
static ehp_status
take_keys(ehp_tap *t)
{
    ehp_noise_keys keys;
    ehp_secrets *s = &t->secrets;
    ehp_status status = ehp_noise_finish(&t->noise, 0, &keys);

    if (status != EHP_OK)
        return status;
    s->role = t->role;
    memcpy(s->h, keys.h, sizeof(s->h));
    ehp_cipher_move(&s->send, &keys.send);
    ehp_cipher_move(&s->recv, &keys.recv);
    memcpy(s->locator, keys.locator, sizeof(s->locator));
    memcpy(s->resume, keys.resume, sizeof(s->resume));
    memcpy(s->export_key, keys.export_key, sizeof(s->export_key));
    ehp_noise_keys_clear(&keys);
    return EHP_OK;
}

/* Address and OOB data are lasting: only for a verified terminal that can use them. */
static size_t
pack_patient_hello(ehp_tap *t, uint8_t *out, size_t cap)
{
    Ehp__PatientHello hello = EHP__PATIENT_HELLO__INIT;
    const ehp_secrets *m = &t->mine;
    bool tell = t->verdict == EHP_OK && t->secrets.has_oob;

    hello.has_capabilities = 1;
    hello.capabilities = m->capabilities;
    hello.has_address = tell && m->has_patient_address;
    hello.address = binary(m->patient_address, sizeof(m->patient_address));
    hello.has_oob = tell && m->has_patient_oob;
    hello.oob = binary(m->patient_oob, sizeof(m->patient_oob));
    if (!hello.has_oob)
        hello.capabilities &= ~EHP_CAPABILITY_OOB;
    if (ehp__patient_hello__get_packed_size(&hello) > cap)
        return 0;
    t->secrets.capabilities = hello.capabilities;
    return ehp__patient_hello__pack(&hello, out);
}

ehp_status
ehp_tap_build_msg3(ehp_tap *t, ehp_writer *out)
{
    uint8_t payload[EHP_TAP_MSG3_MAX];
    size_t len = pack_patient_hello(t, payload, sizeof(payload));
    ehp_status status = ehp_noise_write(&t->noise, NULL, ehp_bytes_of(payload, len), out);

    return status != EHP_OK ? status : take_keys(t);
}

static ehp_status
take_patient_hello(ehp_secrets *s, const Ehp__PatientHello *hello)
{
    s->capabilities = hello->has_capabilities ? hello->capabilities : 0;
    if ((hello->has_address && hello->address.len != EHP_ADDRESS_LEN) ||
        (hello->has_oob && hello->oob.len != EHP_OOB_LEN))
        return EHP_BAD_MESSAGE;
    s->has_patient_address = hello->has_address;
    if (hello->has_address)
        memcpy(s->patient_address, hello->address.data, EHP_ADDRESS_LEN);
    s->has_patient_oob = hello->has_oob;
    if (hello->has_oob)
        memcpy(s->patient_oob, hello->oob.data, EHP_OOB_LEN);
    return EHP_OK;
}

ehp_status
ehp_tap_read_msg3(ehp_tap *t, ehp_bytes in)
{
    uint8_t payload[EHP_TAP_MSG3_MAX];
    ehp_unpacked u = {0};
    ehp_writer w;
    ehp_status status;

    ehp_writer_init(&w, payload, sizeof(payload));
    status = ehp_noise_read(&t->noise, in, &w);
    if (status != EHP_OK)
        return status;
    status = ehp_guard_unpack(&ehp__patient_hello__descriptor, ehp_bytes_of(payload, w.len),
                              NULL, &u);
    if (status != EHP_OK)
        return status;
    status = take_patient_hello(&t->secrets, (const Ehp__PatientHello *)u.message);
    ehp_guard_free(&u);
    return status != EHP_OK ? status : take_keys(t);
}

ehp_status
ehp_tap_build_confirm(ehp_tap *t, ehp_writer *out)
{
    Ehp__Confirm confirm = EHP__CONFIRM__INIT;
    uint8_t plain[EHP_TAP_CONFIRM_MAX], *room;
    size_t len;

    confirm.has_capabilities = 1;
    confirm.capabilities = 0;
    len = ehp__confirm__pack(&confirm, plain);
    room = ehp_put_room(out, len + EHP_TAG_LEN);
    if (room == NULL)
        return EHP_TOO_LARGE;
    return ehp_cipher_seal(&t->secrets.send, ehp_bytes_of(NULL, 0), plain, len, room);
}

ehp_status
ehp_tap_read_confirm(ehp_tap *t, ehp_bytes in)
{
    uint8_t plain[EHP_TAP_CONFIRM_MAX];
    ehp_status status;

    if (in.len < EHP_TAG_LEN || in.len > EHP_TAP_CONFIRM_MAX)
        return EHP_BAD_MESSAGE;
    status = ehp_cipher_open(&t->secrets.recv, ehp_bytes_of(NULL, 0), in.data, in.len, plain);
    if (status != EHP_OK)
        return status;
    return ehp_guard_check(&ehp__confirm__descriptor, ehp_bytes_of(plain, in.len - EHP_TAG_LEN),
                           NULL);
}
