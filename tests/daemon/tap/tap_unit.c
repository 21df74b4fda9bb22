/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/tap against a helper that the test plays on a socket: turns, stale messages, helpers
 * that lie or end, callbacks that rearm or free.
 */
#include "daemon/nfc/wire.h"
#include "daemon/tap/tap.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <linux/sockios.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

typedef struct {
    char *dir, *path;
    int listener, fd; /* the helper's side */
    EhdTap *tap;
    GString *log;    /* one letter per callback: r a p l e */
    ehp_status what; /* of the last one that had a status */
    enum { STAY, DISARM, REARM, FREE } then;
    char at; /* at which letter to do `then` */
} Play;

static const EhdTapEvents events;

static void
note(Play *play, char letter, ehp_status what)
{
    g_string_append_c(play->log, letter);
    play->what = what;
    if (play->at != letter)
        return;
    play->at = '\0';
    if (play->then == DISARM)
        ehd_tap_disarm(play->tap);
    else if (play->then == REARM)
        ehd_tap_arm(play->tap, EHD_TAP_CARD, &events, play);
    else if (play->then == FREE)
        g_clear_pointer(&play->tap, ehd_tap_free);
}

static void
on_ready(EhdTap *tap, gpointer play)
{
    note(play, 'r', EHP_OK);
}

static void
on_activated(EhdTap *tap, gpointer play)
{
    note(play, 'a', EHP_OK);
}

static void
on_apdu(EhdTap *tap, const guint8 *apdu, gsize len, gpointer play)
{
    note(play, 'p', EHP_OK);
}

static void
on_lost(EhdTap *tap, ehp_status why, const char *detail, gpointer play)
{
    note(play, 'l', why);
}

static void
on_error(EhdTap *tap, ehp_status status, const char *detail, gpointer play)
{
    g_assert_nonnull(detail);
    note(play, 'e', status);
}

static const EhdTapEvents events = {on_ready, on_activated, on_apdu, on_lost, on_error};

static void
set_up(Play *play, gconstpointer unused)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    play->dir = g_dir_make_tmp("ehr-tap-XXXXXX", NULL);
    play->path = g_build_filename(play->dir, "nfc", NULL);
    g_strlcpy(address.sun_path, play->path, sizeof address.sun_path);
    play->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(play->listener, (struct sockaddr *)&address, sizeof address), ==, 0);
    g_assert_cmpint(listen(play->listener, 4), ==, 0);
    play->fd = -1;
    play->log = g_string_new(NULL);
    play->tap = ehd_tap_new(&(EhdTapConfig){.socket_path = play->path});
}

static void
tear_down(Play *play, gconstpointer unused)
{
    ehd_tap_free(play->tap);
    if (play->fd >= 0)
        close(play->fd);
    close(play->listener);
    g_unlink(play->path);
    g_rmdir(play->dir);
    g_string_free(play->log, TRUE);
    g_free(play->path);
    g_free(play->dir);
}

/* Runs the main loop until fd can be read. */
static void
await(int fd)
{
    struct pollfd wait = {.fd = fd, .events = POLLIN};

    for (int i = 0; i < 20000 && poll(&wait, 1, 1) == 0; i++)
        while (g_main_context_iteration(NULL, FALSE))
            ;
    g_assert_cmpint(wait.revents & POLLIN, !=, 0);
}

static void
say(Play *play, EhdNfcMessage message)
{
    g_assert_cmpint(ehd_nfc_wire_send(play->fd, &message), ==, 0);
}

static void
welcome(Play *play)
{
    await(play->listener);
    play->fd = accept4(play->listener, NULL, NULL, SOCK_CLOEXEC);
    say(play, (EhdNfcMessage){.type = EHD_NFC_HELLO,
                              .role = EHD_NFC_WIRE_VERSION,
                              .arm = EHP_STATUS_COUNT});
}

static EhdNfcMessage
hear(Play *play, EhdNfcType type)
{
    static uint8_t bytes[EHD_NFC_MESSAGE_MAX];
    EhdNfcMessage message;

    await(play->fd);
    ssize_t got = recv(play->fd, bytes, sizeof bytes, 0);
    g_assert_cmpint(got, >, 0);
    g_assert_cmpint(ehd_nfc_wire_parse(&message, bytes, (size_t)got, EHD_NFC_FROM_DAEMON), ==,
                    EHP_OK);
    g_assert_cmpint(message.type, ==, type);
    return message;
}

