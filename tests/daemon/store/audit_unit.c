/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit log: chained, recovered after a crash, not forged unseen.
 */
#include "daemon/store/audit.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/daemon/store/faults.h"
#include "tests/daemon/store/scratch.h"

#define NOW G_GINT64_CONSTANT(1790000000)

typedef struct {
    char *directory;
    char *room;
    EhdState *state;
    EhdAudit *audit;
} Fixture;

static void
open_audit(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    g_clear_pointer(&f->audit, ehd_audit_free);
    f->audit = ehd_audit_open(f->state, NOW, &error);
    g_assert_no_error(error);
}

static void
set_up(Fixture *f, gconstpointer data)
{
    f->directory = scratch_new();
    f->room = g_build_filename(f->directory, "audit", NULL);
    f->state = scratch_state(f->directory);
    open_audit(f);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    faults_clear();
    ehd_audit_free(f->audit);
    ehd_state_free(f->state);
    scratch_free(f->directory);
    g_free(f->room);
}

static void
append(Fixture *f, EhdAuditKind kind, const char *session)
{
    g_autoptr(GError) error = NULL;
    EhdAuditEntry entry = EHD_AUDIT_ENTRY_INIT;
    entry.session = session;
    g_assert_true(ehd_audit_append(f->audit, kind, &entry, NOW, &error));
    g_assert_no_error(error);
}

static gboolean
collect(const char *line, gsize length, gpointer user_data)
{
    g_ptr_array_add(user_data, g_strndup(line, length));
    return TRUE;
}

static GPtrArray *
lines(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    GPtrArray *all = g_ptr_array_new_with_free_func(g_free);
    g_assert_true(ehd_audit_visit(f->audit, collect, all, &error));
    g_assert_no_error(error);
    return all;
}

static void
expect_broken(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    g_clear_pointer(&f->audit, ehd_audit_free);
    g_assert_null(ehd_audit_open(f->state, NOW, &error));
    scratch_expect(&error, EHP_STATE_DAMAGED);
}

static void
test_lines(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    guint8 fingerprint[32] = {0xab};
    EhdAuditEntry entry = {
        .session = "s1",
        .role = "patient",
        .organisation = "The \"Test\" Clinic\n\\",
        .terminal = "Reception 1",
        .fingerprint = fingerprint,
        .verified = 1,
        .crl_state = "checked",
        .purpose = "TREAT",
        .categories = "Patient-Summaries",
        .direction = "to-terminal",
        .acting_as = "self",
        .items = 3,
        .bytes = 0,
        .manifest_hash = fingerprint,
        .status = EHP_LINK_LOST,
    };
    g_assert_true(ehd_audit_append(f->audit, EHD_AUDIT_FAILED, &entry, NOW, &error));
    g_autoptr(GPtrArray) all = lines(f);
    g_assert_cmpint(all->len, ==, 2);
    g_assert_cmpint(ehd_audit_count(f->audit), ==, 2);
    const char *first = g_ptr_array_index(all, 0);
    const char *second = g_ptr_array_index(all, 1);
    g_assert_true(g_str_has_prefix(
        first, "{\"prev\":\"0000000000000000000000000000000000000000000000000000000000000000\","
               "\"seq\":1,\"time\":\"2026-09-21T14:13:20Z\",\"kind\":\"started\"}"));
    guint8 hash[32];
    guint8 head[32];
    char hex[65];
    crypto_hash_sha256(hash, (const guint8 *)first, strlen(first));
    sodium_bin2hex(hex, sizeof hex, hash, sizeof hash);
    g_autofree char *wanted = g_strdup_printf(
        "{\"prev\":\"%s\",\"seq\":2,\"time\":\"2026-09-21T14:13:20Z\",\"kind\":\"failed\","
        "\"session\":\"s1\",\"role\":\"patient\",\"organisation\":\"The \\\"Test\\\" Clinic "
        "\\\\\",\"terminal\":\"Reception 1\",\"fingerprint\":\"ab%062d\",\"verified\":true,"
        "\"crl-state\":\"checked\",\"purpose\":\"TREAT\",\"categories\":\"Patient-Summaries\","
        "\"direction\":\"to-terminal\",\"acting-as\":\"self\",\"items\":3,\"bytes\":0,"
        "\"manifest-hash\":\"ab%062d\",\"error\":\"LinkLost\"}",
        hex, 0, 0);
    g_assert_cmpstr(second, ==, wanted);
    crypto_hash_sha256(hash, (const guint8 *)second, strlen(second));
    ehd_audit_head(f->audit, head);
    g_assert_cmpmem(head, 32, hash, 32);
    open_audit(f); /* the head is found again */
    ehd_audit_head(f->audit, head);
    g_assert_cmpmem(head, 32, hash, 32);
}

