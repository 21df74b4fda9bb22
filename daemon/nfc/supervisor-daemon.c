/* SPDX-License-Identifier: Apache-2.0
 *
 * The supervisor's side towards the daemon: takes its messages, answers for a worker that
 * cannot, and remembers what is armed so that the next worker can take it up.
 */
#include "daemon/nfc/supervisor-private.h"
#include "daemon/words.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

void
ehd_nfc_hang_up(EhdNfcSupervisor *s)
{
    if (s->daemon >= 0)
        close(s->daemon);
    s->daemon = -1;
    s->role = EHD_NFC_ROLE_NONE;
    s->arm = s->tap = 0;
    s->probing = s->disarming = false;
    s->idle_since = ehd_nfc_now_ms();
    s->quit |= s->config.listener_fd < 0;
}

void
ehd_nfc_tell(EhdNfcSupervisor *s, const EhdNfcMessage *message)
{
    if (s->daemon < 0)
        return;
    int result = ehd_nfc_wire_send(s->daemon, message);
    if (result == 0)
        return;
    /* a daemon that lets our queue run full has lost track: better to begin anew */
    ehd_nfc_note(s, "the daemon does not listen: %s", strerror(-result));
    ehd_nfc_hang_up(s);
}

void
ehd_nfc_tell_detail(EhdNfcSupervisor *s, EhdNfcType type, uint32_t tap, ehp_status status,
                    const char *detail)
{
    ehd_nfc_tell(s, &(EhdNfcMessage){.type = type,
                                     .status = status,
                                     .arm = type == EHD_NFC_STATE ? 0 : s->arm,
                                     .tap = tap,
                                     .data = (const uint8_t *)detail,
                                     .len = strlen(detail)});
}

void
ehd_nfc_tell_state(EhdNfcSupervisor *s, ehp_status status, const char *detail)
{
    s->state = status;
    s->state_known = true;
    if (detail != s->detail)
        snprintf(s->detail, sizeof s->detail, "%s", detail);
    s->probing = false;
    ehd_nfc_tell_detail(s, EHD_NFC_STATE, 0, status, s->detail);
}

void
ehd_nfc_tell_disarmed(EhdNfcSupervisor *s)
{
    if (s->disarming)
        ehd_nfc_tell(s, &(EhdNfcMessage){.type = EHD_NFC_DISARMED, .arm = s->arm});
    s->disarming = false;
}

static void
on_probe(EhdNfcSupervisor *s)
{
    /* an armed worker keeps its state told; asking it would interrupt a tap */
    if (s->role != EHD_NFC_ROLE_NONE && s->state_known) {
        ehd_nfc_tell_state(s, s->state, s->detail);
        return;
    }
    s->probing = true;
    ehd_nfc_pass_on(s, &(EhdNfcMessage){.type = EHD_NFC_PROBE});
}

static void
on_disarm(EhdNfcSupervisor *s, const EhdNfcMessage *message)
{
    if (message->arm != s->arm)
        return;
    s->role = EHD_NFC_ROLE_NONE;
    s->tap = 0;
    s->disarming = true;
    ehd_nfc_pass_on(s, message);
    if (!ehd_nfc_is_usable(s))
        ehd_nfc_tell_disarmed(s);
}

/* A worker that runs has the reader that it was started with. */
static void
on_reader(EhdNfcSupervisor *s, const EhdNfcMessage *message)
{
    if (s->pid > 0) {
        ehd_nfc_note(s, "the daemon named the reader too late");
        ehd_nfc_hang_up(s);
        return;
    }
    memcpy(s->reader, message->data, message->len);
    s->reader[message->len] = '\0';
}

static void
on_daemon_message(EhdNfcSupervisor *s, const EhdNfcMessage *message)
{
    switch (message->type) {
    case EHD_NFC_ARM:
        s->role = message->role;
        s->arm = message->arm;
        s->tap = 0;
        s->disarming = false;
        ehd_nfc_pass_on(s, message);
        if (!ehd_nfc_is_usable(s) && s->state_known)
            ehd_nfc_tell_state(s, s->state, s->detail);
        break;
    case EHD_NFC_DISARM:
        on_disarm(s, message);
        break;
    case EHD_NFC_PROBE:
        on_probe(s);
        break;
    case EHD_NFC_READER:
        on_reader(s, message);
        break;
    default: /* RELEASE, APDU: the parser lets nothing else pass from a daemon */
        ehd_nfc_pass_on(s, message);
    }
}

void
ehd_nfc_read_daemon(EhdNfcSupervisor *s)
{
    uint8_t bytes[EHD_NFC_MESSAGE_MAX + 64];
    EhdNfcMessage message;
    ssize_t got = recv(s->daemon, bytes, sizeof bytes, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        ehd_nfc_hang_up(s);
        return;
    }
    ehp_status status = ehd_nfc_wire_parse(&message, bytes, (size_t)got, EHD_NFC_FROM_DAEMON);
    if (status == EHP_OK) {
        on_daemon_message(s, &message);
    } else if (status == EHP_TOO_LARGE) {
        ehd_nfc_tell_detail(s, EHD_NFC_REFUSED, message.tap, status,
                            N_("the APDU is too long"));
    } else {
        ehd_nfc_note(s, "the daemon sent %zd bytes that are no message", got);
        ehd_nfc_hang_up(s);
    }
    explicit_bzero(bytes, sizeof bytes);
}

void
ehd_nfc_welcome(EhdNfcSupervisor *s, int fd)
{
    s->daemon = fd;
    s->reader[0] = '\0';
    ehd_nfc_tell(s, &(EhdNfcMessage){.type = EHD_NFC_HELLO,
                                     .role = EHD_NFC_WIRE_VERSION,
                                     .arm = EHP_STATUS_COUNT});
}

void
ehd_nfc_accept_daemon(EhdNfcSupervisor *s)
{
    int fd = accept4(s->config.listener_fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0)
        ehd_nfc_welcome(s, fd);
}
