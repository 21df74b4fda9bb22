/* SPDX-License-Identifier: Apache-2.0
 *
 * What the service tells a session becomes signals. Facts are taken in at once; signals are
 * marked as due and emitted in a fixed order, and not before the caller has the object.
 */
#include "session-private.h"

#include "item-private.h"
#include "words-private.h"

static void
emit(EhrlinkSession *self, EhrlinkSessionSignal which)
{
    g_signal_emit(self, ehrlink_session_signals[which], 0);
}

static gboolean
take_due(EhrlinkSession *self, EhrlinkDue which)
{
    gboolean due = (self->due & which) != 0;

    self->due &= ~which;
    return due;
}

/* Nobody to ask: that is a no, and the person at the other end need not wait for it. */
static void
ask(EhrlinkSession *self)
{
    guint signal = ehrlink_session_signals[SIGNAL_CONSENT_REQUESTED];

    if (self->question == NULL)
        return;
    if (g_signal_has_handler_pending(self, signal, 0, FALSE))
        emit(self, SIGNAL_CONSENT_REQUESTED);
    else
        ehrlink_session_answer_consent(self, FALSE, NULL, 0, NULL);
}

static void
ask_reply(EhrlinkSession *self)
{
    guint signal = ehrlink_session_signals[SIGNAL_REPLY_OFFERED];

    if (self->offer == NULL)
        return;
    if (g_signal_has_handler_pending(self, signal, 0, FALSE))
        g_signal_emit(self, signal, 0, self->offered);
    else
        ehrlink_session_answer_reply(self, FALSE);
}

static void
finish_waiters(EhrlinkSession *self)
{
    g_autoptr(GPtrArray) waiters = g_steal_pointer(&self->waiters);

    self->waiters = g_ptr_array_new_with_free_func(g_object_unref);
    for (guint i = 0; i < waiters->len; i++) {
        GTask *task = waiters->pdata[i];
        GSource *cancelling = g_task_get_task_data(task);
        GError *error = ehrlink_session_dup_error(self);

        if (cancelling != NULL)
            g_source_destroy(cancelling);
        if (error == NULL)
            g_task_return_boolean(task, TRUE);
        else
            g_task_return_error(task, error);
    }
}

static void
end(EhrlinkSession *self)
{
    self->ended = TRUE;
    self->lost = FALSE;
    ehrlink_session_take_question_void(self, "cancelled");
    ehrlink_session_detach(self);
    ehrlink_session_unpark(self);
    emit(self, SIGNAL_ENDED);
    finish_waiters(self);
}

static void
emit_due(EhrlinkSession *self)
{
    g_autoptr(EhrlinkSession) alive = g_object_ref(self);

    if (self->held || self->ended)
        return;
    if (take_due(self, DUE_REATTACHED))
        emit(self, SIGNAL_REATTACHED);
    if (take_due(self, DUE_CHANGED)) {
        ehrlink_session_notify(self, "state");
        emit(self, SIGNAL_CHANGED);
    }
    if (take_due(self, DUE_STOPPED))
        emit(self, SIGNAL_STOPPED);
    if (take_due(self, DUE_CONSENT))
        ask(self);
    if (take_due(self, DUE_ARRIVED))
        g_signal_emit(self, ehrlink_session_signals[SIGNAL_ITEMS_ARRIVED], 0,
                      self->arrived_items, self->arrived_bytes);
    if (take_due(self, DUE_OFFER))
        ask_reply(self);
    if (take_due(self, DUE_REPLY_ARRIVED))
        emit(self, SIGNAL_REPLY_ARRIVED);
    if (take_due(self, DUE_ENDED))
        end(self);
}

static void
mark_arrived(EhrlinkSession *self, guint items, guint64 bytes)
{
    if (self->arrived)
        return;
    self->arrived = TRUE;
    self->arrived_items = items;
    self->arrived_bytes = bytes;
    self->due |= DUE_ARRIVED;
}

