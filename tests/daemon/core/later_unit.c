/* SPDX-License-Identifier: Apache-2.0
 *
 * Two hosts in one process, beyond the first transfer: requests that are more than categories,
 * lists, items of them, what the clinic sends back.
 */
#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>

#include "daemon/core/origin.h"
#include "daemon/core/receipt.h"
#include "daemon/core/session-priv.h"
#include "daemon/error.h"
#include "proto/ehrlink.pb-c.h"
#include "tests/daemon/core/cut.h"
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
    host_certify(f->clinic, f->patient, f->ca, NULL);
    host_add_item(f->patient, "scan.dcm", 700000, EHP__CATEGORY__CATEGORY_MEDICAL_IMAGING);
    host_add_item(f->patient, "summary.json", 90000, EHP__CATEGORY__CATEGORY_PATIENT_SUMMARY);
    host_add_item(f->patient, "lab.json", 10, EHP__CATEGORY__CATEGORY_LABORATORY_REPORT);
    host_add_item(f->clinic, "report.pdf", 400000, EHP__CATEGORY__CATEGORY_DISCHARGE_REPORT);
    host_add_item(f->clinic, "prescription.json", 900,
                  EHP__CATEGORY__CATEGORY_ELECTRONIC_PRESCRIPTION);
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
start(Fixture *f, const EhdReceiveOptions *receive, const EhdSendOptions *send)
{
    f->clinic->owner.files = FALSE;
    host_receive(f->clinic, receive);
    host_send(f->patient, send);
    field_tap(f->clinic->port, f->patient->port, 0);
}

static const EhdSessionInfo *
info_of(Host *host)
{
    return ehd_session_get_info(host->owner.session);
}

/* The clinic may ask, and has taken what came. */
static void
wait_idle(Fixture *f, guint collected)
{
    WAIT(info_of(f->clinic)->may_ask && f->clinic->owner.collected == collected);
}

static void
file(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GAsyncResult) result = NULL;

    ehd_session_file_async(f->clinic->owner.session, host_on_result, &result);
    WAIT(result != NULL);
    ehd_session_file_finish(f->clinic->owner.session, result, &error);
    g_assert_no_error(error);
    host_wait_end(f->clinic);
    host_wait_end(f->patient);
    g_assert_cmpint(host_error(f->clinic), ==, EHP_OK);
    g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
    g_assert_cmpstr(info_of(f->patient)->status, ==, "filed");
    host_assert_clean(f->clinic);
    host_assert_clean(f->patient);
}

static void
request(Fixture *f, const GArray *queries)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GAsyncResult) result = NULL;

    ehd_session_request_items_async(f->clinic->owner.session, queries, FALSE, host_on_result,
                                    &result);
    WAIT(result != NULL);
    ehd_session_request_items_finish(f->clinic->owner.session, result, &error);
    g_assert_no_error(error);
}

static GArray *
query_ids(const char *a, const char *b)
{
    GArray *queries = ehd_queries_new();
    EhdQuery query = {.ids = g_new0(char *, 3)};

    query.ids[0] = g_strdup(a);
    query.ids[1] = g_strdup(b);
    g_array_append_val(queries, query);
    return queries;
}

static void
assert_listed(Fixture *f, guint id, const char *name, EhdItemState state)
{
    g_autoptr(GArray) list =
        ehd_session_list_items(f->clinic->owner.session, EHD_TO_TERMINAL, id, 1, NULL);

    g_assert_cmpuint(list->len, ==, 1);
    g_assert_cmpstr(g_array_index(list, EhdItemInfo, 0).name, ==, name);
    g_assert_cmpint(g_array_index(list, EhdItemInfo, 0).state, ==, state);
}

