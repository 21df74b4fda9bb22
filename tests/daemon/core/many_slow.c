/* SPDX-License-Identifier: Apache-2.0
 *
 * Much at once: ten sessions in parallel, ten thousand items, a gigabyte in flat memory.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "daemon/error.h"
#include "tests/daemon/core/host.h"

/* gcc has a macro for it, clang a feature */
#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER
#endif
#endif

#define CLINICS 10
/* What both ends together may take more for a gigabyte than for ten megabytes. */
#define FLAT_KB 4096

typedef struct {
    char *air;
    TestCa *ca;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    f->air = g_dir_make_tmp("ehd-air-XXXXXX", NULL);
    f->ca = host_ca();
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    test_ca_free(f->ca);
    g_assert_cmpint(g_rmdir(f->air), ==, 0);
    g_free(f->air);
}

/* One patient's device, tapped on ten terminals one after the other, while the earlier sessions
 * go on. */
static void
test_parallel(Fixture *f, gconstpointer data)
{
    Host *clinics[CLINICS], *patient = host_new(f->air, NULL);
    Owner owners[CLINICS];

    patient->config->max_sessions = patient->config->max_sessions_per_user = CLINICS;
    host_add_item(patient, "a.bin", 2000000, 0);
    for (guint i = 0; i < CLINICS; i++) {
        clinics[i] = host_new(f->air, NULL);
        host_certify(clinics[i], patient, f->ca, NULL);
        host_receive(clinics[i], NULL);
        owner_init(&owners[i], patient);
        owner_attach(&owners[i], host_try_send(patient, NULL, NULL));
        field_tap(clinics[i]->port, patient->port, 0);
        WAIT(field_port_is_armed(patient->port, 0)); /* the reader is free again */
    }
    for (guint i = 0; i < CLINICS; i++) {
        host_wait_end(clinics[i]);
        WAIT(ehd_session_get_info(owners[i].session)->state >= EHD_STATE_DONE);
        g_assert_cmpint(ehd_session_get_info(owners[i].session)->error, ==, EHP_OK);
        g_assert_cmpint(host_error(clinics[i]), ==, EHP_OK);
    }
    for (guint i = 0; i < CLINICS; i++)
        host_free(clinics[i]);
    host_free(patient);
    for (guint i = 0; i < CLINICS; i++)
        owner_clear(&owners[i]);
}

static void
test_ten_thousand(Fixture *f, gconstpointer data)
{
    Host *clinic = host_new(f->air, NULL), *patient = host_new(f->air, NULL);

    for (guint i = 0; i < 10000; i++)
        host_add_item(patient, "item.json", i % 300, 0);
    host_certify(clinic, patient, f->ca, NULL);
    host_receive(clinic, NULL);
    host_send(patient, NULL);
    field_tap(clinic->port, patient->port, 0);
    host_wait_end(clinic);
    host_wait_end(patient);
    g_assert_cmpint(host_error(clinic), ==, EHP_OK);
    g_assert_cmpint(host_error(patient), ==, EHP_OK);
    g_assert_cmpuint(clinic->owner.collected, ==, 10000);
    g_assert_cmpuint(patient->owner.opened, ==, 10000 - 34); /* an empty item needs no file */
    host_free(clinic);
    host_free(patient);
}

static long
memory_kb(void)
{
    g_autofree char *status = NULL;
    const char *line;

    g_assert_true(g_file_get_contents("/proc/self/status", &status, NULL, NULL));
    line = strstr(status, "VmHWM:");
    return line != NULL ? strtol(line + 6, NULL, 10) : 0;
}

/* A sparse file at the sender; at the receiver it takes its room. */
static void
send_big(Fixture *f, guint64 size)
{
    Host *clinic = host_new(f->air, NULL), *patient = host_new(f->air, NULL);
    g_autofree char *path = g_build_filename(patient->files, "0", NULL);

    host_add_item(patient, "big.dcm", 1, 0);
    g_assert_cmpint(truncate(path, (off_t)size), ==, 0);
    g_array_index(patient->items, EhdItem, 0).size = size;
    host_certify(clinic, patient, f->ca, NULL);
    clinic->owner.collects = FALSE;
    host_receive(clinic, NULL);
    host_send(patient, NULL);
    field_tap(clinic->port, patient->port, 0);
    host_wait_state(clinic, EHD_STATE_CONFIRMING);
    g_assert_cmpuint(ehd_session_get_info(clinic->owner.session)->done, ==, size);
    host_cancel(clinic->owner.session);
    host_wait_end(patient);
    g_assert_cmpint(host_error(patient), ==, EHP_OK);
    host_assert_clean(clinic);
    host_free(clinic);
    host_free(patient);
}

static void
test_gigabyte(Fixture *f, gconstpointer data)
{
    struct statvfs fs;
    long small, large;

#ifdef ADDRESS_SANITIZER
    g_test_skip("the address sanitizer keeps what is freed");
    return;
#endif
    g_assert_cmpint(statvfs(f->air, &fs), ==, 0);
    if ((guint64)fs.f_bavail * fs.f_frsize < 3ull << 30) {
        g_test_skip("less than 3 GB free for temporary files");
        return;
    }
    send_big(f, 10 << 20);
    small = memory_kb();
    send_big(f, 1ull << 30);
    large = memory_kb();
    g_test_message("VmHWM of both ends: %ld KB after 10 MB, %ld KB after 1 GB", small, large);
    g_assert_cmpint(large - small, <=, FLAT_KB);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    /* first: what the others leave in the heap would hide it */
    g_test_add("/core/many/gigabyte", Fixture, NULL, set_up, test_gigabyte, tear_down);
    g_test_add("/core/many/parallel", Fixture, NULL, set_up, test_parallel, tear_down);
    g_test_add("/core/many/ten-thousand", Fixture, NULL, set_up, test_ten_thousand, tear_down);
    return g_test_run();
}
