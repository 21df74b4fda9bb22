/* SPDX-License-Identifier: Apache-2.0
 *
 * Two hosts in one process, from the tap to the end: the journeys that go well, and those that
 * a person ends.
 */
#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>

#include "daemon/core/receipt.h"
#include "daemon/error.h"
#include "proto/ehrlink.pb-c.h"
#include "tests/daemon/core/host.h"

typedef struct {
    char *air;
    Host *clinic, *patient;
    TestCa *ca;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    f->air = g_dir_make_tmp("ehd-air-XXXXXX", NULL);
    f->clinic = host_new(f->air, NULL);
    f->patient = host_new(f->air, NULL);
    f->ca = host_ca();
    host_add_item(f->patient, "scan.dcm", 700000, EHP__CATEGORY__CATEGORY_MEDICAL_IMAGING);
    host_add_item(f->patient, "empty.txt", 0, 0);
    host_add_item(f->patient, "summary.json", 90000, EHP__CATEGORY__CATEGORY_PATIENT_SUMMARY);
    host_add_item(f->patient, "note.txt", 10, 0);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    host_free(f->clinic);
    host_free(f->patient);
    test_ca_free(f->ca);
    g_assert_cmpint(g_rmdir(f->air), ==, 0);
    g_free(f->air);
}

static void
tap(Fixture *f)
{
    field_tap(f->clinic->port, f->patient->port, 0);
}

static void
open_both(Fixture *f)
{
    host_receive(f->clinic, NULL);
    host_send(f->patient, NULL);
}

/* Item `position` at the clinic is number `number` of the patient's. */
static void
assert_item(Fixture *f, guint position, guint number)
{
    const EhdItem *item = &g_array_index(f->patient->items, EhdItem, number);
    g_autoptr(GBytes) expected = host_item_bytes(number, item->size);
    GBytes *got = g_ptr_array_index(f->clinic->owner.got, position);
    g_autoptr(GArray) list =
        ehd_session_list_items(f->clinic->owner.session, EHD_TO_TERMINAL, position, 1, NULL);

    g_assert_nonnull(got);
    g_assert_true(g_bytes_equal(got, expected));
    g_assert_cmpuint(list->len, ==, 1);
    g_assert_cmpstr(g_array_index(list, EhdItemInfo, 0).name, ==, item->name);
}

static void
test_whole(Fixture *f, gconstpointer data)
{
    const EhdSessionInfo *info;
    g_autoptr(GBytes) made = NULL;
    g_autoptr(GBytes) got = NULL;
    EhdReceiptFacts facts;

    host_certify(f->clinic, f->patient, f->ca, NULL);
    open_both(f);
    tap(f);
    host_wait_end(f->clinic);
    host_wait_end(f->patient);

    g_assert_cmpstr(f->patient->owner.states->str, ==,
                    "ready tapping tapped deciding transferring confirming filed done");
    g_assert_cmpstr(f->clinic->owner.states->str, ==,
                    "ready tapping tapped deciding transferring confirming filed done");
    info = ehd_session_get_info(f->patient->owner.session);
    g_assert_true(info->peer->verified);
    g_assert_cmpstr(info->peer->organisation, ==, "Test Clinic");
    g_assert_cmpstr(info->peer->place, ==, "Vienna, AT");
    g_assert_cmpstr(info->peer->authority, ==, "Test Authority");
    g_assert_cmpstr(info->peer->crl_state, ==, "checked");
    g_assert_cmpstr(info->status, ==, "filed");
    g_assert_cmpuint(info->items_done, ==, 4);
    g_assert_cmpuint(info->done, ==, 790010);
    g_assert_cmpuint(ehd_session_get_info(f->clinic->owner.session)->bytes, ==, 790010);

    /* the summary first, then by size */
    assert_item(f, 0, 2);
    assert_item(f, 1, 1);
    assert_item(f, 2, 3);
    assert_item(f, 3, 0);

    made = ehd_session_get_receipt(f->clinic->owner.session, -1, NULL);
    got = ehd_session_get_receipt(f->patient->owner.session, -1, NULL);
    g_assert_true(g_bytes_equal(made, got));
    g_assert_true(ehd_receipt_verify(f->patient->trust, g_bytes_get_data(got, NULL),
                                     g_bytes_get_size(got), &facts, NULL));
    g_assert_true(facts.verified);
    g_assert_true(facts.complete);
    g_assert_cmpuint(facts.items, ==, 4);
    g_assert_cmpstr(facts.verdict.organisation, ==, "Test Clinic");
    host_assert_clean(f->clinic);
    host_assert_clean(f->patient);
    g_assert_cmpuint(host_count_audit(f->clinic, "received"), ==, 1);
    g_assert_cmpuint(host_count_audit(f->clinic, "filed"), ==, 1);
    g_assert_cmpuint(host_count_audit(f->patient, "consent"), ==, 1);
    g_assert_cmpuint(host_count_audit(f->patient, "sent"), ==, 1);
}

