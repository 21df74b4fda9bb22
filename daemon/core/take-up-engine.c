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
    g_clear_pointer(&found->past.reply_rows, g_variant_unref);
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

/* What comes in the transfer in course. */
typedef struct {
    const GArray *items, *origins;
    guint base, n;
} Incoming;

static Incoming
incoming_of(EhdSession *self, const ehp_session_stage *stage)
{
    Incoming in = {self->items, self->origins, self->base, 0};

    if (stage->to_patient)
        in = (Incoming){self->reply.items, self->reply.origins, self->reply.base, 0};
    in.n = in.items->len - in.base;
    return in;
}

static guint64 *
sizes_of(const Incoming *in)
{
    guint64 *sizes = g_new(guint64, MAX(in->n, 1));

    for (guint i = 0; i < in->n; i++)
        sizes[i] = g_array_index(in->items, EhdItem, in->base + i).size;
    return sizes;
}

static GByteArray *
salts_of(const Incoming *in)
{
    GByteArray *salts = g_byte_array_new();

    for (guint i = in->base; i < in->origins->len; i++)
        g_byte_array_append(salts, g_array_index(in->origins, EhdOrigin, i).salt, EHP_SALT_LEN);
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

/* Has the transfer in course a list here? Of a reply that has its receipt none is needed. */
static gboolean
has_list(EhdSession *self, const EhdFound *found, gboolean sends, const Incoming *in)
{
    const ehp_session_stage *stage = &found->past.stage;
    gboolean items = sends ? self->order != NULL : in->n > 0;

    return items && (stage->transfer == 0 || stage->granted) && !stage->between &&
           !(stage->to_patient && found->receipt != NULL);
}

static gboolean
restore(EhdSession *self, const ehp_session_past *past, GError **error)
{
    ehp_status status = ehd_session_restore_engine(self, past);
    ehp_progress progress;

    if (status == EHP_OK) {
        ehp_session_progress(self->engine, &progress);
        self->receipt_acked = progress.receipt_acked;
        return TRUE;
    }
    ehd_error_set(error, status, N_("the session's state does not fit together"));
    return FALSE;
}

gboolean
ehd_take_up_restore(EhdSession *self, EhdFound *found, GError **error)
{
    gboolean sends = (self->role == EHD_PATIENT) != found->past.stage.to_patient;
    Incoming in = incoming_of(self, &found->past.stage);
    g_autofree guint64 *sizes = sizes_of(&in);
    g_autoptr(GByteArray) salts = salts_of(&in);
    gboolean listed = has_list(self, found, sends, &in);
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

    if (listed)
        past.n_items = sends ? self->n_order : in.n;
    if (listed && !sends && salts->len != past.n_items * EHP_SALT_LEN)
        return ehd_take_up_damaged(error, N_("not a list of items"));
    if (listed && sends) {
        ehd_patient_make_entries(self, ehd_session_sending(self));
        past.items = self->entry_list;
    }
    return restore(self, &past, error);
}
