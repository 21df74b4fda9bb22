/* SPDX-License-Identifier: Apache-2.0
 *
 * What is kept on disk of what a clinic sends back. At the terminal the list of it is the
 * ledger's note of the session, tagged with its transfer: the files are the program's, who
 * brings them again. At the patient the list is the spool's note, of all that came back in the
 * session; how much of it was accepted, and in which transfer, says the record. Read back by
 * this file only.
 */
#include "daemon/core/record-private.h"

#include "daemon/error.h"
#include "daemon/words.h"

#define NOTE_TYPE    "(uv)"
#define NOTE_VERSION 1
/* Its transfer, and its items. */
#define LIST_TYPE    "(u" EHD_RECORD_ITEMS ")"

/* ---------------------------------------------------------------- terminal */

GBytes *
ehd_record_reply(EhdSession *self)
{
    GVariant *list =
        g_variant_new("(u@" EHD_RECORD_ITEMS ")", ehd_session_transfer_number(self),
                      ehd_record_pack_items(self->reply.items));

    return ehd_record_pack(g_variant_new(NOTE_TYPE, (guint32)NOTE_VERSION, list));
}

static gboolean
take_list(EhdSession *self, GVariant *value, guint transfer)
{
    g_autoptr(GVariant) items = NULL;
    guint32 of;

    if (!g_variant_is_of_type(value, G_VARIANT_TYPE(LIST_TYPE)))
        return FALSE;
    g_variant_get(value, "(u@" EHD_RECORD_ITEMS ")", &of, &items);
    if (of != transfer)
        return FALSE;
    ehd_record_take_items(items, self->reply.items, self->reply.states);
    return TRUE;
}

gboolean
ehd_record_take_reply(EhdSession *self, GBytes *note, guint transfer, GError **error)
{
    g_autoptr(GVariant) value = ehd_record_unpack(note, NOTE_TYPE);
    g_autoptr(GVariant) list = NULL;
    guint32 version = 0;

    if (value != NULL)
        g_variant_get(value, NOTE_TYPE, &version, &list);
    if (version > NOTE_VERSION) {
        ehd_error_set(error, EHP_STATE_TOO_NEW, NULL);
        return FALSE;
    }
    if (version == NOTE_VERSION && take_list(self, list, transfer))
        return TRUE;
    ehd_error_set(error, EHP_STATE_DAMAGED, N_("not the list of what goes back"));
    return FALSE;
}

/* ---------------------------------------------------------------- patient */

static EhdRecordList
list_of(EhdSession *self)
{
    return (EhdRecordList){self->reply.items, self->reply.states, self->reply.origins};
}

GBytes *
ehd_record_replies(EhdSession *self)
{
    EhdRecordList list = list_of(self);

    return ehd_record_pack_list(&list);
}

/* What is offered, and not accepted yet, is offered again after a restart. */
static guint
count_accepted(const EhdReply *reply)
{
    gboolean open = reply->listing || reply->asked || reply->making_room;

    return open ? reply->base : reply->items->len;
}

void
ehd_record_add_replies(GVariantBuilder *dict, EhdSession *self)
{
    EhdRecordList list = list_of(self);
    const guint n = count_accepted(&self->reply);

    if (n == 0)
        return;
    g_variant_builder_add(dict, "{sv}", "replied", g_variant_new_uint32(n));
    g_variant_builder_add(dict, "{sv}", "reply-rows", ehd_record_pack_rows(&list, n));
}

void
ehd_record_take_replies(GVariant *dict, EhdPast *past)
{
    g_variant_lookup(dict, "replied", "u", &past->n_replied);
    past->reply_rows =
        g_variant_lookup_value(dict, "reply-rows", G_VARIANT_TYPE(EHD_RECORD_ROWS));
}

gboolean
ehd_record_place_replies(EhdSession *self, GBytes *note, const EhdPast *past)
{
    EhdRecordList list = list_of(self);

    return past->reply_rows != NULL && ehd_record_take_list(note, &list) &&
           ehd_record_place(&list, past->n_replied, past->reply_rows) &&
           list.origins->len == list.items->len;
}
