/* SPDX-License-Identifier: Apache-2.0
 *
 * A worker's life, from the supervisor's side: started, told what is armed, listened to,
 * dismissed or killed, and its end told to the daemon by name.
 */
#include "daemon/nfc/supervisor-private.h"

#include "daemon/nfc/spawn.h"
#include "daemon/words.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* A worker that has nothing to do must answer a message by a beat within this. */
#define ANSWER_MS      3000
/* To close the reader in good order when nobody wants it any more. */
#define FAREWELL_MS    5000
#define PAUSE_FIRST_MS 100
#define PAUSE_LAST_MS  10000
/* A worker that lived this long did not fail at once. */
#define STEADY_MS      30000

bool
ehd_nfc_is_usable(const EhdNfcSupervisor *s)
{
    return s->pid > 0 && s->worker >= 0 && s->killed == 0 && s->farewell == 0;
}

void
ehd_nfc_pass_on(EhdNfcSupervisor *s, const EhdNfcMessage *message)
{
    if (!ehd_nfc_is_usable(s))
        return;
    if (ehd_nfc_wire_send(s->worker, message) < 0)
        ehd_nfc_note(s, "the worker does not listen");
    if (s->due == 0)
        s->due = ehd_nfc_now_ms() + ANSWER_MS;
}

void
ehd_nfc_spawn(EhdNfcSupervisor *s)
{
    const char *reader = s->config.reader ? s->config.reader : s->reader;

    s->pid = ehd_nfc_spawn_worker(*reader ? reader : "auto", s->config.verbose, &s->worker);
    if (s->pid < 0) {
        s->pid = 0;
        s->respawn = ehd_nfc_now_ms() + PAUSE_LAST_MS;
        ehd_nfc_tell_state(s, EHP_NFC_HELPER_FAILED, N_("the worker cannot be started"));
        return;
    }
    ehd_nfc_note(s, "worker %d started", (int)s->pid);
    s->born = ehd_nfc_now_ms();
    s->due = s->born + ANSWER_MS;
    s->fault = NULL;
    s->stuck_told = s->state_known = false;
    if (s->role != EHD_NFC_ROLE_NONE)
        ehd_nfc_pass_on(s,
                        &(EhdNfcMessage){.type = EHD_NFC_ARM, .role = s->role, .arm = s->arm});
    if (s->probing)
        ehd_nfc_pass_on(s, &(EhdNfcMessage){.type = EHD_NFC_PROBE});
}

void
ehd_nfc_dismiss(EhdNfcSupervisor *s)
{
    if (s->worker >= 0)
        close(s->worker);
    s->worker = -1;
    s->due = 0;
    if (s->farewell == 0)
        s->farewell = ehd_nfc_now_ms() + FAREWELL_MS;
}

void
ehd_nfc_kill_worker(EhdNfcSupervisor *s, const char *fault)
{
    s->fault = fault;
    kill(s->pid, SIGKILL);
    s->killed = ehd_nfc_now_ms();
    s->due = 0;
}

static void
tell_death(EhdNfcSupervisor *s, int status)
{
    char detail[80];
    uint32_t tap = s->tap;

    if (s->fault)
        snprintf(detail, sizeof detail, "%s", s->fault);
    else if (WIFSIGNALED(status))
        snprintf(detail, sizeof detail, N_("the worker crashed, of signal") ": %d",
                 WTERMSIG(status));
    else
        snprintf(detail, sizeof detail, N_("the worker ended, with status") ": %d",
                 WEXITSTATUS(status));
    ehd_nfc_note(s, "%s", detail);
    s->tap = 0;
    if (tap != 0)
        ehd_nfc_tell_detail(s, EHD_NFC_LOST, tap, EHP_NFC_HELPER_FAILED, detail);
    ehd_nfc_tell_state(s, EHP_NFC_HELPER_FAILED, detail);
}

void
ehd_nfc_bury(EhdNfcSupervisor *s, int status)
{
    bool done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    bool expected = s->farewell != 0 || (done && !s->fault && s->tap == 0);
    int64_t now = ehd_nfc_now_ms();
    int pause = PAUSE_FIRST_MS;

    if (s->worker >= 0)
        close(s->worker);
    s->worker = -1;
    s->pid = 0;
    s->due = s->killed = s->farewell = 0;
    s->respawn = now;
    ehd_nfc_tell_disarmed(s);
    if (expected)
        return;
    if (now - s->born > STEADY_MS)
        s->failures = 0;
    for (int i = 0; i < s->failures && pause < PAUSE_LAST_MS; i++)
        pause *= 2;
    s->failures++;
    s->respawn = now + (pause < PAUSE_LAST_MS ? pause : PAUSE_LAST_MS);
    tell_death(s, status);
}

static void
on_worker_message(EhdNfcSupervisor *s, const EhdNfcMessage *message)
{
    switch (message->type) {
    case EHD_NFC_BEAT:
        s->due = message->arm == 0 ? 0 : ehd_nfc_now_ms() + message->arm;
        return;
    case EHD_NFC_DISARMED:
        if (message->arm == s->arm)
            ehd_nfc_tell_disarmed(s);
        return;
    case EHD_NFC_STATE:
        memcpy(s->detail, message->data, message->len);
        s->detail[message->len] = '\0';
        ehd_nfc_tell_state(s, message->status, s->detail);
        return;
    case EHD_NFC_ACTIVATED:
        /* it crossed the disarm: the worker has let go of it by now, and says no LOST */
        if (s->role == EHD_NFC_ROLE_NONE)
            return;
        if (message->arm == s->arm)
            s->tap = message->tap;
        break;
    case EHD_NFC_LOST:
        if (message->arm == s->arm)
            s->tap = 0;
        break;
    default:
        break;
    }
    ehd_nfc_tell(s, message);
}

void
ehd_nfc_read_worker(EhdNfcSupervisor *s)
{
    uint8_t bytes[EHD_NFC_MESSAGE_MAX + 64];
    EhdNfcMessage message;
    ssize_t got = recv(s->worker, bytes, sizeof bytes, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0 &&
        ehd_nfc_wire_parse(&message, bytes, (size_t)got, EHD_NFC_FROM_WORKER) == EHP_OK) {
        on_worker_message(s, &message);
        explicit_bzero(bytes, sizeof bytes);
        return;
    }
    /* its end, or nonsense from a worker gone wrong: either way it is over */
    close(s->worker);
    s->worker = -1;
    if (got > 0)
        ehd_nfc_kill_worker(s, N_("the worker said nonsense and was killed"));
    else if (s->due == 0)
        s->due = ehd_nfc_now_ms() + ANSWER_MS;
}
