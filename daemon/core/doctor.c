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
#include "daemon/words.h"

#define DAY 86400

static EhdFinding *
add(GPtrArray *findings, const char *id, EhdLevel level, ehp_status error, const char *words,
    const char *remedy)
{
    EhdFinding *finding = ehd_finding_new(id, level, error, words, remedy);

    g_ptr_array_add(findings, finding);
    return finding;
}

static const char *
reader_remedy(ehp_status status)
{
    switch (status) {
    case EHP_NO_READER:
        return N_(
            "connect an NFC reader that libnfc supports (PN532 or ACR122U), or name it in "
            "[nfc] reader");
    case EHP_READER_BUSY:
        return N_("unload the kernel's NFC modules (modprobe -r pn533_usb pn533 nfc) and stop "
                  "pcscd");
    case EHP_READER_LOST:
        return N_("plug the reader in again");
    case EHP_READER_MUTE:
        return N_("unplug the reader and plug it in again");
    default:
        return N_("look at the service's log");
    }
}

static void
add_reader(GPtrArray *findings, ehp_status status, const char *detail)
{
    EhdFinding *finding;

    if (status == EHP_OK)
        finding =
            add(findings, "reader", EHD_LEVEL_OK, EHP_OK, N_("the NFC reader is ready"), NULL);
    else
        finding = add(findings, "reader", EHD_LEVEL_PROBLEM, status, ehp_status_text(status),
                      reader_remedy(status));
    ehd_finding_set_detail(finding, detail);
}

