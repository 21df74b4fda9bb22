/* SPDX-License-Identifier: Apache-2.0
 *
 * What the store costs, on the file system that TMPDIR is on: `meson test --benchmark store`,
 * or run it by hand. Prints; asserts no time.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/atomic.h"
#include "daemon/store/audit.h"
#include "daemon/store/identity.h"
#include "daemon/store/spool.h"
#include "daemon/store/trust.h"
#include "tests/daemon/store/scratch.h"
#include "tests/rig/test-ca/ca.h"

#define DAY     G_GINT64_CONSTANT(86400)
#define NOW     (EHD_CLOCK_FLOOR + 100 * DAY)
#define MIB     (1024 * 1024)
#define SEGMENT (256 * 1024)

static int
by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;
    return x < y ? -1 : x > y;
}

static void
report(const char *what, double *us, guint n)
{
    qsort(us, n, sizeof *us, by_value);
    printf("%-44s median %8.1f us, best %8.1f, worst %8.1f (%u)\n", what, us[n / 2], us[0],
           us[n - 1], n);
}

typedef void (*Step)(gpointer data);

static void
measure(const char *what, guint n, Step step, gpointer data)
{
    g_autofree double *us = g_new(double, n);
    for (guint i = 0; i < n; i++) {
        gint64 start = g_get_monotonic_time();
        step(data);
        us[i] = (double)(g_get_monotonic_time() - start);
    }
    report(what, us, n);
}

/* --- trust ------------------------------------------------------------------------------- */

typedef struct {
    EhdTrust *trust;
    GBytes *chain[2];
    GBytes *crls[2];
} Verify;

static void
verify_chain(gpointer data)
{
    Verify *v = data;
    EhdVerdict verdict;
    ehd_trust_verify_chain(v->trust, v->chain, 2, NOW, &verdict);
    g_assert_cmpint(verdict.status, ==, EHP_OK);
}

static void
verify_crls(gpointer data)
{
    Verify *v = data;
    const EhdCrlPolicy policy = {7 * DAY, FALSE};
    EhdRevocation revocation;
    ehd_trust_verify_crls(v->trust, v->chain, 2, v->crls, 2, NOW, &policy, &revocation);
    g_assert_cmpint(revocation.status, ==, EHP_OK);
}

static void
bench_trust(EhdState *state)
{
    g_autoptr(GError) error = NULL;
    TestCaNames names = {"Test Authority", EHD_CLOCK_FLOOR, NOW + 3650 * DAY};
    g_autoptr(TestCa) ca = test_ca_new(&names);
    TestCaLeaf leaf = {"Test Clinic", "Reception 1",  "Vienna",         "AT",
                       NOW - DAY,     NOW + 29 * DAY, EHD_EKU_TERMINAL, TEST_CA_INTERMEDIATE,
                       FALSE};
    gnutls_privkey_t secret;
    gnutls_pubkey_t key;
    gnutls_privkey_init(&secret);
    gnutls_privkey_generate(secret, GNUTLS_PK_EDDSA_ED25519, 256, 0);
    gnutls_pubkey_init(&key);
    gnutls_pubkey_import_privkey(key, secret, 0, 0);
    gnutls_x509_crt_t crt = test_ca_issue(ca, key, &leaf);
    Verify v = {ehd_trust_open(state, NULL, &error),
                {test_ca_der(crt), test_ca_der(ca->crt[TEST_CA_INTERMEDIATE])},
                {NULL, NULL}};
    g_autofree char *root = test_ca_pem(ca->crt[TEST_CA_ROOT]);
    g_assert_true(ehd_trust_add(v.trust, root, strlen(root), NOW, NULL, &error));
    gsize crl_bytes = 0;
    for (int i = 0; i < 2; i++) {
        gnutls_x509_crl_t crl = test_ca_crl(ca, (TestCaSigner)i, NOW, NOW + 7 * DAY);
        v.crls[i] = test_ca_crl_der(crl);
        crl_bytes += g_bytes_get_size(v.crls[i]);
        gnutls_x509_crl_deinit(crl);
    }
    printf("chain: leaf %zu + intermediate %zu bytes DER; two empty CRLs %zu bytes\n",
           g_bytes_get_size(v.chain[0]), g_bytes_get_size(v.chain[1]), crl_bytes);
    measure("verify a chain", 1000, verify_chain, &v);
    measure("verify its CRLs", 1000, verify_crls, &v);
    for (int i = 0; i < 2; i++) {
        g_bytes_unref(v.chain[i]);
        g_bytes_unref(v.crls[i]);
    }
    gnutls_x509_crt_deinit(crt);
    gnutls_pubkey_deinit(key);
    gnutls_privkey_deinit(secret);
    ehd_trust_free(v.trust);
}

