/* SPDX-License-Identifier: Apache-2.0
 *
 * See trouble.h. Main thread.
 */
#include "tools/common/trouble.h"

#include <glib/gi18n.h>

#include "tools/common/output.h"

/* Words of its own, where the error's do not say what to do. */
static const struct {
    const char *name;
    const char *words;
} hints[] = {
    {"PeerBusy", N_("The clinic is serving somebody else. Please wait, then hold your device "
                    "to its reader again.")},
    {"TapTorn", N_("The devices were moved apart too early. Please hold them together again.")},
};

static const char *
words_of(const char *name, const char *text)
{
    for (gsize i = 0; i < G_N_ELEMENTS(hints); i++)
        if (g_str_equal(hints[i].name, name))
            return _(hints[i].words);
    return _(text);
}

static void
tell(EhrlinkSession *session, const char *name, const char *text)
{
    JsonBuilder *event = output_event("trouble");

    output_member_string(event, "session", ehrlink_session_get_id(session));
    output_member_string(event, "error", name);
    output_member_string(event, "text", text);
    output_event_end();
    output_note("%s", words_of(name, text));
}

gboolean
trouble_tell(EhrlinkSession *session, char **told)
{
    g_autoptr(GVariant) details = ehrlink_session_get_details(session);
    EhrlinkSessionState state = ehrlink_session_get_state(session);
    const char *name = NULL, *text = "";

    if (state == EHRLINK_SESSION_STATE_TAPPING)
        return FALSE; /* how that goes is not known yet */
    if (state == EHRLINK_SESSION_STATE_READY)
        g_variant_lookup(details, "error", "&s", &name);
    if (g_strcmp0(name, *told) == 0)
        return FALSE;
    g_variant_lookup(details, "error-text", "&s", &text);
    g_free(*told);
    *told = g_strdup(name);
    if (name != NULL)
        tell(session, name, text);
    return name == NULL && state == EHRLINK_SESSION_STATE_READY;
}
