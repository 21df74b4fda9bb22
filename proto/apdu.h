/* SPDX-License-Identifier: Apache-2.0
 *
 * Short APDUs of ISO/IEC 7816-4, as far as the tap needs them: reading with every length
 * checked, and building within EHP_APDU_MAX.
 */
#pragma once

#include "proto/bounds.h"
#include "proto/bytes.h"

/* Instructions of class 80 (PROTOCOL.md, Tap). */
#define EHP_CLA          0x80
#define EHP_INS_MESSAGE2 0x10
#define EHP_INS_CONFIRM  0x12
#define EHP_INS_BUSY     0x14

#define EHP_SW_OK        0x9000
/* SELECT: no such application, or the person has not armed the device. */
#define EHP_SW_NOT_FOUND 0x6a82
/* Message 2: the terminal did not prove who it is; the person may allow it and tap again. */
#define EHP_SW_STOP      0x6985
/* All else: an attacker learns nothing from which. */
#define EHP_SW_FAILED    0x6f00

typedef struct {
    uint8_t cla, ins, p1, p2;
    ehp_bytes data; /* borrowed from the input */
} ehp_capdu;

typedef struct {
    ehp_bytes data; /* borrowed from the input */
    uint16_t sw;
} ehp_rapdu;

/* Short form only: header, then nothing, Le, Lc data, or Lc data Le. EHP_BAD_MESSAGE,
 * EHP_TOO_LARGE (> EHP_APDU_MAX). */
EHP_MUST_USE ehp_status ehp_capdu_parse(ehp_bytes in, ehp_capdu *out);
EHP_MUST_USE ehp_status ehp_rapdu_parse(ehp_bytes in, ehp_rapdu *out);
/* Always with Le 00. EHP_TOO_LARGE for more than EHP_APDU_DATA_MAX bytes of data, or no room.
 */
EHP_MUST_USE ehp_status ehp_capdu_build(const ehp_capdu *c, ehp_writer *out);
EHP_MUST_USE ehp_status ehp_rapdu_build(ehp_bytes data, uint16_t sw, ehp_writer *out);

/* True for 00 A4 04 0x: SELECT by name, of whatever application. */
bool ehp_capdu_is_select(const ehp_capdu *c);
