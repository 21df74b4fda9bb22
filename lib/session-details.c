/* SPDX-License-Identifier: Apache-2.0
 *
 * What is known of a session: typed views of the details that the service last sent.
 */
#include "session-private.h"

#include <string.h>

#include "names.h"

const char *
ehrlink_session_get_path(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), NULL);
    return self->path;
}

const char *
ehrlink_session_get_id(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), NULL);
    return strrchr(self->path, '/') + 1;
}

static const char *
get_text(GVariant *dict, const char *key)
{
    const char *text = NULL;

    if (dict != NULL)
        g_variant_lookup(dict, key, "&s", &text);
    return text;
}

static guint64
get_number(EhrlinkSession *self, const char *key, const char *type)
{
    g_autoptr(GVariant) value = g_variant_lookup_value(self->details, key, NULL);

    if (value == NULL || !g_variant_is_of_type(value, G_VARIANT_TYPE(type)))
        return 0;
    return *type == 'u' ? g_variant_get_uint32(value) : g_variant_get_uint64(value);
}

EhrlinkRole
ehrlink_session_get_role(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), EHRLINK_ROLE_PATIENT);
    return g_strcmp0(get_text(self->details, "role"), "terminal") == 0 ? EHRLINK_ROLE_TERMINAL
                                                                       : EHRLINK_ROLE_PATIENT;
}

EhrlinkSessionState
ehrlink_session_get_state(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), EHRLINK_SESSION_STATE_UNKNOWN);
    return self->state;
}

gboolean
ehrlink_session_get_attached(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), FALSE);
    return self->attached && !self->lost;
}

gboolean
ehrlink_session_has_ended(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), FALSE);
    return self->state == EHRLINK_SESSION_STATE_DONE ||
           self->state == EHRLINK_SESSION_STATE_FAILED;
}

int
ehrlink_session_get_deadline(EhrlinkSession *self)
{
    guint32 seconds;
    gint64 passed;

    g_return_val_if_fail(EHRLINK_IS_SESSION(self), -1);

    if (!g_variant_lookup(self->details, "deadline", "u", &seconds))
        return -1;
    passed = (g_get_monotonic_time() - self->details_at) / G_USEC_PER_SEC;
    return (int)CLAMP((gint64)seconds - passed, 0, G_MAXINT);
}

gint64
ehrlink_session_get_created(EhrlinkSession *self)
{
    gint64 created = 0;

    g_return_val_if_fail(EHRLINK_IS_SESSION(self), 0);

    g_variant_lookup(self->details, "created", "x", &created);
    return created;
}

guint
ehrlink_session_get_n_items(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), 0);
    return MAX((guint)get_number(self, "items", "u"), self->arrived_items);
}

guint64
ehrlink_session_get_n_bytes(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), 0);
    return MAX(get_number(self, "bytes", "t"), self->arrived_bytes);
}

guint64
ehrlink_session_get_n_done(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), 0);
    return MAX(get_number(self, "done", "t"), self->done);
}

const char *
ehrlink_session_get_directory(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), NULL);
    return get_text(self->details, "directory");
}

gboolean
ehrlink_session_get_unfiled(EhrlinkSession *self)
{
    gboolean unfiled = FALSE;

    g_return_val_if_fail(EHRLINK_IS_SESSION(self), FALSE);

    g_variant_lookup(self->details, "unfiled", "b", &unfiled);
    return unfiled;
}

gboolean
ehrlink_session_get_owned(EhrlinkSession *self)
{
    gboolean owned = FALSE;

    g_return_val_if_fail(EHRLINK_IS_SESSION(self), FALSE);
    g_variant_lookup(self->details, "owned", "b", &owned);
    return owned;
}

const char *
ehrlink_session_get_status(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), NULL);
    return get_text(self->details, "status");
}

static GError *
told_error(EhrlinkSession *self)
{
    const char *name = get_text(self->details, "error");
    const char *text = get_text(self->details, "error-text");
    const char *detail = get_text(self->details, "error-detail");
    EhrlinkError code = EHRLINK_ERROR_INTERNAL;

    if (name != NULL)
        ehrlink_error_parse(name, &code);
    if (text == NULL)
        text = ehrlink_error_get_text(code);
    /* The service does not repeat names of files; we have it from where it was opened. */
    if (self->item_error != NULL && self->item_error->code == (int)code)
        return g_error_copy(self->item_error);
    if (detail == NULL || *detail == '\0')
        return g_error_new_literal(EHRLINK_ERROR, (int)code, text);
    return g_error_new(EHRLINK_ERROR, (int)code, "%s: %s", text, detail);
}

GError *
ehrlink_session_dup_error(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), NULL);

    if (self->failure != NULL)
        return g_error_copy(self->failure);
    return self->state == EHRLINK_SESSION_STATE_FAILED ? told_error(self) : NULL;
}

GVariant *
ehrlink_session_get_details(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), NULL);
    return g_variant_ref(self->details);
}

gboolean
ehrlink_session_has_peer(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), FALSE);
    return self->peer != NULL;
}

gboolean
ehrlink_session_get_peer_verified(EhrlinkSession *self)
{
    gboolean verified = FALSE;

    g_return_val_if_fail(EHRLINK_IS_SESSION(self), FALSE);

    if (self->peer != NULL)
        g_variant_lookup(self->peer, "verified", "b", &verified);
    return verified;
}

const char *
ehrlink_session_get_peer_organisation(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), NULL);
    return get_text(self->peer, "organisation");
}

const char *
ehrlink_session_get_peer_terminal(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), NULL);
    return get_text(self->peer, "terminal");
}

const char *
ehrlink_session_get_peer_place(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), NULL);
    return get_text(self->peer, "place");
}

const char *
ehrlink_session_get_peer_authority(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), NULL);
    return get_text(self->peer, "authority");
}

const char *
ehrlink_session_get_peer_fingerprint(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), NULL);
    return get_text(self->peer, "fingerprint");
}

const char *
ehrlink_session_get_peer_crl_state(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), NULL);
    return get_text(self->peer, "crl-state");
}

gboolean
ehrlink_session_get_peer_problem(EhrlinkSession *self, EhrlinkError *problem)
{
    const char *name;
    EhrlinkError code;

    g_return_val_if_fail(EHRLINK_IS_SESSION(self), FALSE);

    name = get_text(self->peer, "problem");
    if (name == NULL)
        return FALSE;
    if (!ehrlink_error_parse(name, &code))
        code = EHRLINK_ERROR_UNVERIFIED;
    if (problem != NULL)
        *problem = code;
    return TRUE;
}

GVariant *
ehrlink_session_get_request(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), NULL);
    return g_variant_lookup_value(self->details, "request", G_VARIANT_TYPE_VARDICT);
}

GVariant *
ehrlink_session_get_consent(EhrlinkSession *self)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), NULL);
    return g_variant_lookup_value(self->details, "consent", G_VARIANT_TYPE_VARDICT);
}