static void
test_narrowed(Fixture *f, gconstpointer data)
{
    Owner *owner = &f->patient->owner;

    host_certify(f->clinic, f->patient, f->ca, NULL);
    owner->answer = NARROW;
    owner->narrowed[0] = 3;
    owner->narrowed[1] = 2;
    owner->n_narrowed = 2;
    open_both(f);
    tap(f);
    host_wait_end(f->clinic);
    host_wait_end(f->patient);
    g_assert_cmpint(host_error(f->clinic), ==, EHP_OK);
    g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
    g_assert_cmpuint(ehd_session_get_info(f->clinic->owner.session)->items, ==, 2);
    assert_item(f, 0, 2);
    assert_item(f, 1, 3);
}

typedef struct {
    const char *name;
    Answer answer;
    gboolean vanishes, detached;
    ehp_status why;
} Refusal;

static const Refusal refusals[] = {
    {"declined", DECLINE, FALSE, FALSE, EHP_DECLINED},
    {"timed-out", SAY_NOTHING, FALSE, FALSE, EHP_CONSENT_TIMED_OUT},
    {"agent-gone", SAY_NOTHING, TRUE, FALSE, EHP_NO_AGENT},
    {"agent-gone-detached", SAY_NOTHING, TRUE, TRUE, EHP_NO_AGENT},
};

/* Whatever the reason, the clinic sees the same, and nothing of what would have been sent. */
static void
test_refused(Fixture *f, gconstpointer data)
{
    const Refusal *row = data;
    EhdSendOptions options;
    const EhdSessionInfo *info;
    g_autoptr(GArray) list = NULL;

    host_certify(f->clinic, f->patient, f->ca, NULL);
    f->patient->owner.answer = row->answer;
    if (row->why == EHP_CONSENT_TIMED_OUT)
        f->patient->config->consent_ms = 200;
    host_receive(f->clinic, NULL);
    ehd_send_options_init(&options);
    options.detach = row->detached;
    host_send(f->patient, &options);
    tap(f);
    if (row->vanishes) {
        host_wait_state(f->patient, EHD_STATE_DECIDING);
        ehd_session_owner_vanished(f->patient->owner.session);
    }
    host_wait_end(f->clinic);
    host_wait_end(f->patient);
    g_assert_cmpint(host_error(f->patient), ==, (int)row->why);
    info = ehd_session_get_info(f->clinic->owner.session);
    g_assert_cmpint(info->error, ==, EHP_DECLINED);
    g_assert_null(info->error_detail);
    g_assert_false(info->has_transfer);
    g_assert_null(info->consent);
    g_assert_cmpuint(info->items, ==, 0);
    list = ehd_session_list_items(f->clinic->owner.session, EHD_TO_TERMINAL, 0, 256, NULL);
    g_assert_cmpuint(list->len, ==, 0);
    g_assert_cmpstr(f->clinic->owner.states->str, ==, "ready tapping tapped deciding failed");
    host_assert_clean(f->clinic);
    host_assert_clean(f->patient);
    g_assert_cmpuint(host_count_audit(f->patient, "declined"), ==, 1);
}

static void
test_extended(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    guint seconds = 0;

    host_certify(f->clinic, f->patient, f->ca, NULL);
    f->patient->owner.answer = SAY_NOTHING;
    open_both(f);
    g_assert_false(ehd_session_extend(f->patient->owner.session, &seconds, &error));
    g_clear_error(&error);
    tap(f);
    host_wait_state(f->patient, EHD_STATE_DECIDING);
    g_assert_true(ehd_session_extend(f->patient->owner.session, &seconds, &error));
    g_assert_cmpuint(seconds, >, 300);
    g_assert_false(ehd_session_extend(f->patient->owner.session, &seconds, &error));
    g_assert_error(error, EHD_ERROR, EHP_WRONG_STATE);
    ehd_session_answer_consent(f->patient->owner.session, TRUE, NULL, NULL, 0, 0, 0);
    host_wait_end(f->patient);
    g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
}

