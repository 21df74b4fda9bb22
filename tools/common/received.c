/* SPDX-License-Identifier: Apache-2.0
 *
 * See received.h. Blocking; main thread. json-glib complains aloud about a member of another
 * type, so each type is looked at first.
 */
#include "tools/common/received.h"

#include <glib/gi18n.h>
#include <string.h>

#include "ehrlink.h"
#include "proto/receipt.h"
#include "tools/common/contents.h"
#include "tools/common/session-dir.h"

#define NOT_STORED "."

typedef struct {
    char *path, *name, *salt; /* owned; name: of the file in the directory */
    gint64 transfer, number;
    gboolean patient_entered;
} Item;

struct Received {
    char *session, *direction, *receipt, *organisation; /* owned, never NULL, "": not said */
    GPtrArray *items;                                   /* owned, of Item */
    gboolean said_verified;                             /* by session.json */
    gboolean checked;
    gint64 transfer;         /* that the receipt is for, once checked */
    ReceivedVerdict verdict; /* of the files of it, once checked */
};

/* --- session.json
 * ----------------------------------------------------------------------------- */

static JsonNode *
value_of(JsonObject *object, const char *member, GType type)
{
    JsonNode *value = json_object_get_member(object, member);

    return value != NULL && JSON_NODE_HOLDS_VALUE(value) &&
                   json_node_get_value_type(value) == type
               ? value
               : NULL;
}

static char *
string_of(JsonObject *object, const char *member)
{
    JsonNode *value = value_of(object, member, G_TYPE_STRING);

    return g_strdup(value != NULL ? json_node_get_string(value) : "");
}

static gint64
int_of(JsonObject *object, const char *member)
{
    JsonNode *value = value_of(object, member, G_TYPE_INT64);

    return value != NULL ? json_node_get_int(value) : 0;
}

static gboolean
bool_of(JsonObject *object, const char *member)
{
    JsonNode *value = value_of(object, member, G_TYPE_BOOLEAN);

    return value != NULL && json_node_get_boolean(value);
}

static void
item_free(gpointer data)
{
    Item *item = data;

    g_free(item->path);
    g_free(item->name);
    g_free(item->salt);
    g_free(item);
}

static void
add_item(Received *self, const char *path, JsonNode *node)
{
    JsonObject *object = JSON_NODE_HOLDS_OBJECT(node) ? json_node_get_object(node) : NULL;
    g_autofree char *file = object != NULL ? string_of(object, "file") : NULL;
    Item *item;

    if (object == NULL)
        return;
    item = g_new0(Item, 1);
    item->name =
        g_path_get_basename(file); /* never out of the directory; NOT_STORED when it was not */
    item->path = g_build_filename(path, item->name, NULL);
    item->salt = string_of(object, "salt");
    item->transfer = int_of(object, "transfer");
    item->number = int_of(object, "number");
    item->patient_entered = bool_of(object, "patient-entered");
    g_ptr_array_add(self->items, item);
}

static gint
by_number(gconstpointer a, gconstpointer b)
{
    const Item *x = *(Item *const *)a, *y = *(Item *const *)b;

    return x->number < y->number ? -1 : x->number > y->number;
}

Received *
received_new(const char *path)
{
    g_autoptr(JsonNode) root = session_dir_load(path);
    JsonObject *object;
    JsonNode *items, *from;
    Received *self;

    if (root == NULL)
        return NULL;
    object = json_node_get_object(root);
    items = json_object_get_member(object, "items");
    from = json_object_get_member(object, "from");
    self = g_new0(Received, 1);
    self->items = g_ptr_array_new_with_free_func(item_free);
    self->session = string_of(object, "session");
    self->direction = string_of(object, "direction");
    self->receipt = string_of(object, "receipt");
    if (from != NULL && JSON_NODE_HOLDS_OBJECT(from)) {
        self->organisation = string_of(json_node_get_object(from), "organisation");
        self->said_verified = bool_of(json_node_get_object(from), "verified");
    } else {
        self->organisation = g_strdup("");
    }
    if (items != NULL && JSON_NODE_HOLDS_ARRAY(items))
        for (guint i = 0; i < json_array_get_length(json_node_get_array(items)); i++)
            add_item(self, path, json_array_get_element(json_node_get_array(items), i));
    g_ptr_array_sort(self->items, by_number); /* stable: without numbers as they stand */
    return self;
}