/* A list, then one item of it and one that there is not, then filed. */
static void
test_list(Fixture *f, gconstpointer data)
{
    EhdReceiveOptions receive;
    g_autoptr(GArray) queries = query_ids("2", "7");
    g_autoptr(GAsyncResult) twice = NULL;
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) expected = host_item_bytes(0, 700000);
    g_autoptr(GBytes) first = NULL;
    g_autoptr(GBytes) second = NULL;

    ehd_receive_options_init(&receive);
    receive.list = TRUE;
    start(f, &receive, NULL);
    wait_idle(f, 0);
    g_assert_cmpuint(info_of(f->clinic)->items, ==, 3);
    assert_listed(f, 0, "summary.json", EHD_ITEM_LISTED);
    assert_listed(f, 1, "lab.json", EHD_ITEM_LISTED);
    assert_listed(f, 2, "scan.dcm", EHD_ITEM_LISTED);
    g_assert_cmpuint(f->patient->owner.opened, ==, 0);
    request(f, queries);
    ehd_session_request_items_async(f->clinic->owner.session, queries, FALSE, host_on_result,
                                    &twice);
    WAIT(twice != NULL);
    g_assert_false(ehd_session_request_items_finish(f->clinic->owner.session, twice, &error));
    g_assert_error(error, EHD_ERROR, EHP_WRONG_STATE);
    wait_idle(f, 1);
    assert_listed(f, 3, "scan.dcm", EHD_ITEM_COLLECTED);
    g_assert_true(g_bytes_equal(g_ptr_array_index(f->clinic->owner.got, 3), expected));
    first = ehd_session_get_receipt(f->clinic->owner.session, 0, NULL);
    second = ehd_session_get_receipt(f->patient->owner.session, 1, NULL);
    g_assert_true(first != NULL && second != NULL && !g_bytes_equal(first, second));
    file(f);
    g_assert_cmpuint(host_count_audit(f->clinic, "received"), ==, 2);
    g_assert_cmpuint(host_count_audit(f->patient, "sent"), ==, 2);
}

/* Nothing of it: an empty answer, and the session goes on. */
static void
test_list_of_nothing(Fixture *f, gconstpointer data)
{
    EhdReceiveOptions receive;
    g_autoptr(GArray) queries = query_ids("3", "secret.json");
    g_autoptr(GError) error = NULL;
    static guint narrowed[] = {1, 2};

    f->patient->owner.answer = NARROW;
    memcpy(f->patient->owner.narrowed, narrowed, sizeof narrowed);
    f->patient->owner.n_narrowed = 2;
    ehd_receive_options_init(&receive);
    receive.list = TRUE;
    start(f, &receive, NULL);
    wait_idle(f, 0);
    g_assert_cmpuint(info_of(f->clinic)->items, ==, 2);
    request(f, queries);
    WAIT(f->clinic->owner.arrived == 2);
    wait_idle(f, 0);
    g_assert_cmpuint(info_of(f->clinic)->items, ==, 0);
    file(f);
}

/* Only what fits is sent when the person just agrees. */
static void
test_query(Fixture *f, gconstpointer data)
{
    EhdReceiveOptions receive;
    g_autoptr(GArray) queries = ehd_queries_new();
    EhdQuery query = {.categories = {EHP__CATEGORY__CATEGORY_LABORATORY_REPORT},
                      .n_categories = 1};

    g_array_append_val(queries, query);
    ehd_receive_options_init(&receive);
    receive.queries = queries;
    start(f, &receive, NULL);
    wait_idle(f, 1);
    assert_listed(f, 0, "lab.json", EHD_ITEM_COLLECTED);
    g_assert_cmpuint(info_of(f->patient)->n_matching, ==, 1);
    g_assert_cmpuint(info_of(f->patient)->request->queries->len, ==, 1);
    file(f);
}

