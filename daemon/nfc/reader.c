/* SPDX-License-Identifier: Apache-2.0
 *
 * The NFC reader role: looks for an ISO-DEP card, carries C-APDUs to it and R-APDUs back. Every
 * libnfc call is finite: a select ends after three tries of the chip, an exchange after a
 * second.
 */
#include "daemon/nfc/worker.h"
#include "daemon/words.h"

#include <stdio.h>
#include <string.h>

/* Between two looks: fast enough for a hand that passes, slow enough for a battery. */
#define LOOK_MS     50
/* After a tap or a foreign card: not again at once what was just put down. */
#define PAUSE_MS    250
/* The daemon thinks: is the card still there? */
#define PRESENCE_MS 300
/* A phone's cryptography, and its slower relatives. libnfc's own default of 350 ms is too
 * short. */
#define EXCHANGE_MS 1000
/* A select on a mute chip: libnfc's hard 300 ms, and its flush. */
#define SELECT_MS   500
/* libnfc aborts when it is handed more (facts of 1.8.0: 263 kills). */
_Static_assert(EHP_APDU_MAX <= 262, "libnfc 1.8.0 aborts on a C-APDU of 263 bytes");

static const nfc_modulation type_a = {.nmt = NMT_ISO14443A, .nbr = NBR_106};

static bool
prepare(EhdNfcWorker *worker)
{
    nfc_device *nfc = worker->device.nfc;

    for (;;) {
        ehd_nfc_worker_beat(worker, EHD_NFC_CLOSE_MS);
        int result = nfc_initiator_init(nfc);
        if (result >= 0)
            result = nfc_device_set_property_bool(nfc, NP_INFINITE_SELECT, false);
        if (!ehd_nfc_device_judge(&worker->device, result))
            return false;
        if (result >= 0)
            return true;
        if (ehd_nfc_worker_wait(worker, LOOK_MS) && ehd_nfc_worker_interrupted(worker))
            return false;
    }
}

/* Returns false when the card is gone or the tap must end; the reason was told. */
static bool
exchange(EhdNfcWorker *worker)
{
    uint8_t answer[EHP_APDU_MAX];
    int result = NFC_EOPABORTED;
    size_t len = worker->apdu_len;

    worker->apdu_len = 0;
    ehd_nfc_worker_beat(worker, EXCHANGE_MS);
    if (ehd_nfc_worker_begin(worker)) {
        result = nfc_initiator_transceive_bytes(worker->device.nfc, worker->apdu, len, answer,
                                                sizeof answer, EXCHANGE_MS);
        ehd_nfc_worker_end(worker, result);
    }
    explicit_bzero(worker->apdu, sizeof worker->apdu);
    if (result == NFC_EOPABORTED) {
        ehd_nfc_worker_wait(worker, 0);
        return false;
    }
    if (result > 0) {
        ehd_nfc_worker_apdu(worker, answer, (size_t)result);
        explicit_bzero(answer, sizeof answer);
        return true;
    }
    if (!ehd_nfc_device_judge(&worker->device, result))
        ehd_nfc_worker_lost_reader(worker);
    else if (result == NFC_EOVFLOW)
        ehd_nfc_worker_lost(worker, EHP_TAP_REJECTED, N_("the card's answer is too long"));
    else
        ehd_nfc_worker_lost(worker, EHP_TAP_TORN, N_("the card did not answer"));
    return false;
}

static bool
is_present(EhdNfcWorker *worker, const nfc_target *target)
{
    ehd_nfc_worker_beat(worker, EXCHANGE_MS);
    int result = nfc_initiator_target_is_present(worker->device.nfc, target);
    if (result >= 0)
        return true;
    if (!ehd_nfc_device_judge(&worker->device, result))
        ehd_nfc_worker_lost_reader(worker);
    else
        ehd_nfc_worker_lost(worker, EHP_TAP_TORN, N_("the card went away"));
    return false;
}

static void
deselect(EhdNfcWorker *worker)
{
    if (!worker->device.nfc)
        return;
    ehd_nfc_worker_beat(worker, EXCHANGE_MS);
    ehd_nfc_device_judge(&worker->device, nfc_initiator_deselect_target(worker->device.nfc));
}

/* One tap, from ACTIVATED to LOST. */
static void
serve(EhdNfcWorker *worker, const nfc_target *target)
{
    ehd_nfc_worker_activated(worker);
    while (worker->active && !ehd_nfc_worker_interrupted(worker)) {
        ehd_nfc_worker_beat(worker, PRESENCE_MS);
        if (!ehd_nfc_worker_wait(worker, PRESENCE_MS)) {
            if (!is_present(worker, target))
                break;
        } else if (worker->probing) {
            worker->probing = false; /* the supervisor answers while armed */
        } else if (worker->apdu_len > 0 && !ehd_nfc_worker_interrupted(worker)) {
            exchange(worker);
        }
    }
    deselect(worker);
    if (worker->active && worker->released)
        ehd_nfc_worker_lost(worker, EHP_OK, "released");
}

static bool
speaks_iso_dep(const nfc_target *target)
{
    return (target->nti.nai.btSak & 0x20) && target->nti.nai.szAtsLen > 0;
}

static void
turn_away(EhdNfcWorker *worker, const nfc_target *target, bool *told)
{
    char detail[64];

    snprintf(detail, sizeof detail, "a card that is not ISO-DEP (SAK %02x)",
             target->nti.nai.btSak);
    if (!*told)
        ehd_nfc_worker_foreign(worker, detail);
    *told = true;
    deselect(worker);
}

void
ehd_nfc_reader_loop(EhdNfcWorker *worker)
{
    bool told = false; /* about the foreign card that is lying there */

    if (!prepare(worker))
        return;
    ehd_nfc_worker_armed(worker);
    while (worker->device.nfc && !worker->quit && !worker->changed) {
        nfc_target target = {0};
        ehd_nfc_worker_beat(worker, SELECT_MS);
        int found =
            nfc_initiator_select_passive_target(worker->device.nfc, type_a, NULL, 0, &target);
        if (!ehd_nfc_device_judge(&worker->device, found))
            return;
        if (found > 0 && speaks_iso_dep(&target))
            serve(worker, &target);
        else if (found > 0)
            turn_away(worker, &target, &told);
        else if (found == 0)
            told = false;
        worker->probing = false;
        ehd_nfc_worker_wait(worker, found > 0 ? PAUSE_MS : LOOK_MS);
    }
}
