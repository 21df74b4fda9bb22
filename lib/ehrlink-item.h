/* SPDX-License-Identifier: Apache-2.0
 *
 * EhrlinkItem: one record or file of a session: described by a sender, or listed by a receiver.
 */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS
#pragma GCC visibility push(default)

/**
 * EhrlinkItemState:
 * @EHRLINK_ITEM_STATE_WAITING: not begun, or only described
 * @EHRLINK_ITEM_STATE_RUNNING: under way
 * @EHRLINK_ITEM_STATE_STORED: complete and verified in the receiver's spool
 * @EHRLINK_ITEM_STATE_COLLECTED: the receiving application has its own durable copy
 * @EHRLINK_ITEM_STATE_LISTED: only its entry in a list came;
 * ehrlink_session_request_items_async() asks for the item
 */
typedef enum {
    EHRLINK_ITEM_STATE_WAITING = 0,
    EHRLINK_ITEM_STATE_RUNNING = 1,
    EHRLINK_ITEM_STATE_STORED = 2,
    EHRLINK_ITEM_STATE_COLLECTED = 3,
    EHRLINK_ITEM_STATE_LISTED = 4,
} EhrlinkItemState;

#define EHRLINK_TYPE_ITEM (ehrlink_item_get_type())

/**
 * EhrlinkItem:
 *
 * A sender makes items from files with ehrlink_item_new_for_path() and its like, describes them
 * with the setters, and hands them to ehrlink_client_send_async(); from then on they are not to
 * be changed. A receiver gets items from ehrlink_session_list_items_async() and
 * ehrlink_session_collect_async().
 *
 * No description may hold the patient's name: it is shown, and logged by the applications of
 * the other side, apart from the record itself.
 */
G_DECLARE_FINAL_TYPE(EhrlinkItem, ehrlink_item, EHRLINK, ITEM, GObject)

/**
 * ehrlink_item_new_for_path:
 * @path: (type filename): a regular file
 *
 * Opens nothing yet: the file is checked by ehrlink_client_send_async().
 *
 * Returns: (transfer full): a new item, named as the last part of @path
 */
EhrlinkItem *ehrlink_item_new_for_path(const char *path);

/**
 * ehrlink_item_new_for_file:
 * @file: a file with a local path; another one is refused by ehrlink_client_send_async()
 *
 * Returns: (transfer full): a new item, named as the file
 */
EhrlinkItem *ehrlink_item_new_for_file(GFile *file);

/**
 * ehrlink_item_new_for_fd:
 * @fd: a regular file (or memfd) open for reading; duplicated, its offset does not matter and
 *   is not changed where /proc is mounted
 * @name: the file name to send
 *
 * Returns: (transfer full): a new item
 */
EhrlinkItem *ehrlink_item_new_for_fd(int fd, const char *name);

/**
 * ehrlink_item_get_id:
 * @self: an item
 *
 * Returns: the index in the session's items; what #EhrlinkSession::item-stored and
 *   ehrlink_session_answer_consent() call it by. 0 for an item that is in no session yet.
 */
guint ehrlink_item_get_id(EhrlinkItem *self);

/**
 * ehrlink_item_get_name:
 * @self: an item
 *
 * Returns: (transfer none): the file name as sent. At the receiver any bytes of UTF-8, neither
 *   safe as a file name (ehrlink_safe_name()) nor to be shown as it is (ehrlink_safe_text()).
 */
const char *ehrlink_item_get_name(EhrlinkItem *self);

/**
 * ehrlink_item_set_name:
 * @self: an item to be sent
 * @name: file name without a path, 1 to 255 bytes
 */
void ehrlink_item_set_name(EhrlinkItem *self, const char *name);

/**
 * ehrlink_item_get_size:
 * @self: an item
 *
 * Returns: its bytes; at the sender known once ehrlink_client_send_async() has looked
 */
guint64 ehrlink_item_get_size(EhrlinkItem *self);

/**
 * ehrlink_item_get_state:
 * @self: an item
 *
 * Returns: the state when it was listed; it does not follow what happens later
 */
EhrlinkItemState ehrlink_item_get_state(EhrlinkItem *self);

/**
 * ehrlink_item_get_path:
 * @self: an item
 *
 * Returns: (transfer none) (nullable) (type filename): where the file is: the sender's own, or
 *   where ehrlink_session_collect_async() stored it; %NULL if it came by descriptor or is not
 *   collected
 */
const char *ehrlink_item_get_path(EhrlinkItem *self);

/**
 * ehrlink_item_get_media_type:
 * @self: an item
 *
 * Returns: (transfer none) (nullable): media type (RFC 6838), or %NULL if not said
 */
const char *ehrlink_item_get_media_type(EhrlinkItem *self);

/**
 * ehrlink_item_set_media_type:
 * @self: an item to be sent
 * @media_type: (nullable): media type, "application/fhir+json"
 */
void ehrlink_item_set_media_type(EhrlinkItem *self, const char *media_type);

