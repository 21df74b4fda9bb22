/* SPDX-License-Identifier: Apache-2.0
 *
 * What requests.c (one method's options each) and request-lists.c (lists of items and of
 * queries) share.
 */
#pragma once

#include "daemon/bus/requests.h"

#define FIELD(struct_, field) G_STRUCT_OFFSET(struct_, field)

/* dicts: aa{sv}. (transfer full), of EhdItem; NULL on error. */
GArray *ehd_items_parse(GVariant *dicts, gboolean may_be_none, GError **error);
