/* SPDX-License-Identifier: Apache-2.0
 *
 * EhrlinkItem: a description and, at the sender, a source. The optional texts are one table, so
 * that setter, getter, description and list entry cannot differ.
 */
#include "item-private.h"

#include <fcntl.h>
#include <string.h>

typedef enum {
    TEXT_MEDIA_TYPE,
    TEXT_TITLE,
    TEXT_DATE,
    TEXT_CATEGORY,
    TEXT_TYPE_CODE,
    TEXT_AUTHOR,
    N_TEXTS,
} Text;

static const char *const text_keys[N_TEXTS] = {
    [TEXT_MEDIA_TYPE] = "media-type", [TEXT_TITLE] = "title",         [TEXT_DATE] = "date",
    [TEXT_CATEGORY] = "category",     [TEXT_TYPE_CODE] = "type-code", [TEXT_AUTHOR] = "author",
};

struct _EhrlinkItem {
    GObject parent;

    EhrlinkSource *source; /* owned, NULL at the receiver */
    guint id;
    EhrlinkItemState state;
    guint64 size; /* of a received item */
    char *name;
    char *path; /* where a received item was stored */
    char *texts[N_TEXTS];
    gboolean patient_entered;
    GBytes *subject;
    gboolean has_transfer;
    guint transfer, number;
    char *salt;
};

G_DEFINE_FINAL_TYPE(EhrlinkItem, ehrlink_item, G_TYPE_OBJECT)

static void
ehrlink_item_finalize(GObject *object)
{
    EhrlinkItem *self = EHRLINK_ITEM(object);

    g_clear_pointer(&self->source, ehrlink_source_free);
    g_free(self->name);
    g_free(self->path);
    for (guint i = 0; i < N_TEXTS; i++)
        g_free(self->texts[i]);
    g_clear_pointer(&self->subject, g_bytes_unref);
    g_free(self->salt);
    G_OBJECT_CLASS(ehrlink_item_parent_class)->finalize(object);
}

static void
ehrlink_item_class_init(EhrlinkItemClass *klass)
{
    G_OBJECT_CLASS(klass)->finalize = ehrlink_item_finalize;
}

static void
ehrlink_item_init(EhrlinkItem *self)
{
}

/* Not every file name is UTF-8, and making it so can lengthen it past what may be sent. */
static char *
sendable_name(const char *name)
{
    char *valid = g_utf8_make_valid(name, -1);
    gsize len = strlen(valid);

    if (len > 255) {
        for (len = 255; ((guchar)valid[len] & 0xc0) == 0x80;)
            len--;
        valid[len] = '\0';
    }
    return valid;
}

static EhrlinkItem *
new_from_source(const char *path, int fd, const char *shown, const char *name)
{
    EhrlinkItem *self = g_object_new(EHRLINK_TYPE_ITEM, NULL);

    self->source = ehrlink_source_new(path, fd, shown);
    self->name = sendable_name(name);
    return self;
}

EhrlinkItem *
ehrlink_item_new_for_path(const char *path)
{
    g_autofree char *name = NULL;

    g_return_val_if_fail(path != NULL, NULL);

    name = g_path_get_basename(path);
    return new_from_source(path, -1, path, name);
}

EhrlinkItem *
ehrlink_item_new_for_file(GFile *file)
{
    g_autofree char *path = NULL;
    g_autofree char *shown = NULL;
    g_autofree char *name = NULL;

    g_return_val_if_fail(G_IS_FILE(file), NULL);

    path = g_file_get_path(file);
    shown = g_file_get_parse_name(file);
    name = g_file_get_basename(file);
    return new_from_source(path, -1, shown, name != NULL ? name : "item");
}

EhrlinkItem *
ehrlink_item_new_for_fd(int fd, const char *name)
{
    g_return_val_if_fail(fd >= 0 && name != NULL, NULL);

    return new_from_source(NULL, fcntl(fd, F_DUPFD_CLOEXEC, 3), name, name);
}

