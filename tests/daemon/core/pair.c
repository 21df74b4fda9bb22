/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/daemon/core/pair.h"

#include <glib/gstdio.h>
#include <string.h>

#include "daemon/core/session-priv.h"
#include "proto/bounds.h"
#include "proto/ehrlink.pb-c.h"

void
pair_set_up(Pair *f, gconstpointer data)
{
    f->air = g_dir_make_tmp("ehd-air-XXXXXX", NULL);
    f->clinic = host_new(f->air, NULL);
    f->patient = host_new(f->air, NULL);
    f->ca = host_ca();
    host_certify(f->clinic, f->patient, f->ca, NULL);
    host_add_item(f->patient, "a.dcm", PAIR_BIG, EHP__CATEGORY__CATEGORY_MEDICAL_IMAGING);
    host_add_item(f->patient, "b.json", PAIR_SMALL, EHP__CATEGORY__CATEGORY_PATIENT_SUMMARY);
}

void
pair_set_up_reply(Pair *f, gconstpointer data)
{
    pair_set_up(f, data);
    host_add_item(f->clinic, "prescription.json", PAIR_SMALL, 0);
    host_add_item(f->clinic, "report.pdf", PAIR_BIG, 0);
}

void
pair_tear_down(Pair *f, gconstpointer data)
{
    host_free(f->clinic);
    host_free(f->patient);
    test_ca_free(f->ca);
    g_assert_cmpint(g_rmdir(f->air), ==, 0);
    g_free(f->air);
}

static void
open_and_tap(Pair *f, const EhdSendOptions *options)
{
    host_receive(f->clinic, NULL);
    host_send(f->patient, options);
    field_tap(f->clinic->port, f->patient->port, 0);
}

void
pair_open_and_tap(Pair *f)
{
    open_and_tap(f, NULL);
}

void
pair_open_detached_and_tap(Pair *f)
{
    EhdSendOptions options;

    ehd_send_options_init(&options);
    options.detach = TRUE;
    open_and_tap(f, &options);
}

void
pair_open_patient_and_tap(Pair *f)
{
    EhdSendOptions options;

    ehd_send_options_init(&options);
    options.linger = EHP_LINGER_MS / 1000;
    open_and_tap(f, &options);
}

const EhdSessionInfo *
pair_info(Host *host)
{
    return ehd_session_get_info(host->owner.session);
}

EhdTransferState
pair_reply(Host *host)
{
    return pair_info(host)->reply;
}

void
pair_wait_reply(Pair *f, guint64 bytes)
{
    WAIT(pair_info(f->clinic)->reply_done > bytes);
}

void
pair_open_for_reply(Pair *f, gboolean list)
{
    EhdReceiveOptions receive;
    EhdSendOptions send;

    ehd_receive_options_init(&receive);
    receive.list = list;
    ehd_send_options_init(&send);
    send.replies = TRUE;
    send.linger = 600;
    f->clinic->owner.files = FALSE;
    host_receive(f->clinic, &receive);
    host_send(f->patient, &send);
    field_tap(f->clinic->port, f->patient->port, 0);
    WAIT(pair_info(f->clinic)->may_ask && f->clinic->owner.collected == (list ? 0 : 2));
}

static void
restart(Pair *f, Host *host)
{
    g_autofree char *id = g_strdup(pair_info(host)->id);

    host_restart(host, f->air);
    owner_attach(&host->owner, ehd_core_find(host->core, id, 1000, NULL));
}

void
pair_restart(Pair *f, const char *who)
{
    if (strstr(who, "clinic") != NULL)
        restart(f, f->clinic);
    if (strstr(who, "patient") != NULL)
        restart(f, f->patient);
}

void
pair_file(Pair *f)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GAsyncResult) result = NULL;

    /* one that is just going, and taken for a link, would not tell the patient */
    WAIT(f->patient->owner.session->linked && f->clinic->owner.session->linked);
    ehd_session_file_async(f->clinic->owner.session, host_on_result, &result);
    WAIT(result != NULL);
    ehd_session_file_finish(f->clinic->owner.session, result, &error);
    g_assert_no_error(error);
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_OK, EHP_OK);
    g_assert_cmpstr(pair_info(f->patient)->status, ==, "filed");
    host_assert_clean(f->clinic);
}

void
pair_discard(Pair *f)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GAsyncResult) result = NULL;

    ehd_session_discard_async(f->clinic->owner.session, NULL, host_on_result, &result);
    WAIT(result != NULL);
    ehd_session_discard_finish(f->clinic->owner.session, result, &error);
    g_assert_no_error(error);
    host_wait_end(f->clinic);
    host_assert_clean(f->clinic);
}

void
pair_open_list(Pair *f)
{
    EhdReceiveOptions receive;

    ehd_receive_options_init(&receive);
    receive.list = TRUE;
    f->clinic->owner.files = FALSE;
    host_receive(f->clinic, &receive);
    host_send(f->patient, NULL);
    field_tap(f->clinic->port, f->patient->port, 0);
    WAIT(ehd_session_get_info(f->clinic->owner.session)->may_ask);
    g_assert_cmpuint(ehd_session_get_info(f->clinic->owner.session)->items, ==, 2);
}

void
pair_wait_ends(Pair *f)
{
    host_wait_end(f->clinic);
    host_wait_end(f->patient);
}

void
pair_assert_errors(Pair *f, ehp_status clinic, ehp_status patient)
{
    g_assert_cmpstr(ehp_status_name(host_error(f->clinic)), ==, ehp_status_name(clinic));
    g_assert_cmpstr(ehp_status_name(host_error(f->patient)), ==, ehp_status_name(patient));
    if (clinic != EHP_OK)
        host_assert_clean(f->clinic);
    host_assert_clean(f->patient);
}

void
pair_assert_arrived(Pair *f)
{
    for (guint i = 0; i < 2; i++) {
        g_autoptr(GBytes) expected = host_item_bytes(i, i == 0 ? PAIR_BIG : PAIR_SMALL);

        g_assert_true(g_bytes_equal(g_ptr_array_index(f->clinic->owner.got, 1 - i), expected));
    }
}

guint64
pair_done(Host *host)
{
    return ehd_session_get_info(host->owner.session)->done;
}
