/* SPDX-License-Identifier: Apache-2.0
 *
 * See result.h. No state.
 */
#include "tools/send/result.h"

#include <glib/gi18n.h>

#include "tools/common/output.h"
#include "tools/common/words.h"

void
result_show_receipt(EhrlinkSession *session, GBytes *receipt, GVariant *facts)
{
    g_autofree char *encoded =
        g_base64_encode(g_bytes_get_data(receipt, NULL), g_bytes_get_size(receipt));
    const char *organisation = NULL;
    guint32 items = 0;
    guint64 bytes = 0;
    gint64 time = 0;
    JsonBuilder *event = output_event("receipt");

    output_members(event, facts);
    /* last, for the facts have a member of that name: the receipt's own */
    output_member_string(event, "session", ehrlink_session_get_id(session));
    output_member_string(event, "receipt", encoded);
    output_event_end();

    g_variant_lookup(facts, "organisation", "&s", &organisation);
    g_variant_lookup(facts, "items", "u", &items);
    g_variant_lookup(facts, "bytes", "t", &bytes);
    g_variant_lookup(facts, "time", "x", &time);
    g_autofree char *size = words_bytes(bytes);
    g_autofree char *date = words_date(time);
    output_line(ngettext("Receipt: %u item, %s, received by %s on %s, signed and verified.",
                         "Receipt: %u items, %s, received by %s on %s, signed and verified.", items),
                items, size, organisation != NULL ? organisation : _("an unverified terminal"), date);
}

GError *
result_judge_status(EhrlinkSession *session)
{
    const char *status = ehrlink_session_get_status(session);
    JsonBuilder *event;

    if (status == NULL)
        return NULL;
    event = output_event("status");
    output_member_string(event, "session", ehrlink_session_get_id(session));
    output_member_string(event, "status", status);
    output_event_end();
    if (g_str_equal(status, "filed")) {
        output_line(_("The clinic has filed your records."));
        return NULL;
    }
    /* The receipt stands, but the records are not kept: a script must not take that for success. */
    return g_error_new(EHRLINK_ERROR, EHRLINK_ERROR_PEER_CANNOT_STORE,
                       _("the clinic did not keep the records (%s)"), status);
}