/* STOP, the fingerprint typed, a second tap. */
static void
test_unverified(Fixture *f, gconstpointer data)
{
    g_autofree char *fingerprint = NULL;
    g_autoptr(GError) error = NULL;
    const EhdPeerInfo *peer;

    host_certify(f->clinic, NULL, f->ca, NULL);
    open_both(f);
    tap(f);
    host_wait_state(f->patient, EHD_STATE_STOPPED);
    WAIT(!field_port_is_active(f->clinic->port));
    g_assert_cmpint(host_state(f->clinic), ==, EHD_STATE_READY);
    peer = ehd_session_get_info(f->patient->owner.session)->peer;
    g_assert_false(peer->verified);
    g_assert_cmpint(peer->problem, ==, EHP_CERT_UNTRUSTED);
    fingerprint = g_strdup(peer->fingerprint);

    /* a second tap without leave is turned away again */
    tap(f);
    WAIT(!field_port_is_active(f->clinic->port));
    host_wait_state(f->patient, EHD_STATE_STOPPED);
    g_assert_cmpint(host_error(f->clinic), ==, EHP_UNVERIFIED);

    fingerprint[0] = fingerprint[0] == '0' ? '1' : '0';
    g_assert_false(
        ehd_session_allow_unverified(f->patient->owner.session, fingerprint, &error));
    g_assert_error(error, EHD_ERROR, EHP_INVALID_ARGUMENT);
    g_clear_error(&error);
    g_strlcpy(fingerprint, peer->fingerprint, strlen(fingerprint) + 1);
    g_assert_true(ehd_session_allow_unverified(f->patient->owner.session, fingerprint, &error));
    tap(f);
    host_wait_end(f->patient);
    host_wait_end(f->clinic);
    g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
    peer = ehd_session_get_info(f->patient->owner.session)->peer;
    g_assert_false(peer->verified);
    g_assert_cmpstr(peer->crl_state, ==, "not-checked");
    g_assert_cmpuint(host_count_audit(f->patient, "stopped"), ==, 2);
    g_assert_cmpuint(host_count_audit(f->patient, "allowed"), ==, 1);
}

typedef struct {
    const char *what;
    ehp_status why;
} BadCrl;

static const BadCrl bad_crls[] = {
    {"revoked", EHP_CERT_REVOKED},
    {"no-crl", EHP_CRL_MISSING},
    {"stale-crl", EHP_CRL_STALE},
};

static void
test_crl(Fixture *f, gconstpointer data)
{
    const BadCrl *row = data;

    host_certify(f->clinic, f->patient, f->ca, row->what);
    open_both(f);
    tap(f);
    host_wait_end(f->patient);
    host_wait_end(f->clinic);
    g_assert_cmpint(host_error(f->patient), ==, (int)row->why);
    g_assert_cmpint(host_error(f->clinic), ==, EHP_DECLINED);
    g_assert_cmpuint(f->patient->owner.asked, ==, 0);
    g_assert_false(ehd_session_get_info(f->patient->owner.session)->peer->verified);
}

static void
test_crl_allowed(Fixture *f, gconstpointer data)
{
    const EhdPeerInfo *peer;

    host_certify(f->clinic, f->patient, f->ca, "no-crl");
    f->patient->config->trust_allow_unchecked = TRUE;
    open_both(f);
    tap(f);
    host_wait_end(f->patient);
    g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
    peer = ehd_session_get_info(f->patient->owner.session)->peer;
    g_assert_false(peer->verified);
    g_assert_cmpint(peer->problem, ==, EHP_CRL_MISSING);
    g_assert_cmpstr(peer->crl_state, ==, "not-checked");
}

/* Received, and then not kept: by a person, by a rule, by the clock. */
static void
on_result(GObject *source, GAsyncResult *result, gpointer user_data)
{
    *(GAsyncResult **)user_data = g_object_ref(result);
}

