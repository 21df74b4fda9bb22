/* SPDX-License-Identifier: Apache-2.0
 *
 * Cards played by a test program over DIR/card: a phone that runs another app, a bank card, a
 * memory card, a hostile card.
 */
#include "sim.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void
leave(struct card *card)
{
    if (card->reader)
        field_break(card->reader, 0x31);
    card->near = false;
}

static void
come_near(struct card *card, const uint8_t *bytes, size_t len)
{
    static const uint8_t usual[] = {0x05, 0x78, 0x80, 0x70, 0x02};
    const uint8_t *ats = len > 1 ? bytes + 1 : usual;

    card->near = true;
    card->sak = len > 0 ? bytes[0] : 0x20;
    card->ats_len = len > 1 ? len - 1 : sizeof usual;
    if (card->ats_len > sizeof card->ats)
        card->ats_len = sizeof card->ats;
    memcpy(card->ats, ats, card->ats_len);
    field_update(card->sim);
}

void
card_accept(struct sim *sim)
{
    int fd = accept4(sim->card_listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    for (int i = 0; fd >= 0 && i < SIM_CARDS_MAX; i++) {
        struct card *card = &sim->cards[i];
        if (card->fd < 0) {
            *card = (struct card){.sim = sim, .fd = fd, .uid = {0xc0, 0xff, (uint8_t)i}};
            return;
        }
    }
    if (fd >= 0)
        close(fd);
}

void
card_tell(struct card *card, char what, const uint8_t *bytes, size_t len)
{
    uint8_t message[SIM_DATA_MAX + 1] = {(uint8_t)what};

    if (len > SIM_DATA_MAX)
        return;
    if (len > 0)
        memcpy(message + 1, bytes, len);
    /* a test program that is gone is noticed when its socket is read */
    if (send(card->fd, message, len + 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return;
}

void
card_read(struct card *card)
{
    uint8_t message[SIM_INBOX_MAX + 1];
    ssize_t got = recv(card->fd, message, sizeof message, MSG_DONTWAIT);

    if (got <= 0) {
        leave(card);
        close(card->fd);
        card->fd = -1;
        return;
    }
    switch (message[0]) {
    case 'I':
        come_near(card, message + 1, (size_t)got - 1);
        break;
    case 'L':
        leave(card);
        break;
    case 'R':
        card_answer(card, message + 1, (size_t)got - 1);
        break;
    case 'S':
        if (card->reader && got > 1)
            chip_status(card->reader, message[1]);
        break;
    default:
        break;
    }
}
