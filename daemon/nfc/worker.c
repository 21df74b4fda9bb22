/* SPDX-License-Identifier: Apache-2.0
 *
 * Takes messages, keeps what is armed, opens the reader when it is wanted and again after it
 * was lost, and runs one role's loop at a time.
 *
 * How DISARM interrupts a blocking libnfc call without a second thread: the socket raises
 * SIGIO, whose handler peeks at the message and, unless it is an APDU, calls nfc_abort_command:
 * for a UART that is close() and pipe(), for USB a flag, both safe in a handler. libnfc loses
 * an abort while it waits for an ACK, so the handler comes back every 50 ms until the call has
 * returned.
 */
#include "daemon/nfc/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define RETRY_MS      500
/* A beat promises this much more than asked for, so that not every poll needs a datagram. */
#define BEAT_SPARE_MS 2500
/* An abort that is not heard for this many times 50 ms, after SIGTERM: give up. */
#define ABORTS_MAX    60
/* libnfc must never get fd 1024 (its fd_set); far below that, begin anew. */
#define LEAKS_MAX     16

static volatile sig_atomic_t stop;    /* SIGTERM came */
static volatile sig_atomic_t blocked; /* between begin and end */
static volatile sig_atomic_t aborts;  /* of the call in progress */
static nfc_device *volatile blocked_in;
static int message_fd;

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- interrupting libnfc --- */

/* Is something other than an APDU waiting? The end of the socket counts. */
static bool
is_wanted(void)
{
    uint8_t type;
    ssize_t got = recv(message_fd, &type, 1, MSG_PEEK | MSG_DONTWAIT | MSG_TRUNC);

    if (got < 0)
        return errno != EAGAIN && errno != EINTR;
    return got == 0 || type != EHD_NFC_APDU;
}

static void
on_signal(int number)
{
    static const struct itimerval again = {.it_value = {.tv_usec = 50000}};
    int saved = errno;

    if (number == SIGTERM)
        stop = 1;
    if (blocked && (stop || is_wanted())) {
        if (stop && aborts > ABORTS_MAX)
            _exit(EXIT_FAILURE);
        aborts++;
        nfc_abort_command(blocked_in);
        setitimer(ITIMER_REAL, &again, NULL);
    }
    errno = saved;
}

bool
ehd_nfc_worker_begin(EhdNfcWorker *worker)
{
    aborts = 0;
    blocked_in = worker->device.nfc;
    blocked = 1;
    if (!stop && !is_wanted())
        return true;
    blocked = 0;
    return false;
}

void
ehd_nfc_worker_end(EhdNfcWorker *worker, int result)
{
    static const struct itimerval never = {0};

    blocked = 0;
    setitimer(ITIMER_REAL, &never, NULL);
    worker->leaks += aborts - (aborts > 0 && result == NFC_EOPABORTED);
}

