/* SPDX-License-Identifier: Apache-2.0
 *
 * The radio field. A reader chip that looks for a card finds the first free one that is near: a
 * chip that listens as an ISO14443-4 PICC, or a card on the socket. From then on the two are
 * linked and whole APDUs cross; how ISO-DEP cuts them into blocks is the chips' own business.
 */
#include "sim.h"

#include <string.h>

enum { IN_DATA_EXCHANGE = 0x40, IN_LIST = 0x4a, TG_GET_DATA = 0x86, TG_INIT = 0x8c };
#define STATUS_TIMEOUT     0x01
#define STATUS_OVERFLOW    0x0e
#define STATUS_CONTEXT     0x27
#define STATUS_NOT_ALLOWED 0x25
#define STATUS_FIELD_LOST  0x31
#define MORE_INFORMATION   0x40

static void
wait_in_vain(struct chip *reader)
{
    reader->deadline = sim_now() + reader->sim->fwt_ms * 1000ull;
    reader->deadline_status = STATUS_TIMEOUT;
}

static void
clear_link(struct chip *chip)
{
    chip->role = ROLE_NONE;
    chip->peer = NULL;
    chip->card = NULL;
    chip->inbox_len = 0;
    chip->inbox_ready = chip->inbox_more = false;
}

void
field_break(struct chip *chip, uint8_t status)
{
    struct chip *reader = chip->role == ROLE_READER ? chip : chip->peer;
    struct chip *target = chip->role == ROLE_TARGET ? chip : chip->peer;

    if (chip->role == ROLE_NONE)
        return;
    if (reader->card) {
        card_tell(reader->card, 'X', NULL, 0);
        reader->card->reader = NULL;
    }
    clear_link(reader);
    if (reader->op == IN_DATA_EXCHANGE)
        wait_in_vain(reader);
    if (!target)
        return;
    clear_link(target);
    target->released = status;
    if (target->op != OP_NONE && target->op >= TG_GET_DATA && target->op != TG_INIT)
        chip_status(target, status);
}

/* Counts an APDU that crosses; the one that was asked for takes the field with it. */
static void
crossed(struct sim *sim, bool answer, size_t len)
{
    struct counter *count = &sim->count;

    if (answer)
        count->answers++;
    else
        count->commands++;
    count->bytes += len;
    if (count->tear > 0 && --count->tear == 0)
        field_untap(sim);
}

/* ISO-DEP activation. The target's host hears the mode byte and the RATS (7.3.14), the reader's
 * host SENS_RES, SEL_RES, NFCID1 and ATS (7.3.5). */
static void
link_chips(struct chip *reader, struct chip *target)
{
    static const uint8_t activated[] = {0x08, 0xe0, 0x50};
    const uint8_t *t = target->arg; /* Mode, SENS_RES, NFCID1t, SEL_RES */
    const uint8_t found[] = {0x01, 0x01, t[2], t[1], t[6], 0x04, 0x08, t[3],
                             t[4], t[5], 0x05, 0x75, 0x33, 0x92, 0x03};

    reader->role = ROLE_READER;
    reader->peer = target;
    target->role = ROLE_TARGET;
    target->peer = reader;
    chip_respond(target, sim_air_time(reader->sim, 20), activated, sizeof activated);
    chip_respond(reader, sim_air_time(reader->sim, 30), found, sizeof found);
}

static void
link_card(struct chip *reader, struct card *card)
{
    const uint8_t *uid = card->uid;
    uint8_t found[10 + sizeof card->ats] = {0x01, 0x01, 0x00,   0x04,   card->sak,
                                            0x04, 0x08, uid[0], uid[1], uid[2]};
    size_t len = 10;

    if (card->sak & 0x20) { /* a memory card has no ATS */
        memcpy(found + len, card->ats, card->ats_len);
        len += card->ats_len;
    }
    reader->role = ROLE_READER;
    reader->card = card;
    card->reader = reader;
    card_tell(card, 'A', NULL, 0);
    chip_respond(reader, sim_air_time(reader->sim, 30), found, len);
}

/* Listens in passive mode, as an ISO14443-4 PICC only? */
static bool
is_free_picc(const struct chip *chip)
{
    return chip->near && chip->port.master >= 0 && chip->op == TG_INIT &&
           chip->role == ROLE_NONE && (chip->arg[0] & 0x04) && (chip->params & 0x20);
}

