/* SPDX-License-Identifier: Apache-2.0
 *
 * What can go wrong, as GErrors of one domain. The codes are the rows of proto/errors.def,
 * written out so that they are part of the interface; their numbers never change.
 */
#pragma once

#include <glib-object.h>

G_BEGIN_DECLS
#pragma GCC visibility push(default)

/**
 * EhrlinkError:
 * @EHRLINK_ERROR_NO_MEMORY: out of memory (exit status 75)
 * @EHRLINK_ERROR_INTERNAL: internal error (exit status 70)
 * @EHRLINK_ERROR_INVALID_ARGUMENT: invalid argument (exit status 64)
 * @EHRLINK_ERROR_NOT_FOUND: no such object (exit status 66)
 * @EHRLINK_ERROR_WRONG_STATE: not possible in this state (exit status 64)
 * @EHRLINK_ERROR_LIMIT_REACHED: too many at once (exit status 75)
 * @EHRLINK_ERROR_STATE_TOO_NEW: the stored state was written by a newer version (exit status
 * 69)
 * @EHRLINK_ERROR_STATE_DAMAGED: the stored state is damaged (exit status 69)
 * @EHRLINK_ERROR_CONFIG_INVALID: the configuration is not valid (exit status 69)
 * @EHRLINK_ERROR_DAEMON_UNAVAILABLE: the ehrlink service cannot be reached (exit status 69)
 * @EHRLINK_ERROR_NOT_AUTHORIZED: not authorised (exit status 77)
 * @EHRLINK_ERROR_NOT_OWNER: this session belongs to another user (exit status 77)
 * @EHRLINK_ERROR_NO_AGENT: the application that would be asked is gone (exit status 77)
 * @EHRLINK_ERROR_NO_READER: no NFC reader was found (exit status 69)
 * @EHRLINK_ERROR_READER_BUSY: the NFC reader is held by another program or kernel module (exit
 * status 69)
 * @EHRLINK_ERROR_READER_LOST: the NFC reader was unplugged (exit status 69)
 * @EHRLINK_ERROR_READER_MUTE: the NFC reader does not answer (exit status 69)
 * @EHRLINK_ERROR_NFC_HELPER_FAILED: the NFC helper crashed or hung (exit status 69)
 * @EHRLINK_ERROR_TAP_TORN: the devices were moved apart too early (exit status 75)
 * @EHRLINK_ERROR_TAP_TIMED_OUT: no device was tapped in time (exit status 75)
 * @EHRLINK_ERROR_FOREIGN_DEVICE: the tapped device does not speak ehrlink or is not ready (exit
 * status 75)
 * @EHRLINK_ERROR_TAP_REJECTED: the tapped device broke the tap protocol (exit status 76)
 * @EHRLINK_ERROR_PEER_BUSY: the other device is busy with another session (exit status 75)
 * @EHRLINK_ERROR_VERSION_UNSUPPORTED: no common protocol version (exit status 76)
 * @EHRLINK_ERROR_NO_IDENTITY: this terminal has no identity yet (exit status 69)
 * @EHRLINK_ERROR_UNVERIFIED: the terminal could not prove who it is (exit status 77)
 * @EHRLINK_ERROR_CERT_INVALID: the terminal's certificate is malformed (exit status 77)
 * @EHRLINK_ERROR_CERT_UNTRUSTED: no trusted authority vouches for the terminal (exit status 77)
 * @EHRLINK_ERROR_CERT_EXPIRED: the terminal's certificate has expired (exit status 77)
 * @EHRLINK_ERROR_CERT_NOT_YET_VALID: the terminal's certificate is not valid yet (exit status
 * 77)
 * @EHRLINK_ERROR_CERT_WRONG_PURPOSE: the certificate is not for a clinic terminal (exit status
 * 77)
 * @EHRLINK_ERROR_CERT_REVOKED: the terminal's certificate was revoked (exit status 77)
 * @EHRLINK_ERROR_CRL_MISSING: the revocation of the terminal's certificate could not be checked
 * (exit status 77)
 * @EHRLINK_ERROR_CRL_STALE: the terminal's revocation list is too old (exit status 77)
 * @EHRLINK_ERROR_CLOCK_WRONG: this device's clock cannot be right (exit status 69)
 * @EHRLINK_ERROR_WRONG_PEER: the terminal belongs to another organisation than asked for (exit
 * status 77)
 * @EHRLINK_ERROR_DECLINED: declined (exit status 77)
 * @EHRLINK_ERROR_CONSENT_TIMED_OUT: consent was not given in time (exit status 77)
 * @EHRLINK_ERROR_CONSENT_EXPIRED: the consent has expired (exit status 77)
 * @EHRLINK_ERROR_REVOKED: the consent was withdrawn (exit status 77)
 * @EHRLINK_ERROR_CANCELLED: cancelled (exit status 130)
 * @EHRLINK_ERROR_PEER_CANCELLED: the other side cancelled (exit status 75)
 * @EHRLINK_ERROR_FILING_TIMED_OUT: the received items were not confirmed in time and were
 * discarded (exit status 75)
 * @EHRLINK_ERROR_LINK_UNAVAILABLE: no radio link is available (exit status 69)
 * @EHRLINK_ERROR_LINK_LOST: the link to the other device was lost (exit status 75)
 * @EHRLINK_ERROR_TIMED_OUT: the other device did not answer in time (exit status 75)
 * @EHRLINK_ERROR_BAD_MESSAGE: the other device sent a malformed message (exit status 76)
 * @EHRLINK_ERROR_TOO_LARGE: the other device sent more than is allowed (exit status 76)
 * @EHRLINK_ERROR_OUT_OF_ORDER: the other device sent a message out of order (exit status 76)
 * @EHRLINK_ERROR_BAD_TAG: a record failed authentication (exit status 76)
 * @EHRLINK_ERROR_BAD_SIGNATURE: a signature of the other device is wrong (exit status 76)
 * @EHRLINK_ERROR_BAD_MANIFEST: the other device's list of items is wrong (exit status 76)
 * @EHRLINK_ERROR_BAD_HASH: an item does not have the hash that was announced (exit status 76)
 * @EHRLINK_ERROR_BAD_COMPRESSION: a segment cannot be decompressed within its bounds (exit
 * status 76)
 * @EHRLINK_ERROR_BAD_RECEIPT: the receipt does not match what was sent (exit status 76)
 * @EHRLINK_ERROR_ROLLED_BACK: the other device's state went backwards (exit status 76)
 * @EHRLINK_ERROR_PEER_FAILED: the other device had an internal error (exit status 75)
 * @EHRLINK_ERROR_PEER_PROTOCOL: the other device says that this side broke the protocol (exit
 * status 76)
 * @EHRLINK_ERROR_PEER_CANNOT_STORE: the other device cannot store the items (exit status 75)
 * @EHRLINK_ERROR_NO_INPUT: a file cannot be read (exit status 66)
 * @EHRLINK_ERROR_ITEM_CHANGED: a file changed while it was read (exit status 65)
 * @EHRLINK_ERROR_ITEM_STALLED: a file could not be read in time (exit status 75)
 * @EHRLINK_ERROR_ITEM_INVALID: an item cannot be sent (exit status 65)
 * @EHRLINK_ERROR_MIXED_SUBJECTS: the items are about more than one person (exit status 65)
 * @EHRLINK_ERROR_NO_SPACE: no space is left (exit status 73)
 * @EHRLINK_ERROR_STORE_FAILED: cannot write (exit status 73)
 * @EHRLINK_ERROR_RECEIPT_INVALID: the receipt does not verify (exit status 65)
 * @EHRLINK_ERROR_ORIGIN_INVALID: the proof of where it comes from does not verify (exit status
 * 65)
 * @EHRLINK_ERROR_RECORD_REFUSED: a record has errors, and this terminal's policy refuses such
 * records (exit status 65)
 * @EHRLINK_ERROR_ALREADY_RECEIVED: the clinic received all of it in an earlier session (exit
 * status 65)
 * @EHRLINK_ERROR_AUDIT_FULL: the audit log has reached its quota (exit status 73)
 * @EHRLINK_ERROR_NO_ADAPTER: no Bluetooth adapter was found (exit status 69)
 * @EHRLINK_ERROR_ADAPTER_OFF: the Bluetooth adapter is off (exit status 69)
 * @EHRLINK_ERROR_ADAPTER_BLOCKED: the Bluetooth adapter is blocked (rfkill, flight mode) (exit
 * status 69)
 * @EHRLINK_ERROR_BLUETOOTH_STOPPED: the Bluetooth service (bluetoothd) does not run (exit
 * status 69)
 * @EHRLINK_ERROR_CHANNEL_TAKEN: the Bluetooth channels that this terminal may use are taken by
 * other programs (exit status 69)
 * @EHRLINK_ERROR_RADIO_HELPER_FAILED: the Bluetooth helper is missing or failed (exit status
 * 69)
 * @EHRLINK_ERROR_RADIO_NOT_PERMITTED: ehrlink may not use the Bluetooth adapter (exit status
 * 77)
 * @EHRLINK_ERROR_PEER_UNREACHABLE: no device answers at the Bluetooth address that was tapped
 * (exit status 75)
 * @EHRLINK_ERROR_CHANNEL_CLOSED: the tapped device does not listen on the channel that it told
 * (exit status 75)
 * @EHRLINK_ERROR_PAIRING_REFUSED: one of the devices refused to pair (exit status 75)
 *
 * The code of an error in the domain %EHRLINK_ERROR. Errors of the daemon, errors that end a
 * session, and errors of the library itself have the same codes. A cancelled #GCancellable
 * gives %G_IO_ERROR_CANCELLED, not one of these.
 */
