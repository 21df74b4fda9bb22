/* SPDX-License-Identifier: Apache-2.0
 *
 * pn532-sim: N simulated PN532 chips, each on a pty, in one shared radio field. Real libnfc
 * runs on the other end of every pty. One process, one poll loop, one `struct sim`.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SIM_CHIPS_MAX   8
#define SIM_CARDS_MAX   4
#define SIM_CLIENTS_MAX 32
/* DataIn/DataOut of InDataExchange, TgGetData and TgSetData (PN532 user manual, 7.3.8). */
#define SIM_DATA_MAX    262
/* What one ISO-DEP chain may gather in a chip before the host takes it. */
#define SIM_INBOX_MAX   4096

typedef uint64_t usec;
struct sim;
struct chip;

/* --- hsu.c: host frames on the serial line ------------------------------------------------ */

struct hsu_in {
    uint8_t bytes[1024];
    size_t len;
};
enum hsu_kind { HSU_NONE, HSU_COMMAND, HSU_ACK, HSU_NACK };
#define HSU_COMMAND_MAX 264
#define HSU_FRAME_MAX   (HSU_COMMAND_MAX + 16)

/* Takes the next whole frame out of `in`; for HSU_COMMAND, command code and arguments go to
 * `command`. Damaged frames are skipped. */
enum hsu_kind hsu_next(struct hsu_in *in, uint8_t command[HSU_COMMAND_MAX], size_t *len);
size_t hsu_build(uint8_t frame[HSU_FRAME_MAX], const uint8_t *data, size_t len);
extern const uint8_t hsu_ack[6];
extern const uint8_t hsu_error[8];

/* --- port.c: the pty of one chip ---------------------------------------------------------- */

struct frame_out {
    struct frame_out *next;
    usec due;
    size_t len;
    uint8_t bytes[HSU_FRAME_MAX];
};
struct port {
    int master; /* -1: unplugged */
    int slave;  /* held open, so that the line stays raw between two hosts */
    char link[4096];
    struct frame_out *first, *last;
};
bool port_plug(struct port *port);
void port_unplug(struct port *port);
void port_send(struct port *port, usec due, const uint8_t *bytes, size_t len);
void port_drop(struct port *port);
/* Writes what is due; returns when the next is, or 0. */
usec port_flush(struct port *port, usec now);

/* --- chip.c: one chip --------------------------------------------------------------------- */

enum chip_role { ROLE_NONE, ROLE_READER, ROLE_TARGET };
#define OP_NONE (-1)

struct chip {
    struct sim *sim;
    int id;
    struct port port;
    struct hsu_in in;
    /* faults, each for the next frame but mute */
    bool mute, corrupt, noack;
    int forced_status; /* -1: none */
    /* the chip proper */
    bool asleep;
    uint8_t params, retries, reg[65536];
    int op; /* the command that is being run */
    uint8_t arg[HSU_COMMAND_MAX];
    size_t arg_len;
    usec deadline; /* 0, or when the running command ends with deadline_status */
    uint8_t deadline_status;
    usec polled; /* when it last looked for a card; 0 when its field is off */
    /* in the field */
    bool near;
    enum chip_role role;
    struct chip *peer; /* the other chip of the link */
    struct card *card; /* or the socket card */
    uint8_t inbox[SIM_INBOX_MAX];
    size_t inbox_len;
    bool inbox_ready, inbox_more;
    uint8_t released; /* what a target whose link ended tells its host */
};

void chip_reset(struct chip *chip, struct sim *sim, int id);
void chip_read(struct chip *chip);
/* Ends the running command with these bytes, after `lag` of air time. */
void chip_respond(struct chip *chip, usec lag, const uint8_t *data, size_t len);
void chip_status(struct chip *chip, uint8_t status);
void chip_tick(struct chip *chip, usec now);
void chip_unplug(struct chip *chip);
bool chip_plug(struct chip *chip);
/* "polling", "listening", "linked", "idle", "unplugged" */
const char *chip_state(const struct chip *chip);

/* --- field.c: who is near whom ------------------------------------------------------------ */

struct counter {
    unsigned long commands, answers, bytes;
    long tear; /* crossings until the field is torn; 0: never */
};

bool field_find(struct chip *reader);
void field_exchange(struct chip *reader);
void field_get_data(struct chip *target);
void field_set_data(struct chip *target, bool more);
/* Ends a chip's link, if it has one. `status` is what the target is told: 0x29 released by the
 * reader, 0x31 the field is gone. */
void field_break(struct chip *chip, uint8_t status);
/* Looks again at what every chip waits for. */
void field_update(struct sim *sim);
void field_tap(struct sim *sim, unsigned chips);
void field_untap(struct sim *sim);

/* --- card.c: cards played by a test program ------------------------------------------------
 */

/* A SOCK_SEQPACKET peer of DIR/card. It says 'I' SAK [ATS] to come near (SAK bit 5: ISO-DEP,
 * else a memory card; the ATS as the chip would report it, well formed or not), 'L' to leave,
 * 'R' R-APDU, 'S' status (the reader's chip reports that status). It hears 'A' activated, 'C'
 * C-APDU, 'X' released or lost. */
struct card {
    struct sim *sim;
    int fd; /* -1: none */
    bool near;
    uint8_t sak, uid[3], ats[32];
    size_t ats_len;
    struct chip *reader;
};
void card_accept(struct sim *sim);
void card_read(struct card *card);
void card_tell(struct card *card, char what, const uint8_t *bytes, size_t len);
void card_answer(struct card *card, const uint8_t *bytes, size_t len);

/* --- control.c: commands from the rig ------------------------------------------------------
 */

struct client {
    int fd; /* -1: none */
    char line[256];
    size_t len;
    usec wait_until; /* wait-armed in progress */
    unsigned wait_chips;
};
void control_accept(struct sim *sim);
void control_read(struct sim *sim, struct client *client);
/* Answers waits that came true or ran out; returns when to look again, or 0. */
usec control_tick(struct sim *sim, usec now);

/* --- main.c ----------------------------------------------------------------------------------
 */

struct sim {
    struct chip chips[SIM_CHIPS_MAX];
    int chip_count;
    struct card cards[SIM_CARDS_MAX];
    struct client clients[SIM_CLIENTS_MAX];
    int card_listener, control_listener;
    struct counter count;
    bool tapped, realistic, verbose, quit;
    unsigned fwt_ms; /* how long a reader waits for an answer that does not come */
};

usec sim_now(void);
usec sim_uart_time(const struct sim *sim, size_t bytes);
usec sim_air_time(const struct sim *sim, size_t bytes);
void sim_log(const struct chip *chip, const char *what, const uint8_t *bytes, size_t len);