/**
 * ehrlink_item_get_title:
 * @self: an item
 *
 * Returns: (transfer none) (nullable): what it is, in words; not safe to be shown as it is
 */
const char *ehrlink_item_get_title(EhrlinkItem *self);

/**
 * ehrlink_item_set_title:
 * @self: an item to be sent
 * @title: (nullable): at most 255 bytes
 */
void ehrlink_item_set_title(EhrlinkItem *self, const char *title);

/**
 * ehrlink_item_get_date:
 * @self: an item
 *
 * Returns: (transfer none) (nullable): FHIR date or dateTime of the record
 */
const char *ehrlink_item_get_date(EhrlinkItem *self);

/**
 * ehrlink_item_set_date:
 * @self: an item to be sent
 * @date: (nullable): FHIR date or dateTime, "2026-03-01"
 */
void ehrlink_item_set_date(EhrlinkItem *self, const char *date);

/**
 * ehrlink_item_get_category:
 * @self: an item
 *
 * Returns: (transfer none) (nullable): code of the category table, "Patient-Summaries"
 */
const char *ehrlink_item_get_category(EhrlinkItem *self);

/**
 * ehrlink_item_set_category:
 * @self: an item to be sent
 * @category: (nullable): code of the category table; %NULL is "other"
 */
void ehrlink_item_set_category(EhrlinkItem *self, const char *category);

/**
 * ehrlink_item_get_type_code:
 * @self: an item
 *
 * Returns: (transfer none) (nullable): `system|code`
 */
const char *ehrlink_item_get_type_code(EhrlinkItem *self);

/**
 * ehrlink_item_set_type_code:
 * @self: an item to be sent
 * @type_code: (nullable): `system|code`, "http://loinc.org|60591-5"
 */
void ehrlink_item_set_type_code(EhrlinkItem *self, const char *type_code);

/**
 * ehrlink_item_get_author:
 * @self: an item
 *
 * Returns: (transfer none) (nullable): the authoring organisation
 */
const char *ehrlink_item_get_author(EhrlinkItem *self);

/**
 * ehrlink_item_set_author:
 * @self: an item to be sent
 * @author: (nullable): the authoring organisation
 */
void ehrlink_item_set_author(EhrlinkItem *self, const char *author);

/**
 * ehrlink_item_get_patient_entered:
 * @self: an item
 *
 * Returns: whether the patient wrote it rather than a professional
 */
gboolean ehrlink_item_get_patient_entered(EhrlinkItem *self);

/**
 * ehrlink_item_set_patient_entered:
 * @self: an item to be sent
 * @patient_entered: whether the patient wrote it
 */
void ehrlink_item_set_patient_entered(EhrlinkItem *self, gboolean patient_entered);

/**
 * ehrlink_item_get_subject:
 * @self: an item
 *
 * Returns: (transfer none) (nullable): the opaque group of the person it is about
 */
GBytes *ehrlink_item_get_subject(EhrlinkItem *self);

/**
 * ehrlink_item_set_subject:
 * @self: an item to be sent
 * @subject: (nullable): at most 64 opaque bytes, equal for all items of one person; items of
 *   different subjects in one session are refused (%EHRLINK_ERROR_MIXED_SUBJECTS)
 */
void ehrlink_item_set_subject(EhrlinkItem *self, GBytes *subject);

/**
 * ehrlink_item_get_transfer:
 * @self: a received item
 *
 * Returns: which of the session's transfers brought it, from 0; -1 if that is not known
 */
int ehrlink_item_get_transfer(EhrlinkItem *self);

/**
 * ehrlink_item_get_number:
 * @self: a received item
 *
 * Returns: its place in that transfer, from 0: in a list what an "ids" of
 *   ehrlink_session_request_items_async() calls it by
 */
guint ehrlink_item_get_number(EhrlinkItem *self);

/**
 * ehrlink_item_get_salt:
 * @self: a received item
 *
 * Returns: (transfer none) (nullable): 64 hex digits, to be kept beside the item: with
 *   them `ehrctl receipt verify --files` holds the file against the receipt
 */
const char *ehrlink_item_get_salt(EhrlinkItem *self);

/**
 * ehrlink_item_recognise_all:
 * @items: (array length=n_items): items to be sent in one session, not handed over yet
 * @n_items: their number
 *
 * Looks into the files and describes each item by what is found there, never by its name: media
 * type, title, date, category, type code, authoring organisation, and whether the patient wrote
 * it. What was set before is replaced, what cannot be found is unset. A title, an author or a
 * file name that holds a word of the patient's name, as any of the files tells it, is dropped
 * or replaced by the category's.
 *
 * A file that cannot be read is left as it is: ehrlink_client_send_async() says why. Blocks
 * while it reads all of the files; its memory follows the largest record in them, not their
 * size.
 */
void ehrlink_item_recognise_all(EhrlinkItem **items, gsize n_items);

#pragma GCC visibility pop
G_END_DECLS
