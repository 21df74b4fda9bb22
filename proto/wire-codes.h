/* SPDX-License-Identifier: Apache-2.0
 *
 * Short names for the closed set of error codes that cross the wire (ErrorCode in
 * proto/ehrlink.proto), as plain numbers so that the error table needs no generated header.
 * tests/proto/status_unit.c holds them against the generated enum.
 */
#pragma once

enum {
    EHP_WIRE_PROTOCOL = 1,
    EHP_WIRE_INTERNAL = 2,
    EHP_WIRE_BUSY = 3,
    EHP_WIRE_DECLINED = 4,
    EHP_WIRE_CANCELLED = 5,
    EHP_WIRE_REVOKED = 6,
    EHP_WIRE_TIMEOUT = 7,
    EHP_WIRE_STORE = 8,
    EHP_WIRE_UNVERIFIED = 9,
    EHP_WIRE_ALREADY = 10,
};
