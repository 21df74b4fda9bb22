/* SPDX-License-Identifier: Apache-2.0
 *
 * See received.h: the note, the files, the verdict. Blocking; main thread.
 */
#include "tools/common/received-private.h"

#include <glib/gi18n.h>
#include <string.h>

#include "proto/receipt.h"

/* --- the note
 * --------------------------------------------------------------------------------- */

/* Named by what it is about; each text ends with its NUL, so that none runs into the next. */
static char *
note_path(const Received *self)
{
    const char *const texts[] = {"ehrlink received", self->session, self->direction,
                                 self->organisation, self->receipt, self->proof};
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_checksum_update(sum, (const guchar *)texts[i], (gssize)strlen(texts[i]) + 1);
    return g_build_filename(g_get_user_state_dir(), "ehrlink", "received",
                            g_checksum_get_string(sum), NULL);
}

static gboolean
is_from_clinic(const Received *self)
{
    return g_str_equal(self->direction, "to-patient") && self->said_verified &&
           *self->organisation != '\0';
}

gboolean
received_note(const char *path, GError **error)
{
    g_autoptr(Received) self = received_new(path);
    g_autofree char *note = NULL, *folder = NULL;
    g_autoptr(GError) local = NULL;

    if (self == NULL || !is_from_clinic(self))
        return TRUE; /* nothing that could be called verified */
    note = note_path(self);
    folder = g_path_get_dirname(note);
    if (g_mkdir_with_parents(folder, 0700) == 0 &&
        g_file_set_contents_full(note, "", 0,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                 0600, &local))
        return TRUE;
    g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED, "%s: %s", folder,
                local != NULL ? local->message
                              : ehrlink_error_get_text(EHRLINK_ERROR_STORE_FAILED));
    return FALSE;
}

/* --- the files
 * -------------------------------------------------------------------------------- */

static gboolean
open_receipt(GBytes *bytes, ehp_receipt *receipt, GError **error)
{
    gsize length = 0;
    const guint8 *data = g_bytes_get_data(bytes, &length);

    if (ehp_receipt_open((ehp_bytes){data, length}, receipt) == EHP_OK)
        return TRUE;
    g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_RECEIPT_INVALID,
                        ehrlink_error_get_text(EHRLINK_ERROR_RECEIPT_INVALID));
    return FALSE;
}

/* What the files of the receipt's transfer are now; NULL with an error. */
static Content *
read_files(const Received *self, gint64 transfer, gsize *n, GError **error)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new(), salts = g_ptr_array_new(); /* borrowed */
    g_autofree Content *contents = NULL;

    for (guint i = 0; i < self->items->len; i++) {
        const ReceivedItem *item = g_ptr_array_index(self->items, i);

        if (item->transfer != transfer)
            continue;
        if (g_str_equal(item->name, NOT_STORED)) {
            g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_INVALID_ARGUMENT,
                                _("an item has no file"));
            return NULL;
        }
        g_ptr_array_add(paths, item->path);
        g_ptr_array_add(salts, item->salt);
    }
    *n = paths->len;
    contents = g_new0(Content, *n + 1);
    return contents_read((const char *const *)paths->pdata, (const char *const *)salts->pdata,
                         *n, contents, error)
               ? g_steal_pointer(&contents)
               : NULL;
}

static gint64
transfer_of(const Ehp__Receipt *receipt)
{
    return receipt->has_transfer ? receipt->transfer : 0;
}

static gboolean
are_received(const Ehp__Receipt *receipt, const Content *contents, gsize n)
{
    return contents_are(contents, n, receipt->contents_hash.data, receipt->contents_hash.len);
}

static gboolean
is_reply(const Ehp__Receipt *receipt)
{
    return receipt->direction == EHP__DIRECTION__DIRECTION_TO_PATIENT;
}

/* TRUE also where nothing of the kind is kept. */
static gboolean
origin_holds(Received *self, const Ehp__Receipt *receipt, const Content *contents, gsize n)
{
    g_autoptr(GBytes) proof = received_get_proof(self);
    g_autoptr(Origin) origin = proof != NULL ? origin_new(proof) : NULL;

    if (*self->proof == '\0')
        return TRUE;
    if (origin == NULL || !is_reply(receipt) || !origin_is_of(origin, receipt, contents, n))
        return FALSE;
    g_clear_pointer(&self->origin, origin_free);
    self->origin = g_steal_pointer(&origin);
    return TRUE;
}

