/* SPDX-License-Identifier: Apache-2.0
 * See rig.h. */
#include "tests/nfc/rig.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib/gstdio.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define PATIENCE_S 30

/* --- waiting --- */

static gint64 patience_until;

/* Some conditions come true without an event of our main loop: look now and then. */
static gboolean
on_look_again(gpointer unused)
{
    return G_SOURCE_CONTINUE;
}

guint
wait_begin(void)
{
    patience_until = g_get_monotonic_time() + PATIENCE_S * G_USEC_PER_SEC;
    return g_timeout_add(20, on_look_again, NULL);
}

gboolean
wait_is_over(void)
{
    return g_get_monotonic_time() > patience_until;
}

void
wait_end(guint id)
{
    g_source_remove(id);
}

/* --- the field --- */

static int
connect_to(const char *dir, const char *name, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

    g_snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", dir, name);
    if (connect(fd, (struct sockaddr *)&address, sizeof address))
        g_error("%s: %s", address.sun_path, g_strerror(errno));
    return fd;
}

Field *
field_new(int chips, const char *option)
{
    g_autofree char *count = g_strdup_printf("%d", chips);
    g_autoptr(GError) error = NULL;
    Field *field = g_new0(Field, 1);
    char line[16] = "";
    int out;

    field->dir = g_dir_make_tmp("ehr-nfc-XXXXXX", &error);
    g_assert_no_error(error);
    const char *args[] = {
        g_getenv("EHRLINK_PN532_SIM"), "--dir", field->dir, "--chips", count, option, NULL};
    g_spawn_async_with_pipes(NULL, (char **)args, NULL, G_SPAWN_DO_NOT_REAP_CHILD, NULL, NULL,
                             &field->pid, NULL, &out, NULL, &error);
    g_assert_no_error(error);
    g_assert_cmpint(read(out, line, sizeof line - 1), >, 0);
    g_assert_cmpstr(line, ==, "ready\n");
    close(out);
    field->control = connect_to(field->dir, "control", SOCK_STREAM);
    return field;
}

void
field_free(Field *field)
{
    close(field->control);
    kill(field->pid, SIGTERM);
    waitpid(field->pid, NULL, 0);
    g_rmdir(field->dir);
    g_free(field->dir);
    g_free(field);
}

const char *
field_say(Field *field, const char *format, ...)
{
    static char answer[512];
    va_list args;

    va_start(args, format);
    g_autofree char *line = g_strdup_vprintf(format, args);
    va_end(args);
    g_autofree char *ended = g_strconcat(line, "\n", NULL);
    g_assert_cmpint(send(field->control, ended, strlen(ended), MSG_NOSIGNAL), >, 0);
    /* the main loop goes on meanwhile: wait-armed waits for our own sides */
    struct pollfd fd = {.fd = field->control, .events = POLLIN};
    while (poll(&fd, 1, 0) == 0) {
        g_main_context_iteration(NULL, FALSE);
        poll(&fd, 1, 2);
    }
    ssize_t got = recv(field->control, answer, sizeof answer - 1, 0);
    g_assert_cmpint(got, >, 0);
    answer[got - 1] = '\0';
    if (!g_str_has_prefix(answer, "ok"))
        g_error("%s: %s", line, answer);
    return answer;
}

char *
field_reader(Field *field, int chip)
{
    return g_strdup_printf("pn532_uart:%s/chip%d:115200", field->dir, chip);
}

/* --- a side --- */

static void
on_ready(EhdTap *tap, gpointer user_data)
{
    ((Side *)user_data)->ready++;
}

static void
on_activated(EhdTap *tap, gpointer user_data)
{
    Side *side = user_data;

    side->activated++;
    if (side->pings > 0)
        side_send(side, side->ping_len);
}

static gboolean
is_echo(Side *side, const guint8 *apdu, gsize len)
{
    gboolean same = len == side->last->len;

    for (gsize i = 0; same && i < len; i++)
        same = (apdu[i] ^ side->last->data[i]) == 0xff;
    return same;
}

static void
on_apdu(EhdTap *tap, const guint8 *apdu, gsize len, gpointer user_data)
{
    Side *side = user_data;

    side->apdus++;
    if (ehd_tap_get_role(tap) == EHD_TAP_READER) {
        side->wrong |= !is_echo(side, apdu, len);
        if (side->pings > 0 && --side->pings > 0)
            side_send(side, side->ping_len);
        return;
    }
    g_byte_array_set_size(side->last, 0);
    g_byte_array_append(side->last, apdu, (guint)len);
    for (guint i = 0; i < side->last->len; i++)
        side->last->data[i] ^= 0xff;
    if (side->echo)
        g_assert_cmpint(ehd_tap_send_apdu(tap, side->last->data, side->last->len), ==, EHP_OK);
}

