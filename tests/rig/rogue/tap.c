/* SPDX-License-Identifier: Apache-2.0
 *
 * The tap, as a card in the simulator's field.
 */
#include "tests/rig/rogue/rogue.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "proto/tap.h"

static uint64_t
now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* The leaf's Ed25519 key; no judgement: a rogue trusts everybody. */
static bool
leaf_key(ehp_bytes der, uint8_t key[32])
{
    gnutls_datum_t in = {(unsigned char *)der.data, (unsigned)der.len}, x = {NULL, 0};
    gnutls_x509_crt_t crt;
    gnutls_pubkey_t pub;
    gnutls_ecc_curve_t curve;
    bool ok = false;

    gnutls_x509_crt_init(&crt);
    gnutls_pubkey_init(&pub);
    if (gnutls_x509_crt_import(crt, &in, GNUTLS_X509_FMT_DER) == 0 &&
        gnutls_pubkey_import_x509(pub, crt, 0) == 0 &&
        gnutls_pubkey_export_ecc_raw2(pub, &curve, &x, NULL, 0) == 0 && x.size == 32) {
        memcpy(key, x.data, 32);
        ok = true;
    }
    gnutls_free(x.data);
    gnutls_pubkey_deinit(pub);
    gnutls_x509_crt_deinit(crt);
    return ok;
}

/* Returns true when the tap is done. */
static bool
events(ehp_tap *tap)
{
    ehp_tap_event event;
    uint8_t key[32];
    bool done = false;

    while (ehp_tap_next_event(tap, &event)) {
        if (event.type == EHP_TAP_ASK_VERDICT) {
            bool known = event.n_chain > 0 && leaf_key(event.chain[0], key);
            if (ehp_tap_verdict(tap, EHP_OK, false, known ? key : NULL, now_ms()) != EHP_OK)
                fprintf(stderr, "rogue: verdict refused\n");
        } else if (event.type == EHP_TAP_DONE) {
            done = true;
        } else if (event.status != EHP_OK) {
            fprintf(stderr, "rogue: tap: %s\n", ehp_status_name(event.status));
        }
    }
    return done;
}

static bool
say(int fd, char what, ehp_bytes data)
{
    uint8_t message[EHP_APDU_MAX + 1] = {(uint8_t)what};

    if (data.len > 0)
        memcpy(message + 1, data.data, data.len);
    return send(fd, message, data.len + 1, MSG_NOSIGNAL) > 0;
}

static bool
play(ehp_tap *tap, int fd)
{
    uint8_t in[1024];
    const uint8_t sak = 0x20;
    bool done = false;

    if (!say(fd, 'I', ehp_bytes_of(&sak, 1)))
        return false;
    while (!done) {
        ssize_t n = recv(fd, in, sizeof in, 0);
        if (n <= 0)
            return false;
        if (in[0] == 'X')
            ehp_tap_lost(tap, now_ms());
        if (in[0] == 'C' && ehp_tap_feed(tap, in + 1, (size_t)n - 1, now_ms()) != EHP_OK)
            fprintf(stderr, "rogue: an APDU nobody waits for\n");
        done = events(tap);
        ehp_bytes answer = ehp_tap_take(tap, now_ms());
        if (answer.len > 0 && !say(fd, 'R', answer))
            return false;
    }
    return true;
}

static int
connect_card(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

    if (fd < 0 || strlen(path) >= sizeof to.sun_path)
        return -1;
    strcpy(to.sun_path, path);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    perror("rogue: no field");
    close(fd);
    return -1;
}

bool
rogue_tap(struct rogue *r, const char *card_socket)
{
    ehp_tap_config config = {.role = EHP_ROLE_PATIENT, .nfc = EHP_NFC_CARD};
    ehp_tap *tap = NULL;
    int fd = connect_card(card_socket);
    bool ok;

    randombytes_buf(config.seed, sizeof config.seed);
    if (fd < 0 || ehp_tap_new(&config, &tap) != EHP_OK)
        return false;
    ok = play(tap, fd) && ehp_tap_take_secrets(tap, &r->secrets) == EHP_OK;
    if (ok) {
        ehp_cipher opens = r->secrets.send, seals = r->secrets.send;
        ehp_record_init(&r->layer, &seals, &opens);
    }
    /* leaving the field comes after the last answer was taken: the reader asks whether we are
     * there */
    say(fd, 'L', ehp_bytes_of(NULL, 0));
    ehp_tap_free(tap);
    close(fd);
    return ok;
}
