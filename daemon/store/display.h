/* SPDX-License-Identifier: Apache-2.0
 *
 * Names that strangers chose, made fit for a screen: valid UTF-8; no control, format (bidi,
 * zero-width, tag), private, unassigned or surrogate characters; every run of white space one
 * blank, none at the ends; at most two combining marks on a letter; cut at a character to fit.
 * Pure; any thread.
 */
#pragma once

#include <glib.h>

/* Writes at most size - 1 bytes and a NUL into dst (size ≥ 1). What is not valid UTF-8 becomes
 * U+FFFD. Returns FALSE if anything was changed or cut. */
gboolean ehd_display_copy(char *dst, gsize size, const void *src, gsize length);
