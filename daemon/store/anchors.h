/* SPDX-License-Identifier: Apache-2.0
 *
 * The trust anchors in memory; inside of trust only.
 */
#pragma once

#include "daemon/store/trust.h"
#include "daemon/store/x509.h"

/* One certificate that vouches. */
typedef struct {
    gnutls_x509_crt_t crt; /* owned */
    EhdAnchor info;
    char *file; /* owned; its name in its directory */
} EhdAnchorEntry;

struct EhdTrust {
    EhdState *state;    /* borrowed */
    char *system_dir;   /* owned, or NULL */
    GPtrArray *anchors; /* owned EhdAnchorEntry, the system's first */
};

/* Reads a PEM file's only certificate as an anchor: a version 3 CA. Takes no ownership. */
EhdAnchorEntry *ehd_anchor_parse(const char *file, const void *pem, gsize length,
                                 gboolean system, GError **error);
void ehd_anchor_free(EhdAnchorEntry *entry);
/* The very same certificate. */
gboolean ehd_anchor_equal(const EhdAnchorEntry *a, const EhdAnchorEntry *b);