static void
test_kinds(Fixture *f, gconstpointer data)
{
    for (int i = 0; i < EHD_AUDIT_KINDS; i++) {
        g_assert_nonnull(ehd_audit_kind_name((EhdAuditKind)i));
        append(f, (EhdAuditKind)i, "s");
    }
    g_assert_cmpstr(ehd_audit_kind_name(EHD_AUDIT_KINDS), ==, "unknown");
    open_audit(f);
    g_assert_cmpint(ehd_audit_count(f->audit), ==, EHD_AUDIT_KINDS + 1);
}

/* However much of the last line a crash leaves, the rest stands and the loss is on record. */
static void
test_torn(Fixture *f, gconstpointer data)
{
    gsize before = 0;
    gsize length = 0;
    append(f, EHD_AUDIT_TAP, "first");
    g_free(scratch_get(f->room, "000001.jsonl", &before));
    append(f, EHD_AUDIT_TAP, "second");
    g_autofree char *file = scratch_get(f->room, "000001.jsonl", &length);
    for (gsize cut = before; cut < length; cut += 7) {
        scratch_put(f->room, "000001.jsonl", file, (gssize)cut);
        open_audit(f);
        g_autoptr(GPtrArray) all = lines(f);
        g_assert_cmpint(all->len, ==, cut == before ? 2 : 3);
        if (cut > before) {
            g_autofree char *said =
                g_strdup_printf("\"recovered\",\"bytes\":%zu}", cut - before);
            g_assert_true(g_str_has_suffix(g_ptr_array_index(all, 2), said));
        }
        append(f, EHD_AUDIT_TAP, "next");
        open_audit(f);
    }
}

/* Any byte of any line but the last changed: found. (The last one's hash is in the receipts.)
 */
static void
test_forged(Fixture *f, gconstpointer data)
{
    gsize length = 0;
    for (int i = 0; i < 3; i++)
        append(f, EHD_AUDIT_TAP, "session");
    g_autofree char *file = scratch_get(f->room, "000001.jsonl", &length);
    gsize last = (gsize)(g_strrstr_len(file, (gssize)length - 1, "\n") - file);
    for (gsize i = 0; i < last; i++) {
        file[i] ^= 1;
        scratch_put(f->room, "000001.jsonl", file, (gssize)length);
        expect_broken(f);
        file[i] ^= 1;
    }
    gsize second = (gsize)(strchr(file, '\n') - file) + 1;
    scratch_put(f->room, "000001.jsonl", file + second, (gssize)(length - second));
    expect_broken(f); /* the first line is gone */
    scratch_put(f->room, "000001.jsonl", file, (gssize)length);
    open_audit(f);
}

static void
test_cut_while_open(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    gsize length = 0;
    g_autofree char *file = scratch_get(f->room, "000001.jsonl", &length);
    append(f, EHD_AUDIT_TAP, "session");
    g_autofree char *path = g_build_filename(f->room, "000001.jsonl", NULL);
    g_assert_cmpint(truncate(path, (off_t)length), ==, 0);
    g_autoptr(GPtrArray) all = g_ptr_array_new_with_free_func(g_free);
    g_assert_false(ehd_audit_visit(f->audit, collect, all, &error));
    scratch_expect(&error, EHP_STATE_DAMAGED);
}