gboolean
received_check(Received *self, GBytes *bytes, GError **error)
{
    g_autofree Content *contents = NULL;
    ehp_receipt receipt = {0};
    gboolean holds = FALSE;
    gsize n = 0;

    if (!open_receipt(bytes, &receipt, error))
        return FALSE;
    contents = read_files(self, transfer_of(receipt.receipt), &n, error);
    if (contents != NULL && are_received(receipt.receipt, contents, n)) {
        holds = origin_holds(self, receipt.receipt, contents, n);
        if (!holds)
            g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_ORIGIN_INVALID,
                                ehrlink_error_get_text(EHRLINK_ERROR_ORIGIN_INVALID));
    }
    ehp_receipt_clear(&receipt);
    return holds;
}

static ReceivedVerdict
judge(Received *self, const Ehp__Receipt *receipt)
{
    g_autofree char *note = note_path(self);
    g_autofree Content *contents = NULL;
    g_autoptr(GError) error = NULL;
    gsize n = 0;

    self->transfer = transfer_of(receipt);
    contents = read_files(self, self->transfer, &n, &error);
    if (contents == NULL && !g_error_matches(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT))
        return RECEIVED_UNPROVEN;
    if (contents == NULL || !are_received(receipt, contents, n))
        return RECEIVED_ALTERED;
    if (!origin_holds(self, receipt, contents, n))
        return RECEIVED_FALSE;
    return self->origin != NULL && receipt->complete && is_from_clinic(self) &&
                   g_file_test(note, G_FILE_TEST_IS_REGULAR)
               ? RECEIVED_VERIFIED
               : RECEIVED_HOLDS;
}

static void
check_once(Received *self)
{
    g_autoptr(GBytes) bytes = received_get_receipt(self);
    ehp_receipt receipt = {0};

    if (self->checked)
        return;
    self->checked = TRUE;
    self->transfer = -1;
    self->verdict = RECEIVED_UNPROVEN;
    if (bytes == NULL || !open_receipt(bytes, &receipt, NULL))
        return;
    self->verdict = judge(self, receipt.receipt);
    ehp_receipt_clear(&receipt);
}

ReceivedVerdict
received_verdict(Received *self, const char *name)
{
    const ReceivedItem *item = received_find(self, name);

    if (item == NULL)
        return RECEIVED_UNKNOWN;
    check_once(self);
    return self->transfer < 0 || item->transfer == self->transfer ? self->verdict
                                                                  : RECEIVED_UNKNOWN;
}

const char *
received_get_operator(const Received *self)
{
    return self->origin != NULL ? origin_get_operator(self->origin) : NULL;
}

/* --- words
 * ------------------------------------------------------------------------------------ */

const char *
received_code(ReceivedVerdict verdict)
{
    switch (verdict) {
    case RECEIVED_UNKNOWN:
        break;
    case RECEIVED_UNPROVEN:
        return "unproven";
    case RECEIVED_ALTERED:
        return "altered";
    case RECEIVED_FALSE:
        return "false-origin";
    case RECEIVED_HOLDS:
        return "unaltered";
    case RECEIVED_VERIFIED:
        return "verified";
    }
    return NULL;
}

const char *
received_words(ReceivedVerdict verdict)
{
    if (verdict == RECEIVED_ALTERED)
        return _("*** ALTERED SINCE IT WAS RECEIVED: the files of this session are not, or not "
                 "all, what the receipt is for. Do not "
                 "rely on them. ***");
    if (verdict == RECEIVED_FALSE)
        return _("*** WHAT IS KEPT AS THE SENDER'S SIGNATURE DOES NOT HOLD for these files: "
                 "somebody "
                 "changed it. Do not rely on them. ***");
    if (verdict == RECEIVED_UNPROVEN)
        return _("Its receipt is missing or does not hold: whether it was altered since it was "
                 "received cannot be told.");
    return NULL;
}
