/* SPDX-License-Identifier: Apache-2.0
 *
 * rogue-terminal CONNSTRING LINK-DIRECTORY KEY CHAIN CRLS MISCHIEF: taps as a clinic's
 * terminal, receives whatever comes and does MISCHIEF on the way. Prints "manifest" when it
 * learned what is to be sent, and how the session ended for it: "ended NAME". `rogue-terminal
 * --list` lists what it can do.
 *
 * rogue-terminal CONNSTRING elsewhere KEY CHAIN CRLS ADDRESS CHANNEL: only taps, and sends the
 * patient's device to ADDRESS (twelve hexadecimal digits) and CHANNEL. Prints "tapped".
 */
#include "tests/rig/rogue/terminal.h"

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

#define CHANNEL    3
/* How long the whole game may take. */
#define GIVE_UP_MS 240000

static const uint8_t address[6] = {0x02, 0, 0, 0, 0, 0x66};

struct game {
    struct terminal terminal;
    ehp_session *session;
    terminal_mischief mischief;
    int fd, link;
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
listen_link(const char *directory)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    snprintf(at.sun_path, sizeof at.sun_path, "%s/%02X%02X%02X%02X%02X%02X.%u", directory,
             address[0], address[1], address[2], address[3], address[4], address[5], CHANNEL);
    unlink(at.sun_path);
    if (fd >= 0 && bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 4) == 0)
        return fd;
    perror("rogue: no link");
    return -1;
}

/* Waits for the patient and reads its preamble. */
static bool
accept_link(struct game *game, int listener)
{
    uint8_t first[EHP_PREAMBLE_LEN];
    ehp_preamble preamble;
    struct pollfd p = {.fd = listener, .events = POLLIN};

    if (poll(&p, 1, GIVE_UP_MS) <= 0)
        return false;
    game->fd = accept(listener, NULL, NULL);
    if (game->fd < 0 || recv(game->fd, first, sizeof first, MSG_WAITALL) != sizeof first)
        return false;
    fcntl(game->fd, F_SETFL, O_NONBLOCK);
    return ehp_preamble_parse(ehp_bytes_of(first, sizeof first), &preamble) == EHP_OK &&
           ehp_session_accept(game->session, &preamble, now_ms(), &game->link) == EHP_OK;
}

static void
on_event(struct game *game, const ehp_event *event)
{
    const ehp_commit commit = {.time = time(NULL)};
    ehp_session *s = game->session;
    ehp_status status = EHP_OK;

    switch ((int)event->type) {
    case EHP_EV_MANIFEST:
        puts("manifest");
        status = ehp_session_manifest_ok(s, EHP_OK, now_ms());
        break;
    case EHP_EV_SEGMENT:
        status = ehp_session_durable(s, event->item, event->segment + 1, now_ms());
        break;
    case EHP_EV_ITEM_COMPLETE:
        status = ehp_session_item_stored(s, event->item, EHP_OK, now_ms());
        break;
    case EHP_EV_COMMIT:
        status = ehp_session_commit(s, &commit, now_ms());
        break;
    case EHP_EV_RECEIPT_READY:
        status = ehp_session_receipt_stored(s, EHP_OK, now_ms());
        break;
    case EHP_EV_RECEIPT_ACKED:
        status = ehp_session_tell_status(s, EHP__STATUS_KIND__STATUS_FILED, NULL, time(NULL),
                                         now_ms());
        break;
    case EHP_EV_SUSPENDED:
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
    ehp_reader in;

    if (out.len == 0)
        return;
    ehp_reader_init(&in, out.data, out.len);
    while (ehp_record_next(&game->terminal.layer, &in, &plain) == EHP_OK)
        terminal_pass(&game->terminal, plain, game->mischief);
    ehp_session_consume(game->session, game->link, out.len, now_ms());
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
    ehp_bytes out = ehp_queue_peek(&game->terminal.out);
    ssize_t n = out.len > 0 ? send(game->fd, out.data, out.len, MSG_NOSIGNAL) : 0;

    if (n > 0)
        ehp_queue_drop(&game->terminal.out, (size_t)n);
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
    const uint64_t end = now_ms() + GIVE_UP_MS;

    while (!game->ended && now_ms() < end) {
        drive(game);
        if (game->ended)
            break;
        const bool more = ehp_queue_peek(&game->terminal.out).len > 0;
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
    Ehp__ConsentRequest request = EHP__CONSENT_REQUEST__INIT;
    struct terminal *t = &game->terminal;
    ehp_session_config config = {.secrets = &t->secrets,
                                 .leaf_secret = t->leaf,
                                 .chain = t->chain,
                                 .n_chain = t->n_chain,
                                 .crls = t->crls,
                                 .n_crls = t->n_crls,
                                 .request = &request};

    request.has_time = true;
    request.time = time(NULL);
    randombytes_buf(config.seed, sizeof config.seed);
    ehp_queue_init(&t->out, 64 * 1024 * 1024);
    return ehp_session_new(&config, now_ms(), &game->session) == EHP_OK;
}

static int
elsewhere(struct game *game, char **argv)
{
    uint8_t there[6];
    size_t len;

    if (sodium_hex2bin(there, sizeof there, argv[6], strlen(argv[6]), NULL, &len, NULL) != 0 ||
        len != sizeof there)
        return 64;
    if (!terminal_identity(&game->terminal, argv[3], argv[4], argv[5]))
        return 66;
    if (!terminal_tap(&game->terminal, argv[1], there, (unsigned)strtoul(argv[7], NULL, 10)))
        return 75;
    puts("tapped");
    return 0;
}

int
main(int argc, char **argv)
{
    static struct game game;
    int listener;

    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        terminal_list_mischief();
        return 0;
    }
    if (argc == 8 && strcmp(argv[2], "elsewhere") == 0 && sodium_init() >= 0)
        return elsewhere(&game, argv);
    game.mischief = argc == 7 ? terminal_find_mischief(argv[6]) : NULL;
    if (!game.mischief || sodium_init() < 0) {
        fprintf(stderr,
                "usage: rogue-terminal CONNSTRING LINK-DIRECTORY KEY CHAIN CRLS MISCHIEF "
                "| --list\n");
        return 64;
    }
    if (!terminal_identity(&game.terminal, argv[3], argv[4], argv[5]))
        return 66;
    listener = listen_link(argv[2]);
    if (listener < 0 || !terminal_tap(&game.terminal, argv[1], address, CHANNEL) ||
        !open_session(&game) || !accept_link(&game, listener))
        return 75;
    loop(&game);
    ehp_session_free(game.session);
    ehp_queue_clear(&game.terminal.out);
    ehp_record_clear(&game.terminal.layer);
    close(game.fd);
    close(listener);
    return 0;
}
