/* SPDX-License-Identifier: Apache-2.0
 *
 * Which XML it is, by its first element and that element's namespace. No parser: nothing is
 * expanded, resolved or loaded, so that no entity can do harm; what an entity would say is not
 * known.
 */
#pragma once

#include "lib/record/kind.h"

/* `head`: the first bytes of the file, from its first "<". EREC_KIND_OPAQUE when no element
 * begins in them. */
ErecKind erec_xml_kind(const char *head, gsize length);
