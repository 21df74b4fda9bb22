/* SPDX-License-Identifier: Apache-2.0
 *
 * What expires is told of in time: how long before, by which message id, and by the doctor.
 */
#include "daemon/core/expiry.h"

#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>

#include "daemon/core/core-priv.h"
#include "daemon/core/doctor.h"
#include "daemon/log.h"
#include "tests/daemon/core/host.h"

#define DAY G_GINT64_CONSTANT(86400)

static GString *logged; /* message ids */
static gint64 moment;

static GLogWriterOutput
writer(GLogLevelFlags level, const GLogField *fields, gsize n, gpointer data)
{
    for (gsize i = 0; i < n; i++)
        if (strcmp(fields[i].key, "MESSAGE_ID") == 0)
            g_string_append_printf(logged, "%s ", (const char *)fields[i].value);
    return G_LOG_WRITER_HANDLED;
}

static gint64
at_moment(gpointer data)
{
    return moment;
}

static gboolean
says(EhdCore *core, const char *id)
{
    g_string_truncate(logged, 0);
    ehd_expiry_check(core);
    return strstr(logged->str, id) != NULL;
}

static void
on_findings(GObject *source, GAsyncResult *result, gpointer user_data)
{
    *(GPtrArray **)user_data = ehd_doctor_finish(NULL, result, NULL);
}

static EhdLevel
level_of(EhdCore *core, const char *id)
{
    g_autoptr(GPtrArray) findings = NULL;

    ehd_doctor_async(core, on_findings, &findings);
    WAIT(findings != NULL);
    for (guint i = 0; i < findings->len; i++) {
        const EhdFinding *finding = findings->pdata[i];
        if (strcmp(finding->id, id) == 0)
            return finding->level;
    }
    return EHD_LEVEL_OK;
}

static void
test_near(void)
{
    static const struct {
        gint64 life, left; /* days; life 0: not known */
        gboolean near;
    } table[] = {
        {90, 31, FALSE},  {90, 30, FALSE}, {90, 29, TRUE}, {3650, 31, FALSE},
        {3650, 29, TRUE}, {0, 31, FALSE},  {0, 29, TRUE},  {7, 3, FALSE},
        {7, 2, TRUE},     {7, 0, TRUE},    {90, -1, TRUE}, {0, -400, TRUE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        gint64 until = HOST_NOW + table[i].left * DAY;
        gint64 since = table[i].life != 0 ? until - table[i].life * DAY : 0;

        g_test_message("row %" G_GSIZE_FORMAT, i);
        g_assert_cmpint(ehd_expiry_is_near(HOST_NOW, since, until), ==, table[i].near);
    }
}

/* A list is too old for patients by its own end or by theirs, whichever is first. */
static void
test_lists(void)
{
    g_autoptr(EhdConfig) config = ehd_config_new();
    EhdIdentity identity = {.crl_this_update = HOST_NOW,
                            .crl_next_update = HOST_NOW + 90 * DAY};

    g_assert_cmpint(ehd_expiry_of_crls(&identity, config), ==, HOST_NOW + 7 * DAY);
    identity.crl_next_update = HOST_NOW + 2 * DAY;
    g_assert_cmpint(ehd_expiry_of_crls(&identity, config), ==, HOST_NOW + 2 * DAY);
    identity.crl_next_update = 0;
    g_assert_cmpint(ehd_expiry_of_crls(&identity, config), ==, HOST_NOW + 7 * DAY);
    identity.crl_this_update = 0;
    g_assert_cmpint(ehd_expiry_of_crls(&identity, config), ==, 0);
}

/* The host's leaf lives from yesterday for 30 days, its lists from about now for a week. */
static void
test_through_time(void)
{
    g_autofree char *air = g_dir_make_tmp("ehd-air-XXXXXX", NULL);
    Host *clinic = host_new(air, NULL), *patient = host_new(air, NULL);
    TestCa *ca = host_ca();
    const EhdIdentity *identity;

    host_certify(clinic, patient, ca, NULL);
    clinic->core->parts.now = patient->core->parts.now = at_moment;
    moment = HOST_NOW;
    identity = ehd_core_get_identity(clinic->core);
    g_assert_false(says(clinic->core, EHD_LOG_ID_CERT_EXPIRES));
    g_assert_false(says(clinic->core, EHD_LOG_ID_CRL_EXPIRES));
    g_assert_cmpint(level_of(clinic->core, "identity"), ==, EHD_LEVEL_OK);
    g_assert_cmpint(level_of(clinic->core, "revocation"), ==, EHD_LEVEL_OK);

    moment = ehd_expiry_of_crls(identity, clinic->config) - DAY;
    g_assert_true(says(clinic->core, EHD_LOG_ID_CRL_EXPIRES));
    g_assert_false(says(clinic->core, EHD_LOG_ID_CERT_EXPIRES));
    g_assert_cmpint(level_of(clinic->core, "revocation"), ==, EHD_LEVEL_WARNING);
    moment += 2 * DAY;
    g_assert_true(says(clinic->core, EHD_LOG_ID_CRL_EXPIRED));
    g_assert_cmpint(level_of(clinic->core, "identity"), ==, EHD_LEVEL_PROBLEM);

    moment = identity->not_after - DAY;
    g_assert_true(says(clinic->core, EHD_LOG_ID_CERT_EXPIRES));
    moment = identity->not_after + DAY;
    g_assert_true(says(clinic->core, EHD_LOG_ID_CERT_EXPIRED));
    g_assert_cmpint(level_of(clinic->core, "identity"), ==, EHD_LEVEL_PROBLEM);

    moment = HOST_NOW;
    g_assert_false(says(patient->core, EHD_LOG_ID_ANCHOR_EXPIRES));
    g_assert_cmpint(level_of(patient->core, "trust"), ==, EHD_LEVEL_OK);
    moment = ehd_trust_get(patient->trust, 0)->not_after - 29 * DAY;
    g_assert_true(says(patient->core, EHD_LOG_ID_ANCHOR_EXPIRES));
    g_assert_cmpint(level_of(patient->core, "trust"), ==, EHD_LEVEL_WARNING);

    moment = 0; /* a clock that cannot be right proves nothing */
    g_assert_false(says(clinic->core, EHD_LOG_ID_CERT_EXPIRED));
    test_ca_free(ca);
    host_free(clinic);
    host_free(patient);
    g_assert_cmpint(g_rmdir(air), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    logged = g_string_new(NULL);
    g_log_set_writer_func(writer, NULL, NULL);
    g_test_add_func("/core/expiry/near", test_near);
    g_test_add_func("/core/expiry/lists", test_lists);
    g_test_add_func("/core/expiry/through-time", test_through_time);
    int status = g_test_run();
    g_string_free(logged, TRUE);
    return status;
}
