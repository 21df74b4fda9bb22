/* SPDX-License-Identifier: Apache-2.0
 *
 * The findings of Manager.Diagnose: each says what was found and what to do about it, in words
 * for the person who looks after the machine. Main context; the reader is asked, unless a
 * session has it.
 */
#include "daemon/core/doctor.h"

#include <string.h>

#include "daemon/core/core-priv.h"
#include "daemon/core/expiry.h"
#include "daemon/core/room.h"
#include "daemon/error.h"

#define DAY 86400

const char *
ehd_level_name(EhdLevel level)
{
    switch (level) {
    case EHD_LEVEL_OK:
        return "ok";
    case EHD_LEVEL_NOTE:
        return "note";
    case EHD_LEVEL_WARNING:
        return "warning";
    case EHD_LEVEL_PROBLEM:
        return "problem";
    }
    return "problem";
}

EhdFinding *
ehd_finding_new(const char *id, EhdLevel level, ehp_status error, const char *text,
                const char *remedy)
{
    EhdFinding *finding = g_new0(EhdFinding, 1);

    finding->id = id;
    finding->level = level;
    finding->error = error;
    finding->text = g_strdup(text);
    finding->remedy = g_strdup(remedy);
    return finding;
}

void
ehd_finding_free(EhdFinding *finding)
{
    g_free(finding->text);
    g_free(finding->remedy);
    g_free(finding);
}

static void
add(GPtrArray *findings, const char *id, EhdLevel level, ehp_status error, const char *text,
    const char *remedy)
{
    g_ptr_array_add(findings, ehd_finding_new(id, level, error, text, remedy));
}

static const char *
reader_remedy(ehp_status status)
{
    switch (status) {
    case EHP_NO_READER:
        return "connect an NFC reader that libnfc supports (PN532 or ACR122U), or name it in "
               "[nfc] reader";
    case EHP_READER_BUSY:
        return "unload the kernel's NFC modules (modprobe -r pn533_usb pn533 nfc) and stop "
               "pcscd";
    case EHP_READER_LOST:
        return "plug the reader in again";
    case EHP_READER_MUTE:
        return "unplug the reader and plug it in again";
    default:
        return "look at the service's log";
    }
}

static void
add_reader(GPtrArray *findings, ehp_status status, const char *detail)
{
    g_autofree char *text = NULL;

    if (status == EHP_OK) {
        text = g_strdup_printf("the NFC reader is ready (%s)", detail);
        add(findings, "reader", EHD_LEVEL_OK, EHP_OK, text, NULL);
        return;
    }
    text = g_strdup_printf("%s (%s)", ehp_status_text(status), detail);
    add(findings, "reader", EHD_LEVEL_PROBLEM, status, text, reader_remedy(status));
}

static void
add_link(EhdCore *core, GPtrArray *findings)
{
    g_auto(EhdLinkDescription) link = {0};
    g_autoptr(GError) error = NULL;

    if (!ehd_link_describe(core->parts.link, &link, &error)) {
        add(findings, "link", EHD_LEVEL_PROBLEM, ehd_error_status(error), error->message,
            link.remedy != NULL ? link.remedy : "see [link] in ehrlinkd.conf");
    } else if (strcmp(ehd_link_kind(core->parts.link), "unix") == 0) {
        add(findings, "link", EHD_LEVEL_WARNING, EHP_OK, link.text,
            "only for demonstrations and tests: remove --link and [link] type = unix");
    } else {
        add(findings, "link", EHD_LEVEL_OK, EHP_OK, link.text, NULL);
    }
    if (link.note != NULL)
        add(findings, "radio", EHD_LEVEL_NOTE, EHP_OK, link.note, link.note_remedy);
}

