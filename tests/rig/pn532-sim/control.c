/* SPDX-License-Identifier: Apache-2.0
 *
 * DIR/control: a stream socket that takes one command per line and answers each with one line
 * that begins with "ok", "timeout" or "error". README.md lists them.
 */
#include "sim.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WORDS_MAX 16

static void __attribute__((format(printf, 2, 3)))
reply(struct client *client, const char *format, ...)
{
    char line[512];
    va_list args;

    va_start(args, format);
    int len = vsnprintf(line, sizeof line - 1, format, args);
    va_end(args);
    line[len++] = '\n';
    if (send(client->fd, line, (size_t)len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        return; /* a client that went away is noticed when it is read */
}

static void
reply_state(struct sim *sim, struct client *client)
{
    char text[400] = "";
    size_t len = 0;

    for (int i = 0; i < sim->chip_count; i++)
        len += (size_t)snprintf(text + len, sizeof text - len, " chip%d=%s%s", i,
                                chip_state(&sim->chips[i]),
                                sim->tapped && sim->chips[i].near ? "*" : "");
    reply(client, "ok %s%s", sim->tapped ? "tapped" : "untapped", text);
}

static struct chip *
chip_of(struct sim *sim, const char *word)
{
    char *end;
    long id = word ? strtol(word, &end, 10) : -1;

    return word && *word && !*end && id >= 0 && id < sim->chip_count ? &sim->chips[id] : NULL;
}

static bool
chips_of(struct sim *sim, char **words, int count, unsigned *chips)
{
    for (int i = 0; i < count; i++) {
        struct chip *chip = chip_of(sim, words[i]);
        if (!chip)
            return false;
        *chips |= 1u << chip->id;
    }
    return true;
}

static bool
are_armed(struct sim *sim, unsigned chips)
{
    for (int i = 0; i < sim->chip_count; i++) {
        const char *state = chip_state(&sim->chips[i]);
        if ((chips >> i & 1) && (!strcmp(state, "idle") || !strcmp(state, "unplugged")))
            return false;
    }
    return true;
}

static bool
do_tap(struct sim *sim, struct client *client, char **words, int count)
{
    unsigned chips = count == 1 ? ~0u : 0;

    if (!chips_of(sim, words + 1, count - 1, &chips))
        return false;
    field_tap(sim, chips);
    reply_state(sim, client);
    return true;
}

/* wait-armed N… [SECONDS]: the last word is seconds when it carries a point or is no chip */
static bool
do_wait(struct sim *sim, struct client *client, char **words, int count)
{
    double seconds = 10;

    if (count > 2 && (strchr(words[count - 1], '.') || !chip_of(sim, words[count - 1])))
        seconds = atof(words[--count]);
    client->wait_chips = 0;
    if (count < 2 || !chips_of(sim, words + 1, count - 1, &client->wait_chips))
        return false;
    client->wait_until = sim_now() + (usec)(seconds * 1e6);
    return true;
}

static bool
do_counter(struct sim *sim, struct client *client, char **words, int count)
{
    struct counter *counter = &sim->count;

    if (!strcmp(words[0], "count"))
        reply(client, "ok pairs %lu bytes %lu commands %lu", counter->answers, counter->bytes,
              counter->commands);
    else if (!strcmp(words[0], "reset"))
        *counter = (struct counter){0};
    else if (!strcmp(words[0], "tear-after") && count == 2)
        counter->tear = atol(words[1]);
    else if (!strcmp(words[0], "fwt") && count == 2)
        sim->fwt_ms = (unsigned)atol(words[1]);
    else
        return false;
    if (strcmp(words[0], "count"))
        reply(client, "ok");
    return true;
}

static bool
do_fault(struct sim *sim, struct client *client, char **words, int count)
{
    struct chip *chip = chip_of(sim, count > 1 ? words[1] : NULL);
    bool plugged = chip && chip->port.master >= 0;

    if (!chip)
        return false;
    if (!strcmp(words[0], "mute"))
        chip->mute = true;
    else if (!strcmp(words[0], "unmute"))
        chip->mute = false;
    else if (!strcmp(words[0], "corrupt"))
        chip->corrupt = true;
    else if (!strcmp(words[0], "noack"))
        chip->noack = true;
    else if (!strcmp(words[0], "status") && count == 3)
        chip->forced_status = (int)strtol(words[2], NULL, 16);
    else if (!strcmp(words[0], "unplug") && plugged)
        chip_unplug(chip);
    else if (!strcmp(words[0], "plug") && !plugged)
        return chip_plug(chip) && (reply(client, "ok"), true);
    else
        return false;
    reply(client, "ok");
    return true;
}

static void
obey(struct sim *sim, struct client *client, char *line)
{
    char *words[WORDS_MAX], *rest = NULL;
    int count = 0;
    bool done;

    for (char *word = strtok_r(line, " \r", &rest); word && count < WORDS_MAX;
         word = strtok_r(NULL, " \r", &rest))
        words[count++] = word;
    if (count == 0)
        return;
    if (!strcmp(words[0], "tap")) {
        done = do_tap(sim, client, words, count);
    } else if (!strcmp(words[0], "untap")) {
        field_untap(sim);
        reply_state(sim, client);
        done = true;
    } else if (!strcmp(words[0], "state")) {
        reply_state(sim, client);
        done = true;
    } else if (!strcmp(words[0], "wait-armed")) {
        done = do_wait(sim, client, words, count);
    } else if (!strcmp(words[0], "quit")) {
        reply(client, "ok");
        sim->quit = done = true;
    } else {
        done = do_counter(sim, client, words, count) || do_fault(sim, client, words, count);
    }
    if (!done)
        reply(client, "error not understood");
}

void
control_accept(struct sim *sim)
{
    int fd = accept4(sim->control_listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    for (int i = 0; fd >= 0 && i < SIM_CLIENTS_MAX; i++) {
        if (sim->clients[i].fd < 0) {
            sim->clients[i] = (struct client){.fd = fd};
            return;
        }
    }
    if (fd >= 0)
        close(fd);
}

void
control_read(struct sim *sim, struct client *client)
{
    size_t room = sizeof client->line - 1 - client->len;
    ssize_t got = recv(client->fd, client->line + client->len, room, MSG_DONTWAIT);
    char *end;

    if (got <= 0) {
        close(client->fd);
        client->fd = -1;
        return;
    }
    client->len += (size_t)got;
    client->line[client->len] = '\0';
    while ((end = strchr(client->line, '\n'))) {
        size_t taken = (size_t)(end - client->line) + 1;
        *end = '\0';
        obey(sim, client, client->line);
        client->len -= taken;
        memmove(client->line, client->line + taken, client->len + 1);
    }
    if (client->len == sizeof client->line - 1)
        client->len = 0;
}

usec
control_tick(struct sim *sim, usec now)
{
    usec next = 0;

    for (int i = 0; i < SIM_CLIENTS_MAX; i++) {
        struct client *client = &sim->clients[i];
        if (client->fd < 0 || client->wait_until == 0)
            continue;
        if (are_armed(sim, client->wait_chips)) {
            client->wait_until = 0;
            reply(client, "ok armed");
        } else if (client->wait_until <= now) {
            client->wait_until = 0;
            reply(client, "timeout");
        } else if (next == 0 || client->wait_until < next) {
            next = client->wait_until;
        }
    }
    return next;
}
