/* SPDX-License-Identifier: Apache-2.0
 *
 * What the two files of a session's record share.
 */
#pragma once

#include "daemon/core/session-priv.h"

/* As it is on disk. value: floating, taken. */
GBytes *ehd_record_pack(GVariant *value);
/* type: of GVariant. NULL: bytes that are not one of it in normal form. */
GVariant *ehd_record_unpack(GBytes *bytes, const char *type);
/* record-patient.c */
void ehd_record_add_patient(GVariantBuilder *dict, EhdSession *self);
void ehd_record_take_patient(GVariant *dict, EhdSession *self);
