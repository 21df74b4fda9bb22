/* SPDX-License-Identifier: Apache-2.0
 *
 * Receipts: receipts/SESSION.made or SESSION.got, a record of kind "receipt" that holds eight
 * bytes of time (big endian) and the receipt as it crossed the link. Any thread.
 */
#include "daemon/store/receipts.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/store/atomic.h"
#include "daemon/store/file.h"
#include "daemon/words.h"

#define KIND     "receipt"
#define TIME_LEN 8

static const char *const endings[] = {
    [EHD_RECEIPT_MADE] = ".made",
    [EHD_RECEIPT_GOT] = ".got",
};

void
ehd_receipt_free(EhdReceipt *receipt)
{
    if (receipt == NULL)
        return;
    g_free(receipt->session);
    g_clear_pointer(&receipt->bytes, g_bytes_unref);
    g_free(receipt);
}

EhdReceipt *
ehd_receipts_get(EhdState *state, const char *session, EhdReceiptKind kind, GError **error)
{
    if (!ehd_state_id_valid(session)) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, N_("not a session's id"));
        return NULL;
    }
    g_autofree char *name = g_strconcat(session, endings[kind], NULL);
    g_autoptr(GBytes) record = ehd_record_read(ehd_state_room(state, "receipts"), name, KIND,
                                               TIME_LEN + EHP_RECEIPT_MAX, error);
    if (record == NULL)
        return NULL;
    gsize length = 0;
    const guint8 *data = g_bytes_get_data(record, &length);
    if (length <= TIME_LEN) {
        ehd_error_set(error, EHP_STATE_DAMAGED, "%s: " N_("too short"), name);
        return NULL;
    }
    guint64 stored;
    memcpy(&stored, data, TIME_LEN);
    EhdReceipt *receipt = g_new0(EhdReceipt, 1);
    receipt->session = g_strdup(session);
    receipt->kind = kind;
    receipt->stored = (gint64)GUINT64_FROM_BE(stored);
    receipt->bytes = g_bytes_new(data + TIME_LEN, length - TIME_LEN);
    return receipt;
}

static gboolean
write_receipt(EhdState *state, const char *session, EhdReceiptKind kind, const void *bytes,
              gsize length, gint64 now, GError **error)
{
    g_autofree char *name = g_strconcat(session, endings[kind], NULL);
    g_autofree guint8 *record = g_malloc(TIME_LEN + length);
    guint64 stored = GUINT64_TO_BE((guint64)now);
    memcpy(record, &stored, TIME_LEN);
    memcpy(record + TIME_LEN, bytes, length);
    return ehd_record_write(ehd_state_room(state, "receipts"), name, KIND, record,
                            TIME_LEN + length, error);
}

gboolean
ehd_receipts_put(EhdState *state, const char *session, EhdReceiptKind kind, const void *bytes,
                 gsize length, gint64 now, GError **error)
{
    if (length == 0 || length > EHP_RECEIPT_MAX) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, "a receipt of %zu bytes", length);
        return FALSE;
    }
    g_autoptr(GError) local = NULL;
    g_autoptr(EhdReceipt) there = ehd_receipts_get(state, session, kind, &local);
    if (there == NULL && !g_error_matches(local, EHD_ERROR, EHP_NOT_FOUND)) {
        g_propagate_error(error, g_steal_pointer(&local));
        return FALSE;
    }
    if (there == NULL)
        return write_receipt(state, session, kind, bytes, length, now, error);
    if (g_bytes_get_size(there->bytes) == length &&
        memcmp(g_bytes_get_data(there->bytes, NULL), bytes, length) == 0)
        return TRUE;
    ehd_error_set(error, EHP_WRONG_STATE, N_("another receipt is stored for this session"));
    return FALSE;
}

static EhdReceipt *
get_by_name(EhdState *state, const char *name)
{
    for (int kind = EHD_RECEIPT_MADE; kind <= EHD_RECEIPT_GOT; kind++) {
        if (!g_str_has_suffix(name, endings[kind]))
            continue;
        g_autoptr(GError) error = NULL;
        g_autofree char *session = g_strndup(name, strlen(name) - strlen(endings[kind]));
        EhdReceipt *receipt = ehd_receipts_get(state, session, (EhdReceiptKind)kind, &error);
        if (receipt == NULL)
            g_warning("a stored receipt is passed over: %s", error->message);
        return receipt;
    }
    return NULL;
}

static int
by_time(gconstpointer a, gconstpointer b)
{
    const EhdReceipt *x = *(EhdReceipt *const *)a;
    const EhdReceipt *y = *(EhdReceipt *const *)b;
    return x->stored < y->stored ? -1 : x->stored > y->stored;
}

GPtrArray *
ehd_receipts_list(EhdState *state, GError **error)
{
    g_auto(GStrv) names = ehd_file_list(ehd_state_room(state, "receipts"), error);
    if (names == NULL)
        return NULL;
    GPtrArray *receipts = g_ptr_array_new_with_free_func((GDestroyNotify)ehd_receipt_free);
    for (guint i = 0; names[i] != NULL; i++) {
        EhdReceipt *receipt = get_by_name(state, names[i]);
        if (receipt != NULL)
            g_ptr_array_add(receipts, receipt);
    }
    g_ptr_array_sort(receipts, by_time);
    return receipts;
}