void
received_free(Received *self)
{
    if (self == NULL)
        return;
    g_free(self->session);
    g_free(self->direction);
    g_free(self->receipt);
    g_free(self->organisation);
    g_ptr_array_unref(self->items);
    g_free(self);
}

GBytes *
received_get_receipt(const Received *self)
{
    gsize length = 0;
    guchar *bytes = *self->receipt != '\0' ? g_base64_decode(self->receipt, &length) : NULL;

    if (length > 0)
        return g_bytes_new_take(bytes, length);
    g_free(bytes);
    return NULL;
}

const char *
received_get_organisation(const Received *self)
{
    return self->organisation;
}

/* --- the note
 * --------------------------------------------------------------------------------- */

/* Named by what it is about; each text ends with its NUL, so that none runs into the next. */
static char *
note_path(const Received *self)
{
    const char *const texts[] = {"ehrlink received", self->session, self->direction,
                                 self->organisation, self->receipt};
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++)
        g_checksum_update(sum, (const guchar *)texts[i], (gssize)strlen(texts[i]) + 1);
    return g_build_filename(g_get_user_state_dir(), "ehrlink", "received",
                            g_checksum_get_string(sum), NULL);
}

static gboolean
is_from_clinic(const Received *self)
{
    return g_str_equal(self->direction, "to-patient") && self->said_verified &&
           *self->organisation != '\0';
}

gboolean
received_note(const char *path, GError **error)
{
    g_autoptr(Received) self = received_new(path);
    g_autofree char *note = NULL, *folder = NULL;
    g_autoptr(GError) local = NULL;

    if (self == NULL || !is_from_clinic(self))
        return TRUE; /* nothing that could be called verified */
    note = note_path(self);
    folder = g_path_get_dirname(note);
    if (g_mkdir_with_parents(folder, 0700) == 0 &&
        g_file_set_contents_full(note, "", 0,
                                 G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
                                 0600, &local))
        return TRUE;
    g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED, "%s: %s", folder,
                local != NULL ? local->message
                              : ehrlink_error_get_text(EHRLINK_ERROR_STORE_FAILED));
    return FALSE;
}

/* --- the files
 * -------------------------------------------------------------------------------- */

static gboolean
open_receipt(GBytes *bytes, ehp_receipt *receipt, GError **error)
{
    gsize length = 0;
    const guint8 *data = g_bytes_get_data(bytes, &length);

    if (ehp_receipt_open((ehp_bytes){data, length}, receipt) == EHP_OK)
        return TRUE;
    g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_RECEIPT_INVALID,
                        ehrlink_error_get_text(EHRLINK_ERROR_RECEIPT_INVALID));
    return FALSE;
}

static char *
hex(const ProtobufCBinaryData *data)
{
    GString *text = g_string_new(NULL);

    for (gsize i = 0; i < data->len; i++)
        g_string_append_printf(text, "%02x", data->data[i]);
    return g_string_free(text, FALSE);
}

static gboolean
check_opened(const Received *self, const Ehp__Receipt *receipt, GError **error)
{
    const gint64 transfer = receipt->has_transfer ? receipt->transfer : 0;
    g_autoptr(GPtrArray) paths = g_ptr_array_new(), salts = g_ptr_array_new(); /* borrowed */
    g_autofree char *contents = hex(&receipt->contents_hash);

    for (guint i = 0; i < self->items->len; i++) {
        const Item *item = g_ptr_array_index(self->items, i);

        if (item->transfer != transfer)
            continue;
        if (g_str_equal(item->name, NOT_STORED)) {
            g_set_error_literal(error, EHRLINK_ERROR, EHRLINK_ERROR_INVALID_ARGUMENT,
                                "an item has no file");
            return FALSE;
        }
        g_ptr_array_add(paths, item->path);
        g_ptr_array_add(salts, item->salt);
    }
    return contents_check(contents, (const char *const *)paths->pdata,
                          (const char *const *)salts->pdata, paths->len, error);
}

