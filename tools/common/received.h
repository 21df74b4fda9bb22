/* SPDX-License-Identifier: Apache-2.0
 *
 * Received: the directory of a received session held against its receipt: whether its files are
 * what was received, and whom they are from. The bytes are those on the disk now; no service is
 * asked.
 *
 * A receipt of what a clinic sent back is signed by the key of this device for that session,
 * which nobody else can tell from any other. Hence session.json keeps what the clinic itself
 * signed about each item ("proof"), with the key that it signed with. Whose key that was, the
 * service had verified: ehr-send notes it apart from the directory
 * (XDG_STATE_HOME/ehrlink/received), so that a directory that somebody else made up, with a key
 * of their own, does not look the same. Only what is noted there, and signed, is ever called
 * verified; `ehrctl receipt verify` asks the service again, on any device.
 */
#pragma once

#include <gio/gio.h>

typedef enum {
    RECEIVED_UNKNOWN, /* nothing is said of it: no session.json, not a file of it, or of another
                         transfer of the session */
    RECEIVED_UNPROVEN, /* the receipt is missing or does not hold: nothing can be told */
    RECEIVED_ALTERED,  /* the files of that transfer are not, or not all, what was received */
    RECEIVED_FALSE,    /* they are, but what is kept as the sender's signature does not hold */
    RECEIVED_HOLDS,    /* byte for byte what was received, from whoever it was */
    RECEIVED_VERIFIED, /* the same, from received_get_organisation() */
} ReceivedVerdict;

typedef struct Received Received;

/* Reads session.json, whatever somebody may have written there. NULL: there is none. */
Received *received_new(const char *path);
void received_free(Received *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Received, received_free)

/* The receipt of session.json; transfer full, nullable. */
GBytes *received_get_receipt(const Received *self);
/* What the sender signed, of session.json; transfer full, nullable: of nothing that was sent
 * back, or stored by an earlier version. */
GBytes *received_get_proof(const Received *self);
/* Reads the files that this receipt is for, however large; blocks. TRUE: byte for byte what was
 * received. FALSE without an error: they are not. Errors: EHRLINK_ERROR_RECEIPT_INVALID,
 * EHRLINK_ERROR_ORIGIN_INVALID (they are, but what is kept as the sender's signature does not
 * hold), EHRLINK_ERROR_INVALID_ARGUMENT; EHRLINK_ERROR_NO_INPUT: a file cannot be read. */
gboolean received_check(Received *self, GBytes *receipt, GError **error);

/* About the file of that name in it. The first call reads all of them. */
ReceivedVerdict received_verdict(Received *self, const char *name);
/* Of RECEIVED_VERIFIED; borrowed; not safe to print. */
const char *received_get_organisation(const Received *self);
/* Of RECEIVED_VERIFIED: who was at the desk, signed by the clinic; borrowed, nullable; not safe
 * to print. */
const char *received_get_operator(const Received *self);
/* Whether its manifest says that the patient wrote it. */
gboolean received_patient_entered(const Received *self, const char *name);

/* "unproven", "altered", "false-origin", "unaltered", "verified"; NULL: nothing is said of it.
 */
const char *received_code(ReceivedVerdict verdict);
/* What a reader must be told; NULL: nothing. */
const char *received_words(ReceivedVerdict verdict);

/* Notes, durably, that this program just stored it. EHRLINK_ERROR_STORE_FAILED. */
gboolean received_note(const char *path, GError **error);

/* Directories that were looked into, so that each is read once. received_of_file(): of that in
 * which the file lies; borrowed, nullable. */
GHashTable *received_table_new(void);
Received *received_of_file(GHashTable *table, const char *path);