/* Anybody in range can connect; that somebody does who should not is worth knowing. */
static void
add_strangers(EhdCore *core, GPtrArray *findings)
{
    const EhdPorchCounts *counts = ehd_porch_get_counts(core->porch);
    guint64 turned_away = counts->junk + counts->silent + counts->unknown + counts->refused;
    g_autofree char *text = NULL;

    if (turned_away == 0)
        return;
    text = g_strdup_printf("%" G_GUINT64_FORMAT
                           " connections since the start were not of a session "
                           "here and were closed",
                           turned_away);
    add(findings, "strangers", EHD_LEVEL_NOTE, EHP_OK, text, NULL);
}

static void
add_crls(EhdCore *core, const EhdIdentity *identity, GPtrArray *findings)
{
    gint64 now = ehd_core_now(core);
    gint64 until = ehd_expiry_of_crls(identity, core->parts.config);
    g_autofree char *text = NULL;

    if (!ehd_expiry_is_near(now, identity->crl_this_update, until))
        return;
    text = g_strdup_printf("this terminal's revocation lists become too old for patients' "
                           "devices in %" G_GINT64_FORMAT " hours",
                           (until - now) / 3600);
    add(findings, "revocation", EHD_LEVEL_WARNING, EHP_OK, text,
        "ehrctl identity import --crl, regularly");
}

static void
add_identity(EhdCore *core, GPtrArray *findings)
{
    const EhdIdentity *identity = core->identity;
    ehp_status problem = ehd_core_identity_problem(core);
    gint64 now = ehd_core_now(core);
    gboolean near;
    g_autofree char *text = NULL;

    if (problem == EHP_NO_IDENTITY) {
        add(findings, "identity", EHD_LEVEL_NOTE, EHP_OK,
            identity == NULL
                ? "this device has no identity: it can send, not receive"
                : "the device key has no certificate yet: this device can send, not receive",
            identity == NULL ? "a clinic's terminal needs one: ehrctl identity init"
                             : "have the request signed, then: ehrctl identity import");
    } else if (problem == EHP_CRL_MISSING || problem == EHP_CRL_STALE) {
        add(findings, "identity", EHD_LEVEL_PROBLEM, problem,
            "patients' devices will refuse this terminal: its revocation lists are missing or "
            "too old",
            "ehrctl identity import --crl, regularly");
    } else if (problem != EHP_OK) {
        add(findings, "identity", EHD_LEVEL_PROBLEM, problem, ehp_status_text(problem),
            problem == EHP_CLOCK_WRONG
                ? "set the clock"
                : "ask the authority for a new certificate: ehrctl identity");
    } else {
        near = ehd_expiry_is_near(now, identity->not_before, identity->not_after);
        text = g_strdup_printf("this terminal is %s, %s, for %" G_GINT64_FORMAT " more days",
                               identity->organisation, identity->terminal,
                               (identity->not_after - now) / DAY);
        add(findings, "identity", near ? EHD_LEVEL_WARNING : EHD_LEVEL_OK, EHP_OK, text,
            near ? "renew the certificate: ehrctl identity" : NULL);
        add_crls(core, identity, findings);
    }
}

static void
add_trust(EhdCore *core, GPtrArray *findings)
{
    guint n = ehd_trust_count(core->parts.trust), expiring = 0;
    g_autofree char *text = NULL;

    if (n == 0) {
        add(findings, "trust", EHD_LEVEL_WARNING, EHP_OK,
            "no authority is trusted: every terminal will be turned away",
            "a patient's device needs one: ehrctl trust add");
        return;
    }
    for (guint i = 0; i < n; i++) {
        const EhdAnchor *anchor = ehd_trust_get(core->parts.trust, i);

        if (ehd_expiry_is_near(ehd_core_now(core), 0, anchor->not_after))
            expiring++;
    }
    text = expiring > 0
               ? g_strdup_printf("%u of %u trusted authorities have expired or expire within "
                                 "30 days",
                                 expiring, n)
               : g_strdup_printf(
                     n == 1 ? "%u authority is trusted" : "%u authorities are trusted", n);
    add(findings, "trust", expiring > 0 ? EHD_LEVEL_WARNING : EHD_LEVEL_OK, EHP_OK, text,
        expiring > 0 ? "ehrctl trust list, and ehrctl trust add for their new certificates"
                     : NULL);
}

