/* SPDX-License-Identifier: Apache-2.0
 *
 * One PN532: takes command frames, runs them, answers. Only what libnfc 1.8.0 uses for
 * ISO14443A in both roles is simulated; anything else gets the error frame. Section numbers are
 * those of the PN532 user manual (UM0701-02).
 */
#include "sim.h"

#include <string.h>
#include <unistd.h>

enum {
    DIAGNOSE = 0x00,
    GET_FIRMWARE = 0x02,
    GET_STATUS = 0x04,
    READ_REGISTER = 0x06,
    WRITE_REGISTER = 0x08,
    SET_PARAMETERS = 0x12,
    SAM_CONFIGURATION = 0x14,
    POWER_DOWN = 0x16,
    RF_CONFIGURATION = 0x32,
    IN_DATA_EXCHANGE = 0x40,
    IN_COMMUNICATE_THRU = 0x42,
    IN_DESELECT = 0x44,
    IN_LIST_PASSIVE_TARGET = 0x4a,
    IN_RELEASE = 0x52,
    IN_SELECT = 0x54,
    TG_GET_DATA = 0x86,
    TG_GET_TARGET_STATUS = 0x8a,
    TG_INIT_AS_TARGET = 0x8c,
    TG_SET_DATA = 0x8e,
    TG_SET_META_DATA = 0x94,
};
/* One try at finding a card, and the time an RF command without an answer takes. */
#define TRY_US        5000u
#define SILENCE_US    52000u
/* A poller that has not looked for this long is not armed any more. */
#define POLL_FRESH_US 1000000u

static void
end_command(struct chip *chip)
{
    chip->op = OP_NONE;
    chip->deadline = 0;
}

void
chip_respond(struct chip *chip, usec lag, const uint8_t *data, size_t len)
{
    uint8_t body[HSU_COMMAND_MAX + 1], frame[HSU_FRAME_MAX];
    size_t frame_len;

    if (chip->op == OP_NONE || len > HSU_COMMAND_MAX - 1)
        return;
    body[0] = (uint8_t)(chip->op + 1);
    if (len > 0)
        memcpy(body + 1, data, len);
    if (chip->forced_status >= 0 && len > 0) {
        body[1] = (uint8_t)chip->forced_status;
        chip->forced_status = -1;
    }
    frame_len = hsu_build(frame, body, len + 1);
    if (chip->corrupt) {
        frame[frame_len - 2] ^= 0x01;
        chip->corrupt = false;
    }
    end_command(chip);
    sim_log(chip, ">", frame, frame_len);
    port_send(&chip->port, sim_now() + lag + sim_uart_time(chip->sim, frame_len), frame,
              frame_len);
}

void
chip_status(struct chip *chip, uint8_t status)
{
    chip_respond(chip, 0, &status, 1);
}

static void
respond_error(struct chip *chip)
{
    end_command(chip);
    port_send(&chip->port, sim_now(), hsu_error, sizeof hsu_error);
}

static void
end_later(struct chip *chip, usec after, uint8_t status)
{
    chip->deadline = sim_now() + after;
    chip->deadline_status = status;
}

static void
run_registers(struct chip *chip)
{
    uint8_t values[HSU_COMMAND_MAX];
    size_t count = 0;

    if (chip->op == READ_REGISTER) {
        for (size_t i = 0; i + 1 < chip->arg_len; i += 2)
            values[count++] = chip->reg[chip->arg[i] << 8 | chip->arg[i + 1]];
    } else {
        for (size_t i = 0; i + 2 < chip->arg_len; i += 3)
            chip->reg[chip->arg[i] << 8 | chip->arg[i + 1]] = chip->arg[i + 2];
    }
    chip_respond(chip, 0, values, count);
}

static void
run_diagnose(struct chip *chip)
{
    if (chip->arg_len > 0 && chip->arg[0] == 0x00)
        chip_respond(chip, 0, chip->arg, chip->arg_len);
    else if (chip->role == ROLE_READER)
        chip_status(chip, 0x00);
    else
        end_later(chip, SILENCE_US, 0x01);
}