static void
test_discarded(Fixture *f, gconstpointer data)
{
    const char *rule = data;
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GAsyncResult) early = NULL;
    g_autoptr(GError) error = NULL;

    host_certify(f->clinic, f->patient, f->ca, NULL);
    f->clinic->owner.collects = FALSE;
    open_both(f);
    tap(f);
    host_wait_state(f->clinic, EHD_STATE_CONFIRMING);
    g_assert_true(ehd_session_get_info(f->clinic->owner.session)->unfiled);
    /* what was not collected cannot be filed */
    ehd_session_file_async(f->clinic->owner.session, on_result, &early);
    WAIT(early != NULL);
    g_assert_false(ehd_session_file_finish(f->clinic->owner.session, early, &error));
    g_assert_error(error, EHD_ERROR, EHP_WRONG_STATE);
    ehd_session_discard_async(f->clinic->owner.session, rule, on_result, &result);
    WAIT(result != NULL);
    g_assert_true(ehd_session_discard_finish(f->clinic->owner.session, result, NULL));
    host_wait_end(f->clinic);
    host_wait_end(f->patient);
    g_assert_cmpstr(ehd_session_get_info(f->patient->owner.session)->status, ==,
                    rule != NULL ? "rejected" : "discarded");
    g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
    host_assert_clean(f->clinic);
}

static void
test_filing_timeout(Fixture *f, gconstpointer data)
{
    EhdReceiveOptions options;

    host_certify(f->clinic, f->patient, f->ca, NULL);
    f->clinic->owner.collects = FALSE;
    ehd_receive_options_init(&options);
    if (data != NULL)
        f->clinic->config->filing_ms = 1000;
    else
        options.filing_timeout = 1;
    host_receive(f->clinic, &options);
    host_send(f->patient, NULL);
    tap(f);
    host_wait_end(f->clinic);
    host_wait_end(f->patient);
    g_assert_cmpint(host_error(f->clinic), ==, EHP_FILING_TIMED_OUT);
    g_assert_cmpstr(ehd_session_get_info(f->patient->owner.session)->status, ==, "discarded");
    host_assert_clean(f->clinic);
}

static void
on_revoked(GObject *source, GAsyncResult *result, gpointer user_data)
{
    *(GAsyncResult **)user_data = g_object_ref(result);
}

static gboolean
withdraw(Host *host, GError **error)
{
    g_autoptr(GAsyncResult) result = NULL;

    ehd_session_revoke_async(host->owner.session, on_revoked, &result);
    WAIT(result != NULL);
    return ehd_session_revoke_finish(host->owner.session, result, error);
}

/* Erased before the clinic is told: a daemon that is killed at that moment cannot go on. */
static void
test_revoked_by_patient(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    host_certify(f->clinic, f->patient, f->ca, NULL);
    f->patient->owner.giving = GIVE_LATER;
    open_both(f);
    g_assert_false(withdraw(f->patient, &error));
    g_assert_error(error, EHD_ERROR, EHP_WRONG_STATE);
    tap(f);
    host_wait_state(f->patient, EHD_STATE_TRANSFERRING);
    host_wait_state(f->clinic, EHD_STATE_TRANSFERRING);
    g_assert_true(withdraw(f->patient, NULL));
    host_wait_clean(f->patient);
    host_wait_end(f->patient);
    host_wait_end(f->clinic);
    g_assert_cmpint(host_error(f->patient), ==, EHP_REVOKED);
    g_assert_cmpint(host_error(f->clinic), ==, EHP_REVOKED);
    host_assert_clean(f->clinic);
    g_assert_cmpuint(host_count_audit(f->clinic, "revoked"), ==, 1);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
#define ADD(path, data, func) g_test_add(path, Fixture, data, set_up, func, tear_down)
    ADD("/core/session/whole", NULL, test_whole);
    ADD("/core/session/narrowed", NULL, test_narrowed);
    for (gsize i = 0; i < G_N_ELEMENTS(refusals); i++) {
        g_autofree char *path = g_strconcat("/core/session/refused/", refusals[i].name, NULL);
        ADD(path, &refusals[i], test_refused);
    }
    ADD("/core/session/extended", NULL, test_extended);
    ADD("/core/session/unverified", NULL, test_unverified);
    for (gsize i = 0; i < G_N_ELEMENTS(bad_crls); i++) {
        g_autofree char *path = g_strconcat("/core/session/crl/", bad_crls[i].what, NULL);
        ADD(path, &bad_crls[i], test_crl);
    }
    ADD("/core/session/crl/allowed", NULL, test_crl_allowed);
    ADD("/core/session/discarded", NULL, test_discarded);
    ADD("/core/session/rejected", "profile-1", test_discarded);
    ADD("/core/session/filing-timeout", NULL, test_filing_timeout);
    ADD("/core/session/filing-timeout-configured", "", test_filing_timeout);
    ADD("/core/session/revoked", NULL, test_revoked_by_patient);
    return g_test_run();
}
