/* SPDX-License-Identifier: Apache-2.0
 *
 * See received.h: what session.json says. json-glib complains aloud about a member of another
 * type, so each type is looked at first.
 */
#include "tools/common/received-private.h"

#include <string.h>

#include "tools/common/session-dir.h"

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
    ReceivedItem *item = data;

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
    ReceivedItem *item;

    if (object == NULL)
        return;
    item = g_new0(ReceivedItem, 1);
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
    const ReceivedItem *x = *(ReceivedItem *const *)a, *y = *(ReceivedItem *const *)b;

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
    self->proof = string_of(object, "proof");
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
    g_free(self->proof);
    g_clear_pointer(&self->origin, origin_free);
    g_free(self->organisation);
    g_ptr_array_unref(self->items);
    g_free(self);
}

static GBytes *
decode(const char *text)
{
    gsize length = 0;
    guchar *bytes = *text != '\0' ? g_base64_decode(text, &length) : NULL;

    if (length > 0)
        return g_bytes_new_take(bytes, length);
    g_free(bytes);
    return NULL;
}

GBytes *
received_get_receipt(const Received *self)
{
    return decode(self->receipt);
}

GBytes *
received_get_proof(const Received *self)
{
    return decode(self->proof);
}

const char *
received_get_organisation(const Received *self)
{
    return self->organisation;
}

const ReceivedItem *
received_find(const Received *self, const char *name)
{
    for (guint i = 0; i < self->items->len; i++) {
        const ReceivedItem *item = g_ptr_array_index(self->items, i);

        if (g_str_equal(item->name, name))
            return item;
    }
    return NULL;
}

gboolean
received_patient_entered(const Received *self, const char *name)
{
    const ReceivedItem *item = received_find(self, name);

    return item != NULL && item->patient_entered;
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