static void
add_link(EhdCore *core, GPtrArray *findings)
{
    g_auto(EhdLinkDescription) link = {0};
    g_autoptr(GError) error = NULL;
    EhdFinding *finding;

    if (!ehd_link_describe(core->parts.link, &link, &error)) {
        ehp_status status = ehd_error_status(error);

        finding = add(findings, "link", EHD_LEVEL_PROBLEM, status, ehp_status_text(status),
                      link.remedy != NULL ? link.remedy : N_("see [link] in ehrlinkd.conf"));
        ehd_finding_set_detail(finding, error->message);
    } else if (strcmp(ehd_link_kind(core->parts.link), "unix") == 0) {
        finding = add(findings, "link", EHD_LEVEL_WARNING, EHP_OK,
                      N_("sockets in a directory stand in for Bluetooth"),
                      N_("only for demonstrations and tests: remove --link and [link] type = "
                         "unix"));
        ehd_finding_set_detail(finding, core->parts.config->link_directory);
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
    EhdFinding *finding;

    if (turned_away == 0)
        return;
    finding = add(findings, "strangers", EHD_LEVEL_NOTE, EHP_OK,
                  N_("{1} connections since the start were not of a session here and were "
                     "closed"),
                  NULL);
    ehd_finding_argument(finding, "%" G_GUINT64_FORMAT, turned_away);
}

static void
add_crls(EhdCore *core, const EhdIdentity *identity, GPtrArray *findings)
{
    gint64 now = ehd_core_now(core);
    gint64 until = ehd_expiry_of_crls(identity, core->parts.config);
    EhdFinding *finding;

    if (!ehd_expiry_is_near(now, identity->crl_this_update, until))
        return;
    finding = add(findings, "revocation", EHD_LEVEL_WARNING, EHP_OK,
                  N_("this terminal's revocation lists become too old for patients' devices in "
                     "{1} hours"),
                  N_("ehrctl identity import --crl, regularly"));
    ehd_finding_argument(finding, "%" G_GINT64_FORMAT, (until - now) / 3600);
}

static void
add_good_identity(EhdCore *core, const EhdIdentity *identity, GPtrArray *findings)
{
    gint64 now = ehd_core_now(core);
    gboolean near = ehd_expiry_is_near(now, identity->not_before, identity->not_after);
    EhdFinding *finding = add(findings, "identity", near ? EHD_LEVEL_WARNING : EHD_LEVEL_OK,
                              EHP_OK, N_("this terminal is {1}, {2}, for {3} more days"),
                              near ? N_("renew the certificate: ehrctl identity") : NULL);

    ehd_finding_argument(finding, "%s", identity->organisation);
    ehd_finding_argument(finding, "%s", identity->terminal);
    ehd_finding_argument(finding, "%" G_GINT64_FORMAT, (identity->not_after - now) / DAY);
    add_crls(core, identity, findings);
}

static void
add_identity(EhdCore *core, GPtrArray *findings)
{
    const EhdIdentity *identity = core->identity;
    ehp_status problem = ehd_core_identity_problem(core);

    if (problem == EHP_NO_IDENTITY) {
        add(findings, "identity", EHD_LEVEL_NOTE, EHP_OK,
            identity == NULL ? N_("this device has no identity: it can send, not receive")
                             : N_("the device key has no certificate yet: this device can "
                                  "send, not receive"),
            identity == NULL ? N_("a clinic's terminal needs one: ehrctl identity init")
                             : N_("have the request signed, then: ehrctl identity import"));
    } else if (problem == EHP_CRL_MISSING || problem == EHP_CRL_STALE) {
        add(findings, "identity", EHD_LEVEL_PROBLEM, problem,
            N_("patients' devices will refuse this terminal: its revocation lists are missing "
               "or too old"),
            N_("ehrctl identity import --crl, regularly"));
    } else if (problem != EHP_OK) {
        add(findings, "identity", EHD_LEVEL_PROBLEM, problem, ehp_status_text(problem),
            problem == EHP_CLOCK_WRONG
                ? N_("set the clock")
                : N_("ask the authority for a new certificate: ehrctl identity"));
    } else {
        add_good_identity(core, identity, findings);
    }
}

static void
add_trust(EhdCore *core, GPtrArray *findings)
{
    guint n = ehd_trust_count(core->parts.trust), expiring = 0;
    EhdFinding *finding;

    if (n == 0) {
        add(findings, "trust", EHD_LEVEL_WARNING, EHP_OK,
            N_("no authority is trusted: every terminal will be turned away"),
            N_("a patient's device needs one: ehrctl trust add"));
        return;
    }
    for (guint i = 0; i < n; i++) {
        const EhdAnchor *anchor = ehd_trust_get(core->parts.trust, i);

        if (ehd_expiry_is_near(ehd_core_now(core), 0, anchor->not_after))
            expiring++;
    }
    if (expiring == 0) {
        finding = add(
            findings, "trust", EHD_LEVEL_OK, EHP_OK,
            n == 1 ? N_("{1} authority is trusted") : N_("{1} authorities are trusted"), NULL);
    } else {
        finding =
            add(findings, "trust", EHD_LEVEL_WARNING, EHP_OK,
                N_("{1} of {2} trusted authorities have expired or expire within 30 days"),
                N_("ehrctl trust list, and ehrctl trust add for their new certificates"));
        ehd_finding_argument(finding, "%u", expiring);
    }
    ehd_finding_argument(finding, "%u", n);
}

static void
add_clock(EhdCore *core, GPtrArray *findings)
{
    ehp_status status = ehd_clock_check(ehd_core_now(core));

    if (status == EHP_OK)
        add(findings, "clock", EHD_LEVEL_OK, EHP_OK, N_("the clock can be right"), NULL);
    else
        add(findings, "clock", EHD_LEVEL_PROBLEM, status, ehp_status_text(status),
            N_("set the clock: certificates cannot be judged without it"));
}

/* Sessions are refused for want of room before anybody taps; here is why. */
static void
add_room(EhdCore *core, GPtrArray *findings)
{
    EhdSessionRole role =
        ehd_core_identity_problem(core) == EHP_OK ? EHD_TERMINAL : EHD_PATIENT;
    guint percent = ehd_room_audit_percent(core);
    g_autoptr(GError) error = NULL;
    EhdFinding *finding;

    if (!ehd_room_check(core, role, &error)) {
        ehp_status status = ehd_error_status(error);

        finding =
            add(findings, "room", EHD_LEVEL_PROBLEM, status, ehp_status_text(status),
                N_("make room on the disk, file or discard what waits, or raise the quota "
                   "in ehrlinkd.conf"));
        ehd_finding_set_detail(finding, error->message);
    } else if (percent >= EHD_ROOM_AUDIT_WARN) {
        finding = add(findings, "room", EHD_LEVEL_WARNING, EHP_OK,
                      N_("{1} percent of the audit log's quota are used"),
                      N_("raise [store] audit-quota in ehrlinkd.conf"));
        ehd_finding_argument(finding, "%u", percent);
    }
}

static void
add_state(EhdCore *core, GPtrArray *findings)
{
    guint unfiled = 0, open = 0;
    EhdFinding *finding;

    for (guint i = 0; i < core->sessions->len; i++) {
        const EhdSessionInfo *info = ehd_session_get_info(g_ptr_array_index(core->sessions, i));
        unfiled += info->unfiled ? 1 : 0;
        /* those that ended stay for a while, to be asked about */
        open += info->state != EHD_STATE_DONE && info->state != EHD_STATE_FAILED ? 1 : 0;
    }
    finding =
        add(findings, "state", unfiled > 0 ? EHD_LEVEL_NOTE : EHD_LEVEL_OK, EHP_OK,
            N_("{1} sessions open, {2} not filed yet; {3} of {4} MiB of the spool in use"),
            unfiled > 0 ? N_("ehrctl session list, then file or discard") : NULL);
    ehd_finding_argument(finding, "%u", open);
    ehd_finding_argument(finding, "%u", unfiled);
    ehd_finding_argument(finding, "%" G_GUINT64_FORMAT,
                         ehd_spool_used(core->parts.spool) >> 20);
    ehd_finding_argument(finding, "%" G_GUINT64_FORMAT, core->parts.config->spool_quota >> 20);
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
