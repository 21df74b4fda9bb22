/* SPDX-License-Identifier: Apache-2.0
 *
 * What a patient leaves out of their records: whole ones, or parts of a document, of which a cut copy is made then. Copies and the
 * note of what they were made from (a FHIR Provenance) are private files below XDG_STATE_HOME/ehrlink/cuts; they never leave the device.
 */
#pragma once

#include <gio/gio.h>

/* All owned, of char, NULL-terminated. */
typedef struct {
    GPtrArray *sections, *entries, *categories, *kept;
    GPtrArray *unmatched; /* "section:CODE" or "id:FULLURL" that named nothing yet; not NULL-terminated */
} LeaveOut;

/* From --exclude and --include (both nullable). NULL and a GError of EHRLINK_ERROR_INVALID_ARGUMENT. */
LeaveOut *leave_out_new(char **exclude, char **include, GError **error);
void leave_out_free(LeaveOut *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LeaveOut, leave_out_free)

gboolean leave_out_is_empty(const LeaveOut *self);
gboolean leave_out_has_category(const LeaveOut *self, const char *category);

typedef enum {
    LEAVE_OUT_NOTHING, /* the record goes as it is */
    LEAVE_OUT_PART,    /* *copy (transfer full) goes in its place */
    LEAVE_OUT_WHOLE,   /* none of it goes */
    LEAVE_OUT_FAILED,  /* error is set */
} LeaveOutResult;

/* Blocks. The same choice of the same bytes gives the same copy, so that a transfer can be taken up again. */
LeaveOutResult leave_out_of_file(const LeaveOut *self, const char *path, char **copy, GError **error);
/* After all that is offered went through leave_out_of_file(): FALSE and EHRLINK_ERROR_INVALID_ARGUMENT when an address named nothing
 * in any of it: mistyped, it would leave nothing out, and the patient believe it did. A category may well be in none. */
gboolean leave_out_matched(const LeaveOut *self, GError **error);
/* Removes a copy that is needed no more; the note of its origin stays. */
void leave_out_forget(const char *copy);
