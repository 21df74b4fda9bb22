/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's Bluetooth management protocol, as much as ehrlink-bt uses of it: building
 * commands, reading what comes back. Pure. (The kernel's numbers are little-endian; see
 * doc/mgmt-api.txt of BlueZ.)
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/radio/wire.h"

#define EHD_MGMT_MAX 512

typedef enum {
    EHD_MGMT_READ_INFO = 0x0004,
    EHD_MGMT_SET_CONNECTABLE = 0x0007,
    EHD_MGMT_SET_FAST = 0x0008,
    EHD_MGMT_READ_OOB = 0x0020,
    EHD_MGMT_ADD_OOB = 0x0021,
    EHD_MGMT_REMOVE_OOB = 0x0022,
} EhdMgmtCommand;

typedef struct {
    enum {
        EHD_MGMT_REPLY,       /* to a command of ours: command, failure, and on success data */
        EHD_MGMT_AUTH_FAILED, /* peer */
        EHD_MGMT_OTHER,
    } type;
    uint16_t index, command;
    uint8_t failure; /* 0: done */
    uint8_t peer[6];
    const uint8_t *data; /* borrowed from the bytes */
    size_t len;
} EhdMgmtEvent;

/* FALSE: not an event. */
bool ehd_mgmt_parse(EhdMgmtEvent *event, const uint8_t *bytes, size_t len);
/* Bits of Read Controller Information's answer that matter to whoever waits to be paged. */
typedef struct {
    bool connectable, fast, discoverable;
} EhdMgmtSettings;

/* false: the answer is too short. */
bool ehd_mgmt_settings(const EhdMgmtEvent *info, EhdMgmtSettings *settings);
/* Local OOB data as the tap carries it (P-192 zeroed); false: the controller has no P-256. */
bool ehd_mgmt_oob(const EhdMgmtEvent *reply, uint8_t oob[EHD_RADIO_OOB_LEN]);
/* What a failure means to us. */
ehp_status ehd_mgmt_status(uint8_t failure);

/* Each writes a command into buf (EHD_MGMT_MAX bytes) and returns its length. peer NULL where
 * there is none; oob only for ADD_OOB; on only for SET_CONNECTABLE and SET_FAST. */
size_t ehd_mgmt_build(uint8_t *buf, EhdMgmtCommand command, uint16_t index, const uint8_t *peer,
                      const uint8_t *oob, bool on);