/* --- files ------------------------------------------------------------------------------- */

static void
atomic_write(gpointer data)
{
    char content[1024] = {0};
    g_assert_true(ehd_atomic_write(ehd_state_fd(data), "bench", content, sizeof content, NULL));
}

static void
audit_append(gpointer data)
{
    EhdAuditEntry entry = EHD_AUDIT_ENTRY_INIT;
    entry.session = "0123456789abcdef";
    entry.organisation = "Test Clinic";
    g_assert_true(ehd_audit_append(data, EHD_AUDIT_TAP, &entry, NOW, NULL));
}

/* One item of `total` bytes, synced every `every` bytes. */
static void
spool_large(EhdSpoolSession *session, guint32 id, gsize total, gsize every)
{
    g_autoptr(GError) error = NULL;
    g_autofree guint8 *segment = g_malloc(SEGMENT);
    memset(segment, 0x5a, SEGMENT);
    gint64 start = g_get_monotonic_time();
    g_autoptr(EhdSpoolItem) item = ehd_spool_item_begin(session, id, total, 0, &error);
    for (gsize at = 0; at < total; at += SEGMENT) {
        g_assert_true(ehd_spool_item_append(item, at, segment, SEGMENT, &error));
        if ((at + SEGMENT) % every == 0)
            g_assert_true(ehd_spool_item_sync(item, &error));
    }
    g_assert_true(ehd_spool_item_finish(item, &error));
    double seconds = (double)(g_get_monotonic_time() - start) / 1e6;
    printf("spool %zu MiB, a sync per %zu KiB: %.0f MB/s\n", total / MIB, every / 1024,
           (double)total / 1e6 / seconds);
}

static void
spool_small(EhdSpoolSession *session, guint32 first, guint32 n, gboolean later)
{
    g_autoptr(GError) error = NULL;
    gint64 start = g_get_monotonic_time();
    for (guint32 i = first; i < first + n; i++) {
        g_autoptr(EhdSpoolItem) item = ehd_spool_item_begin(session, i, 1000, 0, &error);
        char content[1000] = {0};
        g_assert_true(ehd_spool_item_append(item, 0, content, sizeof content, &error));
        g_assert_true(later ? ehd_spool_item_finish_later(item, &error)
                            : ehd_spool_item_finish(item, &error));
        if (later && i % 64 == 63)
            g_assert_true(ehd_spool_session_sync(session, &error));
    }
    g_assert_true(ehd_spool_session_sync(session, &error));
    double us = (double)(g_get_monotonic_time() - start);
    printf("spool %u items of 1,000 bytes, %s: %.0f us each\n", n,
           later ? "synced by 64" : "each finished", us / n);
}

static void
bench_spool(EhdState *state)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(EhdSeal) seal = ehd_seal_open(state, &error);
    g_autoptr(EhdSpool) spool = ehd_spool_open(state, seal, 4096ull * MIB, 0, &error);
    g_autoptr(EhdSpoolSession) session = ehd_spool_session_new(spool, "bench", "", 0, &error);
    g_assert_no_error(error);
    for (guint32 round = 0; round < 3; round++) {
        spool_large(session, 3 * round, 256 * MIB, SEGMENT);
        spool_large(session, 3 * round + 1, 256 * MIB, 2 * MIB);
        spool_large(session, 3 * round + 2, 256 * MIB, 256 * MIB);
    }
    spool_small(session, 1000, 500, FALSE);
    spool_small(session, 2000, 2000, TRUE);
    g_assert_true(ehd_spool_session_discard(session, &error));
}

int
main(void)
{
    g_autoptr(GError) error = NULL;
    char *directory = scratch_new();
    EhdState *state = scratch_state(directory);
    printf("on %s\n", directory);
    bench_trust(state);
    measure("atomic write of 1 KiB", 200, atomic_write, state);
    EhdAudit *audit = ehd_audit_open(state, NOW, &error);
    measure("append to the audit log", 200, audit_append, audit);
    ehd_audit_free(audit);
    bench_spool(state);
    ehd_state_free(state);
    scratch_free(directory);
    return 0;
}
