/* SPDX-License-Identifier: Apache-2.0
 *
 * Each call that a daemon makes into the system fails once, or from then on: what the tables of
 * such faults share. Two hosts live through all of a row; a drawn sample by default, every call
 * with -m slow. An argument: only the rows whose name begins so.
 */
#pragma once

#include "tests/daemon/core/host.h"
#include "tests/rig/faults/faults.h"

/* After so long a point is taken for hung; nothing here depends on how fast the machine is. */
#define SWEEP_DEADLINE_S 120
#define SWEEP_BIG        300000
#define SWEEP_SMALL      9000
/* Below the host's directory. */
#define SWEEP_STATE      "state*"
#define SWEEP_FILES      "files/*"

typedef enum { CLINIC, PATIENT, BOTH } SweepWho;

typedef struct {
    const char *name;
    SweepWho who;
    FaultsCall call;
    const char *below; /* of the host's directory; NULL: sockets */
    int how;
    gboolean sticky;
} SweepRow;

typedef struct Sweep Sweep;
struct Sweep {
    char *air;
    Host *clinic, *patient;
    TestCa *ca;
    guint deadline;
    char *point; /* what is tried */
    /* tries the row's call number at; FALSE: there is no such call any more */
    gboolean (*try_point)(Sweep *f, const SweepRow *row, const char *pattern, int at);
};

/* From what its owner was told: the session itself may be gone already. */
gboolean sweep_is_over(Host *host);
gboolean sweep_is_in(Host *host, const char *state);
/* A new owner, who goes on although the daemon may fail at it. */
void sweep_new_owner(Host *host);
/* A fault of ours is called by its name, and is not the other's. */
void sweep_count_error(ehp_status why);
/* What became of a point. */
void sweep_count(gboolean recovered);
void sweep_begin(Sweep *f, const SweepRow *row, const char *pattern, int at);
/* TRUE: it was hit. The fault is gone. */
gboolean sweep_end(Sweep *f);
/* Nothing is left, and nothing is still to be written. */
void sweep_assert_clean(Host *host);
/* Opens both and taps, files as it comes. FALSE: one could not be opened, or the tap came to
 * nothing. */
gboolean sweep_open_and_tap(Sweep *f);
/* The tap came to nothing: both are as they were. */
gboolean sweep_wants_a_tap(Sweep *f);
/* Over, or it waits for an owner who could not collect or file. */
gboolean sweep_rests(Host *host);
void sweep_assert_arrived(Sweep *f);
void sweep_assert_next_passes(Sweep *f);

/* main() of a table. */
int sweep_main(int argc, char **argv, const char *prefix, const SweepRow *rows, gsize n_rows,
               gboolean (*try_point)(Sweep *f, const SweepRow *row, const char *pattern,
                                     int at));
