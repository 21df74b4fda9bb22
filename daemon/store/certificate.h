/* SPDX-License-Identifier: Apache-2.0
 *
 * The chain and the CRLs beside the device key; inside of identity only. `dir_fd` is the
 * identity room.
 */
#pragma once

#include "daemon/store/identity.h"

/* Removes chain and CRLs. */
gboolean ehd_certificate_remove(int dir_fd, GError **error);

/* Fills in everything but the keys; without a chain all of it stays empty. STATE_DAMAGED when
 * the chain is not for identity->public_key. */
gboolean ehd_certificate_load(int dir_fd, EhdIdentity *identity, GError **error);

/* As ehd_identity_import and ehd_identity_import_crls. */
gboolean ehd_certificate_import(int dir_fd, const guint8 public_key[32], const char *pem,
                                gsize length, gint64 now, GError **error);
gboolean ehd_certificate_import_crls(int dir_fd, const EhdIdentity *identity,
                                     GBytes *const *crls, guint n, GError **error);
