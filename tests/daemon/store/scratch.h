/* SPDX-License-Identifier: Apache-2.0
 *
 * A directory of its own for a test, and what every test of this room does with it.
 */
#pragma once

#include <glib.h>

#include "daemon/error.h"
#include "daemon/store/state.h"

/* A new empty directory; free with scratch_free, which removes it with all that is in it. */
char *scratch_new(void);
void scratch_free(char *directory);

/* Opens it as state directory; never fails. */
EhdState *scratch_state(const char *directory);

/* Fails the test unless *error is `status` of our domain; clears it. */
void scratch_expect(GError **error, ehp_status status);

/* Overwrites (or makes) directory/file. */
void scratch_put(const char *directory, const char *file, const void *data, gssize length);
char *scratch_get(const char *directory, const char *file, gsize *length);