static void
test_rotation(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    char long_name[256];
    memset(long_name, 'x', sizeof long_name - 1);
    long_name[sizeof long_name - 1] = '\0';
    EhdAuditEntry entry = EHD_AUDIT_ENTRY_INIT;
    entry.organisation = entry.terminal = entry.categories = entry.rule = long_name;
    guint n = 2100; /* some 1.2 KB each: three files */
    for (guint i = 0; i < n; i++)
        g_assert_true(ehd_audit_append(f->audit, EHD_AUDIT_TAP, &entry, NOW, &error));
    g_autofree char *third = g_build_filename(f->room, "000003.jsonl", NULL);
    g_assert_true(g_file_test(third, G_FILE_TEST_EXISTS));
    open_audit(f);
    g_assert_cmpint(ehd_audit_count(f->audit), ==, n + 1);
    g_autoptr(GPtrArray) all = lines(f);
    g_assert_cmpint(all->len, ==, n + 1);

    gsize length = 0; /* a line of the oldest changed: the whole walk finds it */
    g_autofree char *file = scratch_get(f->room, "000001.jsonl", &length);
    file[length / 2] ^= 1;
    scratch_put(f->room, "000001.jsonl", file, (gssize)length);
    open_audit(f);
    g_autoptr(GPtrArray) some = g_ptr_array_new_with_free_func(g_free);
    g_assert_false(ehd_audit_visit(f->audit, collect, some, &error));
    scratch_expect(&error, EHP_STATE_DAMAGED);

    g_autofree char *second = g_build_filename(f->room, "000002.jsonl", NULL);
    g_assert_cmpint(unlink(second), ==, 0);
    expect_broken(f);
}

static void
test_crash_at_rotation(Fixture *f, gconstpointer data)
{
    append(f, EHD_AUDIT_TAP, "session");
    scratch_put(f->room, "000002.jsonl", "", 0);
    open_audit(f);
    g_assert_cmpint(ehd_audit_count(f->audit), ==, 2);
    append(f, EHD_AUDIT_TAP, "session");
    open_audit(f);
    g_assert_cmpint(ehd_audit_count(f->audit), ==, 3);
}

static void
test_faults(Fixture *f, gconstpointer data)
{
    static const struct {
        Fault fault;
        int error;
        ehp_status status;
    } table[] = {{FAULT_WRITE, ENOSPC, EHP_NO_SPACE},
                 {FAULT_WRITE, EIO, EHP_STORE_FAILED},
                 {FAULT_FSYNC, EIO, EHP_STORE_FAILED}};
    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        guint8 before[32];
        guint8 after[32];
        ehd_audit_head(f->audit, before);
        faults_set(table[i].fault, 1, table[i].error);
        g_assert_false(ehd_audit_append(f->audit, EHD_AUDIT_TAP, NULL, NOW, &error));
        scratch_expect(&error, table[i].status);
        ehd_audit_head(f->audit, after);
        g_assert_cmpmem(before, 32, after, 32);
        append(f, EHD_AUDIT_TAP, "again");
        faults_set(FAULT_SHORT_WRITE, 1, 0);
        append(f, EHD_AUDIT_TAP, "in parts");
        open_audit(f);
        g_assert_cmpint(ehd_audit_count(f->audit), ==, 3 + 2 * i);
    }
}

/* A full disk at the start keeps nobody from starting: what should have been written then comes
 * before the first line that can be. */
static void
test_full_at_start(Fixture *f, gconstpointer data)
{
    g_autofree char *file = g_build_filename(f->room, "000001.jsonl", NULL);
    g_clear_pointer(&f->audit, ehd_audit_free);
    g_assert_cmpint(unlink(file), ==, 0);
    faults_set(FAULT_WRITE, 1, ENOSPC);
    open_audit(f);
    g_assert_true(faults_hit());
    g_assert_cmpint(ehd_audit_count(f->audit), ==, 0);
    append(f, EHD_AUDIT_TAP, "session");
    g_assert_cmpint(ehd_audit_count(f->audit), ==, 2);

    gsize length = 0;
    g_autofree char *whole = scratch_get(f->room, "000001.jsonl", &length);
    scratch_put(f->room, "000001.jsonl", whole, (gssize)length - 5);
    faults_set(FAULT_WRITE, 1, ENOSPC);
    open_audit(f);
    g_assert_true(faults_hit());
    g_assert_cmpint(ehd_audit_count(f->audit), ==, 1);
    append(f, EHD_AUDIT_TAP, "another");
    g_autoptr(GPtrArray) all = lines(f);
    g_assert_cmpint(all->len, ==, 3);
    g_assert_nonnull(strstr(all->pdata[1], "\"kind\":\"recovered\""));

    g_autoptr(GError) error = NULL; /* any other fault is one */
    g_clear_pointer(&f->audit, ehd_audit_free);
    g_assert_cmpint(unlink(file), ==, 0);
    faults_set(FAULT_WRITE, 1, EIO);
    g_assert_null(ehd_audit_open(f->state, NOW, &error));
    scratch_expect(&error, EHP_STORE_FAILED);
}

