/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/daemon/core/pair.h"

#include <glib/gstdio.h>

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