bool
field_find(struct chip *reader)
{
    struct sim *sim = reader->sim;

    /* 106 kbit/s type A is all there is */
    if (!sim->tapped || !reader->near || reader->arg[1] != 0x00)
        return false;
    for (int i = 0; i < SIM_CARDS_MAX; i++) {
        struct card *card = &sim->cards[i];
        if (card->fd >= 0 && card->near && !card->reader) {
            link_card(reader, card);
            return true;
        }
    }
    for (int i = 0; i < sim->chip_count; i++) {
        if (&sim->chips[i] != reader && is_free_picc(&sim->chips[i])) {
            link_chips(reader, &sim->chips[i]);
            return true;
        }
    }
    return false;
}

/* Hands an inbox to the host that waits for it, SIM_DATA_MAX at a time (MI: more follows). */
static void
deliver(struct chip *chip)
{
    uint8_t data[SIM_DATA_MAX + 1];
    size_t len = chip->inbox_len < SIM_DATA_MAX ? chip->inbox_len : SIM_DATA_MAX;
    bool more = chip->inbox_len > len || chip->inbox_more;

    if (!chip->inbox_ready ||
        chip->op != (chip->role == ROLE_TARGET ? TG_GET_DATA : IN_DATA_EXCHANGE))
        return;
    data[0] = more ? MORE_INFORMATION : 0x00;
    memcpy(data + 1, chip->inbox, len);
    memmove(chip->inbox, chip->inbox + len, chip->inbox_len - len);
    chip->inbox_len -= len;
    chip->inbox_ready = chip->inbox_len > 0;
    chip_respond(chip, sim_air_time(chip->sim, len), data, len + 1);
}

static bool
put(struct chip *chip, const uint8_t *data, size_t len, bool more)
{
    if (chip->inbox_len + len > sizeof chip->inbox)
        return false;
    memcpy(chip->inbox + chip->inbox_len, data, len);
    chip->inbox_len += len;
    chip->inbox_ready = true;
    chip->inbox_more = more;
    return true;
}

void
field_exchange(struct chip *reader)
{
    bool more = reader->arg_len > 0 && (reader->arg[0] & MORE_INFORMATION);
    const uint8_t *data = reader->arg + 1;
    size_t len = reader->arg_len > 0 ? reader->arg_len - 1 : 0;
    struct chip *target = reader->peer;

    if (reader->role != ROLE_READER) {
        /* the card that libnfc still believes in is gone */
        wait_in_vain(reader);
    } else if (reader->inbox_ready) {
        deliver(reader); /* the host fetches the rest of a chained answer */
    } else if (reader->card) {
        card_tell(reader->card, 'C', data, len);
        wait_in_vain(reader);
        crossed(reader->sim, false, len);
    } else if (!put(target, data, len, more)) {
        chip_status(reader, STATUS_OVERFLOW);
    } else {
        if (more)
            chip_status(reader, 0x00);
        deliver(target);
        crossed(reader->sim, false, len);
    }
}

void
field_get_data(struct chip *target)
{
    if (target->role == ROLE_TARGET)
        deliver(target);
    else
        chip_status(target, target->released ? target->released : STATUS_CONTEXT);
}

void
field_set_data(struct chip *target, bool more)
{
    struct chip *reader = target->peer;
    size_t len = target->arg_len;

    if (target->role != ROLE_TARGET) {
        chip_status(target, target->released ? target->released : STATUS_CONTEXT);
    } else if (reader->op != IN_DATA_EXCHANGE) {
        chip_status(target, STATUS_NOT_ALLOWED);
    } else if (!put(reader, target->arg, len, more)) {
        chip_status(target, STATUS_OVERFLOW);
    } else {
        chip_status(target, 0x00);
        deliver(reader);
        crossed(target->sim, true, len);
    }
}

void
card_answer(struct card *card, const uint8_t *bytes, size_t len)
{
    struct chip *reader = card->reader;

    if (!reader || reader->op != IN_DATA_EXCHANGE || !put(reader, bytes, len, false))
        return;
    deliver(reader);
    crossed(card->sim, true, len);
}

void
field_update(struct sim *sim)
{
    for (int i = 0; i < sim->chip_count; i++) {
        if (sim->chips[i].op == IN_LIST)
            field_find(&sim->chips[i]);
    }
}

void
field_tap(struct sim *sim, unsigned chips)
{
    sim->tapped = true;
    for (int i = 0; i < sim->chip_count; i++) {
        struct chip *chip = &sim->chips[i];
        chip->near = chips >> i & 1;
        if (!chip->near)
            field_break(chip, STATUS_FIELD_LOST);
    }
    field_update(sim);
}

void
field_untap(struct sim *sim)
{
    sim->tapped = false;
    for (int i = 0; i < sim->chip_count; i++)
        field_break(&sim->chips[i], STATUS_FIELD_LOST);
}
