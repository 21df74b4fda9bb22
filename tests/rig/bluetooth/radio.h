/* SPDX-License-Identifier: Apache-2.0
 *
 * The radio: stands between btvirt, which emulates the controllers, and the machines that have
 * them. It passes whole HCI packets, as slowly, as late and as badly as a test wants. It obeys
 * the same commands as the air of the unix link (tests/rig/air), and shares its control.
 */
#pragma once

#include "tests/rig/air/air.h"

#define RADIO_SIDES_MAX 9
#define RADIO_LINKS_MAX 8
/* An ACL packet of HCI: its type, handle and length, and 64 KiB at most. */
#define RADIO_PACKET    (5 + 65535)

/* Follows one direction of one baseband link, to see what RFCOMM carries for its users. */
struct radio_stream {
    uint16_t cid; /* the L2CAP channel that is RFCOMM's in this direction; 0: none yet */
    uint32_t payload_left; /* of a frame whose rest comes in the next packets */
};

/* A baseband link, as one of its two ends sees it. */
struct radio_link {
    bool open;
    bool cut; /* by us: its end is told as a loss */
    uint16_t handle;
    uint8_t peer[6];
    bool asked_to_pair; /* the other side began it */
    struct radio_stream out, in;
};

struct radio_packet {
    struct radio_packet *next;
    uint64_t due;
    bool lost; /* its link was cut while it was under way */
    size_t len;
    uint8_t data[];
};

struct radio_queue {
    struct radio_packet *first, **last;
};

/* A controller: one end in btvirt, the other in a machine. */
struct radio_side {
    bool used;
    bool clinic; /* which way is which: what arrives here goes p2c */
    int listener, machine, controller;
    bool machine_full; /* wants to be told when it can be written */
    uint8_t address[6];
    uint8_t io_capability; /* as the machine says it */
    struct radio_link link[RADIO_LINKS_MAX];
    unsigned swallow_status, swallow_reset, swallow_page; /* answers to commands of ours */
    struct {
        uint8_t command[32]; /* that pages */
        size_t len;
        uint64_t until, again; /* when it fails, is told the controller again; 0: not now */
    } page;
    struct radio_queue up;   /* ACL packets, to the controller when the rate allows */
    struct radio_queue down; /* to the machine when they are due */
    uint64_t free_at;        /* the air is busy until then */
    uint8_t in[2 * RADIO_PACKET];
    size_t in_len;
    uint8_t *out;
    size_t out_len, out_size;
};

extern struct radio_side radio_sides[RADIO_SIDES_MAX];

/* What was delivered each way since the start. */
struct radio_totals {
    uint64_t frames;  /* of RFCOMM, that carry users' bytes */
    uint64_t packets; /* ACL */
    uint64_t bytes;   /* in them: L2CAP and all above it */
};
extern struct radio_totals radio_totals[AIR_WAYS];

/* rfcomm.c */

/* Reads one ACL packet (from its handle on) that goes the way `outward` says, seen from the end
 * `link`. Sets *payload to the part of it that is RFCOMM users' data and returns its length, 0
 * for none. *opens is set when the packet asks for a new RFCOMM channel. */
size_t radio_rfcomm_read(struct radio_link *link, bool outward, uint8_t *acl, size_t len,
                         uint8_t **payload, bool *opens);

/* side.c */

/* A whole packet came from the machine. */
void radio_from_machine(struct air_medium *m, struct radio_side *s, uint8_t *data, size_t len,
                        uint64_t now);
/* A whole packet came from the controller. */
void radio_from_controller(struct air_medium *m, struct radio_side *s, uint8_t *data,
                           size_t len, uint64_t now);
/* Moves what may move: to the others, and to the machine. Return the next time at which more
 * may, or AIR_NEVER. */
uint64_t radio_send(struct air_medium *m, struct radio_side *s, uint64_t now);
uint64_t radio_receive(struct air_medium *m, struct radio_side *s, uint64_t now);

/* radio.c */

/* Says so when a machine cannot take more at once; the rest follows. */
void radio_to_machine(struct air_medium *m, struct radio_side *s, const uint8_t *data,
                      size_t len);
void radio_to_controller(struct radio_side *s, const uint8_t *data, size_t len);
