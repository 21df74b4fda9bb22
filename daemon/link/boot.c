/* SPDX-License-Identifier: Apache-2.0
 *
 * The kernel's boot id would say it exactly, but the sandbox hides it (ProcSubset=pid).
 */
#include "daemon/link/boot.h"

#include <time.h>

/* How far the clock may have been set since, in seconds. */
#define SLACK 60

gint64
ehd_boot_moment(void)
{
    struct timespec up;

    clock_gettime(CLOCK_BOOTTIME, &up);
    return g_get_real_time() / G_USEC_PER_SEC - up.tv_sec;
}

gboolean
ehd_boot_is_this(gint64 moment)
{
    return ABS(moment - ehd_boot_moment()) <= SLACK;
}
