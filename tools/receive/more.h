/* SPDX-License-Identifier: Apache-2.0
 *
 * What ehr-receive does with lists, and with files to be sent back.
 */
#pragma once

#include "tools/receive/options.h"

/* Shows a list (of EhrlinkItem), numbered from 1, and tells it as events. */
void more_show(const char *session, GPtrArray *listed);
/* Leaves in `listed` what was picked: numbers, "all", "none"; no answer is none. FALSE: not understood,
 * nothing changed. */
gboolean more_pick(GPtrArray *listed, const char *answer);
/* A query (aa{sv}, floating) for exactly these items of the session's last list. */
GVariant *more_query(GPtrArray *picked);
/* Removes what is only listed. */
void more_without_listed(GPtrArray *items);
/* Items for files, described by their content; transfer container. */
GPtrArray *more_items(char **files);
