/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdTap: the daemon's client of ehrlink-nfc. One reader, one armed role at a time; who may arm
 * it when is the caller's business. Everything happens on the GMainContext that was the
 * thread's default when the EhdTap was made; no threads. The helper is started (or its socket
 * connected) at the first arm or probe, started again when it dies, and let go
 * EHD_TAP_LINGER_MS after the last disarm.
 *
 * An arming survives trouble: a reader that is missing, busy, unplugged or mute, a helper that
 * crashed are told by on_error while the helper keeps trying, and on_ready says when the reader
 * polls or listens (again). Only ehd_tap_disarm and another ehd_tap_arm end it.
 */
#pragma once

#include "proto/bounds.h"
#include "proto/status.h"

#include <glib.h>

#define EHD_TAP_LINGER_MS 5000

typedef enum {
    EHD_TAP_NONE = 0,
    EHD_TAP_READER = 1, /* NFC reader: polls, sends C-APDUs, gets R-APDUs */
    EHD_TAP_CARD = 2,   /* NFC card: listens, gets C-APDUs, answers each with one R-APDU */
} EhdTapRole;

typedef struct EhdTap EhdTap;

typedef struct {
    /* The program to start, or NULL with socket_path. */
    const char *helper_path;
    /* libnfc connection string ("pn532_uart:/dev/ttyUSB0:115200") of at most 250 bytes, "auto",
     * or NULL: whichever the helper takes. */
    const char *reader;
    /* Path of the socket of a socket-activated helper; wins over helper_path. */
    const char *socket_path;
    /* The helper prints states and sizes on stderr. */
    gboolean verbose;
} EhdTapConfig;

/* Every callback may be NULL, and may call any function of this header, ehd_tap_free included.
 * After ehd_tap_disarm, ehd_tap_arm or ehd_tap_free returned, nothing of the earlier arming is
 * called any more. Texts and bytes are borrowed for the call. */
typedef struct {
    /* The reader polls or listens: for the first time, after on_error, or because it was opened
     * anew. */
    void (*on_ready)(EhdTap *tap, gpointer user_data);
    /* An ISO-DEP device is there (reader), or a reader selected us (card). */
    void (*on_activated)(EhdTap *tap, gpointer user_data);
    /* Reader: the R-APDU to the C-APDU just sent. Card: a C-APDU; answer by ehd_tap_send_apdu.
     * 1 to EHP_APDU_MAX bytes of the other device's choice. */
    void (*on_apdu)(EhdTap *tap, const guint8 *apdu, gsize len, gpointer user_data);
    /* The tap that on_activated opened is over. EHP_OK: released by us, or (card) by the reader
     * in good order; EHP_TAP_TORN, EHP_READER_LOST, EHP_NFC_HELPER_FAILED, EHP_TAP_REJECTED (an
     * answer of a size that must not be). */
    void (*on_lost)(EhdTap *tap, ehp_status why, const char *detail, gpointer user_data);
    /* The reader is in trouble (EHP_NO_READER, EHP_READER_BUSY, EHP_READER_LOST,
     * EHP_READER_MUTE, EHP_NFC_HELPER_FAILED), or EHP_FOREIGN_DEVICE: something that is not
     * ISO-DEP was tapped. The arming goes on. detail is one English line for a log or the
     * doctor, never NULL. */
    void (*on_error)(EhdTap *tap, ehp_status status, const char *detail, gpointer user_data);
} EhdTapEvents;

/* Nothing is started yet. config is copied. Free with ehd_tap_free. */
EhdTap *ehd_tap_new(const EhdTapConfig *config);
/* Ends the helper and frees; NULL is allowed. */
void ehd_tap_free(EhdTap *tap);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdTap, ehd_tap_free)

/* Polls or listens from now on; replaces an arming in force (on_lost of it is not called).
 * events is copied. role is not EHD_TAP_NONE. Failures come by on_error, never from within this
 * call. */
void ehd_tap_arm(EhdTap *tap, EhdTapRole role, const EhdTapEvents *events, gpointer user_data);
/* Ends the arming; no-op when not armed. */
void ehd_tap_disarm(EhdTap *tap);
EhdTapRole ehd_tap_get_role(EhdTap *tap);
/* TRUE between on_activated and on_lost. */
gboolean ehd_tap_is_active(EhdTap *tap);

/* Sends one C-APDU (reader) or R-APDU (card). EHP_TOO_LARGE over EHP_APDU_MAX,
 * EHP_INVALID_ARGUMENT if empty, EHP_WRONG_STATE without a tap or out of turn (a reader whose
 * last C-APDU is unanswered; a card that owes no answer). A tap torn meanwhile is told by
 * on_lost. */
ehp_status ehd_tap_send_apdu(EhdTap *tap, const guint8 *apdu, gsize len) EHP_MUST_USE;
/* Ends the tap (reader: deselects) and stays armed; on_lost(EHP_OK) follows. An answer sent by
 * a card just before still goes out. No-op without a tap. */
void ehd_tap_release(EhdTap *tap);

/* How the reader was when last heard of: EHP_OK, or as on_error. Before the first word from the
 * helper EHP_OK with the detail "not tried yet". *detail is borrowed until the next event. */
ehp_status ehd_tap_get_reader_state(EhdTap *tap, const char **detail);

/* Opens the reader if it is not open and tells how it is (for status and doctor); at most
 * EHD_TAP_PROBE_MS. Called once, from the main loop, never from within; not if the EhdTap is
 * freed first. */
#define EHD_TAP_PROBE_MS 10000
typedef void (*EhdTapProbed)(EhdTap *tap, ehp_status status, const char *detail,
                             gpointer user_data);
void ehd_tap_probe(EhdTap *tap, EhdTapProbed done, gpointer user_data);