void
ehrlink_session_take_details(EhrlinkSession *self, GVariant *details)
{
    EhrlinkSessionState before = self->state;

    if (self->ended || self->failure != NULL)
        return;
    ehrlink_session_set_details(self, details);
    if (!self->attached)
        return;
    /* another transfer of the session: it will arrive, too */
    if (before == EHRLINK_SESSION_STATE_CONFIRMING &&
        self->state == EHRLINK_SESSION_STATE_TRANSFERRING)
        self->arrived = FALSE;
    self->due |= DUE_CHANGED;
    if (self->state == EHRLINK_SESSION_STATE_STOPPED && before != self->state)
        self->due |= DUE_STOPPED;
    /* The service says so once, and perhaps to whoever was attached before us. */
    if (self->state == EHRLINK_SESSION_STATE_CONFIRMING && self->transfer != NULL &&
        ehrlink_session_get_role(self) == EHRLINK_ROLE_TERMINAL)
        mark_arrived(self, ehrlink_session_get_n_items(self),
                     ehrlink_session_get_n_bytes(self));
    if (ehrlink_session_has_ended(self))
        self->due |= DUE_ENDED;
    emit_due(self);
}

void
ehrlink_session_take_progress(EhrlinkSession *self, guint64 done, guint64 total)
{
    self->done = done;
    if (!self->held && !self->ended)
        g_signal_emit(self, ehrlink_session_signals[SIGNAL_PROGRESS], 0, done, total);
}

void
ehrlink_session_take_stored(EhrlinkSession *self, guint id)
{
    if (!self->held && !self->ended)
        g_signal_emit(self, ehrlink_session_signals[SIGNAL_ITEM_STORED], 0, id);
}

void
ehrlink_session_take_arrived(EhrlinkSession *self, const char *transfer, guint items,
                             guint64 bytes)
{
    g_free(self->transfer);
    self->transfer = g_strdup(transfer);
    mark_arrived(self, items, bytes);
    emit_due(self);
}

static void
refuse(GDBusMethodInvocation *question, const char *why)
{
    g_dbus_method_invocation_return_error_literal(question, EHRLINK_ERROR,
                                                  EHRLINK_ERROR_DECLINED, why);
}

/* Takes @question. */
void
ehrlink_session_take_question(EhrlinkSession *self, GDBusMethodInvocation *question,
                              GVariant *details)
{
    if (self->ended) {
        refuse(question, N_("the session has ended"));
        return;
    }
    if (self->question != NULL)
        refuse(g_steal_pointer(&self->question), N_("asked again"));
    self->question = question;
    self->due |= DUE_CONSENT;
    ehrlink_session_take_details(self, details);
    emit_due(self);
}

void
ehrlink_session_take_question_void(EhrlinkSession *self, const char *reason)
{
    gboolean told = (self->due & DUE_CONSENT) == 0;

    if (self->offer != NULL) {
        told = (self->due & DUE_OFFER) == 0;
        self->due &= ~DUE_OFFER;
        refuse(g_steal_pointer(&self->offer), reason);
        if (told && !self->held && self->question == NULL)
            g_signal_emit(self, ehrlink_session_signals[SIGNAL_CONSENT_CANCELLED], 0, reason);
    }
    if (self->question == NULL)
        return;
    refuse(g_steal_pointer(&self->question), reason);
    self->due &= ~DUE_CONSENT;
    if (told && !self->held)
        g_signal_emit(self, ehrlink_session_signals[SIGNAL_CONSENT_CANCELLED], 0, reason);
}

/* Takes @offer. */
void
ehrlink_session_take_offer(EhrlinkSession *self, GDBusMethodInvocation *offer,
                           GVariant *details, GVariant *items)
{
    if (self->ended) {
        refuse(offer, N_("the session has ended"));
        return;
    }
    if (self->offer != NULL)
        refuse(g_steal_pointer(&self->offer), N_("asked again"));
    self->offer = offer;
    g_clear_pointer(&self->offered, g_ptr_array_unref);
    self->offered = g_ptr_array_new_with_free_func(g_object_unref);
    for (gsize i = 0; i < g_variant_n_children(items); i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(items, i);

        g_ptr_array_add(self->offered, ehrlink_item_new_from_variant(entry));
    }
    self->due |= DUE_OFFER;
    ehrlink_session_take_details(self, details);
    emit_due(self);
}

