/* SPDX-License-Identifier: Apache-2.0
 *
 * See again.h. One session after the other is tried: whether its items are these is judged by the service, which compares
 * their descriptions now and their bytes when it goes on. Main thread.
 */
#include "tools/send/again.h"

#include <glib/gi18n.h>

#include "tools/common/output.h"
#include "tools/send/consent.h"

typedef struct {
    EhrlinkClient *client;      /* borrowed */
    const SendOptions *options; /* borrowed */
    const Folder *folder;       /* borrowed, nullable */
    GPtrArray *items;           /* owned: of the session that is being tried */
    GCancellable *cancellable;  /* borrowed */
    AgainLooked callback;
    gpointer user_data;
    GPtrArray *sessions; /* owned, nullable: of EhrlinkSession */
    guint next;          /* of them */
} Again;

static void try_next(Again *again);

/* The last step. */
static void
looked(Again *again, EhrlinkSession *session)
{
    again->callback(session, again->items, again->user_data);
    g_ptr_array_unref(again->items);
    g_clear_pointer(&again->sessions, g_ptr_array_unref);
    g_free(again);
}

static void
tell(EhrlinkSession *session)
{
    const char *organisation = ehrlink_session_get_peer_organisation(session);
    JsonBuilder *event = output_event("resumed");

    output_member_string(event, "session", ehrlink_session_get_id(session));
    if (organisation != NULL)
        output_member_string(event, "organisation", organisation);
    output_event_end();
    output_note(_("Going on with the transfer to %s where it stopped."),
                organisation != NULL ? organisation : _("an unverified terminal"));
}

static void
on_reattached(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Again *again = user_data;
    g_autoptr(EhrlinkSession) session =
        ehrlink_client_reattach_finish(EHRLINK_CLIENT(source), result, NULL);

    if (session == NULL) { /* other items, or gone meanwhile */
        try_next(again);
        return;
    }
    tell(session);
    looked(again, session);
}

/* One before the tap has nothing to go on with. */
static gboolean
is_under_way(EhrlinkSession *session)
{
    switch (ehrlink_session_get_state(session)) {
    case EHRLINK_SESSION_STATE_TAPPED:
    case EHRLINK_SESSION_STATE_DECIDING:
    case EHRLINK_SESSION_STATE_TRANSFERRING:
    case EHRLINK_SESSION_STATE_SUSPENDED:
    case EHRLINK_SESSION_STATE_CONFIRMING:
        return TRUE;
    case EHRLINK_SESSION_STATE_UNKNOWN:
    case EHRLINK_SESSION_STATE_READY:
    case EHRLINK_SESSION_STATE_TAPPING:
    case EHRLINK_SESSION_STATE_STOPPED:
    case EHRLINK_SESSION_STATE_FILED:
    case EHRLINK_SESSION_STATE_DONE:
    case EHRLINK_SESSION_STATE_FAILED:
        break;
    }
    return FALSE;
}

static gboolean
may_go_on(const Again *again, EhrlinkSession *session)
{
    return ehrlink_session_get_role(session) == EHRLINK_ROLE_PATIENT &&
           !ehrlink_session_get_owned(session) && is_under_way(session) &&
           consent_is_expected(session, again->options);
}

/* Of a folder nothing is named before the consent. */
static gboolean
choose_items(Again *again, EhrlinkSession *session)
{
    g_autoptr(GVariant) request = NULL;

    if (again->folder == NULL)
        return TRUE;
    request = ehrlink_session_get_request(session);
    if (request == NULL || ehrlink_session_get_n_items(session) == 0)
        return FALSE;
    g_ptr_array_unref(again->items);
    again->items = folder_answer(again->folder, request);
    return again->items->len > 0;
}

static void
try_next(Again *again)
{
    while (again->sessions != NULL && again->next < again->sessions->len) {
        EhrlinkSession *session = again->sessions->pdata[again->next++];

        if (!may_go_on(again, session) || !choose_items(again, session))
            continue;
        ehrlink_client_reattach_async(again->client, ehrlink_session_get_path(session),
                                      (EhrlinkItem **)again->items->pdata, again->items->len,
                                      again->cancellable, on_reattached, again);
        return;
    }
    looked(again, NULL);
}

static void
on_listed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Again *again = user_data;

    /* what is the matter with the service will be told by the opening of a new one */
    again->sessions = ehrlink_client_list_sessions_finish(EHRLINK_CLIENT(source), result, NULL);
    try_next(again);
}

void
again_look(EhrlinkClient *client, const SendOptions *options, const Folder *folder, GPtrArray *items,
           GCancellable *cancellable, AgainLooked callback, gpointer user_data)
{
    Again *again = g_new0(Again, 1);

    again->client = client;
    again->options = options;
    again->folder = folder;
    again->items = g_ptr_array_ref(items);
    again->cancellable = cancellable;
    again->callback = callback;
    again->user_data = user_data;
    ehrlink_client_list_sessions_async(client, cancellable, on_listed, again);
}
