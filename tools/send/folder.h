/* SPDX-License-Identifier: Apache-2.0
 *
 * A folder of records that a patient offers: what of it, and what of that answers a clinic's request.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "tools/send/leave-out.h"
#include "tools/send/options.h"

typedef struct Folder Folder;

/* Brings the index up to date, and makes the cut copies that the choice needs. Blocks. */
Folder *folder_new(const SendOptions *options, const LeaveOut *leave_out, GError **error);
void folder_free(Folder *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Folder, folder_free)

guint folder_n_offered(const Folder *self);
/* The paths of what is offered, in order; transfer full, NULL-terminated. */
char **folder_paths(const Folder *self);
/* Items (of EhrlinkItem, transfer full) that fit the request (an a{sv} as of ehrlink_session_get_request(), nullable: all), newest
 * first, recognised. Blocks. */
GPtrArray *folder_answer(const Folder *self, GVariant *request);
/* "effective 2026-03-01, superseded by a later version" of an item of folder_answer(); NULL: nothing to be said. Transfer full. */
char *folder_remark(EhrlinkItem *item);
/* The same as members: "date-kind" (effective, issued, authored, none), "superseded", "amended", "entered-in-error". */
void folder_members(JsonBuilder *builder, EhrlinkItem *item);
/* Removes the cut copies. */
void folder_forget(const Folder *self);
