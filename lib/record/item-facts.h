/* SPDX-License-Identifier: Apache-2.0
 *
 * What is particular to a type of resource: what it is called, and what must be said of it.
 */
#pragma once

#include "lib/record/item.h"

/* Fills in what, code, absence and facts. *unsafe is set when something it rests on has a
 * modifier. */
void erec_item_take_facts(ErecReading *reading, ErecItem *item, const ErecNode *resource,
                          gboolean *unsafe);
