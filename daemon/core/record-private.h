/* SPDX-License-Identifier: Apache-2.0
 *
 * What the files of a session's record share.
 */
#pragma once

#include "daemon/core/session-priv.h"

/* As it is on disk. value: floating, taken. */
GBytes *ehd_record_pack(GVariant *value);
/* type: of GVariant. NULL: bytes that are not one of it in normal form. */
GVariant *ehd_record_unpack(GBytes *bytes, const char *type);

/* record-items.c: items on disk, in either direction. */
#define EHD_RECORD_ITEM  "(stmsmsmsmsmsubmxmay)"
#define EHD_RECORD_ITEMS "a" EHD_RECORD_ITEM
#define EHD_RECORD_ROWS  "a(uub)"
/* All borrowed; of EhdItem, EhdItemState of each, EhdOrigin. */
typedef struct {
    GArray *items;
    GByteArray *states;
    GArray *origins;
} EhdRecordList;
/* (transfer floating), of type EHD_RECORD_ITEMS. */
GVariant *ehd_record_pack_items(const GArray *items);
void ehd_record_take_items(GVariant *list, GArray *items, GByteArray *states);
/* The items and their salts; taken behind what is there. FALSE: it is not that. */
GBytes *ehd_record_pack_list(const EhdRecordList *list);
gboolean ehd_record_take_list(GBytes *note, const EhdRecordList *out);
/* (transfer floating), of type EHD_RECORD_ROWS: which of the first n are of which transfer. */
GVariant *ehd_record_pack_rows(const EhdRecordList *list, guint n);
/* Of what was taken n count, and are placed so; rows NULL: all of the first. FALSE: it does not
 * fit. */
gboolean ehd_record_place(const EhdRecordList *list, guint n, GVariant *rows);
/* record-patient.c */
void ehd_record_add_patient(GVariantBuilder *dict, EhdSession *self);
void ehd_record_take_patient(GVariant *dict, EhdSession *self);
