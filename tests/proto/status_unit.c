/* SPDX-License-Identifier: Apache-2.0
 *
 * The error table: complete, consistent with the wire's closed set, safe out of range.
 */
#include "proto/status.h"

#include <glib.h>
#include <string.h>

#include "proto/ehrlink.pb-c.h"
#include "proto/wire-codes.h"

static void
test_table_is_complete(void)
{
    for (int i = 0; i < EHP_STATUS_COUNT; i++) {
        ehp_status status = (ehp_status)i;

        g_assert_cmpuint(strlen(ehp_status_name(status)), >, 0);
        g_assert_cmpuint(strlen(ehp_status_text(status)), >, 0);
        g_assert_false(g_str_has_suffix(ehp_status_text(status), "."));
        g_assert_cmpint(ehp_status_from_name(ehp_status_name(status)), ==, status);
        if (status != EHP_OK)
            g_assert_cmpint(ehp_status_exit(status), >=, 64);
    }
}

static void
test_wire_codes_are_those_of_the_wire(void)
{
    g_assert_cmpint(EHP_WIRE_PROTOCOL, ==, EHP__ERROR_CODE__ERROR_PROTOCOL);
    g_assert_cmpint(EHP_WIRE_INTERNAL, ==, EHP__ERROR_CODE__ERROR_INTERNAL);
    g_assert_cmpint(EHP_WIRE_BUSY, ==, EHP__ERROR_CODE__ERROR_BUSY);
    g_assert_cmpint(EHP_WIRE_DECLINED, ==, EHP__ERROR_CODE__ERROR_DECLINED);
    g_assert_cmpint(EHP_WIRE_CANCELLED, ==, EHP__ERROR_CODE__ERROR_CANCELLED);
    g_assert_cmpint(EHP_WIRE_REVOKED, ==, EHP__ERROR_CODE__ERROR_REVOKED);
    g_assert_cmpint(EHP_WIRE_TIMEOUT, ==, EHP__ERROR_CODE__ERROR_TIMEOUT);
    g_assert_cmpint(EHP_WIRE_STORE, ==, EHP__ERROR_CODE__ERROR_STORE);
    g_assert_cmpint(EHP_WIRE_UNVERIFIED, ==, EHP__ERROR_CODE__ERROR_UNVERIFIED);
    g_assert_cmpint(EHP_WIRE_ALREADY, ==, EHP__ERROR_CODE__ERROR_ALREADY);
    for (int i = 1; i < EHP_STATUS_COUNT; i++)
        g_assert_nonnull(protobuf_c_enum_descriptor_get_value(&ehp__error_code__descriptor,
                                                              ehp_status_wire((ehp_status)i)));
}

static void
test_out_of_range(void)
{
    g_assert_cmpstr(ehp_status_name(EHP_AGAIN), ==, "Internal");
    g_assert_cmpint(ehp_status_exit((ehp_status)-1), ==, 70);
    g_assert_cmpint(ehp_status_from_name("NoSuchThing"), ==, EHP_STATUS_COUNT);
    g_assert_cmpint(ehp_status_from_name(""), ==, EHP_STATUS_COUNT);
}

static void
test_refusals_read_alike(void)
{
    const ehp_status alike[] = {EHP_DECLINED, EHP_CONSENT_TIMED_OUT, EHP_CONSENT_EXPIRED,
                                EHP_NO_AGENT, EHP_WRONG_PEER};

    for (size_t i = 0; i < G_N_ELEMENTS(alike); i++)
        g_assert_cmpint(ehp_status_wire(alike[i]), ==, EHP_WIRE_DECLINED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/status/complete", test_table_is_complete);
    g_test_add_func("/status/wire", test_wire_codes_are_those_of_the_wire);
    g_test_add_func("/status/range", test_out_of_range);
    g_test_add_func("/status/alike", test_refusals_read_alike);
    return g_test_run();
}
