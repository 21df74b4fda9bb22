/* SPDX-License-Identifier: Apache-2.0
 *
 * EhrlinkSession: the object itself, its signals and properties.
 */
#include "session-private.h"

#include <string.h>

#include "ehrlink-enums.h"
#include "names.h"

enum {
    PROP_PATH = 1,
    PROP_STATE,
    PROP_ATTACHED,
    N_PROPS,
};

guint ehrlink_session_signals[N_SIGNALS];
static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE(EhrlinkSession, ehrlink_session, G_TYPE_OBJECT)

static void
ehrlink_session_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    EhrlinkSession *self = EHRLINK_SESSION(object);

    switch (id) {
    case PROP_PATH:
        g_value_set_string(value, self->path);
        break;
    case PROP_STATE:
        g_value_set_enum(value, (int)self->state);
        break;
    case PROP_ATTACHED:
        g_value_set_boolean(value, self->attached);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void
ehrlink_session_dispose(GObject *object)
{
    EhrlinkSession *self = EHRLINK_SESSION(object);

    ehrlink_agent_unexport(self);
    g_clear_object(&self->question);
    g_clear_object(&self->client);
    G_OBJECT_CLASS(ehrlink_session_parent_class)->dispose(object);
}

static void
ehrlink_session_finalize(GObject *object)
{
    EhrlinkSession *self = EHRLINK_SESSION(object);

    g_free(self->path);
    g_free(self->transfer);
    g_free(self->reply);
    g_clear_pointer(&self->offered, g_ptr_array_unref);
    g_clear_pointer(&self->details, g_variant_unref);
    g_clear_pointer(&self->peer, g_variant_unref);
    g_clear_pointer(&self->descriptions, g_variant_unref);
    g_clear_pointer(&self->items, g_ptr_array_unref);
    g_clear_pointer(&self->stored, g_hash_table_unref);
    g_clear_pointer(&self->kept, g_ptr_array_unref);
    g_clear_pointer(&self->waiters, g_ptr_array_unref);
    g_clear_pointer(&self->parked, g_ptr_array_unref);
    g_clear_error(&self->failure);
    g_clear_error(&self->item_error);
    G_OBJECT_CLASS(ehrlink_session_parent_class)->finalize(object);
}

static void
add_signal(EhrlinkSessionSignal which, const char *name, guint n, GType first, GType second)
{
    ehrlink_session_signals[which] =
        g_signal_new(name, EHRLINK_TYPE_SESSION, G_SIGNAL_RUN_LAST, 0, NULL, NULL, NULL,
                     G_TYPE_NONE, n, first, second);
}

static void
ehrlink_session_class_init(EhrlinkSessionClass *klass)
{
    GObjectClass *object_class = G_OBJECT_CLASS(klass);
    GParamFlags flags = G_PARAM_READABLE | G_PARAM_STATIC_STRINGS;

    object_class->get_property = ehrlink_session_get_property;
    object_class->dispose = ehrlink_session_dispose;
    object_class->finalize = ehrlink_session_finalize;

    properties[PROP_PATH] = g_param_spec_string("path", NULL, NULL, NULL, flags);
    properties[PROP_STATE] =
        g_param_spec_enum("state", NULL, NULL, EHRLINK_TYPE_SESSION_STATE,
                          EHRLINK_SESSION_STATE_UNKNOWN, flags | G_PARAM_EXPLICIT_NOTIFY);
    properties[PROP_ATTACHED] =
        g_param_spec_boolean("attached", NULL, NULL, FALSE, flags | G_PARAM_EXPLICIT_NOTIFY);
    g_object_class_install_properties(object_class, N_PROPS, properties);

    add_signal(SIGNAL_CHANGED, "changed", 0, 0, 0);
    add_signal(SIGNAL_PROGRESS, "progress", 2, G_TYPE_UINT64, G_TYPE_UINT64);
    add_signal(SIGNAL_ITEM_STORED, "item-stored", 1, G_TYPE_UINT, 0);
    add_signal(SIGNAL_CONSENT_REQUESTED, "consent-requested", 0, 0, 0);
    add_signal(SIGNAL_CONSENT_CANCELLED, "consent-cancelled", 1, G_TYPE_STRING, 0);
    add_signal(SIGNAL_ITEMS_ARRIVED, "items-arrived", 2, G_TYPE_UINT, G_TYPE_UINT64);
    add_signal(SIGNAL_STOPPED, "stopped", 0, 0, 0);
    add_signal(SIGNAL_DETACHED, "detached", 0, 0, 0);
    add_signal(SIGNAL_REATTACHED, "reattached", 0, 0, 0);
    add_signal(SIGNAL_ENDED, "ended", 0, 0, 0);
    add_signal(SIGNAL_REPLY_OFFERED, "reply-offered", 1, G_TYPE_PTR_ARRAY, 0);
    add_signal(SIGNAL_REPLY_ARRIVED, "reply-arrived", 0, 0, 0);
}

static void
ehrlink_session_init(EhrlinkSession *self)
{
    self->details = g_variant_ref_sink(g_variant_new("a{sv}", NULL));
    self->stored = g_hash_table_new_full(NULL, NULL, NULL, g_free);
    self->kept = g_ptr_array_new_with_free_func(g_free);
    self->waiters = g_ptr_array_new_with_free_func(g_object_unref);
    self->parked = g_ptr_array_new_with_free_func(g_object_unref);
}

EhrlinkSession *
ehrlink_session_new(EhrlinkClient *client, const char *path)
{
    EhrlinkSession *self = g_object_new(EHRLINK_TYPE_SESSION, NULL);

    self->client = g_object_ref(client);
    self->path = g_strdup(path);
    return self;
}

void
ehrlink_session_set_path(EhrlinkSession *self, const char *path)
{
    g_free(self->path);
    self->path = g_strdup(path);
}

void
ehrlink_session_notify(EhrlinkSession *self, const char *property)
{
    g_object_notify(G_OBJECT(self), property);
}

static const char *const state_names[] = {
    [EHRLINK_SESSION_STATE_UNKNOWN] = "unknown",
    [EHRLINK_SESSION_STATE_READY] = "ready",
    [EHRLINK_SESSION_STATE_TAPPING] = "tapping",
    [EHRLINK_SESSION_STATE_STOPPED] = "stopped",
    [EHRLINK_SESSION_STATE_TAPPED] = "tapped",
    [EHRLINK_SESSION_STATE_DECIDING] = "deciding",
    [EHRLINK_SESSION_STATE_TRANSFERRING] = "transferring",
    [EHRLINK_SESSION_STATE_SUSPENDED] = "suspended",
    [EHRLINK_SESSION_STATE_CONFIRMING] = "confirming",
    [EHRLINK_SESSION_STATE_FILED] = "filed",
    [EHRLINK_SESSION_STATE_DONE] = "done",
    [EHRLINK_SESSION_STATE_FAILED] = "failed",
};

const char *
ehrlink_session_state_to_string(EhrlinkSessionState state)
{
    return (guint)state < G_N_ELEMENTS(state_names) ? state_names[state] : state_names[0];
}

EhrlinkSessionState
ehrlink_session_parse_state(const char *state)
{
    for (guint i = 1; i < G_N_ELEMENTS(state_names); i++) {
        if (g_str_equal(state, state_names[i]))
            return (EhrlinkSessionState)i;
    }
    return EHRLINK_SESSION_STATE_UNKNOWN;
}

static void
ehrlink_session_set_reply(EhrlinkSession *self)
{
    g_autoptr(GVariant) reply =
        g_variant_lookup_value(self->details, "reply", G_VARIANT_TYPE_VARDICT);
    const char *path;

    if (reply == NULL || !g_variant_lookup(reply, "transfer", "&o", &path))
        return;
    g_free(self->reply);
    self->reply = g_strdup(path);
}

void
ehrlink_session_set_details(EhrlinkSession *self, GVariant *details)
{
    const char *text;

    g_variant_ref(details);
    g_clear_pointer(&self->details, g_variant_unref);
    self->details = details;
    self->details_at = g_get_monotonic_time();
    g_clear_pointer(&self->peer, g_variant_unref);
    self->peer = g_variant_lookup_value(details, "peer", G_VARIANT_TYPE_VARDICT);
    if (g_variant_lookup(details, "state", "&s", &text))
        self->state = ehrlink_session_parse_state(text);
    if (g_variant_lookup(details, "transfer", "&o", &text)) {
        g_free(self->transfer);
        self->transfer = g_strdup(text);
    }
    ehrlink_session_set_reply(self);
}