gboolean
received_check(const Received *self, GBytes *bytes, GError **error)
{
    ehp_receipt receipt = {0};
    gboolean holds;

    if (!open_receipt(bytes, &receipt, error))
        return FALSE;
    holds = check_opened(self, receipt.receipt, error);
    ehp_receipt_clear(&receipt);
    return holds;
}

static ReceivedVerdict
judge(Received *self, const Ehp__Receipt *receipt)
{
    const gboolean to_patient = receipt->direction == EHP__DIRECTION__DIRECTION_TO_PATIENT;
    g_autofree char *note = note_path(self);
    g_autoptr(GError) error = NULL;

    self->transfer = receipt->has_transfer ? receipt->transfer : 0;
    if (!check_opened(self, receipt, &error))
        return error == NULL || g_error_matches(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT)
                   ? RECEIVED_ALTERED
                   : RECEIVED_UNPROVEN;
    return to_patient && receipt->complete && is_from_clinic(self) &&
                   g_file_test(note, G_FILE_TEST_IS_REGULAR)
               ? RECEIVED_VERIFIED
               : RECEIVED_HOLDS;
}

static void
check_once(Received *self)
{
    g_autoptr(GBytes) bytes = received_get_receipt(self);
    ehp_receipt receipt = {0};

    if (self->checked)
        return;
    self->checked = TRUE;
    self->transfer = -1;
    self->verdict = RECEIVED_UNPROVEN;
    if (bytes == NULL || !open_receipt(bytes, &receipt, NULL))
        return;
    self->verdict = judge(self, receipt.receipt);
    ehp_receipt_clear(&receipt);
}

static const Item *
find(const Received *self, const char *name)
{
    for (guint i = 0; i < self->items->len; i++) {
        const Item *item = g_ptr_array_index(self->items, i);

        if (g_str_equal(item->name, name))
            return item;
    }
    return NULL;
}

ReceivedVerdict
received_verdict(Received *self, const char *name)
{
    const Item *item = find(self, name);

    if (item == NULL)
        return RECEIVED_UNKNOWN;
    check_once(self);
    return self->transfer < 0 || item->transfer == self->transfer ? self->verdict
                                                                  : RECEIVED_UNKNOWN;
}

gboolean
received_patient_entered(const Received *self, const char *name)
{
    const Item *item = find(self, name);

    return item != NULL && item->patient_entered;
}

/* --- words
 * ------------------------------------------------------------------------------------ */

const char *
received_code(ReceivedVerdict verdict)
{
    switch (verdict) {
    case RECEIVED_UNKNOWN:
        break;
    case RECEIVED_UNPROVEN:
        return "unproven";
    case RECEIVED_ALTERED:
        return "altered";
    case RECEIVED_HOLDS:
        return "unaltered";
    case RECEIVED_VERIFIED:
        return "verified";
    }
    return NULL;
}

const char *
received_words(ReceivedVerdict verdict)
{
    if (verdict == RECEIVED_ALTERED)
        return _("*** ALTERED SINCE IT WAS RECEIVED: the files of this session are not, or not "
                 "all, what the receipt is for. Do not "
                 "rely on them. ***");
    if (verdict == RECEIVED_UNPROVEN)
        return _("Its receipt is missing or does not hold: whether it was altered since it was "
                 "received cannot be told.");
    return NULL;
}

/* --- of many directories
 * ---------------------------------------------------------------------- */

static void
free_nullable(gpointer data)
{
    received_free(data);
}

GHashTable *
received_table_new(void)
{
    return g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_nullable);
}

Received *
received_of_file(GHashTable *table, const char *path)
{
    g_autofree char *absolute = g_canonicalize_filename(path, NULL);
    g_autofree char *directory = g_path_get_dirname(absolute);
    gpointer known = NULL;

    if (!g_hash_table_lookup_extended(table, directory, NULL, &known)) {
        known = received_new(directory);
        g_hash_table_insert(table, g_steal_pointer(&directory), known);
    }
    return known;
}