void
ehrlink_session_take_reply_arrived(EhrlinkSession *self)
{
    self->due |= DUE_REPLY_ARRIVED;
    emit_due(self);
}

static GVariant *
build_answer(const guint *ids, gsize n_ids, GVariant *options)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(options);

    G_STATIC_ASSERT(sizeof(guint) == sizeof(guint32));
    if (ids != NULL)
        g_variant_dict_insert_value(
            &dict, "items",
            g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, ids, n_ids, sizeof *ids));
    return g_variant_dict_end(&dict);
}

gboolean
ehrlink_session_answer_consent(EhrlinkSession *self, gboolean granted, const guint *ids,
                               gsize n_ids, GVariant *options)
{
    g_autoptr(GVariant) owned = options != NULL ? g_variant_ref_sink(options) : NULL;

    g_return_val_if_fail(EHRLINK_IS_SESSION(self), FALSE);
    g_return_val_if_fail(
        options == NULL || g_variant_is_of_type(options, G_VARIANT_TYPE_VARDICT), FALSE);

    if (self->question == NULL)
        return FALSE;
    self->due &= ~DUE_CONSENT;
    if (ids != NULL && n_ids == 0)
        granted = FALSE;
    g_dbus_method_invocation_return_value(g_steal_pointer(&self->question),
                                          g_variant_new("(b@a{sv})", granted,
                                                        granted
                                                            ? build_answer(ids, n_ids, owned)
                                                            : g_variant_new("a{sv}", NULL)));
    return TRUE;
}

void
ehrlink_session_fail(EhrlinkSession *self, GError *error)
{
    if (self->ended || self->failure != NULL) {
        g_error_free(error);
        return;
    }
    self->failure = error;
    self->state = EHRLINK_SESSION_STATE_FAILED;
    self->due = DUE_CHANGED | DUE_ENDED;
    if (self->held)
        ehrlink_session_unpark(self); /* what opens it may wait for one of these */
    else
        emit_due(self);
}

static gboolean
on_release(gpointer user_data)
{
    EhrlinkSession *self = user_data;

    self->held = FALSE;
    emit_due(self);
    return G_SOURCE_REMOVE;
}

void
ehrlink_session_release(EhrlinkSession *self)
{
    g_autoptr(GSource) source = NULL;

    if (!self->held)
        return;
    source = g_idle_source_new();
    g_source_set_priority(source, G_PRIORITY_DEFAULT);
    g_source_set_callback(source, on_release, g_object_ref(self), g_object_unref);
    g_source_attach(source, g_main_context_get_thread_default());
}

static gboolean
on_wait_cancelled(GCancellable *cancellable, gpointer user_data)
{
    g_autoptr(GTask) task = g_object_ref(user_data);
    EhrlinkSession *self = g_task_get_source_object(task);

    if (g_ptr_array_remove(self->waiters, task))
        g_task_return_error_if_cancelled(task);
    return G_SOURCE_REMOVE;
}

void
ehrlink_session_wait_async(EhrlinkSession *self, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task;

    g_return_if_fail(EHRLINK_IS_SESSION(self));

    task = g_task_new(self, cancellable, callback, user_data);
    g_task_set_source_tag(task, TAG(ehrlink_session_wait_async));
    if (!self->attached && !self->ended && !ehrlink_session_has_ended(self)) {
        g_task_return_new_error(task, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_STATE,
                                N_("not attached to the session"));
        g_object_unref(task);
        return;
    }
    g_ptr_array_add(self->waiters, task);
    if (!self->attached) {
        finish_waiters(self);
    } else if (cancellable != NULL) {
        GSource *source = g_cancellable_source_new(cancellable);

        g_task_set_task_data(task, source, (GDestroyNotify)g_source_unref);
        g_task_attach_source(task, source, G_SOURCE_FUNC(on_wait_cancelled));
    }
}

gboolean
ehrlink_session_wait_finish(EhrlinkSession *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), FALSE);
    return g_task_propagate_boolean(G_TASK(result), error);
}