static EhrlinkItemState
parse_state(const char *state)
{
    if (g_str_equal(state, "running"))
        return EHRLINK_ITEM_STATE_RUNNING;
    if (g_str_equal(state, "stored"))
        return EHRLINK_ITEM_STATE_STORED;
    if (g_str_equal(state, "collected"))
        return EHRLINK_ITEM_STATE_COLLECTED;
    if (g_str_equal(state, "listed"))
        return EHRLINK_ITEM_STATE_LISTED;
    return EHRLINK_ITEM_STATE_WAITING;
}

EhrlinkItem *
ehrlink_item_new_from_variant(GVariant *entry)
{
    EhrlinkItem *self = g_object_new(EHRLINK_TYPE_ITEM, NULL);
    const char *state;

    g_variant_lookup(entry, "id", "u", &self->id);
    g_variant_lookup(entry, "name", "s", &self->name);
    g_variant_lookup(entry, "size", "t", &self->size);
    for (guint i = 0; i < N_TEXTS; i++)
        g_variant_lookup(entry, text_keys[i], "s", &self->texts[i]);
    g_variant_lookup(entry, "patient-entered", "b", &self->patient_entered);
    if (g_variant_lookup(entry, "state", "&s", &state))
        self->state = parse_state(state);
    self->has_transfer = g_variant_lookup(entry, "transfer", "u", &self->transfer);
    g_variant_lookup(entry, "number", "u", &self->number);
    g_variant_lookup(entry, "salt", "s", &self->salt);
    if (self->name == NULL)
        self->name = g_strdup("");
    return self;
}

GVariant *
ehrlink_item_describe(EhrlinkItem *self)
{
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(NULL);

    g_variant_dict_insert(&dict, "name", "s", self->name);
    g_variant_dict_insert(&dict, "size", "t", self->source->size);
    g_variant_dict_insert(&dict, "mtime", "x", self->source->mtime);
    for (guint i = 0; i < N_TEXTS; i++) {
        if (self->texts[i] != NULL)
            g_variant_dict_insert(&dict, text_keys[i], "s", self->texts[i]);
    }
    if (self->patient_entered)
        g_variant_dict_insert(&dict, "patient-entered", "b", TRUE);
    if (self->subject != NULL)
        g_variant_dict_insert_value(
            &dict, "subject",
            g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, self->subject, TRUE));
    return g_variant_dict_end(&dict);
}

EhrlinkSource *
ehrlink_item_get_source(EhrlinkItem *self)
{
    return self->source;
}

void
ehrlink_item_set_id(EhrlinkItem *self, guint id)
{
    self->id = id;
}

void
ehrlink_item_set_state(EhrlinkItem *self, EhrlinkItemState state)
{
    self->state = state;
}

void
ehrlink_item_set_path(EhrlinkItem *self, const char *path)
{
    g_free(self->path);
    self->path = g_strdup(path);
}

guint
ehrlink_item_get_id(EhrlinkItem *self)
{
    g_return_val_if_fail(EHRLINK_IS_ITEM(self), 0);
    return self->id;
}

const char *
ehrlink_item_get_name(EhrlinkItem *self)
{
    g_return_val_if_fail(EHRLINK_IS_ITEM(self), NULL);
    return self->name;
}

void
ehrlink_item_set_name(EhrlinkItem *self, const char *name)
{
    g_return_if_fail(EHRLINK_IS_ITEM(self) && name != NULL);

    g_free(self->name);
    self->name = sendable_name(name);
}

guint64
ehrlink_item_get_size(EhrlinkItem *self)
{
    g_return_val_if_fail(EHRLINK_IS_ITEM(self), 0);
    return self->source != NULL ? self->source->size : self->size;
}

EhrlinkItemState
ehrlink_item_get_state(EhrlinkItem *self)
{
    g_return_val_if_fail(EHRLINK_IS_ITEM(self), EHRLINK_ITEM_STATE_WAITING);
    return self->state;
}

