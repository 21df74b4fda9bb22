/* SPDX-License-Identifier: Apache-2.0
 *
 * Offer: what a patient has to send. Files, or what of a folder the options choose, less what is left out.
 */
#pragma once

#include "tools/send/folder.h"
#include "tools/send/leave-out.h"
#include "tools/send/options.h"

/* On the stack; {0} is empty. */
typedef struct {
    GPtrArray *items;    /* owned, of EhrlinkItem; of a folder those that answer the request, once there is one */
    LeaveOut *leave_out; /* owned */
    Folder *folder;      /* owned, NULL without --from */
    GPtrArray *copies;   /* owned, of owned strings: cut copies of files */
} Offer;

/* Looks into all of it, warns of what is wrong and of what withholding means. Errors of
 * EHRLINK_ERROR: NO_INPUT, INVALID_ARGUMENT. */
gboolean offer_gather(Offer *self, const SendOptions *options, GError **error);
/* Of a folder: items are now those that fit the request (as folder_answer()). */
void offer_answer(Offer *self, GVariant *request);
/* The clinic has it: no need to be able to take it up again. */
void offer_forget(Offer *self);
void offer_clear(Offer *self);