static void
on_lost(EhdTap *tap, ehp_status why, const char *detail, gpointer user_data)
{
    Side *side = user_data;

    side->lost++;
    side->why = why;
    g_test_message("lost: %s (%s)", ehp_status_name(why), detail);
}

static void
on_error(EhdTap *tap, ehp_status status, const char *detail, gpointer user_data)
{
    Side *side = user_data;

    side->errors++;
    side->status = status;
    g_free(side->detail);
    side->detail = g_strdup(detail);
    g_test_message("error: %s (%s)", ehp_status_name(status), detail);
}

Side *
side_new_with(const EhdTapConfig *config)
{
    Side *side = g_new0(Side, 1);

    side->tap = ehd_tap_new(config);
    side->last = g_byte_array_new();
    side->echo = TRUE;
    side->ping_len = 20;
    return side;
}

Side *
side_new(Field *field, int chip)
{
    g_autofree char *reader = field_reader(field, chip);

    return side_new_with(&(EhdTapConfig){
        .helper_path = g_getenv("EHRLINK_NFC"),
        .reader = reader,
        .verbose = g_getenv("EHRLINK_NFC_VERBOSE") != NULL,
    });
}

void
side_free(Side *side)
{
    ehd_tap_free(side->tap);
    g_byte_array_unref(side->last);
    g_free(side->detail);
    g_free(side);
}

void
side_arm(Side *side, EhdTapRole role)
{
    static const EhdTapEvents events = {on_ready, on_activated, on_apdu, on_lost, on_error};

    ehd_tap_arm(side->tap, role, &events, side);
}

void
side_send(Side *side, gsize len)
{
    g_byte_array_set_size(side->last, (guint)len);
    for (gsize i = 0; i < len; i++)
        side->last->data[i] = (guint8)g_test_rand_int();
    g_assert_cmpint(ehd_tap_send_apdu(side->tap, side->last->data, len), ==, EHP_OK);
}

/* The youngest live process named ehrlink-nfc whose parent is `parent`. */
static pid_t
child_of(pid_t parent)
{
    g_autoptr(GDir) proc = g_dir_open("/proc", 0, NULL);
    const char *name;
    pid_t found = 0;

    while ((name = g_dir_read_name(proc))) {
        g_autofree char *path = g_strdup_printf("/proc/%s/stat", name);
        g_autofree char *text = NULL;
        int pid = 0, its_parent = 0;
        char state = 0;
        if (!g_ascii_isdigit(name[0]) || !g_file_get_contents(path, &text, NULL, NULL))
            continue;
        if (sscanf(text, "%d (ehrlink-nfc) %c %d", &pid, &state, &its_parent) == 3 &&
            its_parent == parent && state != 'Z' && pid > found)
            found = pid;
    }
    return found;
}

pid_t
side_supervisor(void)
{
    return child_of(getpid());
}

pid_t
side_worker(void)
{
    pid_t supervisor = side_supervisor();

    return supervisor ? child_of(supervisor) : 0;
}

/* --- a card --- */

Card *
card_new_with(Field *field, const void *bytes, gsize len)
{
    Card *card = g_new0(Card, 1);

    card->fd = connect_to(field->dir, "card", SOCK_SEQPACKET);
    card_say(card, 'I', bytes, len);
    return card;
}

Card *
card_new(Field *field, guint8 sak)
{
    return card_new_with(field, &sak, 1);
}

void
card_free(Card *card)
{
    close(card->fd);
    g_free(card);
}

char
card_hear(Card *card, GByteArray *apdu)
{
    guint8 bytes[512];
    struct pollfd fd = {.fd = card->fd, .events = POLLIN};
    int patience = PATIENCE_S * 500;

    while (poll(&fd, 1, 2) == 0 && --patience > 0)
        g_main_context_iteration(NULL, FALSE);
    ssize_t got = recv(card->fd, bytes, sizeof bytes, MSG_DONTWAIT);
    g_assert_cmpint(got, >, 0);
    if (apdu) {
        g_byte_array_set_size(apdu, 0);
        g_byte_array_append(apdu, bytes + 1, (guint)got - 1);
    }
    return (char)bytes[0];
}

void
card_say(Card *card, char what, const void *bytes, gsize len)
{
    guint8 message[512] = {(guint8)what};

    memcpy(message + 1, bytes, len);
    g_assert_cmpint(send(card->fd, message, len + 1, MSG_NOSIGNAL), ==, (int)len + 1);
}
