/* SPDX-License-Identifier: Apache-2.0
 *
 * Is there room for one session more? Asked before anybody is asked to tap: a record that
 * cannot be kept, a receipt or an audit line that cannot be written is no session.
 */
#pragma once

#include "daemon/core/core.h"

/* AUDIT_FULL, NO_SPACE, or what kept the books from being written. Main context; one statvfs.
 */
gboolean ehd_room_check(EhdCore *core, EhdSessionRole role, GError **error);

/* In percent of [store] audit-quota; over 100 is possible. */
guint ehd_room_audit_percent(EhdCore *core);
#define EHD_ROOM_AUDIT_WARN 90
