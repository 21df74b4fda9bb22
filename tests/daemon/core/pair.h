/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of faults after the tap begin and end with: a clinic and a patient with two
 * items.
 */
#pragma once

#include "tests/daemon/core/host.h"

#define PAIR_BIG   3000000
#define PAIR_SMALL 90000

typedef struct {
    char *air;
    Host *clinic, *patient;
    TestCa *ca;
} Pair;

void pair_set_up(Pair *f, gconstpointer data);
/* And two items that the clinic sends back, the small one first. */
void pair_set_up_reply(Pair *f, gconstpointer data);
void pair_tear_down(Pair *f, gconstpointer data);
void pair_open_and_tap(Pair *f);
/* The same, of a sender with "detach"; of one that stays until it is told what became of its
 * items, however long the clinic's daemon is away. */
void pair_open_detached_and_tap(Pair *f);
void pair_open_patient_and_tap(Pair *f);
/* A clinic that asks for the list first: it is there, and the patient has the receipt for it.
 */
void pair_open_list(Pair *f);
/* The same, of a patient's device that takes what is sent back and a clinic that files nothing
 * by itself; waits until it may send something back. list: the first transfer is a list. */
void pair_open_for_reply(Pair *f, gboolean list);
/* The daemon of whoever who names ("clinic", "patient", or both) ends and starts again, and
 * its owner comes back at once. */
void pair_restart(Pair *f, const char *who);
void pair_wait_ends(Pair *f);
/* Both ended so, and left nothing. */
void pair_assert_errors(Pair *f, ehp_status clinic, ehp_status patient);
void pair_assert_arrived(Pair *f);
/* What of the host's transfer is durable at the receiver. */
guint64 pair_done(Host *host);
const EhdSessionInfo *pair_info(Host *host);
EhdTransferState pair_reply(Host *host);
/* More of it is durable at the patient. */
void pair_wait_reply(Pair *f, guint64 bytes);
/* The clinic files, and both end well. */
void pair_file(Pair *f);
/* The clinic discards what it received, and leaves nothing. */
void pair_discard(Pair *f);
