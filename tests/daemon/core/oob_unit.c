/* SPDX-License-Identifier: Apache-2.0
 *
 * Out-of-band data of pairing: exchanged in the tap when both sides have them and the terminal
 * is verified, told to the link before it connects, and gone when it is connected or the
 * session ends, however it ends.
 */
#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>

#include "tests/daemon/core/host.h"

typedef struct {
    char *air;
    Host *clinic, *patient;
    TestCa *ca;
} Fixture;

static const guint8 clinic_address[6] = {0, 0xaa, 1, 1, 0, 0x42};
static const guint8 patient_address[6] = {0, 0xaa, 1, 0, 0, 0x42};

static void
set_up(Fixture *f, gconstpointer data)
{
    f->air = g_dir_make_tmp("ehd-air-XXXXXX", NULL);
    f->clinic = host_new(f->air, NULL);
    f->patient = host_new(f->air, NULL);
    f->ca = host_ca();
    host_certify(f->clinic, f->patient, f->ca, NULL);
    host_add_item(f->patient, "a.json", 1000, 0);
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
offer(Host *host, const guint8 address[6], guint8 byte)
{
    cut_link_set_oob(host->link, address, byte);
}

static void
assert_used(Host *host, const guint8 address[6], guint8 byte)
{
    const CutOob *oob = cut_link_get_oob(host->link);

    g_assert_cmpuint(oob->added, >=, 1);
    g_assert_cmpint(oob->last.data[0], ==, byte);
    g_assert_cmpint(oob->last.data[EHD_LINK_OOB_LEN - 1], ==, byte);
    if (address != NULL)
        g_assert_cmpmem(oob->last.address, 6, address, 6);
}

static void
assert_nothing_left(Host *host)
{
    const CutOob *oob = cut_link_get_oob(host->link);

    g_assert_cmpuint(oob->removed, ==, oob->added);
    g_assert_cmpuint(oob->dropped, ==, oob->taken);
}

static void
run(Fixture *f)
{
    host_receive(f->clinic, NULL);
    host_send(f->patient, NULL);
    field_tap(f->clinic->port, f->patient->port, 0);
    host_wait_end(f->patient);
    host_wait_end(f->clinic);
    g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
    g_assert_cmpint(host_error(f->clinic), ==, EHP_OK);
    assert_nothing_left(f->clinic);
    assert_nothing_left(f->patient);
}

static void
test_both(Fixture *f, gconstpointer data)
{
    offer(f->clinic, clinic_address, 0xc1);
    offer(f->patient, patient_address, 0xa1);
    run(f);
    assert_used(f->clinic, patient_address, 0xa1);
    assert_used(f->patient, NULL, 0xc1);
    g_assert_true(cut_link_get_oob(f->patient->link)->before_first);
    /* the next session has data of its own */
    offer(f->patient, patient_address, 0xa2);
    run(f);
    assert_used(f->clinic, patient_address, 0xa2);
    g_assert_cmpuint(cut_link_get_oob(f->patient->link)->taken, ==, 2);
}

static void
test_one_side(Fixture *f, gconstpointer the_clinic)
{
    if (the_clinic != NULL)
        offer(f->clinic, clinic_address, 0xc1);
    else
        offer(f->patient, patient_address, 0xa1);
    run(f);
    g_assert_cmpuint(cut_link_get_oob(f->clinic->link)->added, ==, 0);
    g_assert_cmpuint(cut_link_get_oob(f->patient->link)->added, ==, 0);
}

/* However early the devices are moved apart: what was told to the link is taken back. */
static void
test_torn(Fixture *f, gconstpointer data)
{
    offer(f->clinic, clinic_address, 0xc1);
    offer(f->patient, patient_address, 0xa1);
    for (guint after = 1; after < 40; after++) {
        host_receive(f->clinic, NULL);
        host_send(f->patient, NULL);
        field_tap(f->clinic->port, f->patient->port, after);
        WAIT(!field_port_is_active(f->clinic->port));
        if (field_port_get_apdus(f->patient->port) < after) {
            host_wait_end(f->patient);
            host_wait_end(f->clinic);
            break;
        }
        host_cancel(f->patient->owner.session);
        host_cancel(f->clinic->owner.session);
        host_wait_end(f->patient);
        host_wait_end(f->clinic);
        assert_nothing_left(f->clinic);
        assert_nothing_left(f->patient);
    }
    assert_used(f->clinic, patient_address, 0xa1);
}

/* Data that are stale would make pairing fail for ever: a connect that failed is tried without
 * them. */
static void
test_connect_fails(Fixture *f, gconstpointer data)
{
    offer(f->clinic, clinic_address, 0xc1);
    offer(f->patient, patient_address, 0xa1);
    cut_link_down(f->patient->link);
    host_receive(f->clinic, NULL);
    host_send(f->patient, NULL);
    field_tap(f->clinic->port, f->patient->port, 0);
    WAIT(cut_link_get_oob(f->patient->link)->removed == 1);
    cut_link_up(f->patient->link);
    host_wait_end(f->patient);
    host_wait_end(f->clinic);
    g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
    g_assert_cmpuint(cut_link_get_oob(f->patient->link)->added, ==, 1);
    assert_nothing_left(f->clinic);
    assert_nothing_left(f->patient);
}

/* The device of a person who would not be answered by a terminal without a certificate. */
static void
test_unverified(Fixture *f, gconstpointer data)
{
    EhdReceiveOptions options = {.purpose = 1, .unverified = TRUE};
    Host *nobody = host_new(f->air, NULL);

    offer(nobody, clinic_address, 0xc1);
    offer(f->patient, patient_address, 0xa1);
    host_receive(nobody, &options);
    host_send(f->patient, NULL);
    field_tap(nobody->port, f->patient->port, 0);
    host_wait_state(f->patient, EHD_STATE_STOPPED);
    g_assert_cmpuint(cut_link_get_oob(nobody->link)->taken, ==, 0);
    g_assert_cmpuint(cut_link_get_oob(f->patient->link)->added, ==, 0);
    host_cancel(f->patient->owner.session);
    host_cancel(nobody->owner.session);
    host_wait_end(f->patient);
    host_wait_end(nobody);
    assert_nothing_left(f->patient);
    host_free(nobody);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
#define ADD(path, data, func) g_test_add(path, Fixture, data, set_up, func, tear_down)
    ADD("/core/oob/both", NULL, test_both);
    ADD("/core/oob/terminal-only", "", test_one_side);
    ADD("/core/oob/patient-only", NULL, test_one_side);
    ADD("/core/oob/torn", NULL, test_torn);
    ADD("/core/oob/connect-fails", NULL, test_connect_fails);
    ADD("/core/oob/unverified", NULL, test_unverified);
    return g_test_run();
}