/* The items are named only in the answer. */
static void
test_offer_later(Fixture *f, gconstpointer data)
{
    EhdSendOptions send;
    g_autoptr(GArray) none = ehd_items_new();
    g_autoptr(GBytes) expected = host_item_bytes(0, 700000);

    ehd_send_options_init(&send);
    send.items = none;
    g_assert_null(host_try_send(f->patient, &send, NULL));
    send.offer_later = TRUE;
    f->patient->owner.answer = SAY_NOTHING;
    start(f, NULL, &send);
    WAIT(f->patient->owner.asked == 1);
    g_array_set_size(f->patient->items, 1);
    ehd_session_answer_consent(f->patient->owner.session, TRUE, f->patient->items, NULL, 0, 0,
                               0);
    wait_idle(f, 1);
    g_assert_true(g_bytes_equal(g_ptr_array_index(f->clinic->owner.got, 0), expected));
    file(f);
}

static void
send_with_replies(EhdSendOptions *send)
{
    ehd_send_options_init(send);
    send->replies = TRUE;
    send->linger = 600;
}

/* Report and prescription go back; the patient's receipt is signed once it has them. */
static void
test_reply(Fixture *f, gconstpointer data)
{
    EhdSendOptions send;
    g_autoptr(GBytes) report = host_item_bytes(0, 400000);
    g_autoptr(GBytes) made = NULL;
    g_autoptr(GBytes) got = NULL;
    EhdReceiptFacts facts;

    send_with_replies(&send);
    start(f, NULL, &send);
    wait_idle(f, 3);
    host_reply(f->clinic);
    if (data != NULL) { /* the link goes in the middle of it */
        WAIT(f->clinic->owner.opened > 0);
        cut_link_snap(f->patient->link);
    }
    WAIT(info_of(f->clinic)->has_reply && info_of(f->clinic)->reply == EHD_TRANSFER_COMPLETE);
    g_assert_cmpuint(f->patient->owner.offered, ==, 1);
    g_assert_cmpuint(f->patient->owner.replies->len, ==, 2);
    g_assert_true(g_bytes_equal(g_ptr_array_index(f->patient->owner.replies, 0), report));
    made = ehd_session_get_receipt(f->patient->owner.session, 1, NULL);
    got = ehd_session_get_receipt(f->clinic->owner.session, 1, NULL);
    g_assert_true(g_bytes_equal(made, got));
    g_assert_true(ehd_receipt_verify(f->clinic->trust, g_bytes_get_data(got, NULL),
                                     g_bytes_get_size(got), &facts, NULL));
    g_assert_cmpint(facts.direction, ==, EHP__DIRECTION__DIRECTION_TO_PATIENT);
    g_assert_cmpuint(facts.items, ==, 2);
    g_assert_cmpuint(info_of(f->clinic)->items, ==, 3);
    g_assert_cmpuint(info_of(f->clinic)->reply_items, ==, 2);
    file(f);
    g_assert_cmpuint(host_count_audit(f->patient, "received"), ==, 1);
    g_assert_cmpuint(host_count_audit(f->clinic, "sent"), ==, 1);
}

static void
page(Fixture *f, const char *name)
{
    EhdSession *session = f->patient->owner.session;
    Ehp__ItemEntry entry = EHP__ITEM_ENTRY__INIT, *entries[] = {&entry};
    ehp_event event = {.type = EHP_EV_MANIFEST_PAGE, .entries = entries, .n_entries = 1};
    guint8 salt[EHP_SALT_LEN] = {0};

    entry.has_id = entry.has_size = entry.has_salt = entry.has_category = TRUE;
    entry.name = (char *)name;
    entry.size = 10;
    entry.salt = (ProtobufCBinaryData){sizeof salt, salt};
    entry.category = EHP__CATEGORY__CATEGORY_OTHER;
    ehd_reply_manifest_page(session, &event);
}

/* A clinic whose link goes after each first page: what was listed before is not offered, nor
 * kept; nor is what nobody decided about in time. */
