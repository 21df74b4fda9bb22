/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader as a device: found, locked, opened, judged when it fails, closed. Worker only.
 */
#pragma once

#include "daemon/nfc/wire.h"

#include <nfc/nfc.h>
#include <stdbool.h>

/* The longest that opening or closing takes: a mute chip has 1.1 s in each, "auto" tries
 * several. */
#define EHD_NFC_OPEN_MS  5000
#define EHD_NFC_CLOSE_MS 3000

typedef struct {
    const char *reader; /* borrowed; "auto" or a libnfc connection string */
    nfc_context *context;
    nfc_device *nfc; /* NULL: not open */
    int lock;        /* our own fd on a serial port, holding the lock; -1 */
    bool was_open;   /* a reader that vanished is lost, not missing */
    int failures;    /* commands in a row that failed below the radio */
    int revivals;    /* times it was opened anew since a command last went well */
    ehp_status status;
    char detail[EHD_NFC_DETAIL_MAX + 1];
} EhdNfcDevice;

void ehd_nfc_device_init(EhdNfcDevice *device, const char *reader);
/* Opens if not open. On failure status and detail say why. */
bool ehd_nfc_device_open(EhdNfcDevice *device);
void ehd_nfc_device_close(EhdNfcDevice *device);
/* Judges the result of a libnfc call that must end within a command's own time: true if the
 * reader is in order (the trouble, if any, was on the air). After false it is closed; status
 * and detail say why, or status is EHP_OK: it may be that opening it anew is all that it needs.
 */
bool ehd_nfc_device_judge(EhdNfcDevice *device, int result);
/* Asks the chip for a sign of life; judged. */
bool ehd_nfc_device_ping(EhdNfcDevice *device);
