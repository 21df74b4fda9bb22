/* SPDX-License-Identifier: Apache-2.0
 *
 * See age.h. Within one run of the machine the time since its start counts, whatever the wall
 * clock says; across a restart the wall clock is all there is. Which of the two it was is not
 * written down: but after a restart the machine cannot have been up for longer than the wall
 * clock went on.
 */
#include "daemon/core/age.h"

#include "daemon/error.h"
#include "daemon/words.h"

/* The two clocks of one run of a machine drift apart no further. */
#define DRIFT_S 5

gboolean
ehd_age_get(EhdCore *core, gint64 time, guint64 boottime, gint64 *age, GError **error)
{
    gint64 wall = ehd_core_now(core) - time;
    gint64 uptime = (gint64)ehd_core_boottime(core) - (gint64)boottime;

    *age = wall;
    if (wall >= -DRIFT_S && uptime >= 0 && uptime >= wall - DRIFT_S) {
        *age = uptime;
        return TRUE;
    }
    if (wall >= 0)
        return TRUE;
    ehd_error_set(error, EHP_CLOCK_WRONG, N_("the clock went back"));
    return FALSE;
}
