/* SPDX-License-Identifier: Apache-2.0
 *
 * Received, for the parts of it. Not for others.
 */
#pragma once

#include "ehrlink.h"
#include "tools/common/origin.h"
#include "tools/common/received.h"

/* The name of what was listed and not stored. */
#define NOT_STORED "."

typedef struct {
    char *path, *name, *salt; /* owned; name: of the file in the directory */
    gint64 transfer, number;
    gboolean patient_entered;
} ReceivedItem;

struct Received {
    /* owned, never NULL, "": not said */
    char *session, *direction, *receipt, *proof, *organisation;
    GPtrArray *items;       /* owned, of ReceivedItem */
    gboolean said_verified; /* by session.json */
    gboolean checked;
    gint64 transfer;         /* that the receipt is for, once checked */
    ReceivedVerdict verdict; /* of the files of it, once checked */
    Origin *origin;          /* owned; of RECEIVED_VERIFIED, once checked */
};

/* The item whose file has that name; borrowed, nullable. */
const ReceivedItem *received_find(const Received *self, const char *name);
