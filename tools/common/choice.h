/* SPDX-License-Identifier: Apache-2.0
 *
 * Numbers that a person picks from a list.
 */
#pragma once

#include <glib.h>

/* "1,3-5" over `count` items → ids from 0, in order, each once; NULL if it is not that. *n_ids is set. */
guint *choice_parse(const char *text, guint count, gsize *n_ids);