static void
add_clock(EhdCore *core, GPtrArray *findings)
{
    ehp_status status = ehd_clock_check(ehd_core_now(core));

    if (status == EHP_OK)
        add(findings, "clock", EHD_LEVEL_OK, EHP_OK, "the clock can be right", NULL);
    else
        add(findings, "clock", EHD_LEVEL_PROBLEM, status, ehp_status_text(status),
            "set the clock: certificates cannot be judged without it");
}

/* Sessions are refused for want of room before anybody taps; here is why. */
static void
add_room(EhdCore *core, GPtrArray *findings)
{
    EhdSessionRole role =
        ehd_core_identity_problem(core) == EHP_OK ? EHD_TERMINAL : EHD_PATIENT;
    guint percent = ehd_room_audit_percent(core);
    g_autoptr(GError) error = NULL;
    g_autofree char *text = NULL;

    if (!ehd_room_check(core, role, &error)) {
        text =
            g_strdup_printf("%s: %s", ehp_status_text(ehd_error_status(error)), error->message);
        add(findings, "room", EHD_LEVEL_PROBLEM, ehd_error_status(error), text,
            "make room on the disk, file or discard what waits, or raise the quota in "
            "ehrlinkd.conf");
    } else if (percent >= EHD_ROOM_AUDIT_WARN) {
        text = g_strdup_printf("%u %% of the audit log's quota are used", percent);
        add(findings, "room", EHD_LEVEL_WARNING, EHP_OK, text,
            "raise [store] audit-quota in ehrlinkd.conf");
    }
}

static void
add_state(EhdCore *core, GPtrArray *findings)
{
    guint unfiled = 0, open = 0;
    g_autofree char *text = NULL;

    for (guint i = 0; i < core->sessions->len; i++) {
        const EhdSessionInfo *info = ehd_session_get_info(g_ptr_array_index(core->sessions, i));
        unfiled += info->unfiled ? 1 : 0;
        /* those that ended stay for a while, to be asked about */
        open += info->state != EHD_STATE_DONE && info->state != EHD_STATE_FAILED ? 1 : 0;
    }
    text = g_strdup_printf("%u sessions open, %u not filed yet; %" G_GUINT64_FORMAT
                           " of %" G_GUINT64_FORMAT " MiB of the spool in use",
                           open, unfiled, ehd_spool_used(core->parts.spool) >> 20,
                           core->parts.config->spool_quota >> 20);
    add(findings, "state", unfiled > 0 ? EHD_LEVEL_NOTE : EHD_LEVEL_OK, EHP_OK, text,
        unfiled > 0 ? "ehrctl session list, then file or discard" : NULL);
}

static void
on_probed(ehp_status status, const char *detail, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    EhdCore *core = g_task_get_task_data(task);
    GPtrArray *findings = g_ptr_array_new_with_free_func((GDestroyNotify)ehd_finding_free);

    add_reader(findings, status, detail);
    add_link(core, findings);
    add_strangers(core, findings);
    add_identity(core, findings);
    add_trust(core, findings);
    add_clock(core, findings);
    add_state(core, findings);
    add_room(core, findings);
    g_task_return_pointer(task, findings, (GDestroyNotify)g_ptr_array_unref);
}

static void
on_link_probed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    GTask *task = user_data;
    EhdCore *core = g_task_get_task_data(task);
    EhdTapPort *port = core->parts.tap;
    const char *detail = "";
    ehp_status status;

    if (core->holder == NULL) {
        port->ops->probe(port, on_probed, task);
        return;
    }
    status = port->ops->get_state(port, &detail);
    on_probed(status, detail, task);
}

void
ehd_doctor_async(EhdCore *core, GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(NULL, NULL, callback, user_data);

    g_task_set_task_data(task, core, NULL);
    ehd_link_probe_async(core->parts.link, on_link_probed, task);
}

GPtrArray *
ehd_doctor_finish(EhdCore *core, GAsyncResult *result, GError **error)
{
    return g_task_propagate_pointer(G_TASK(result), error);
}
