/* SPDX-License-Identifier: Apache-2.0
 *
 * The core that the adapters' tests drive. Main context; nothing blocks.
 */
#include "tests/daemon/bus/fake-core.h"

#include <string.h>
#include <unistd.h>

#include "daemon/error.h"

EhdCore *
fake_core_new(const EhdCoreHooks *hooks, gpointer user_data)
{
    EhdCore *core = g_new0(EhdCore, 1);
    core->hooks = hooks;
    core->user_data = user_data;
    core->sessions = g_ptr_array_new();
    core->held = g_ptr_array_new();
    return core;
}

EhdCore *
ehd_core_new(const EhdCoreParts *parts, const EhdCoreHooks *hooks, gpointer user_data)
{
    EhdCore *core = fake_core_new(hooks, user_data);
    core->trust = parts->trust;
    core->forgets = TRUE;
    return core;
}

gboolean
ehd_core_start(EhdCore *core, GError **error)
{
    return TRUE;
}

static void
session_free(EhdSession *session)
{
    if (session->item_fd >= 0)
        close(session->item_fd);
    g_clear_pointer(&session->granted_items, g_array_unref);
    g_free(session->rule);
    g_free(session->allowed);
    g_free(session->collect);
    g_free(session->id);
    g_free(session);
}

void
fake_core_remove(EhdCore *core, EhdSession *session)
{
    g_ptr_array_remove(core->sessions, session);
    core->hooks->session_removed(session, core->user_data);
    core->hooks->idle_changed(core->user_data);
    session_free(session);
}

void
ehd_core_free(EhdCore *core)
{
    while (core->sessions->len > 0)
        fake_core_remove(core, core->sessions->pdata[0]);
    g_ptr_array_unref(core->sessions);
    g_ptr_array_unref(core->held);
    g_free(core->text);
    g_free(core->display);
    g_free(core);
}

static EhdSession *
session_new(EhdCore *core, uid_t uid, EhdSessionRole role)
{
    static guint count;
    EhdSession *session = g_new0(EhdSession, 1);
    session->id = g_strdup_printf("s%u", ++count);
    session->item_fd = -1;
    session->core = core;
    session->info.id = session->id;
    session->info.uid = uid;
    session->info.role = role;
    session->info.created = 1700000000;
    session->info.deadline = 120;
    g_ptr_array_add(core->sessions, session);
    core->hooks->idle_changed(core->user_data);
    return session;
}

EhdSession *
fake_core_add(EhdCore *core, uid_t uid, EhdSessionRole role)
{
    EhdSession *session = session_new(core, uid, role);
    core->hooks->session_added(session, core->user_data);
    return session;
}

void
ehd_core_stop_async(EhdCore *core, GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    while (core->sessions->len > 0)
        fake_core_remove(core, core->sessions->pdata[0]);
    g_task_return_boolean(task, TRUE);
}

void
ehd_core_set_config(EhdCore *core, EhdConfig *config)
{
}