typedef enum {
    EHRLINK_ERROR_NO_MEMORY = 1,
    EHRLINK_ERROR_INTERNAL = 2,
    EHRLINK_ERROR_INVALID_ARGUMENT = 3,
    EHRLINK_ERROR_NOT_FOUND = 4,
    EHRLINK_ERROR_WRONG_STATE = 5,
    EHRLINK_ERROR_LIMIT_REACHED = 6,
    EHRLINK_ERROR_STATE_TOO_NEW = 7,
    EHRLINK_ERROR_STATE_DAMAGED = 8,
    EHRLINK_ERROR_CONFIG_INVALID = 9,
    EHRLINK_ERROR_DAEMON_UNAVAILABLE = 10,
    EHRLINK_ERROR_NOT_AUTHORIZED = 11,
    EHRLINK_ERROR_NOT_OWNER = 12,
    EHRLINK_ERROR_NO_AGENT = 13,
    EHRLINK_ERROR_NO_READER = 14,
    EHRLINK_ERROR_READER_BUSY = 15,
    EHRLINK_ERROR_READER_LOST = 16,
    EHRLINK_ERROR_READER_MUTE = 17,
    EHRLINK_ERROR_NFC_HELPER_FAILED = 18,
    EHRLINK_ERROR_TAP_TORN = 19,
    EHRLINK_ERROR_TAP_TIMED_OUT = 20,
    EHRLINK_ERROR_FOREIGN_DEVICE = 21,
    EHRLINK_ERROR_TAP_REJECTED = 22,
    EHRLINK_ERROR_PEER_BUSY = 23,
    EHRLINK_ERROR_VERSION_UNSUPPORTED = 24,
    EHRLINK_ERROR_NO_IDENTITY = 25,
    EHRLINK_ERROR_UNVERIFIED = 26,
    EHRLINK_ERROR_CERT_INVALID = 27,
    EHRLINK_ERROR_CERT_UNTRUSTED = 28,
    EHRLINK_ERROR_CERT_EXPIRED = 29,
    EHRLINK_ERROR_CERT_NOT_YET_VALID = 30,
    EHRLINK_ERROR_CERT_WRONG_PURPOSE = 31,
    EHRLINK_ERROR_CERT_REVOKED = 32,
    EHRLINK_ERROR_CRL_MISSING = 33,
    EHRLINK_ERROR_CRL_STALE = 34,
    EHRLINK_ERROR_CLOCK_WRONG = 35,
    EHRLINK_ERROR_WRONG_PEER = 36,
    EHRLINK_ERROR_DECLINED = 37,
    EHRLINK_ERROR_CONSENT_TIMED_OUT = 38,
    EHRLINK_ERROR_CONSENT_EXPIRED = 39,
    EHRLINK_ERROR_REVOKED = 40,
    EHRLINK_ERROR_CANCELLED = 41,
    EHRLINK_ERROR_PEER_CANCELLED = 42,
    EHRLINK_ERROR_FILING_TIMED_OUT = 43,
    EHRLINK_ERROR_LINK_UNAVAILABLE = 44,
    EHRLINK_ERROR_LINK_LOST = 45,
    EHRLINK_ERROR_TIMED_OUT = 46,
    EHRLINK_ERROR_BAD_MESSAGE = 47,
    EHRLINK_ERROR_TOO_LARGE = 48,
    EHRLINK_ERROR_OUT_OF_ORDER = 49,
    EHRLINK_ERROR_BAD_TAG = 50,
    EHRLINK_ERROR_BAD_SIGNATURE = 51,
    EHRLINK_ERROR_BAD_MANIFEST = 52,
    EHRLINK_ERROR_BAD_HASH = 53,
    EHRLINK_ERROR_BAD_COMPRESSION = 54,
    EHRLINK_ERROR_BAD_RECEIPT = 55,
    EHRLINK_ERROR_ROLLED_BACK = 56,
    EHRLINK_ERROR_PEER_FAILED = 57,
    EHRLINK_ERROR_PEER_PROTOCOL = 58,
    EHRLINK_ERROR_PEER_CANNOT_STORE = 59,
    EHRLINK_ERROR_NO_INPUT = 60,
    EHRLINK_ERROR_ITEM_CHANGED = 61,
    EHRLINK_ERROR_ITEM_STALLED = 62,
    EHRLINK_ERROR_ITEM_INVALID = 63,
    EHRLINK_ERROR_MIXED_SUBJECTS = 64,
    EHRLINK_ERROR_NO_SPACE = 65,
    EHRLINK_ERROR_STORE_FAILED = 66,
    EHRLINK_ERROR_RECEIPT_INVALID = 67,
    EHRLINK_ERROR_NO_ADAPTER = 68,
    EHRLINK_ERROR_ADAPTER_OFF = 69,
    EHRLINK_ERROR_ADAPTER_BLOCKED = 70,
    EHRLINK_ERROR_BLUETOOTH_STOPPED = 71,
    EHRLINK_ERROR_CHANNEL_TAKEN = 72,
    EHRLINK_ERROR_RADIO_HELPER_FAILED = 73,
    EHRLINK_ERROR_RADIO_NOT_PERMITTED = 74,
    EHRLINK_ERROR_PEER_UNREACHABLE = 75,
    EHRLINK_ERROR_CHANNEL_CLOSED = 76,
    EHRLINK_ERROR_PAIRING_REFUSED = 77,
    EHRLINK_ERROR_AUDIT_FULL = 78,
    EHRLINK_ERROR_RECORD_REFUSED = 79,
    EHRLINK_ERROR_ALREADY_RECEIVED = 80,
    EHRLINK_ERROR_ORIGIN_INVALID = 81,
} EhrlinkError;

