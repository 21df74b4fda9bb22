/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader of option dictionaries: one loop over the keys, one function per kind of value.
 * Holds no state.
 */
#include "daemon/bus/options.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/words.h"

/* As much of a caller's text as an error message repeats. */
#define SHOWN_MAX 64

static const char *const type_of_kind[] = {
    [EHD_OPTION_BOOL] = "b",     [EHD_OPTION_UINT32] = "u",     [EHD_OPTION_UINT64] = "t",
    [EHD_OPTION_INT64] = "x",    [EHD_OPTION_TEXT] = "s",       [EHD_OPTION_LINES] = "s",
    [EHD_OPTION_STRING] = "s",   [EHD_OPTION_CODE] = "s",       [EHD_OPTION_PATH] = "o",
    [EHD_OPTION_BYTES] = "ay",   [EHD_OPTION_TEXTS] = "as",     [EHD_OPTION_IDS] = "au",
    [EHD_OPTION_DICT] = "a{sv}", [EHD_OPTION_DICTS] = "aa{sv}",
};

/* A caller's text inside a message: cut, and without what a log or a terminal would act on. */
static char *
shown(const char *text)
{
    GString *out = g_string_new(NULL);
    for (const char *p = text; *p != '\0' && out->len < SHOWN_MAX; p++)
        g_string_append_c(out, g_ascii_isprint(*p) ? *p : '?');
    if (strlen(text) > out->len)
        g_string_append(out, "...");
    return g_string_free(out, FALSE);
}

static gboolean
is_control(gunichar c, gboolean lines)
{
    if (lines && (c == '\n' || c == '\t'))
        return FALSE;
    return g_unichar_iscntrl(c);
}