static void
test_pages_again(Fixture *f, gconstpointer data)
{
    const EhdReply *reply;
    EhdSendOptions send;

    send_with_replies(&send);
    start(f, NULL, &send);
    wait_idle(f, 3);
    reply = &f->patient->owner.session->reply;
    page(f, "not yours");
    page(f, "nor this");
    page(f, "report.pdf");
    g_assert_cmpuint(reply->items->len, ==, 1);
    g_assert_cmpstr(g_array_index(reply->items, EhdItem, 0).name, ==, "report.pdf");
    g_assert_cmpuint(reply->states->len, ==, 1);
    g_assert_cmpuint(reply->origins->len, ==, 1);
    ehd_reply_void(f->patient->owner.session);
    g_assert_cmpuint(reply->items->len, ==, 0);
    file(f);
}

/* The proof with the first of its lists once more: as many as there may be. */
static GBytes *
with_more_lists(GBytes *proof)
{
    gsize length;
    const guint8 *data = g_bytes_get_data(proof, &length);
    Ehp__OriginProof *message = ehp__origin_proof__unpack(NULL, length, data);
    guint8 *packed;

    g_assert_nonnull(message);
    message->crl = g_realloc_n(message->crl, EHP_CRL_MAX, sizeof *message->crl);
    for (; message->n_crl < EHP_CRL_MAX; message->n_crl++) {
        message->crl[message->n_crl] = message->crl[0];
        message->crl[message->n_crl].data =
            g_memdup2(message->crl[0].data, message->crl[0].len);
    }
    length = ehp__origin_proof__get_packed_size(message);
    packed = g_malloc(length);
    ehp__origin_proof__pack(message, packed);
    ehp__origin_proof__free_unpacked(message, NULL);
    return g_bytes_new_take(packed, length);
}

/* Of the terminal, as its authority published it since. */
static GBytes *
revoked_since(Fixture *f, GBytes *leaf)
{
    gsize length;
    const void *data = g_bytes_get_data(leaf, &length);
    gnutls_datum_t datum = {(guint8 *)data, (unsigned)length};
    gnutls_x509_crt_t crt;
    gnutls_x509_crl_t crl;
    guint8 serial[32];
    size_t size = sizeof serial;
    GBytes *der;

    g_assert_cmpint(gnutls_x509_crt_init(&crt), ==, 0);
    g_assert_cmpint(gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_DER), ==, 0);
    g_assert_cmpint(gnutls_x509_crt_get_serial(crt, serial, &size), ==, 0);
    g_ptr_array_add(f->ca->revoked[TEST_CA_INTERMEDIATE], g_bytes_new(serial, size));
    crl = test_ca_crl(f->ca, TEST_CA_INTERMEDIATE, HOST_NOW, HOST_NOW + 86400);
    der = test_ca_crl_der(crl);
    gnutls_x509_crl_deinit(crl);
    gnutls_x509_crt_deinit(crt);
    return der;
}

static void
verify(Fixture *f, GBytes *proof, GBytes *newer, ehp_status since)
{
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) error = NULL;
    g_auto(EhdOriginFacts) facts = {0};

    ehd_core_verify_origin_async(f->patient->core, proof, newer, host_on_result, &result);
    g_assert_null(result); /* 16,384 signatures take a while: not here */
    WAIT(result != NULL);
    ehd_core_verify_origin_finish(f->patient->core, result, &facts, &error);
    g_assert_no_error(error);
    g_assert_true(facts.verified);
    g_assert_cmpuint(facts.items, ==, 2);
    g_assert_cmpstr(ehp_status_name(facts.since), ==, ehp_status_name(since));
}

/* However many old lists there are in a proof, a newer one is looked at; one byte changed, and
 * it is none. */
