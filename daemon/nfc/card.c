/* SPDX-License-Identifier: Apache-2.0
 *
 * The NFC card role: listens as an ISO-DEP card with a random identifier, carries C-APDUs to
 * the daemon and its R-APDUs back. After any failed receive or send the card is initialised
 * anew before libnfc is asked again: 1.8.0 crashes on a receive after NFC_ETGRELEASED.
 */
#include "daemon/nfc/worker.h"
#include "daemon/words.h"

#include <stdio.h>
#include <string.h>
#include <sys/random.h>

/* Each end of it leaves the card deaf for 50 ms; a reader looks for longer than that. */
#define LISTEN_MS  3000
/* A reader that keeps the field on but says nothing has forgotten us. */
#define COMMAND_MS 5000
/* For the daemon's answer; the chip asks the reader for patience meanwhile (WTX). */
#define ANSWER_MS  5000
#define SEND_MS    1000
_Static_assert(EHP_APDU_MAX <= 262, "libnfc 1.8.0 aborts on an R-APDU of 264 bytes");

/* A new identifier each time, so that nobody is followed by it. The first byte is the chip's:
 * 08 says "random" (ISO 14443-3, 6.5.4). */
static nfc_target
new_card(void)
{
    nfc_target card = {
        .nm = {.nmt = NMT_ISO14443A, .nbr = NBR_UNDEFINED},
        .nti.nai = {.abtAtqa = {0x00, 0x04}, .abtUid = {0x08}, .szUidLen = 4, .btSak = 0x20},
    };

    if (getrandom(card.nti.nai.abtUid + 1, 3, 0) != 3)
        memcpy(card.nti.nai.abtUid + 1, "\x01\x02\x03", 3);
    return card;
}

static void
lose(EhdNfcWorker *worker, int result)
{
    if (!ehd_nfc_device_judge(&worker->device, result))
        ehd_nfc_worker_lost_reader(worker);
    else if (result == NFC_ETGRELEASED)
        ehd_nfc_worker_lost(worker, EHP_OK, N_("released by the reader"));
    else
        ehd_nfc_worker_lost(worker, EHP_TAP_TORN, N_("the reader went away"));
}

/* Waits for a C-APDU and hands it on. False ends the tap. */
static bool
take_command(EhdNfcWorker *worker)
{
    uint8_t command[EHP_APDU_MAX];
    int result = NFC_EOPABORTED;

    ehd_nfc_worker_beat(worker, COMMAND_MS);
    if (ehd_nfc_worker_begin(worker)) {
        result =
            nfc_target_receive_bytes(worker->device.nfc, command, sizeof command, COMMAND_MS);
        ehd_nfc_worker_end(worker, result);
    }
    if (result == NFC_EOPABORTED) {
        ehd_nfc_worker_wait(worker, 0);
        return false;
    }
    if (result == NFC_EOVFLOW) {
        ehd_nfc_worker_lost(worker, EHP_TAP_REJECTED, N_("the reader's command is too long"));
        return false;
    }
    /* 0 is not an empty APDU: libnfc returns its last error, which some failures do not set */
    if (result <= 0) {
        lose(worker, result == 0 ? NFC_EIO : result);
        return false;
    }
    ehd_nfc_worker_apdu(worker, command, (size_t)result);
    explicit_bzero(command, sizeof command);
    return true;
}

/* Waits for the daemon's R-APDU and sends it. False ends the tap. */
static bool
give_answer(EhdNfcWorker *worker)
{
    for (;;) {
        ehd_nfc_worker_beat(worker, ANSWER_MS);
        if (!ehd_nfc_worker_wait(worker, ANSWER_MS)) {
            ehd_nfc_worker_lost(worker, EHP_TAP_TORN, N_("the daemon gave no answer in time"));
            return false;
        }
        if (worker->apdu_len > 0)
            break;
        worker->probing = false; /* the supervisor answers while armed */
        if (ehd_nfc_worker_interrupted(worker))
            return false;
    }
    ehd_nfc_worker_beat(worker, SEND_MS);
    int result =
        nfc_target_send_bytes(worker->device.nfc, worker->apdu, worker->apdu_len, SEND_MS);
    worker->apdu_len = 0;
    explicit_bzero(worker->apdu, sizeof worker->apdu);
    if (result > 0)
        return true;
    lose(worker, result);
    return false;
}

/* One tap, from ACTIVATED to LOST. */
static void
serve(EhdNfcWorker *worker)
{
    ehd_nfc_worker_activated(worker);
    while (!ehd_nfc_worker_interrupted(worker) && take_command(worker) && give_answer(worker))
        ;
    if (worker->device.nfc) {
        ehd_nfc_worker_beat(worker, EHD_NFC_CLOSE_MS);
        ehd_nfc_device_judge(&worker->device, nfc_idle(worker->device.nfc));
    }
    if (worker->active && worker->released)
        ehd_nfc_worker_lost(worker, EHP_OK, "released");
}

/* Listens once. NFC_ETIMEOUT: nobody came. */
static int
listen_once(EhdNfcWorker *worker)
{
    nfc_target card = new_card();
    uint8_t first[EHP_APDU_MAX];
    int result = NFC_EOPABORTED;

    ehd_nfc_worker_beat(worker, LISTEN_MS + EHD_NFC_CLOSE_MS);
    if (ehd_nfc_worker_begin(worker)) {
        result = nfc_target_init(worker->device.nfc, &card, first, sizeof first, LISTEN_MS);
        ehd_nfc_worker_end(worker, result);
    }
    return result;
}

void
ehd_nfc_card_loop(EhdNfcWorker *worker)
{
    bool told = false;

    while (worker->device.nfc && !worker->quit && !worker->changed) {
        ehd_nfc_worker_beat(worker, EHD_NFC_CLOSE_MS);
        /* a timeout of target_init says nothing about the chip, this does */
        if (!ehd_nfc_device_ping(&worker->device))
            return;
        if (!told)
            ehd_nfc_worker_armed(worker);
        told = true;
        int result = listen_once(worker);
        if (result >= 0)
            serve(worker);
        else if (result != NFC_ETIMEOUT && !ehd_nfc_device_judge(&worker->device, result))
            return;
        worker->probing = false;
        ehd_nfc_worker_wait(worker, 0);
    }
}