gboolean
ehd_text_check(const char *name, const char *text, gsize min, gsize max, gboolean lines,
               GError **error)
{
    gsize length = strlen(text);
    if (length < min || length > max) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT,
                      "%s: %zu bytes, where %zu to %zu are allowed", name, length, min, max);
        return FALSE;
    }
    if (!g_utf8_validate(text, (gssize)length, NULL)) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, "%s: " N_("not UTF-8"), name);
        return FALSE;
    }
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        if (is_control(g_utf8_get_char(p), lines)) {
            ehd_error_set(error, EHP_INVALID_ARGUMENT, "%s: " N_("a control character"), name);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
out_of_range(const EhdOption *option, GError **error)
{
    ehd_error_set(error, EHP_INVALID_ARGUMENT, "%s: " N_("out of range"), option->name);
    return FALSE;
}

static gboolean
fill_code(const EhdOption *option, GVariant *value, int *field, GError **error)
{
    const char *text = g_variant_get_string(value, NULL);
    int code = option->code(text);
    if (code > 0) {
        *field = code;
        return TRUE;
    }
    g_autofree char *safe = shown(text);
    ehd_error_set(error, EHP_INVALID_ARGUMENT, "%s: " N_("no such code") ": %s", option->name,
                  safe);
    return FALSE;
}

static gboolean
fill_number(const EhdOption *option, GVariant *value, gpointer field, GError **error)
{
    if (option->kind == EHD_OPTION_UINT32) {
        guint32 number = g_variant_get_uint32(value);
        *(guint *)field = number;
        return (number >= option->min && number <= option->max) || out_of_range(option, error);
    }
    if (option->kind == EHD_OPTION_UINT64) {
        guint64 number = g_variant_get_uint64(value);
        *(guint64 *)field = number;
        return (number >= option->min && number <= option->max) || out_of_range(option, error);
    }
    gint64 number = g_variant_get_int64(value);
    *(gint64 *)field = number;
    return (number >= (gint64)option->min && number <= (gint64)option->max) ||
           out_of_range(option, error);
}

static gboolean
fill_bytes(const EhdOption *option, GVariant *value, GBytes **field, GError **error)
{
    gsize length;
    const void *data = g_variant_get_fixed_array(value, &length, 1);
    if (length < option->min || length > option->max)
        return out_of_range(option, error);
    *field = g_bytes_new(data, length);
    return TRUE;
}

static gboolean
fill_list(const EhdOption *option, GVariant *value, GVariant **field, GError **error)
{
    gsize n = g_variant_n_children(value);
    if (option->kind != EHD_OPTION_DICT && (n < option->min || n > option->max))
        return out_of_range(option, error);
    *field = g_variant_ref(value);
    return TRUE;
}

static gboolean
fill_text(const EhdOption *option, GVariant *value, const char **field, GError **error)
{
    gsize length;
    *field = g_variant_get_string(value, &length);
    if (option->kind == EHD_OPTION_TEXT || option->kind == EHD_OPTION_LINES)
        return ehd_text_check(option->name, *field, option->min, option->max,
                              option->kind == EHD_OPTION_LINES, error);
    return (length >= option->min && length <= option->max) || out_of_range(option, error);
}

static gboolean
fill(const EhdOption *option, GVariant *value, gpointer field, GError **error)
{
    switch (option->kind) {
    case EHD_OPTION_BOOL:
        *(gboolean *)field = g_variant_get_boolean(value);
        return TRUE;
    case EHD_OPTION_UINT32:
    case EHD_OPTION_UINT64:
    case EHD_OPTION_INT64:
        return fill_number(option, value, field, error);
    case EHD_OPTION_TEXT:
    case EHD_OPTION_LINES:
    case EHD_OPTION_STRING:
    case EHD_OPTION_PATH:
        return fill_text(option, value, field, error);
    case EHD_OPTION_CODE:
        return fill_code(option, value, field, error);
    case EHD_OPTION_BYTES:
        return fill_bytes(option, value, field, error);
    case EHD_OPTION_TEXTS:
    case EHD_OPTION_IDS:
    case EHD_OPTION_DICT:
    case EHD_OPTION_DICTS:
        return fill_list(option, value, field, error);
    }
    return FALSE;
}

static gboolean
parse_one(const char *key, GVariant *value, const EhdOption *table, gsize n_options,
          guint64 *seen, gpointer out, GError **error)
{
    for (gsize i = 0; i < n_options; i++) {
        if (strcmp(key, table[i].name) != 0)
            continue;
        if (*seen & (G_GUINT64_CONSTANT(1) << i)) {
            ehd_error_set(error, EHP_INVALID_ARGUMENT, "%s: " N_("given twice"), key);
            return FALSE;
        }
        *seen |= G_GUINT64_CONSTANT(1) << i;
        if (!g_variant_is_of_type(value, G_VARIANT_TYPE(type_of_kind[table[i].kind]))) {
            ehd_error_set(error, EHP_INVALID_ARGUMENT, "%s: must be of type %s", key,
                          type_of_kind[table[i].kind]);
            return FALSE;
        }
        if (table[i].given != 0)
            G_STRUCT_MEMBER(gboolean, out, table[i].given) = TRUE;
        return fill(&table[i], value, G_STRUCT_MEMBER_P(out, table[i].offset), error);
    }
    g_autofree char *safe = shown(key);
    ehd_error_set(error, EHP_INVALID_ARGUMENT, N_("unknown option") ": %s", safe);
    return FALSE;
}

static gboolean
all_required(const EhdOption *table, gsize n_options, guint64 seen, GError **error)
{
    for (gsize i = 0; i < n_options; i++) {
        if (table[i].required && !(seen & (G_GUINT64_CONSTANT(1) << i))) {
            ehd_error_set(error, EHP_INVALID_ARGUMENT, "%s: " N_("missing"), table[i].name);
            return FALSE;
        }
    }
    return TRUE;
}

gboolean
ehd_options_parse(GVariant *dict, const char *what, const EhdOption *table, gsize n_options,
                  gpointer out, GError **error)
{
    g_assert(n_options <= 64);
    guint64 seen = 0;
    gboolean good = TRUE;
    gsize n = g_variant_n_children(dict);
    for (gsize i = 0; i < n && good; i++) {
        const char *key;
        g_autoptr(GVariant) value = NULL;
        g_variant_get_child(dict, i, "{&sv}", &key, &value);
        good = parse_one(key, value, table, n_options, &seen, out, error);
    }
    good = good && all_required(table, n_options, seen, error);
    if (!good && what != NULL)
        ehd_error_prefix(error, "%s", what);
    return good;
}

gboolean
ehd_options_none(GVariant *dict, GError **error)
{
    return ehd_options_parse(dict, NULL, NULL, 0, NULL, error);
}
