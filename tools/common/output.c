/* SPDX-License-Identifier: Apache-2.0
 *
 * See output.h for the rules. Main thread only.
 */
#include "tools/common/output.h"

#include <stdio.h>
#include <unistd.h>

#include "tools/common/words.h"

static OutputMode mode;
static JsonBuilder *current; /* owned, between output_event and output_event_end */
static gboolean bar_drawn;
static guint64 bar_done, bar_total; /* what it showed last */

void
output_init(OutputMode wanted)
{
    mode = wanted;
}

gboolean
output_is_json(void)
{
    return mode.json;
}

void
output_line(const char *format, ...)
{
    va_list args;

    if (mode.json)
        return;
    output_progress_end();
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_print("%s\n", text);
    fflush(stdout);
}

void
output_note(const char *format, ...)
{
    va_list args;

    if (mode.json || mode.quiet)
        return;
    output_progress_end();
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_printerr("%s\n", text);
}

void
output_error(const char *format, ...)
{
    va_list args;

    output_progress_end();
    va_start(args, format);
    g_autofree char *text = g_strdup_vprintf(format, args);
    va_end(args);
    g_printerr("%s: %s\n", g_get_prgname(), text);
}

JsonBuilder *
output_event(const char *event)
{
    g_clear_object(&current);
    current = json_builder_new_immutable();
    json_builder_begin_object(current);
    output_member_string(current, "event", event);
    return current;
}

void
output_event_end(void)
{
    json_builder_end_object(current);
    if (mode.json) {
        g_autoptr(JsonNode) root = json_builder_get_root(current);
        g_autofree char *text = json_to_string(root, FALSE);
        fputs(text, stdout);
        fputc('\n', stdout);
        fflush(stdout);
    }
    g_clear_object(&current);
}

void
output_member_string(JsonBuilder *builder, const char *name, const char *value)
{
    g_autofree char *valid = NULL;

    if (value == NULL)
        return;
    /* JSON is UTF-8; names of files and arguments need not be */
    if (!g_utf8_validate(value, -1, NULL))
        valid = g_utf8_make_valid(value, -1);
    /* JSON escapes control characters but not bidi ones: whoever prints it must. */
    json_builder_set_member_name(builder, name);
    json_builder_add_string_value(builder, valid != NULL ? valid : value);
}

void
output_member_int(JsonBuilder *builder, const char *name, gint64 value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_int_value(builder, value);
}

void
output_member_bool(JsonBuilder *builder, const char *name, gboolean value)
{
    json_builder_set_member_name(builder, name);
    json_builder_add_boolean_value(builder, value);
}

static void add_value(JsonBuilder *builder, GVariant *value);

static void
add_bytes(JsonBuilder *builder, GVariant *value)
{
    gsize length;
    const guchar *data = g_variant_get_fixed_array(value, &length, 1);
    g_autofree char *text = g_base64_encode(data, length);

    json_builder_add_string_value(builder, text);
}

static void
add_container(JsonBuilder *builder, GVariant *value)
{
    if (g_variant_is_of_type(value, G_VARIANT_TYPE_VARDICT)) {
        json_builder_begin_object(builder);
        output_members(builder, value);
        json_builder_end_object(builder);
        return;
    }
    json_builder_begin_array(builder);
    for (gsize i = 0; i < g_variant_n_children(value); i++) {
        g_autoptr(GVariant) child = g_variant_get_child_value(value, i);
        add_value(builder, child);
    }
    json_builder_end_array(builder);
}

static void
add_value(JsonBuilder *builder, GVariant *value)
{
    g_autoptr(GVariant) boxed = NULL;

    switch (g_variant_classify(value)) {
    case G_VARIANT_CLASS_BOOLEAN:
        json_builder_add_boolean_value(builder, g_variant_get_boolean(value));
        break;
    case G_VARIANT_CLASS_UINT32:
        json_builder_add_int_value(builder, g_variant_get_uint32(value));
        break;
    case G_VARIANT_CLASS_UINT64:
        json_builder_add_int_value(builder, (gint64)g_variant_get_uint64(value));
        break;
    case G_VARIANT_CLASS_INT64:
        json_builder_add_int_value(builder, g_variant_get_int64(value));
        break;
    case G_VARIANT_CLASS_STRING:
    case G_VARIANT_CLASS_OBJECT_PATH:
        json_builder_add_string_value(builder, g_variant_get_string(value, NULL));
        break;
    case G_VARIANT_CLASS_VARIANT:
        boxed = g_variant_get_variant(value);
        add_value(builder, boxed);
        break;
    case G_VARIANT_CLASS_ARRAY:
        if (g_variant_is_of_type(value, G_VARIANT_TYPE_BYTESTRING))
            add_bytes(builder, value);
        else
            add_container(builder, value);
        break;
    default: /* a type that no documented key has */
        json_builder_add_null_value(builder);
        break;
    }
}

void
output_members(JsonBuilder *builder, GVariant *dict)
{
    GVariantIter iter;
    const char *key;
    GVariant *value;

    g_variant_iter_init(&iter, dict);
    while (g_variant_iter_loop(&iter, "{&sv}", &key, &value)) {
        json_builder_set_member_name(builder, key);
        add_value(builder, value);
    }
}

void
output_item_members(JsonBuilder *builder, EhrlinkItem *item)
{
    output_member_string(builder, "media-type", ehrlink_item_get_media_type(item));
    output_member_string(builder, "title", ehrlink_item_get_title(item));
    output_member_string(builder, "date", ehrlink_item_get_date(item));
    output_member_string(builder, "category", ehrlink_item_get_category(item));
    output_member_string(builder, "type-code", ehrlink_item_get_type_code(item));
    output_member_string(builder, "author", ehrlink_item_get_author(item));
    output_member_bool(builder, "patient-entered", ehrlink_item_get_patient_entered(item));
}

void
output_member_vardict(JsonBuilder *builder, const char *name, GVariant *dict)
{
    if (dict == NULL)
        return;
    json_builder_set_member_name(builder, name);
    json_builder_begin_object(builder);
    output_members(builder, dict);
    json_builder_end_object(builder);
}

#define BAR_CELLS 30

void
output_progress(const char *label, guint64 done, guint64 total)
{
    char cells[BAR_CELLS + 1];
    guint full = total > 0 ? (guint)(MIN(done, total) * BAR_CELLS / total) : 0;

    if (mode.json || mode.quiet || !isatty(STDERR_FILENO) ||
        (!bar_drawn && done == bar_done && total == bar_total))
        return; /* the last figure is told twice: it is not to be drawn twice */
    bar_done = done;
    bar_total = total;
    for (guint i = 0; i < BAR_CELLS; i++)
        cells[i] = i < full ? '#' : '.';
    cells[BAR_CELLS] = '\0';
    g_autofree char *done_text = words_bytes(done);
    g_autofree char *total_text = words_bytes(total);
    g_printerr("\r\033[K%s [%s] %s / %s", label, cells, done_text, total_text);
    bar_drawn = TRUE;
}

void
output_progress_end(void)
{
    if (bar_drawn)
        g_printerr("\n");
    bar_drawn = FALSE;
}