static void
test_used(Fixture *f, gconstpointer data)
{
    gsize length = 0;
    for (guint i = 0; i < 3; i++) {
        append(f, EHD_AUDIT_TAP, "session");
        g_autofree char *text = scratch_get(f->room, "000001.jsonl", &length);
        g_assert_cmpuint(ehd_audit_used(f->audit), ==, length);
        open_audit(f);
        g_assert_cmpuint(ehd_audit_used(f->audit), ==, length);
    }
}

static void
append_receipt(Fixture *f, EhdAuditKind kind, guint8 number)
{
    g_autoptr(GError) error = NULL;
    EhdAuditEntry entry = EHD_AUDIT_ENTRY_INIT;
    guint8 hash[EHD_AUDIT_HASH_LEN] = {number};
    entry.receipt_hash = hash;
    /* says what a line that is looked for says, and is not one */
    entry.organisation = "\",\"kind\":\"received\",\"kind\":\"filed\"";
    g_assert_true(ehd_audit_append(f->audit, kind, &entry, NOW, &error));
    g_assert_no_error(error);
}

static gboolean
has_receipt(Fixture *f, EhdAuditKind kind, guint8 number)
{
    g_autoptr(GError) error = NULL;
    guint8 hash[EHD_AUDIT_HASH_LEN] = {number};
    gboolean has = FALSE;
    g_assert_true(ehd_audit_has_receipt(f->audit, kind, hash, &has, &error));
    g_assert_no_error(error);
    return has;
}

/* In the first file, in the newest, in none; only of that kind. */
static void
test_has_receipt(Fixture *f, gconstpointer data)
{
    g_autofree char *second = g_build_filename(f->room, "000002.jsonl", NULL);
    g_autoptr(GError) error = NULL;
    guint8 hash[EHD_AUDIT_HASH_LEN] = {9};
    gboolean has;
    g_assert_false(has_receipt(f, EHD_AUDIT_SENT, 1));
    append_receipt(f, EHD_AUDIT_SENT, 1);
    while (!g_file_test(second, G_FILE_TEST_EXISTS))
        append(f, EHD_AUDIT_TAP, "session");
    append_receipt(f, EHD_AUDIT_RECEIVED, 2);
    for (int again = 0; again < 2; again++, open_audit(f)) {
        g_assert_true(has_receipt(f, EHD_AUDIT_SENT, 1));
        g_assert_true(has_receipt(f, EHD_AUDIT_RECEIVED, 2));
        g_assert_false(has_receipt(f, EHD_AUDIT_RECEIVED, 1));
        g_assert_false(has_receipt(f, EHD_AUDIT_FILED, 2));
        g_assert_false(has_receipt(f, EHD_AUDIT_SENT, 3));
    }
    g_assert_cmpint(unlink(second), ==, 0);
    g_assert_false(ehd_audit_has_receipt(f->audit, EHD_AUDIT_SENT, hash, &has, &error));
    g_assert_nonnull(error);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(path, function) g_test_add(path, Fixture, NULL, set_up, function, tear_down)
    CASE("/store/audit/lines", test_lines);
    CASE("/store/audit/kinds", test_kinds);
    CASE("/store/audit/torn", test_torn);
    CASE("/store/audit/forged", test_forged);
    CASE("/store/audit/cut-while-open", test_cut_while_open);
    CASE("/store/audit/rotation", test_rotation);
    CASE("/store/audit/crash-at-rotation", test_crash_at_rotation);
    CASE("/store/audit/faults", test_faults);
    CASE("/store/audit/full-at-start", test_full_at_start);
    CASE("/store/audit/used", test_used);
    CASE("/store/audit/has-receipt", test_has_receipt);
    return g_test_run();
}