static void
run_rf_configuration(struct chip *chip)
{
    if (chip->arg_len >= 2 && chip->arg[0] == 0x01 && !(chip->arg[1] & 0x01)) {
        chip->polled = 0;
        if (chip->role == ROLE_READER)
            field_break(chip, 0x31);
    } else if (chip->arg_len >= 4 && chip->arg[0] == 0x05) {
        chip->retries = chip->arg[3];
    }
    chip_respond(chip, 0, NULL, 0);
}

static void
run_power_down(struct chip *chip)
{
    chip_status(chip, 0x00);
    field_break(chip, 0x31);
    chip->polled = 0;
    chip->asleep = true;
}

static void
run_list_targets(struct chip *chip)
{
    if (chip->role == ROLE_READER)
        field_break(chip, 0x29);
    chip->polled = sim_now();
    if (chip->arg_len < 2) {
        respond_error(chip);
        return;
    }
    if (!field_find(chip) && chip->retries != 0xff)
        end_later(chip, TRY_US * (chip->retries + 1u), 0x00);
}

static void
run_thru(struct chip *chip)
{
    /* libnfc's presence check of an ISO-DEP card: R(NAK) wants R(ACK) (ISO 14443-4, 7.5.5) */
    if (chip->role == ROLE_READER && chip->arg_len == 1 && (chip->arg[0] & 0xf6) == 0xb2) {
        const uint8_t ack[] = {0x00, (uint8_t)(0xa2 | (chip->arg[0] & 0x01))};
        chip_respond(chip, sim_air_time(chip->sim, 2), ack, sizeof ack);
        return;
    }
    end_later(chip, SILENCE_US, 0x01);
}

static void
run_init_target(struct chip *chip)
{
    if (chip->arg_len < 37) {
        respond_error(chip);
        return;
    }
    field_break(chip, 0x29);
    chip->polled = 0;
    chip->released = 0;
    field_update(chip->sim);
}

static void
run_reader(struct chip *chip)
{
    switch (chip->op) {
    case IN_LIST_PASSIVE_TARGET:
        run_list_targets(chip);
        break;
    case IN_DATA_EXCHANGE:
        field_exchange(chip);
        break;
    case IN_COMMUNICATE_THRU:
        run_thru(chip);
        break;
    case IN_DESELECT:
    case IN_RELEASE:
        field_break(chip, 0x29);
        chip_status(chip, 0x00);
        break;
    case IN_SELECT:
        chip_status(chip, chip->role == ROLE_READER ? 0x00 : 0x27);
        break;
    default:
        respond_error(chip);
    }
}

static void
run_target(struct chip *chip)
{
    const uint8_t status[] = {chip->role == ROLE_TARGET ? 1 : 0, 0};

    switch (chip->op) {
    case TG_INIT_AS_TARGET:
        run_init_target(chip);
        break;
    case TG_GET_DATA:
        field_get_data(chip);
        break;
    case TG_SET_DATA:
    case TG_SET_META_DATA:
        field_set_data(chip, chip->op == TG_SET_META_DATA);
        break;
    case TG_GET_TARGET_STATUS:
        chip_respond(chip, 0, status, sizeof status);
        break;
    default:
        respond_error(chip);
    }
}

