/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/nfc/supervisor.c with workers that are not: the supervisor executes its own program
 * with
 * --worker, which here is this test; --reader names how that worker behaves. kill() is wrapped,
 * so that one of them does not die.
 */
#include "daemon/nfc/spawn.h"
#include "daemon/nfc/supervisor.h"
#include "daemon/nfc/wire.h"

#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

int __real_kill(pid_t pid, int number);
int __wrap_kill(pid_t pid, int number);
static gboolean immortal;

/* A process in the kernel dies of SIGKILL only when the kernel lets go of it: here when it ends
 * by itself. */
int
__wrap_kill(pid_t pid, int number)
{
    return immortal && number == SIGKILL ? 0 : __real_kill(pid, number);
}

/* --- the workers --- */

static void
say(int fd, EhdNfcMessage message)
{
    if (ehd_nfc_wire_send(fd, &message) < 0)
        _exit(1);
}

static EhdNfcMessage
hear(int fd, EhdNfcOrigin origin)
{
    static uint8_t bytes[EHD_NFC_MESSAGE_MAX];
    EhdNfcMessage message = {0};
    ssize_t got = recv(fd, bytes, sizeof bytes, 0);

    if (got > 0 && ehd_nfc_wire_parse(&message, bytes, (size_t)got, origin) == EHP_OK)
        return message;
    return (EhdNfcMessage){0};
}

static int
behave(const char *how)
{
    int fd = EHD_NFC_WORKER_FD;

    for (;;) {
        EhdNfcMessage message = hear(fd, EHD_NFC_FROM_DAEMON);
        if (message.type == 0)
            return 0;
        if (message.type == EHD_NFC_DISARM && !strcmp(how, "crash-disarmed"))
            abort();
        if (message.type == EHD_NFC_DISARM && !strcmp(how, "crossed")) {
            say(fd,
                (EhdNfcMessage){
                    .type = EHD_NFC_ACTIVATED, .role = 2, .arm = message.arm, .tap = 2});
            say(fd, (EhdNfcMessage){.type = EHD_NFC_DISARMED, .arm = message.arm});
            return 0; /* as one does that has lost too many descriptors */
        }
        if (message.type != EHD_NFC_ARM)
            continue;
        say(fd, (EhdNfcMessage){.type = EHD_NFC_STATE});
        say(fd,
            (EhdNfcMessage){.type = EHD_NFC_ARMED, .role = message.role, .arm = message.arm});
        say(fd,
            (EhdNfcMessage){
                .type = EHD_NFC_ACTIVATED, .role = message.role, .arm = message.arm, .tap = 1});
        if (!strcmp(how, "crash"))
            abort();
        if (!strcmp(how, "leave"))
            return 7;
        if (!strcmp(how, "nonsense") && send(fd, "nonsense", 8, 0) != 8)
            return 1;
        if (!strcmp(how, "hang") || !strcmp(how, "stuck")) {
            say(fd, (EhdNfcMessage){.type = EHD_NFC_BEAT, .arm = 50});
            sleep(how[0] == 's' ? 4 : 1000);
            return 1;
        }
        say(fd, (EhdNfcMessage){.type = EHD_NFC_BEAT});
    }
}

/* --- the daemon --- */

typedef struct {
    int fd;
    pid_t pid;
} Supervised;