static void
await_log(Play *play, const char *log)
{
    for (int i = 0; i < 20000 && strcmp(play->log->str, log); i++) {
        while (g_main_context_iteration(NULL, FALSE))
            ;
        g_usleep(1000);
    }
    g_assert_cmpstr(play->log->str, ==, log);
}

/* Until everything that the helper said was taken, or nobody is left to take it. */
static void
drain(Play *play)
{
    int unread = 1;

    while (play->tap && unread > 0) {
        while (g_main_context_iteration(NULL, FALSE))
            ;
        if (ioctl(play->fd, SIOCOUTQ, &unread))
            break;
    }
}

/* Armed as reader, ready; returns the arm number. */
static guint32
arm(Play *play, EhdTapRole role)
{
    ehd_tap_arm(play->tap, role, &events, play);
    if (play->fd < 0)
        welcome(play);
    guint32 number = hear(play, EHD_NFC_ARM).arm;
    say(play, (EhdNfcMessage){.type = EHD_NFC_ARMED, .role = (uint8_t)role, .arm = number});
    return number;
}

static void
activate(Play *play, guint32 number, guint32 tap)
{
    say(play,
        (EhdNfcMessage){
            .type = EHD_NFC_ACTIVATED, .role = EHD_NFC_ROLE_READER, .arm = number, .tap = tap});
}

static void
apdu(Play *play, guint32 number, guint32 tap)
{
    say(play, (EhdNfcMessage){.type = EHD_NFC_APDU,
                              .arm = number,
                              .tap = tap,
                              .data = (const uint8_t *)"\x90",
                              .len = 1});
}

static void
test_turns(Play *play, gconstpointer unused)
{
    guint32 number = arm(play, EHD_TAP_READER);

    activate(play, number, 1);
    apdu(play, number, 1); /* an answer that nobody asked for */
    await_log(play, "ra");
    g_assert_cmpint(ehd_tap_send_apdu(play->tap, (const guint8 *)"x", 1), ==, EHP_OK);
    g_assert_cmpint(ehd_tap_send_apdu(play->tap, (const guint8 *)"x", 1), ==, EHP_WRONG_STATE);
    g_assert_cmpuint(hear(play, EHD_NFC_APDU).tap, ==, 1);
    apdu(play, number, 1);
    apdu(play, number, 1); /* and a second one */
    say(play,
        (EhdNfcMessage){.type = EHD_NFC_LOST, .status = EHP_TAP_TORN, .arm = number, .tap = 1});
    await_log(play, "rapl");
    g_assert_cmpint(play->what, ==, EHP_TAP_TORN);
    g_assert_cmpint(ehd_tap_send_apdu(play->tap, (const guint8 *)"x", 1), ==, EHP_WRONG_STATE);
}

/* What crossed a disarm or belongs to another tap is dropped. */
static void
test_crossed(Play *play, gconstpointer unused)
{
    guint32 first = arm(play, EHD_TAP_READER);

    activate(play, first, 1);
    await_log(play, "ra");
    ehd_tap_disarm(play->tap);
    g_assert_cmpuint(hear(play, EHD_NFC_DISARM).arm, ==, first);
    apdu(play, first, 1);
    activate(play, first, 2);
    guint32 second = arm(play, EHD_TAP_READER);
    activate(play, first, 3);
    activate(play, second, 1);
    await_log(play, "rara");
    g_assert_cmpint(ehd_tap_send_apdu(play->tap, (const guint8 *)"x", 1), ==, EHP_OK);
    apdu(play, second, 2);
    say(play, (EhdNfcMessage){.type = EHD_NFC_LOST, .arm = second, .tap = 2});
    apdu(play, second, 1);
    await_log(play, "rarap");
}

static void
test_trouble_is_told_once(Play *play, gconstpointer unused)
{
    guint32 number = arm(play, EHD_TAP_READER);
    const char *detail;

    for (int i = 0; i < 3; i++)
        say(play, (EhdNfcMessage){.type = EHD_NFC_STATE, .status = EHP_READER_LOST});
    say(play, (EhdNfcMessage){.type = EHD_NFC_STATE,
                              .status = EHP_READER_MUTE,
                              .data = (const uint8_t *)"\xff?",
                              .len = 2});
    await_log(play, "ree");
    g_assert_cmpint(ehd_tap_get_reader_state(play->tap, &detail), ==, EHP_READER_MUTE);
    g_assert_true(g_utf8_validate(detail, -1, NULL));
    say(play, (EhdNfcMessage){.type = EHD_NFC_STATE});
    say(play,
        (EhdNfcMessage){.type = EHD_NFC_ARMED, .role = EHD_NFC_ROLE_READER, .arm = number});
    say(play, (EhdNfcMessage){.type = EHD_NFC_STATE, .status = EHP_READER_LOST});
    await_log(play, "reere");
}