gboolean
ehd_core_stop_finish(EhdCore *core, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

static void
port_free(EhdTapPort *port)
{
    g_free(port);
}

EhdTapPort *
ehd_tap_port_nfc_new(struct EhdTap *tap)
{
    static const EhdTapPortOps ops = {.free = port_free};
    EhdTapPort *port = g_new0(EhdTapPort, 1);
    port->ops = &ops;
    return port;
}

gboolean
ehd_core_is_idle(EhdCore *core)
{
    return core->sessions->len == 0;
}

guint
ehd_core_count_unread(const EhdCore *core)
{
    return 0;
}

/* --- opening ---------------------------------------------------------------------------------
 */

static void
open_session(EhdCore *core, const EhdGrant *grant, EhdAction action, EhdSessionRole role,
             GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(NULL, NULL, callback, user_data);
    g_assert_true(ehd_grant_check(grant, action, NULL));
    if (core->next_error != EHP_OK) {
        g_task_return_new_error(task, EHD_ERROR, (int)core->next_error, "as told");
        g_object_unref(task);
        core->next_error = EHP_OK;
        return;
    }
    g_task_set_task_data(task, session_new(core, ehd_grant_get_uid(grant), role), NULL);
    g_ptr_array_add(core->held, task);
    if (!core->hold)
        fake_core_let_go(core);
}

void
fake_core_let_go(EhdCore *core)
{
    for (guint i = 0; i < core->held->len; i++) {
        g_autoptr(GTask) task = core->held->pdata[i];
        g_task_return_pointer(task, g_task_get_task_data(task), NULL);
    }
    g_ptr_array_set_size(core->held, 0);
}

void
ehd_core_send_async(EhdCore *core, const EhdGrant *grant, const EhdSendOptions *options,
                    GAsyncReadyCallback callback, gpointer user_data)
{
    core->sends++;
    core->n_items = options->items->len;
    open_session(core, grant, EHD_ACTION_SEND, EHD_PATIENT, callback, user_data);
}

EhdSession *
ehd_core_send_finish(EhdCore *core, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

void
ehd_core_receive_async(EhdCore *core, const EhdGrant *grant, const EhdReceiveOptions *options,
                       GAsyncReadyCallback callback, gpointer user_data)
{
    core->receives++;
    core->received = *options;
    g_free(core->text);
    core->text = g_strdup(options->text);
    g_free(core->display);
    core->display = g_strdup(options->operator_ != NULL ? options->operator_->display : NULL);
    open_session(core, grant, EHD_ACTION_RECEIVE, EHD_TERMINAL, callback, user_data);
}

EhdSession *
ehd_core_receive_finish(EhdCore *core, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}

EhdSession *
ehd_core_find(EhdCore *core, const char *id, uid_t uid, GError **error)
{
    for (guint i = 0; i < core->sessions->len; i++) {
        EhdSession *session = core->sessions->pdata[i];
        if (strcmp(session->id, id) != 0)
            continue;
        if (session->info.uid == uid)
            return session;
        ehd_error_set(error, EHP_NOT_OWNER, NULL);
        return NULL;
    }
    ehd_error_set(error, EHP_NOT_FOUND, NULL);
    return NULL;
}

GPtrArray *
ehd_core_list(EhdCore *core, uid_t uid)
{
    GPtrArray *list = g_ptr_array_new();
    for (guint i = 0; i < core->sessions->len; i++)
        if (((EhdSession *)core->sessions->pdata[i])->info.uid == uid)
            g_ptr_array_add(list, core->sessions->pdata[i]);
    return list;
}

/* --- identity, trust, receipts, doctor -------------------------------------------------------
 */

const EhdIdentity *
ehd_core_get_identity(EhdCore *core)
{
    return core->has_identity ? &core->identity : NULL;
}

ehp_status
ehd_core_identity_problem(EhdCore *core)
{
    return core->has_identity ? EHP_OK : EHP_NO_IDENTITY;
}

gboolean
ehd_core_init_identity(EhdCore *core, const EhdGrant *grant, const EhdIdentityNames *names,
                       gboolean replace, char **csr, GError **error)
{
    core->identity_calls++;
    core->has_identity = TRUE;
    *csr =
        names->organisation != NULL ? g_strdup_printf("CSR of %s", names->organisation) : NULL;
    return ehd_grant_check(grant, EHD_ACTION_MANAGE_IDENTITY, error);
}

gboolean
ehd_core_import_identity(EhdCore *core, const EhdGrant *grant, const char *chain,
                         GBytes *const *crls, guint n_crls, GError **error)
{
    core->identity_calls++;
    core->n_crls = n_crls;
    return ehd_grant_check(grant, EHD_ACTION_MANAGE_IDENTITY, error);
}

const EhdTrust *
ehd_core_get_trust(EhdCore *core)
{
    return core->trust;
}

gboolean
ehd_core_add_trust(EhdCore *core, const EhdGrant *grant, const char *pem, EhdAnchor *added,
                   GError **error)
{
    core->trust_calls++;
    memset(added, 0xab, sizeof *added);
    return ehd_grant_check(grant, EHD_ACTION_MANAGE_TRUST, error);
}

gboolean
ehd_core_remove_trust(EhdCore *core, const EhdGrant *grant, const char *fingerprint,
                      GError **error)
{
    core->trust_calls++;
    return ehd_grant_check(grant, EHD_ACTION_MANAGE_TRUST, error);
}

gboolean
ehd_receipt_verify(const EhdTrust *trust, const void *receipt, gsize length,
                   EhdReceiptFacts *facts, GError **error)
{
    if (length < 4) {
        ehd_error_set(error, EHP_RECEIPT_INVALID, NULL);
        return FALSE;
    }
    facts->verified = TRUE;
    facts->items = 3;
    facts->direction = 1;
    return TRUE;
}

void
ehd_core_verify_origin_async(EhdCore *core, GBytes *proof, GBytes *newer,
                             GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);

    g_object_set_data(G_OBJECT(task), "items", GUINT_TO_POINTER(g_bytes_get_size(proof)));
    g_task_return_boolean(task, newer != NULL);
}

gboolean
ehd_core_verify_origin_finish(EhdCore *core, GAsyncResult *result, EhdOriginFacts *facts,
                              GError **error)
{
    guint items = GPOINTER_TO_UINT(g_object_get_data(G_OBJECT(result), "items"));
    gboolean newer = g_task_propagate_boolean(G_TASK(result), NULL);

    if (items < 4) {
        ehd_error_set(error, EHP_ORIGIN_INVALID, NULL);
        return FALSE;
    }
    facts->verified = TRUE;
    facts->items = items;
    facts->since = newer ? EHP_CERT_REVOKED : EHP_OK;
    facts->attended = TRUE;
    facts->operator_.display = g_strdup("Dr Muster");
    return TRUE;
}

void
ehd_origin_facts_clear(EhdOriginFacts *facts)
{
    g_free((char *)facts->operator_.display);
    memset(facts, 0, sizeof *facts);
}

void
ehd_doctor_async(EhdCore *core, GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    GPtrArray *findings = g_ptr_array_new_with_free_func((GDestroyNotify)ehd_finding_free);
    EhdFinding *finding = ehd_finding_new("reader", EHD_LEVEL_PROBLEM, EHP_NO_READER,
                                          "{2} of {1} readers, {3}", "plug one in");
    ehd_finding_argument(finding, "%u", 3u);
    ehd_finding_argument(finding, "{1}");
    ehd_finding_set_detail(finding, "none: at all");
    g_ptr_array_add(findings, finding);
    g_task_return_pointer(task, findings, (GDestroyNotify)g_ptr_array_unref);
}

GPtrArray *
ehd_doctor_finish(EhdCore *core, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}
