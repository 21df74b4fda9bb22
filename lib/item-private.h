/* SPDX-License-Identifier: Apache-2.0
 *
 * What the library knows of an item beyond its description.
 */
#pragma once

#include "ehrlink-item.h"
#include "source.h"

/* A received item from one entry of Transfer.ListItems. (transfer full) */
EhrlinkItem *ehrlink_item_new_from_variant(GVariant *entry);

/* The description for Manager.Send, a{sv}; source and name must be there. (transfer floating)
 */
GVariant *ehrlink_item_describe(EhrlinkItem *self);

/* Borrowed; NULL for a received item. Its stamp is set by ehrlink_source_look(). */
EhrlinkSource *ehrlink_item_get_source(EhrlinkItem *self);

void ehrlink_item_set_id(EhrlinkItem *self, guint id);
void ehrlink_item_set_state(EhrlinkItem *self, EhrlinkItemState state);
void ehrlink_item_set_path(EhrlinkItem *self, const char *path);