static Supervised
supervise(const char *how)
{
    Supervised s;
    int pair[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
    s.fd = pair[0];
    s.pid = fork();
    if (s.pid == 0) {
        EhdNfcSupervisorConfig config = {
            .daemon_fd = pair[1], .listener_fd = -1, .reader = how};
        close(pair[0]);
        immortal = !strcmp(how, "stuck");
        _exit(ehd_nfc_supervisor_run(&config));
    }
    close(pair[1]);
    g_assert_cmpint(hear(s.fd, EHD_NFC_FROM_HELPER).type, ==, EHD_NFC_HELLO);
    say(s.fd, (EhdNfcMessage){.type = EHD_NFC_ARM, .role = EHD_NFC_ROLE_READER, .arm = 5});
    return s;
}

static EhdNfcMessage
expect(Supervised *s, EhdNfcType type)
{
    EhdNfcMessage message = hear(s->fd, EHD_NFC_FROM_HELPER);

    g_assert_cmpint(message.type, ==, type);
    return message;
}

static void
expect_tap(Supervised *s)
{
    g_assert_cmpint(expect(s, EHD_NFC_STATE).status, ==, EHP_OK);
    g_assert_cmpuint(expect(s, EHD_NFC_ARMED).arm, ==, 5);
    g_assert_cmpuint(expect(s, EHD_NFC_ACTIVATED).tap, ==, 1);
}

static void
expect_failure(Supervised *s, EhdNfcType type, const char *word)
{
    EhdNfcMessage message = expect(s, type);
    g_autofree char *detail = g_strndup((const char *)message.data, message.len);

    g_test_message("%s", detail);
    g_assert_cmpint(message.status, ==, EHP_NFC_HELPER_FAILED);
    g_assert_nonnull(strstr(detail, word));
}

static void
finish(Supervised *s)
{
    int status;

    close(s->fd);
    g_assert_cmpint(waitpid(s->pid, &status, 0), ==, s->pid);
    g_assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* The tap it had is lost, the reason told, the next one armed as the last one was. */
static void
test_ends_badly(gconstpointer how)
{
    static const char *const words[][2] = {{"crash", "signal: 6"},
                                           {"leave", "status: 7"},
                                           {"nonsense", "nonsense"},
                                           {"hang", "hung"}};
    Supervised s = supervise(how);
    const char *word = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(words); i++) {
        if (!strcmp(words[i][0], how))
            word = words[i][1];
    }
    for (int round = 0; round < 3; round++) {
        expect_tap(&s);
        expect_failure(&s, EHD_NFC_LOST, word);
        expect_failure(&s, EHD_NFC_STATE, word);
    }
    finish(&s);
}

/* Told while it lasts, and nothing is started until it is over. */
static void
test_stuck(void)
{
    Supervised s = supervise("stuck");

    expect_tap(&s);
    expect_failure(&s, EHD_NFC_STATE, "stuck in the kernel");
    expect_failure(&s, EHD_NFC_LOST, "hung");
    expect_failure(&s, EHD_NFC_STATE, "hung");
    expect_tap(&s);
    finish(&s);
}

/* DISARMED is owed even if the worker dies of the disarm, and nothing is started again. */
static void
test_crash_disarmed(void)
{
    Supervised s = supervise("crash-disarmed");

    expect_tap(&s);
    say(s.fd, (EhdNfcMessage){.type = EHD_NFC_DISARM, .arm = 5});
    g_assert_cmpuint(expect(&s, EHD_NFC_DISARMED).arm, ==, 5);
    expect_failure(&s, EHD_NFC_STATE, "signal: 6");
    /* a new arming hears of it at once, and then of the new worker */
    say(s.fd, (EhdNfcMessage){.type = EHD_NFC_ARM, .role = EHD_NFC_ROLE_CARD, .arm = 5});
    EhdNfcMessage next = hear(s.fd, EHD_NFC_FROM_HELPER);
    if (next.status != EHP_OK)
        next = hear(s.fd, EHD_NFC_FROM_HELPER);
    g_assert_cmpint(next.type, ==, EHD_NFC_STATE);
    g_assert_cmpint(next.status, ==, EHP_OK);
    finish(&s);
}

/* An activation that crosses the disarm is no tap: a worker that leaves in good order after it
 * has not failed, and the next arming hears nothing of it. */
static void
test_crossed(void)
{
    Supervised s = supervise("crossed");

    expect_tap(&s);
    say(s.fd, (EhdNfcMessage){.type = EHD_NFC_DISARM, .arm = 5});
    g_assert_cmpuint(expect(&s, EHD_NFC_DISARMED).arm, ==, 5);
    /* the supervisor has its worker's end behind what the worker said */
    g_usleep(200000);
    say(s.fd, (EhdNfcMessage){.type = EHD_NFC_ARM, .role = EHD_NFC_ROLE_CARD, .arm = 6});
    for (EhdNfcMessage next; (next = hear(s.fd, EHD_NFC_FROM_HELPER)).type != EHD_NFC_ARMED;) {
        g_assert_cmpint(next.type, ==, EHD_NFC_STATE);
        g_assert_cmpint(next.status, ==, EHP_OK);
    }
    finish(&s);
}

/* Probed while armed: answered without the worker. A stale disarm changes nothing. */
static void
test_probe_and_stale_disarm(void)
{
    Supervised s = supervise("good");

    expect_tap(&s);
    say(s.fd, (EhdNfcMessage){.type = EHD_NFC_PROBE});
    g_assert_cmpint(expect(&s, EHD_NFC_STATE).status, ==, EHP_OK);
    say(s.fd, (EhdNfcMessage){.type = EHD_NFC_DISARM, .arm = 4});
    say(s.fd, (EhdNfcMessage){.type = EHD_NFC_PROBE});
    g_assert_cmpint(expect(&s, EHD_NFC_STATE).status, ==, EHP_OK);
    finish(&s);
}

int
main(int argc, char **argv)
{
    if (argc > 3 && !strcmp(argv[1], "--worker"))
        return behave(argv[3]);
    g_test_init(&argc, &argv, NULL);
    for (const char *const *how =
             (const char *const[]){"crash", "leave", "nonsense", "hang", NULL};
         *how; how++) {
        g_autofree char *path = g_strdup_printf("/nfc/supervisor/%s", *how);
        g_test_add_data_func(path, *how, test_ends_badly);
    }
    g_test_add_func("/nfc/supervisor/stuck", test_stuck);
    g_test_add_func("/nfc/supervisor/crash-disarmed", test_crash_disarmed);
    g_test_add_func("/nfc/supervisor/crossed", test_crossed);
    g_test_add_func("/nfc/supervisor/probe-and-stale-disarm", test_probe_and_stale_disarm);
    return g_test_run();
}
