/* SPDX-License-Identifier: Apache-2.0
 *
 * The tap, as a reader: straight through libnfc, without the worker that guards a daemon.
 */
#include "tests/rig/rogue/terminal.h"

#include <nfc/nfc.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <time.h>

#include "proto/tap.h"

#define TRIES       200
#define TRY_MS      50
#define EXCHANGE_MS 8000

static uint64_t
now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static bool
select_card(nfc_device *nfc)
{
    const nfc_modulation type_a = {.nmt = NMT_ISO14443A, .nbr = NBR_106};
    nfc_target target;

    if (nfc_initiator_init(nfc) < 0 ||
        nfc_device_set_property_bool(nfc, NP_INFINITE_SELECT, false) < 0)
        return false;
    for (int i = 0; i < TRIES; i++) {
        if (nfc_initiator_select_passive_target(nfc, type_a, NULL, 0, &target) > 0)
            return true;
        poll(NULL, 0, TRY_MS);
    }
    return false;
}

/* 1 done, -1 failed, 0 goes on. */
static int
events(ehp_tap *tap)
{
    ehp_tap_event event;
    int result = 0;

    while (ehp_tap_next_event(tap, &event)) {
        if (event.type == EHP_TAP_STORE_PENDING) {
            if (ehp_tap_stored(tap, EHP_OK, now_ms()) != EHP_OK)
                return -1;
        } else if (event.type == EHP_TAP_DONE) {
            result = 1;
        } else if (event.status != EHP_OK) {
            fprintf(stderr, "rogue: tap: %s\n", ehp_status_name(event.status));
            return -1;
        }
    }
    return result;
}

static bool
play(ehp_tap *tap, nfc_device *nfc)
{
    uint8_t answer[EHP_APDU_MAX];
    int result = 0;

    if (ehp_tap_start(tap, now_ms()) != EHP_OK)
        return false;
    while (result == 0) {
        const ehp_bytes apdu = ehp_tap_take(tap, now_ms());
        if (apdu.len == 0)
            return false;
        const int n = nfc_initiator_transceive_bytes(nfc, apdu.data, apdu.len, answer,
                                                     sizeof answer, EXCHANGE_MS);
        if (n < 0 || ehp_tap_feed(tap, answer, (size_t)n, now_ms()) != EHP_OK)
            return false;
        result = events(tap);
    }
    return result > 0;
}

static bool
play_at(ehp_tap *tap, const char *connstring)
{
    nfc_context *context = NULL;
    nfc_device *nfc;
    bool ok = false;

    nfc_init(&context);
    nfc = context ? nfc_open(context, connstring) : NULL;
    if (nfc) {
        ok = select_card(nfc) && play(tap, nfc);
        nfc_initiator_deselect_target(nfc);
        nfc_close(nfc);
    }
    if (context)
        nfc_exit(context);
    return ok;
}

bool
terminal_tap(struct terminal *t, const char *connstring, const uint8_t address[6],
             unsigned channel)
{
    ehp_tap_config config = {.role = EHP_ROLE_TERMINAL,
                             .nfc = EHP_NFC_READER,
                             .chain = t->chain,
                             .n_chain = t->n_chain,
                             .leaf_secret = t->leaf,
                             .purpose = EHP__PURPOSE__PURPOSE_TREAT,
                             .address = address,
                             .channel = channel};
    ehp_tap *tap = NULL;
    bool ok;

    randombytes_buf(config.seed, sizeof config.seed);
    if (ehp_tap_new(&config, &tap) != EHP_OK)
        return false;
    ok = play_at(tap, connstring) && ehp_tap_take_secrets(tap, &t->secrets) == EHP_OK;
    if (ok) {
        ehp_cipher opens = t->secrets.send, seals = t->secrets.send;
        ehp_record_init(&t->layer, &seals, &opens);
    } else {
        fprintf(stderr, "rogue: no tap at %s\n", connstring);
    }
    ehp_tap_free(tap);
    return ok;
}