static void
take_signals(int fd)
{
    struct sigaction action = {.sa_handler = on_signal, .sa_flags = SA_RESTART};

    message_fd = fd;
    sigaction(SIGIO, &action, NULL);
    sigaction(SIGALRM, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    fcntl(fd, F_SETOWN, getpid());
    fcntl(fd, F_SETFL, O_ASYNC | O_NONBLOCK);
}

/* --- saying things --- */

static void
say(EhdNfcWorker *worker, const EhdNfcMessage *message)
{
    if (worker->verbose && message->type != EHD_NFC_BEAT)
        fprintf(stderr, "ehrlink-nfc worker: says %d role %d %s arm %u tap %u, %zu bytes\n",
                message->type, message->role, ehp_status_name(message->status), message->arm,
                message->tap, message->len);
    /* a supervisor that does not read is as good as gone */
    if (ehd_nfc_wire_send(worker->fd, message) < 0)
        worker->quit = true;
}

static void
say_detail(EhdNfcWorker *worker, EhdNfcType type, ehp_status status, const char *detail)
{
    bool of_tap = type == EHD_NFC_LOST;
    bool of_arm = of_tap || type == EHD_NFC_FOREIGN;

    say(worker, &(EhdNfcMessage){.type = type,
                                 .status = status,
                                 .arm = of_arm ? worker->arm : 0,
                                 .tap = of_tap ? worker->tap : 0,
                                 .data = (const uint8_t *)detail,
                                 .len = strlen(detail)});
}

void
ehd_nfc_worker_beat(EhdNfcWorker *worker, unsigned ms)
{
    int64_t now = now_ms();

    if (ms == 0 ? worker->promised == 0 : worker->promised > now + ms)
        return;
    worker->promised = ms == 0 ? 0 : now + ms + BEAT_SPARE_MS;
    say(worker,
        &(EhdNfcMessage){.type = EHD_NFC_BEAT, .arm = ms == 0 ? 0 : ms + BEAT_SPARE_MS});
}

void
ehd_nfc_worker_armed(EhdNfcWorker *worker)
{
    say(worker,
        &(EhdNfcMessage){.type = EHD_NFC_ARMED, .role = worker->role, .arm = worker->arm});
}

void
ehd_nfc_worker_activated(EhdNfcWorker *worker)
{
    worker->active = true;
    worker->released = false;
    worker->apdu_len = 0;
    worker->tap++;
    say(worker, &(EhdNfcMessage){.type = EHD_NFC_ACTIVATED,
                                 .role = worker->role,
                                 .arm = worker->arm,
                                 .tap = worker->tap});
}

void
ehd_nfc_worker_apdu(EhdNfcWorker *worker, const uint8_t *apdu, size_t len)
{
    say(worker, &(EhdNfcMessage){.type = EHD_NFC_APDU,
                                 .arm = worker->arm,
                                 .tap = worker->tap,
                                 .data = apdu,
                                 .len = len});
}

void
ehd_nfc_worker_lost(EhdNfcWorker *worker, ehp_status why, const char *detail)
{
    worker->active = worker->released = false;
    worker->apdu_len = 0;
    say_detail(worker, EHD_NFC_LOST, why, detail);
}

void
ehd_nfc_worker_lost_reader(EhdNfcWorker *worker)
{
    ehp_status status = worker->device.status;

    ehd_nfc_worker_lost(worker, status == EHP_OK ? EHP_TAP_TORN : status,
                        worker->device.detail);
}

void
ehd_nfc_worker_foreign(EhdNfcWorker *worker, const char *detail)
{
    say_detail(worker, EHD_NFC_FOREIGN, EHP_FOREIGN_DEVICE, detail);
}

static void
say_state(EhdNfcWorker *worker)
{
    worker->probing = false;
    say_detail(worker, EHD_NFC_STATE, worker->device.status, worker->device.detail);
}

/* --- hearing things --- */

static void
set_arming(EhdNfcWorker *worker, uint8_t role, uint32_t arm)
{
    worker->role = role;
    worker->arm = arm;
    worker->tap = 0;
    worker->active = worker->released = false;
    worker->apdu_len = 0;
    worker->changed = true;
}

static bool
is_of_tap(const EhdNfcWorker *worker, const EhdNfcMessage *message)
{
    return worker->active && message->arm == worker->arm && message->tap == worker->tap;
}

static void
on_message(EhdNfcWorker *worker, const EhdNfcMessage *message)
{
    switch (message->type) {
    case EHD_NFC_ARM:
        set_arming(worker, message->role, message->arm);
        worker->probing = true; /* each arming hears how the reader is */
        break;
    case EHD_NFC_DISARM:
        if (message->arm == worker->arm)
            set_arming(worker, EHD_NFC_ROLE_NONE, message->arm);
        break;
    case EHD_NFC_RELEASE:
        worker->released |= is_of_tap(worker, message);
        break;
    case EHD_NFC_PROBE:
        worker->probing = true;
        break;
    case EHD_NFC_APDU:
        if (!is_of_tap(worker, message))
            break;
        memcpy(worker->apdu, message->data, message->len);
        worker->apdu_len = message->len;
        break;
    case EHD_NFC_READER:
    case EHD_NFC_HELLO:
    case EHD_NFC_STATE:
    case EHD_NFC_ARMED:
    case EHD_NFC_DISARMED:
    case EHD_NFC_ACTIVATED:
    case EHD_NFC_LOST:
    case EHD_NFC_FOREIGN:
    case EHD_NFC_REFUSED:
    case EHD_NFC_BEAT:
        break; /* the parser refuses them from the daemon */
    }
}

/* One datagram. False when there is none. */
static bool
hear(EhdNfcWorker *worker)
{
    uint8_t bytes[EHD_NFC_MESSAGE_MAX + 1];
    EhdNfcMessage message;
    ssize_t got = recv(worker->fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return false;
    if (got <= 0 || ehd_nfc_wire_parse(&message, bytes, (size_t)got, EHD_NFC_FROM_DAEMON)) {
        worker->quit = true;
        return false;
    }
    if (worker->verbose)
        fprintf(stderr, "ehrlink-nfc worker: hears %d role %d arm %u tap %u, %zu bytes\n",
                message.type, message.role, message.arm, message.tap, message.len);
    on_message(worker, &message);
    return true;
}

bool
ehd_nfc_worker_interrupted(const EhdNfcWorker *worker)
{
    return worker->quit || worker->changed || worker->released;
}

static bool
is_pending(const EhdNfcWorker *worker)
{
    return ehd_nfc_worker_interrupted(worker) || worker->probing || worker->apdu_len > 0;
}

bool
ehd_nfc_worker_wait(EhdNfcWorker *worker, int ms)
{
    int64_t until = now_ms() + ms;

    for (;;) {
        struct pollfd fd = {.fd = worker->fd, .events = POLLIN};
        while (!is_pending(worker) && hear(worker))
            ;
        worker->quit |= stop;
        int64_t left = ms < 0 ? -1 : until - now_ms();
        if (is_pending(worker))
            return true;
        if (ms >= 0 && left <= 0)
            return false;
        poll(&fd, 1, (int)left);
    }
}

/* --- the life of a worker --- */

/* The reader must be open: as far as it is not, says so once per reason and waits a little. */
static bool
have_device(EhdNfcWorker *worker)
{
    EhdNfcDevice *device = &worker->device;
    ehp_status before = device->status;
    char detail[sizeof device->detail];
    bool was_open = device->nfc != NULL;

    memcpy(detail, device->detail, sizeof detail);
    ehd_nfc_worker_beat(worker, EHD_NFC_OPEN_MS);
    if (worker->probing && device->nfc)
        ehd_nfc_device_ping(device);
    bool open = ehd_nfc_device_open(device);
    if (worker->probing || open != was_open || before != device->status ||
        strcmp(detail, device->detail))
        say_state(worker);
    if (!open) {
        ehd_nfc_worker_beat(worker, RETRY_MS);
        ehd_nfc_worker_wait(worker, worker->role == EHD_NFC_ROLE_NONE ? 0 : RETRY_MS);
    }
    return open;
}

static void
run_role(EhdNfcWorker *worker)
{
    ehp_status before = worker->device.status;

    if (worker->role == EHD_NFC_ROLE_READER)
        ehd_nfc_reader_loop(worker);
    else
        ehd_nfc_card_loop(worker);
    /* the reader failed: have_device would not tell, since it only sees it closed */
    if (worker->device.status != before)
        say_state(worker);
}

static void
disarmed(EhdNfcWorker *worker)
{
    ehd_nfc_worker_beat(worker, EHD_NFC_CLOSE_MS);
    if (worker->device.nfc)
        ehd_nfc_device_judge(&worker->device, nfc_idle(worker->device.nfc));
    say(worker, &(EhdNfcMessage){.type = EHD_NFC_DISARMED, .arm = worker->arm});
    /* the next worker begins with all its fds */
    worker->quit |= worker->leaks > LEAKS_MAX;
}

static void
live(EhdNfcWorker *worker)
{
    while (!worker->quit) {
        if (worker->changed && worker->role == EHD_NFC_ROLE_NONE && worker->arm != 0)
            disarmed(worker);
        worker->changed = false;
        if (worker->probing || worker->role != EHD_NFC_ROLE_NONE) {
            if (have_device(worker) && worker->role != EHD_NFC_ROLE_NONE && !worker->changed)
                run_role(worker);
            continue;
        }
        ehd_nfc_worker_beat(worker, 0);
        ehd_nfc_worker_wait(worker, -1);
    }
}

int
ehd_nfc_worker_run(int fd, const char *reader, bool verbose)
{
    static EhdNfcWorker worker;

    worker.fd = fd;
    worker.verbose = verbose;
    take_signals(fd);
    ehd_nfc_worker_beat(&worker, EHD_NFC_OPEN_MS);
    ehd_nfc_device_init(&worker.device, reader);
    live(&worker);
    /* closed in good order: a PN532 that is left in the middle of a command may stick until it
     * loses power */
    ehd_nfc_device_close(&worker.device);
    nfc_exit(worker.device.context);
    explicit_bzero(worker.apdu, sizeof worker.apdu);
    return EXIT_SUCCESS;
}
