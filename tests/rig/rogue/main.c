/* SPDX-License-Identifier: Apache-2.0
 *
 * rogue-patient CARD-SOCKET LINK-DIRECTORY MISCHIEF [BYTES]: taps as a patient's device, sends
 * two items of BYTES bytes (100,000) and does MISCHIEF on the way. Prints how the session ended
 * for it: "ended NAME". `rogue-patient --list` lists what it can do.
 */
#include "tests/rig/rogue/rogue.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "proto/session.h"
#include "proto/sign.h"

#define ITEMS      2
/* How long the whole game may take. */
#define GIVE_UP_MS 240000

struct game {
    struct rogue rogue;
    ehp_session *session;
    rogue_mischief mischief;
    int fd, link;
    size_t preamble_left;
    size_t size;
    uint8_t *data;
    Ehp__ItemEntry entry[ITEMS];
    Ehp__ItemEntry *entries[ITEMS];
    bool ended;
};

static uint64_t
now_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int
connect_link(const struct game *game, const char *directory)
{
    const ehp_secrets *s = &game->rogue.secrets;
    struct sockaddr_un to = {.sun_family = AF_UNIX};

    snprintf(to.sun_path, sizeof to.sun_path, "%s/%02X%02X%02X%02X%02X%02X.%u", directory,
             s->address[0], s->address[1], s->address[2], s->address[3], s->address[4],
             s->address[5], s->channel);
    for (int i = 0; i < 200; i++) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof to) == 0) {
            fcntl(fd, F_SETFL, O_NONBLOCK);
            return fd;
        }
        close(fd);
        poll(NULL, 0, 20);
    }
    fprintf(stderr, "rogue: no link at %s\n", to.sun_path);
    return -1;
}

static void
grant(struct game *game)
{
    static char names[ITEMS][16] = {"first.bin", "second.bin"};
    ehp_grant grant = {.time = time(NULL), .items = game->entries, .n_items = ITEMS};

    for (int i = 0; i < ITEMS; i++) {
        game->entry[i] = (Ehp__ItemEntry)EHP__ITEM_ENTRY__INIT;
        game->entry[i].name = names[i];
        game->entry[i].has_size = game->entry[i].has_category = true;
        game->entry[i].size = game->size;
        game->entry[i].category = EHP__CATEGORY__CATEGORY_OTHER;
        game->entries[i] = &game->entry[i];
    }
    if (ehp_session_grant(game->session, &grant, now_ms()) != EHP_OK)
        fprintf(stderr, "rogue: grant refused\n");
}

static void
on_event(struct game *game, const ehp_event *event)
{
    ehp_status status = EHP_OK;

    switch ((int)event->type) {
    case EHP_EV_CHECK_CRLS:
        status = ehp_session_crls(game->session, EHP_OK, false, now_ms());
        break;
    case EHP_EV_ASK_CONSENT:
        grant(game);
        break;
    case EHP_EV_NEED_DATA:
        status = ehp_session_data(game->session, event->item, game->data + event->offset,
                                  event->length, now_ms());
        break;
    case EHP_EV_RECEIPT:
        status = ehp_session_receipt_stored(game->session, EHP_OK, now_ms());
        break;
    case EHP_EV_STATUS:
        status = ehp_session_bye(game->session, now_ms());
        break;
    case EHP_EV_SUSPENDED:
        /* a rogue does not resume: it tells, and leaves */
        puts("ended LinkLost");
        game->ended = true;
        break;
    case EHP_EV_ENDED:
        printf("ended %s\n", ehp_status_name(event->status));
        game->ended = true;
        break;
    default:
        break;
    }
    if (status != EHP_OK)
        fprintf(stderr, "rogue: event %d: %s\n", (int)event->type, ehp_status_name(status));
}

/* What the engine wants to say, through the layer, into the queue. */
static void
relay(struct game *game)
{
    ehp_bytes out = ehp_session_output(game->session, game->link, now_ms()), plain;
    size_t len = out.len, clear = len < game->preamble_left ? len : game->preamble_left;
    ehp_reader in;

    if (len == 0)
        return;
    if (clear > 0 && ehp_queue_push(&game->rogue.out, out.data, clear) != EHP_OK)
        exit(70);
    game->preamble_left -= clear;
    ehp_reader_init(&in, out.data + clear, len - clear);
    while (ehp_record_next(&game->rogue.layer, &in, &plain) == EHP_OK)
        rogue_pass(&game->rogue, plain, game->mischief);
    ehp_session_consume(game->session, game->link, len, now_ms());
}