static void
test_version(Play *play, gconstpointer unused)
{
    ehd_tap_arm(play->tap, EHD_TAP_READER, &events, play);
    await(play->listener);
    play->fd = accept4(play->listener, NULL, NULL, SOCK_CLOEXEC);
    say(play, (EhdNfcMessage){.type = EHD_NFC_HELLO, .role = 99, .arm = EHP_STATUS_COUNT});
    await_log(play, "e");
    g_assert_cmpint(play->what, ==, EHP_NFC_HELPER_FAILED);
}

/* Nonsense ends the connection and the tap; the next one is armed again. */
static void
test_nonsense(Play *play, gconstpointer unused)
{
    guint32 number = arm(play, EHD_TAP_READER);

    activate(play, number, 1);
    await_log(play, "ra");
    g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "*no message*");
    g_assert_cmpint(send(play->fd, "nonsense", 8, 0), ==, 8);
    await_log(play, "ral");
    g_test_assert_expected_messages();
    g_assert_cmpint(play->what, ==, EHP_NFC_HELPER_FAILED);
    close(play->fd);
    welcome(play);
    g_assert_cmpuint(hear(play, EHD_NFC_ARM).arm, ==, number);
}

static void
test_keeps_ending(Play *play, gconstpointer unused)
{
    ehd_tap_arm(play->tap, EHD_TAP_READER, &events, play);
    for (int i = 0; i < 3; i++) {
        welcome(play);
        close(play->fd);
        play->fd = -1;
    }
    await_log(play, "e");
    g_assert_cmpint(play->what, ==, EHP_NFC_HELPER_FAILED);
}

/* In each callback: disarm, rearm, free. Nothing more is called for the old arming. */
static void
test_callbacks(Play *play, gconstpointer unused)
{
    for (const char *at = "rapl"; *at; at++) {
        for (int then = DISARM; then <= FREE; then++) {
            if (!play->tap)
                play->tap = ehd_tap_new(&(EhdTapConfig){.socket_path = play->path});
            play->fd = -1;
            g_string_truncate(play->log, 0);
            play->then = then;
            play->at = *at;
            guint32 number = arm(play, EHD_TAP_CARD);
            activate(play, number, 1);
            apdu(play, number, 1);
            say(play, (EhdNfcMessage){.type = EHD_NFC_LOST, .arm = number, .tap = 1});
            say(play, (EhdNfcMessage){.type = EHD_NFC_FOREIGN, .arm = number});
            drain(play);
            g_assert_cmpint(play->log->str[play->log->len - 1], ==, *at);
            g_clear_pointer(&play->tap, ehd_tap_free);
            close(play->fd);
        }
    }
    play->fd = -1;
}

static void
on_probed(EhdTap *tap, ehp_status status, const char *detail, gpointer user_data)
{
    Play *play = user_data;

    g_string_append_c(play->log, 'q');
    play->what = status;
    if (play->then == FREE)
        g_clear_pointer(&play->tap, ehd_tap_free);
}

static void
test_probe(Play *play, gconstpointer unused)
{
    ehd_tap_probe(play->tap, on_probed, play);
    ehd_tap_probe(play->tap, on_probed, play);
    welcome(play);
    hear(play, EHD_NFC_PROBE);
    say(play, (EhdNfcMessage){.type = EHD_NFC_STATE, .status = EHP_NO_READER});
    await_log(play, "qq");
    g_assert_cmpint(play->what, ==, EHP_NO_READER);
    ehd_tap_probe(play->tap, on_probed, play);
    ehd_tap_probe(play->tap, on_probed, play);
    play->then = FREE;
    close(play->fd);
    play->fd = -1;
    await_log(play, "qqq");
    g_assert_null(play->tap);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function) g_test_add("/tap/" name, Play, NULL, set_up, function, tear_down)
    ADD("turns", test_turns);
    ADD("crossed", test_crossed);
    ADD("trouble-is-told-once", test_trouble_is_told_once);
    ADD("version", test_version);
    ADD("nonsense", test_nonsense);
    ADD("keeps-ending", test_keeps_ending);
    ADD("callbacks", test_callbacks);
    ADD("probe", test_probe);
    return g_test_run();
}
