/* SPDX-License-Identifier: Apache-2.0
 *
 * Lines with a message id: to the journal where there is one, else to standard error. Any
 * thread.
 */
#include "daemon/log.h"

void
ehd_log(GLogLevelFlags level, const char *id, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_log_structured("ehrlinkd", level, "MESSAGE_ID", id, "MESSAGE", "%s", message);
}