static void
test_origin(Fixture *f, gconstpointer data)
{
    EhdSendOptions send;
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GBytes) proof = NULL, stuffed = NULL, newer = NULL, bad = NULL;
    g_auto(EhdOriginFacts) facts = {0};
    g_autoptr(GError) error = NULL;
    guint8 *copy;
    gsize length;

    send_with_replies(&send);
    start(f, NULL, &send);
    wait_idle(f, 3);
    host_reply(f->clinic);
    WAIT(info_of(f->clinic)->has_reply && info_of(f->clinic)->reply == EHD_TRANSFER_COMPLETE);
    proof = ehd_session_get_origin(f->patient->owner.session, 1, &error);
    g_assert_no_error(error);
    stuffed = with_more_lists(proof);
    newer = revoked_since(f, f->patient->owner.session->chain[0]);
    verify(f, proof, NULL, EHP_OK);
    verify(f, proof, newer, EHP_CERT_REVOKED);
    verify(f, stuffed, NULL, EHP_OK);
    verify(f, stuffed, newer, EHP_CERT_REVOKED);
    copy = g_memdup2(g_bytes_get_data(proof, &length), g_bytes_get_size(proof));
    copy[length - 1] ^= 1;
    bad = g_bytes_new_take(copy, length);
    ehd_core_verify_origin_async(f->patient->core, bad, NULL, host_on_result, &result);
    WAIT(result != NULL);
    g_assert_false(ehd_core_verify_origin_finish(f->patient->core, result, &facts, &error));
    g_assert_error(error, EHD_ERROR, EHP_ORIGIN_INVALID);
    file(f);
}

/* No application that takes replies, or a person who does not: the session goes on. */
static void
test_reply_declined(Fixture *f, gconstpointer data)
{
    EhdSendOptions send;

    send_with_replies(&send);
    send.replies = data == NULL;
    f->patient->owner.declines_replies = TRUE;
    start(f, NULL, &send);
    wait_idle(f, 3);
    host_reply(f->clinic);
    WAIT(info_of(f->clinic)->has_reply && info_of(f->clinic)->reply == EHD_TRANSFER_FAILED);
    g_assert_cmpuint(f->clinic->owner.opened, ==, 0);
    wait_idle(f, 3);
    file(f);
    g_assert_cmpuint(host_count_audit(f->patient, "received"), ==, 0);
}

/* The patient's device goes away during a later transfer: what came before can be filed. */
static void
test_patient_gone(Fixture *f, gconstpointer data)
{
    EhdReceiveOptions receive;
    g_autoptr(GArray) queries = query_ids("2", NULL);

    ehd_receive_options_init(&receive);
    receive.list = TRUE;
    f->patient->owner.giving = GIVE_NONE;
    start(f, &receive, NULL);
    wait_idle(f, 0);
    request(f, queries);
    host_wait_end(f->patient);
    g_assert_cmpint(host_error(f->patient), ==, EHP_NO_INPUT);
    WAIT(host_state(f->clinic) == EHD_STATE_CONFIRMING);
    g_assert_false(info_of(f->clinic)->may_ask);
    g_assert_cmpint(info_of(f->clinic)->transfer, ==, EHD_TRANSFER_FAILED);
    host_cancel(f->clinic->owner.session);
    host_wait_end(f->clinic);
    host_assert_clean(f->clinic);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
#define ADD(path, data, func) g_test_add(path, Fixture, data, set_up, func, tear_down)
    ADD("/core/later/list", NULL, test_list);
    ADD("/core/later/list-of-nothing", NULL, test_list_of_nothing);
    ADD("/core/later/query", NULL, test_query);
    ADD("/core/later/offer-later", NULL, test_offer_later);
    ADD("/core/later/reply", NULL, test_reply);
    ADD("/core/later/reply-cut", "cut", test_reply);
    ADD("/core/later/reply-declined", NULL, test_reply_declined);
    ADD("/core/later/reply-nobody", "nobody", test_reply_declined);
    ADD("/core/later/pages-again", NULL, test_pages_again);
    ADD("/core/later/origin", NULL, test_origin);
    ADD("/core/later/patient-gone", NULL, test_patient_gone);
    return g_test_run();
}