static void
drive(struct game *game)
{
    ehp_event event;

    while (!game->ended && ehp_session_next_event(game->session, now_ms(), &event))
        on_event(game, &event);
    relay(game);
}

static void
write_out(struct game *game)
{
    ehp_bytes out = ehp_queue_peek(&game->rogue.out);
    ssize_t n = out.len > 0 ? send(game->fd, out.data, out.len, MSG_NOSIGNAL) : 0;

    if (n > 0)
        ehp_queue_drop(&game->rogue.out, (size_t)n);
    else if (n < 0 && errno != EAGAIN)
        ehp_session_link_lost(game->session, game->link, now_ms());
}

static void
read_in(struct game *game)
{
    uint8_t buffer[65536];
    ssize_t n = recv(game->fd, buffer, sizeof buffer, 0);

    if (n <= 0) {
        if (n == 0 || errno != EAGAIN)
            ehp_session_link_lost(game->session, game->link, now_ms());
        return;
    }
    for (size_t at = 0, used = 1; at < (size_t)n && used > 0 && !game->ended; at += used) {
        if (ehp_session_feed(game->session, game->link, buffer + at, (size_t)n - at, now_ms(),
                             &used) != EHP_OK)
            return;
        drive(game);
    }
}

static void
loop(struct game *game)
{
    uint64_t end = now_ms() + GIVE_UP_MS;

    while (!game->ended && now_ms() < end) {
        drive(game);
        if (game->ended)
            break;
        bool more = ehp_queue_peek(&game->rogue.out).len > 0;
        struct pollfd p = {.fd = game->fd, .events = (short)(POLLIN | (more ? POLLOUT : 0))};
        poll(&p, 1, 50);
        if (p.revents & POLLOUT)
            write_out(game);
        if (p.revents & (POLLIN | POLLHUP | POLLERR))
            read_in(game);
        if (ehp_session_deadline(game->session) <= now_ms())
            ehp_session_tick(game->session, now_ms());
    }
    if (!game->ended)
        puts("ended never");
}

static bool
open_session(struct game *game)
{
    ehp_session_config config = {.secrets = &game->rogue.secrets, .zstd_level = -1};
    uint8_t seed[32], public[32];

    randombytes_buf(config.seed, sizeof config.seed);
    randombytes_buf(seed, sizeof seed);
    ehp_sign_keypair(seed, public, game->rogue.key);
    ehp_queue_init(&game->rogue.out, 64 * 1024 * 1024);
    game->data = malloc(game->size);
    randombytes_buf(game->data, game->size);
    game->preamble_left = EHP_PREAMBLE_LEN;
    return ehp_session_new(&config, now_ms(), &game->session) == EHP_OK &&
           ehp_session_connect(game->session, now_ms(), &game->link) == EHP_OK;
}

int
main(int argc, char **argv)
{
    static struct game game;

    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        rogue_list_mischief();
        return 0;
    }
    game.mischief = argc >= 4 ? rogue_find_mischief(argv[3]) : NULL;
    if (!game.mischief || sodium_init() < 0) {
        fprintf(stderr,
                "usage: rogue-patient CARD-SOCKET LINK-DIRECTORY MISCHIEF [BYTES] | --list\n");
        return 64;
    }
    game.size = argc > 4 ? strtoull(argv[4], NULL, 10) : 100000;
    if (!rogue_tap(&game.rogue, argv[1]))
        return 75;
    uint8_t h[EHP_HASH_LEN];
    memcpy(h, game.rogue.secrets.h, sizeof h);
    game.fd = connect_link(&game, argv[2]);
    if (game.fd < 0 || !open_session(&game))
        return 75;
    memcpy(game.rogue.secrets.h, h,
           sizeof h); /* moved into the session; our own signatures need it */
    loop(&game);
    ehp_session_free(game.session);
    ehp_queue_clear(&game.rogue.out);
    ehp_record_clear(&game.rogue.layer);
    free(game.data);
    close(game.fd);
    return 0;
}