static void
run(struct chip *chip)
{
    static const uint8_t firmware[] = {0x32, 0x01, 0x06, 0x07};
    const uint8_t status[] = {0, chip->polled != 0, chip->role == ROLE_READER, 0};

    switch (chip->op) {
    case DIAGNOSE:
        run_diagnose(chip);
        break;
    case GET_FIRMWARE:
        chip_respond(chip, 0, firmware, sizeof firmware);
        break;
    case GET_STATUS:
        chip_respond(chip, 0, status, sizeof status);
        break;
    case READ_REGISTER:
    case WRITE_REGISTER:
        run_registers(chip);
        break;
    case SET_PARAMETERS:
        chip->params = chip->arg[0];
        chip_respond(chip, 0, NULL, 0);
        break;
    case SAM_CONFIGURATION:
        chip_respond(chip, 0, NULL, 0);
        break;
    case POWER_DOWN:
        run_power_down(chip);
        break;
    case RF_CONFIGURATION:
        run_rf_configuration(chip);
        break;
    default:
        if (chip->op >= TG_GET_DATA)
            run_target(chip);
        else
            run_reader(chip);
    }
}

/* An ACK from the host, or a new command, ends the running one (6.2.1.3). */
static void
cancel(struct chip *chip)
{
    port_drop(&chip->port);
    end_command(chip);
}

static void
on_command(struct chip *chip, const uint8_t *command, size_t len)
{
    sim_log(chip, "<", command, len);
    if (chip->mute)
        return;
    cancel(chip);
    chip->op = command[0];
    chip->arg_len = len - 1;
    memset(chip->arg, 0, sizeof chip->arg);
    memcpy(chip->arg, command + 1, chip->arg_len);
    if (chip->noack) {
        chip->noack = false;
        end_command(chip);
        return;
    }
    port_send(&chip->port, sim_now() + sim_uart_time(chip->sim, len + 8), hsu_ack,
              sizeof hsu_ack);
    run(chip);
}

/* Asleep, the chip hears nothing until 0x55 (7.2.11, HSU wake-up). */
static bool
wake(struct chip *chip)
{
    uint8_t *at;

    if (!chip->asleep)
        return true;
    at = memchr(chip->in.bytes, 0x55, chip->in.len);
    chip->asleep = !at;
    if (!at)
        chip->in.len = 0;
    return at != NULL;
}

void
chip_read(struct chip *chip)
{
    struct hsu_in *in = &chip->in;
    uint8_t command[HSU_COMMAND_MAX];
    size_t len;
    ssize_t got = read(chip->port.master, in->bytes + in->len, sizeof in->bytes - in->len);

    if (got <= 0)
        return;
    in->len += (size_t)got;
    while (wake(chip)) {
        enum hsu_kind kind = hsu_next(in, command, &len);
        if (kind == HSU_NONE)
            break;
        if (kind == HSU_ACK)
            cancel(chip);
        else if (kind == HSU_COMMAND)
            on_command(chip, command, len);
    }
    if (in->len == sizeof in->bytes)
        in->len = 0;
}

void
chip_tick(struct chip *chip, usec now)
{
    if (chip->deadline == 0 || chip->deadline > now)
        return;
    chip->deadline = 0;
    chip_status(chip, chip->deadline_status);
}

/* As after power-on (6.3.2.3: LowVbat, asleep on HSU). Port and place in the field stay. */
void
chip_reset(struct chip *chip, struct sim *sim, int id)
{
    struct port port = chip->port;
    bool near = chip->near;

    memset(chip, 0, sizeof *chip);
    chip->sim = sim;
    chip->id = id;
    chip->port = port;
    chip->near = near;
    chip->op = OP_NONE;
    chip->forced_status = -1;
    chip->retries = 0xff;
    chip->asleep = true;
}

void
chip_unplug(struct chip *chip)
{
    field_break(chip, 0x31);
    port_unplug(&chip->port);
    chip_reset(chip, chip->sim, chip->id);
}

bool
chip_plug(struct chip *chip)
{
    chip_reset(chip, chip->sim, chip->id);
    return port_plug(&chip->port);
}

const char *
chip_state(const struct chip *chip)
{
    if (chip->port.master < 0)
        return "unplugged";
    if (chip->role != ROLE_NONE)
        return "linked";
    if (chip->op == TG_INIT_AS_TARGET)
        return "listening";
    if (chip->polled != 0 && sim_now() - chip->polled < POLL_FRESH_US)
        return "polling";
    return "idle";
}
