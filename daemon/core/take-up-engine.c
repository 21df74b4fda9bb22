/* SPDX-License-Identifier: Apache-2.0
 *
 * The engine of a session that an earlier run left, from what was found on disk.
 */
#include "daemon/core/take-up.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/words.h"

void
ehd_found_clear(EhdFound *found)
{
    g_clear_pointer(&found->past.engine, g_bytes_unref);
    g_clear_pointer(&found->past.rows, g_variant_unref);
    ehd_marks_read_clear(&found->marks);
    g_clear_pointer(&found->receipt, g_bytes_unref);
}

static ehp_bytes
bytes_of(GBytes *bytes)
{
    ehp_bytes view = {NULL, 0};

    if (bytes != NULL)
        view.data = g_bytes_get_data(bytes, &view.len);
    return view;
}

/* Of the transfer in course. */
static guint64 *
sizes_of(EhdSession *self)
{
    guint64 *sizes = g_new(guint64, MAX(self->items->len, 1));

    for (guint i = self->base; i < self->items->len; i++)
        sizes[i - self->base] = g_array_index(self->items, EhdItem, i).size;
    return sizes;
}

static GByteArray *
salts_of(EhdSession *self)
{
    GByteArray *salts = g_byte_array_new();

    for (guint i = self->base; i < self->origins->len; i++)
        g_byte_array_append(salts, g_array_index(self->origins, EhdOrigin, i).salt,
                            EHP_SALT_LEN);
    return salts;
}

gboolean
ehd_take_up_find_leaf(EhdSession *self, GError **error)
{
    const EhdIdentity *identity = self->core->identity;

    if (self->role == EHD_PATIENT || self->own_leaf)
        return TRUE;
    if (identity == NULL) {
        ehd_error_set(error, EHP_NO_IDENTITY, N_("the device key is gone"));
        return FALSE;
    }
    memcpy(self->leaf_secret, identity->secret_key, sizeof self->leaf_secret);
    return TRUE;
}

/* Has the transfer in course a list here? */
static gboolean
has_list(EhdSession *self, const ehp_session_stage *stage)
{
    gboolean items =
        self->role == EHD_PATIENT ? self->order != NULL : self->items->len > self->base;

    return items && (stage->transfer == 0 || stage->granted) && !stage->to_patient &&
           !stage->between;
}

gboolean
ehd_take_up_restore(EhdSession *self, EhdFound *found, GError **error)
{
    g_autofree guint64 *sizes = sizes_of(self);
    g_autoptr(GByteArray) salts = salts_of(self);
    gboolean granted = has_list(self, &found->past.stage);
    ehp_progress progress;
    ehp_session_past past = {
        .saved = bytes_of(found->past.engine),
        .resume_ms = MAX(found->left_ms, 1),
        .sizes = sizes,
        .salts = (const uint8_t(*)[EHP_SALT_LEN])salts->data,
        .roots = (const uint8_t(*)[EHP_HASH_LEN])found->marks.roots->data,
        .n_roots = found->marks.n_roots,
        .mark = bytes_of(found->marks.mark),
        .receipt = bytes_of(found->receipt),
    };
    ehp_status status;

    if (granted)
        past.n_items =
            self->role == EHD_PATIENT ? self->n_order : self->items->len - self->base;
    if (granted && self->role == EHD_TERMINAL && salts->len != past.n_items * EHP_SALT_LEN)
        return ehd_take_up_damaged(error, N_("not a list of items"));
    if (granted && self->role == EHD_PATIENT) {
        ehd_patient_make_entries(self, self->items);
        past.items = self->entry_list;
    }
    status = ehd_session_restore_engine(self, &past);
    if (status == EHP_OK) {
        ehp_session_progress(self->engine, &progress);
        self->receipt_acked = progress.receipt_acked;
        return TRUE;
    }
    ehd_error_set(error, status, N_("the session's state does not fit together"));
    return FALSE;
}
