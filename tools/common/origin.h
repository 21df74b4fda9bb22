/* SPDX-License-Identifier: Apache-2.0
 *
 * Origin: what a clinic signed about the things that it sent back (PROTOCOL.md, section 9.1),
 * held against the files. No service is asked: whose the key is, it cannot tell.
 */
#pragma once

#include "proto/receipt.h"
#include "tools/common/contents.h"

typedef struct Origin Origin;

/* From an OriginProof. NULL: malformed, or its request is not signed by its key. */
Origin *origin_new(GBytes *proof);
void origin_free(Origin *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Origin, origin_free)

/* Whether its key signed that these are the items of the receipt's transfer: as many, in this
 * order, each with these bytes. */
gboolean origin_is_of(const Origin *self, const Ehp__Receipt *receipt, const Content *contents,
                      gsize n);
/* Who was at the desk, as the clinic signed it; borrowed, nullable, not safe to print. */
const char *origin_get_operator(const Origin *self);