const char *
ehrlink_item_get_path(EhrlinkItem *self)
{
    g_return_val_if_fail(EHRLINK_IS_ITEM(self), NULL);
    return self->source != NULL ? self->source->path : self->path;
}

/* Text that is not UTF-8 cannot go over the bus: what is wrong in it is replaced. */
static void
set_text(EhrlinkItem *self, Text which, const char *text)
{
    g_return_if_fail(EHRLINK_IS_ITEM(self));

    g_free(self->texts[which]);
    self->texts[which] = text != NULL ? g_utf8_make_valid(text, -1) : NULL;
}

static const char *
get_text(EhrlinkItem *self, Text which)
{
    g_return_val_if_fail(EHRLINK_IS_ITEM(self), NULL);
    return self->texts[which];
}

const char *
ehrlink_item_get_media_type(EhrlinkItem *self)
{
    return get_text(self, TEXT_MEDIA_TYPE);
}

void
ehrlink_item_set_media_type(EhrlinkItem *self, const char *media_type)
{
    set_text(self, TEXT_MEDIA_TYPE, media_type);
}

const char *
ehrlink_item_get_title(EhrlinkItem *self)
{
    return get_text(self, TEXT_TITLE);
}

void
ehrlink_item_set_title(EhrlinkItem *self, const char *title)
{
    set_text(self, TEXT_TITLE, title);
}

const char *
ehrlink_item_get_date(EhrlinkItem *self)
{
    return get_text(self, TEXT_DATE);
}

void
ehrlink_item_set_date(EhrlinkItem *self, const char *date)
{
    set_text(self, TEXT_DATE, date);
}

const char *
ehrlink_item_get_category(EhrlinkItem *self)
{
    return get_text(self, TEXT_CATEGORY);
}

void
ehrlink_item_set_category(EhrlinkItem *self, const char *category)
{
    set_text(self, TEXT_CATEGORY, category);
}

const char *
ehrlink_item_get_type_code(EhrlinkItem *self)
{
    return get_text(self, TEXT_TYPE_CODE);
}

void
ehrlink_item_set_type_code(EhrlinkItem *self, const char *type_code)
{
    set_text(self, TEXT_TYPE_CODE, type_code);
}

const char *
ehrlink_item_get_author(EhrlinkItem *self)
{
    return get_text(self, TEXT_AUTHOR);
}

void
ehrlink_item_set_author(EhrlinkItem *self, const char *author)
{
    set_text(self, TEXT_AUTHOR, author);
}

gboolean
ehrlink_item_get_patient_entered(EhrlinkItem *self)
{
    g_return_val_if_fail(EHRLINK_IS_ITEM(self), FALSE);
    return self->patient_entered;
}

void
ehrlink_item_set_patient_entered(EhrlinkItem *self, gboolean patient_entered)
{
    g_return_if_fail(EHRLINK_IS_ITEM(self));
    self->patient_entered = patient_entered;
}

GBytes *
ehrlink_item_get_subject(EhrlinkItem *self)
{
    g_return_val_if_fail(EHRLINK_IS_ITEM(self), NULL);
    return self->subject;
}

void
ehrlink_item_set_subject(EhrlinkItem *self, GBytes *subject)
{
    g_return_if_fail(EHRLINK_IS_ITEM(self));

    g_clear_pointer(&self->subject, g_bytes_unref);
    self->subject = subject != NULL ? g_bytes_ref(subject) : NULL;
}

int
ehrlink_item_get_transfer(EhrlinkItem *self)
{
    g_return_val_if_fail(EHRLINK_IS_ITEM(self), -1);
    return self->has_transfer ? (int)self->transfer : -1;
}

guint
ehrlink_item_get_number(EhrlinkItem *self)
{
    g_return_val_if_fail(EHRLINK_IS_ITEM(self), 0);
    return self->number;
}

const char *
ehrlink_item_get_salt(EhrlinkItem *self)
{
    g_return_val_if_fail(EHRLINK_IS_ITEM(self), NULL);
    return self->salt;
}
