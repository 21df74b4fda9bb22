/* SPDX-License-Identifier: Apache-2.0
 *
 * How old what is on disk is, by two clocks: the wall clock, which a person or a network may
 * set, and the time since the machine was started, which ends with it.
 */
#pragma once

#include "daemon/core/core-priv.h"

/* Seconds since it was written at these times. CLOCK_WRONG: the wall clock went back while
 * nobody watched: what is kept would seem younger, and a consent last longer, than it is. */
gboolean ehd_age_get(EhdCore *core, gint64 time, guint64 boottime, gint64 *age, GError **error);
