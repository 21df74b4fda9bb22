/* SPDX-License-Identifier: Apache-2.0
 *
 * A tape of everything that this process does to the files below one directory, and the disk
 * that a power cut would leave after any part of it. The linker's --wrap makes the recorder;
 * the product knows nothing of it. Nothing is synced for real.
 */
#pragma once

#include <glib.h>

typedef struct {
    char *what; /* owned, for messages */
    int kind;
    char *path, *to; /* owned; relative to the root */
    goffset offset;
    GBytes *data; /* owned */
    guint64 mark; /* the test's, as it was then */
} TapeOp;

/* From now on, what happens below root; what is there already is durable. */
void tape_start(const char *root);
/* What the test knows at this moment: copied into what is recorded from now on. */
void tape_mark(guint64 mark);
/* The power goes with the call behind so many (early: with that many, before its caller knows
 * that it was done). A worker stays in that call, the main context is told by gone, when it was
 * its own call, and has from then on no disk. */
void tape_power_at(guint ops, gboolean early, void (*gone)(gpointer user_data),
                   gpointer user_data);
gboolean tape_power_is_gone(void);
/* Whoever waits goes on without a disk: calls seem to succeed, and do nothing. Until
 * tape_stop. */
void tape_power_off(void);
/* Ends the recording; of TapeOp, transfer full. */
GPtrArray *tape_stop(void);

typedef struct TapeDisk TapeDisk;
/* As it was at tape_start. */
TapeDisk *tape_disk_new(void);
void tape_disk_free(TapeDisk *disk);
/* part: of a write, only so much of its bytes (0: half). */
void tape_disk_apply(TapeDisk *disk, const TapeOp *op, gboolean torn);
/* What is there after a cut: names and contents that were not synced may each be lost. */
typedef enum {
    TAPE_ALL,          /* nothing is lost: the process was killed */
    TAPE_SYNCED,       /* everything that was not synced */
    TAPE_SYNCED_DATA,  /* all names, of the contents what was synced */
    TAPE_SYNCED_NAMES, /* all contents, of the names what was synced */
    TAPE_LOSSES
} TapeLoss;
void tape_disk_write(const TapeDisk *disk, TapeLoss loss, const char *root);
