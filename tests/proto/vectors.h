/* SPDX-License-Identifier: Apache-2.0
 *
 * Test vectors in JSON: our own (tests/vectors) and the public ones in a folder "shared" that
 * may lie beside the project (or at EHRLINK_SHARED). Hexadecimal members are given as views
 * that live until the process ends, so that tests stay short.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "proto/bytes.h"

/* tests/vectors/NAME: aborts when it is not there. Borrowed. */
JsonObject *vectors_own(const char *name);
/* vectors/NAME of the shared folder; NULL, and the test is marked as skipped, when not there.
 */
JsonObject *vectors_shared(const char *name);

/* Members; a missing one is empty, 0, false or "". */
ehp_bytes vectors_hex(JsonObject *object, const char *member);
ehp_bytes vectors_hex_of(const char *text);
bool vectors_has(JsonObject *object, const char *member);
/* Status named in "error". */
ehp_status vectors_error(JsonObject *object);

/* for (each object of an array member) */
#define VECTORS_EACH(var, object, member)                                                      \
    for (guint var##_i = 0; var##_i < vectors_count(object, member); var##_i++)                \
        for (JsonObject *var = vectors_at(object, member, var##_i); var; var = NULL)
guint vectors_count(JsonObject *object, const char *member);
JsonObject *vectors_at(JsonObject *object, const char *member, guint i);

#define assert_status(got, want)                                                               \
    g_assert_cmpstr(ehp_status_name(got), ==, ehp_status_name(want))
#define assert_ok(got) assert_status(got, EHP_OK)
#define assert_bytes(a, b)                                                                     \
    do {                                                                                       \
        const ehp_bytes assert_a = (a), assert_b = (b);                                        \
        g_assert_cmpmem(assert_a.data, assert_a.len, assert_b.data, assert_b.len);             \
    } while (0)