/**
 * EHRLINK_ERROR:
 *
 * Error domain of everything that this library reports.
 */
#define EHRLINK_ERROR (ehrlink_error_quark())

/**
 * ehrlink_error_quark:
 *
 * Also tells GDBus how the daemon's error names map to codes.
 *
 * Returns: the error domain
 */
GQuark ehrlink_error_quark(void);

/**
 * ehrlink_error_get_name:
 * @code: an error code
 *
 * Returns: (transfer none) (nullable): the short name, "NoSpace"; %NULL if there is no such
 * code
 */
const char *ehrlink_error_get_name(EhrlinkError code);

/**
 * ehrlink_error_get_dbus_name:
 * @code: an error code
 *
 * Returns: (transfer none) (nullable): the name on the bus, "org.ehrlink1.Error.NoSpace"; %NULL
 * if there is no such code
 */
const char *ehrlink_error_get_dbus_name(EhrlinkError code);

/**
 * ehrlink_error_get_text:
 * @code: an error code
 *
 * Returns: (transfer none) (nullable): an English sentence without a full stop, fit as a
 * gettext key; %NULL if there is no such code
 */
const char *ehrlink_error_get_text(EhrlinkError code);

/**
 * ehrlink_error_get_exit_code:
 * @code: an error code
 *
 * Returns: the exit status that a command ends with (sysexits(3), 130 for
 * %EHRLINK_ERROR_CANCELLED); 70 if there is no such code
 */
int ehrlink_error_get_exit_code(EhrlinkError code);

/**
 * ehrlink_error_parse:
 * @name: short name, or name on the bus
 * @code: (out): the code
 *
 * Returns: whether @name is known; otherwise @code is %EHRLINK_ERROR_INTERNAL
 */
gboolean ehrlink_error_parse(const char *name, EhrlinkError *code);

#pragma GCC visibility pop
G_END_DECLS
