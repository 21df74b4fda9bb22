/* SPDX-License-Identifier: Apache-2.0
 *
 * See canonical.h. The recursion is bounded by EREC_DEPTH_MAX, which the tree keeps.
 */
#include "lib/record/canonical.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* --- numbers -------------------------------------------------------------------------------
 */

/* The fewest digits that read back as the same number; *exponent as in d.ddde±X. */
static char *
shortest_digits(double value, int *exponent)
{
    char text[40];

    for (int precision = 0; precision < 17; precision++) {
        g_autofree char *format = g_strdup_printf("%%.%de", precision);

        g_ascii_formatd(text, sizeof text, format, value);
        if (g_ascii_strtod(text, NULL) == value)
            break;
    }
    *exponent = atoi(strchr(text, 'e') + 1);
    *strchr(text, 'e') = '\0';
    if (text[1] == '.')
        memmove(text + 1, text + 2, strlen(text + 2) + 1);
    return g_strdup(text);
}

static void
add_scientific(GString *out, const char *digits, int exponent)
{
    g_string_append_c(out, digits[0]);
    if (digits[1] != '\0')
        g_string_append_printf(out, ".%s", digits + 1);
    g_string_append_printf(out, "e%c%d", exponent < 0 ? '-' : '+', abs(exponent));
}

/* ECMA-262, Number::toString: `point` digits stand before the decimal point. */
static void
add_digits(GString *out, const char *digits, int point)
{
    const int n = (int)strlen(digits);

    if (point > 21 || point <= -6) {
        add_scientific(out, digits, point - 1);
    } else if (point <= 0) {
        g_string_append_printf(out, "0.%.*s%s", -point, "000000", digits);
    } else if (point < n) {
        g_string_append_printf(out, "%.*s.%s", point, digits, digits + point);
    } else {
        g_string_append(out, digits);
        for (int i = n; i < point; i++)
            g_string_append_c(out, '0');
    }
}

char *
erec_canonical_number(const char *text)
{
    const double value = g_ascii_strtod(text, NULL);
    g_autofree char *digits = NULL;
    GString *out;
    int exponent;

    if (!isfinite(value))
        return g_strdup(text);
    if (value == 0)
        return g_strdup("0");
    out = g_string_new(value < 0 ? "-" : NULL);
    digits = shortest_digits(fabs(value), &exponent);
    add_digits(out, digits, exponent + 1);
    return g_string_free(out, FALSE);
}

/* --- strings -------------------------------------------------------------------------------
 */

typedef struct {
    GString *out;
    ErecForm form;
    gsize max;
} Writer;

static gboolean
has_room(const Writer *writer)
{
    return writer->out->len <= writer->max;
}

static void
add_char(GString *out, guchar c)
{
    static const char named[][2] = {{'\b', 'b'}, {'\t', 't'}, {'\n', 'n'}, {'\f', 'f'},
                                    {'\r', 'r'}, {'"', '"'},  {'\\', '\\'}};

    for (gsize i = 0; i < G_N_ELEMENTS(named); i++) {
        if ((guchar)named[i][0] != c)
            continue;
        g_string_append_c(out, '\\');
        g_string_append_c(out, named[i][1]);
        return;
    }
    if (c < 0x20)
        g_string_append_printf(out, "\\u%04x", c);
    else
        g_string_append_c(out, (char)c);
}

static gboolean
add_string(const Writer *writer, const char *text)
{
    gboolean in_space = FALSE;

    g_string_append_c(writer->out, '"');
    for (; *text != '\0' && has_room(writer); text++) {
        const gboolean space = strchr(" \t\r\n", *text) != NULL;

        if (writer->form != EREC_FORM_SINGLE_SPACES || !space)
            add_char(writer->out, (guchar)*text);
        else if (!in_space)
            g_string_append_c(writer->out, ' ');
        in_space = space;
    }
    g_string_append_c(writer->out, '"');
    return has_room(writer);
}

/* --- values --------------------------------------------------------------------------------
 */

static gboolean add_value(const Writer *writer, const ErecNode *node,
                          const char *const *without);

static int
by_key(gconstpointer a, gconstpointer b)
{
    return strcmp((*(const ErecNode *const *)a)->key, (*(const ErecNode *const *)b)->key);
}

static gboolean
add_object(const Writer *writer, const ErecNode *node, const char *const *without)
{
    g_autofree const ErecNode **members = g_new(const ErecNode *, node->size + 1);
    guint n = 0;

    for (const ErecNode *at = node->first; at != NULL; at = at->next)
        if (without == NULL || !g_strv_contains(without, at->key))
            members[n++] = at;
    qsort(members, n, sizeof *members, by_key);
    g_string_append_c(writer->out, '{');
    for (guint i = 0; i < n; i++) {
        if (i > 0)
            g_string_append_c(writer->out, ',');
        if (!add_string(writer, members[i]->key))
            return FALSE;
        g_string_append_c(writer->out, ':');
        if (!add_value(writer, members[i], NULL))
            return FALSE;
    }
    g_string_append_c(writer->out, '}');
    return has_room(writer);
}

static gboolean
add_array(const Writer *writer, const ErecNode *node)
{
    g_string_append_c(writer->out, '[');
    for (const ErecNode *at = node->first; at != NULL; at = at->next) {
        if (at != node->first)
            g_string_append_c(writer->out, ',');
        if (!add_value(writer, at, NULL))
            return FALSE;
    }
    g_string_append_c(writer->out, ']');
    return has_room(writer);
}

static gboolean
add_value(const Writer *writer, const ErecNode *node, const char *const *without)
{
    g_autofree char *number = NULL;

    switch ((ErecType)node->type) {
    case EREC_OBJECT:
        return add_object(writer, node, without);
    case EREC_ARRAY:
        return add_array(writer, node);
    case EREC_STRING:
        return add_string(writer, node->text);
    case EREC_NUMBER:
        if (writer->form == EREC_FORM_RFC8785)
            number = erec_canonical_number(node->text);
        break;
    case EREC_TRUE:
    case EREC_FALSE:
    case EREC_NULL:
        break;
    }
    g_string_append(writer->out, number != NULL ? number : node->text);
    return has_room(writer);
}

gboolean
erec_canonical_add(GString *out, const ErecNode *node, ErecForm form,
                   const char *const *without, gsize max)
{
    return add_value(&(Writer){out, form, max}, node, without);
}

/* --- a bundle ------------------------------------------------------------------------------
 */

static gboolean
add_entries(const Writer *writer, const ErecBundle *bundle)
{
    g_string_append_c(writer->out, '[');
    for (guint i = 0; i < erec_bundle_n_entries(bundle); i++) {
        g_autoptr(ErecTree) tree = erec_bundle_load_entry(bundle, i, NULL);

        if (i > 0)
            g_string_append_c(writer->out, ',');
        if (tree == NULL || !add_value(writer, erec_tree_root(tree), NULL))
            return FALSE;
    }
    g_string_append_c(writer->out, ']');
    return has_room(writer);
}

static gboolean
add_member(const Writer *writer, const ErecBundle *bundle, const char *key)
{
    g_autoptr(ErecTree) tree = NULL;
    guint64 offset, length;

    if (!add_string(writer, key))
        return FALSE;
    g_string_append_c(writer->out, ':');
    /* what is called so and is no list is a member like any other */
    if (strcmp(key, "entry") == 0 && erec_bundle_entries_slice(bundle, &offset, &length))
        return add_entries(writer, bundle);
    tree = erec_bundle_load_member(bundle, key, NULL);
    return tree != NULL && add_value(writer, erec_tree_root(tree), NULL);
}

static int
by_name(gconstpointer a, gconstpointer b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

gboolean
erec_canonical_add_bundle(GString *out, const ErecBundle *bundle, ErecForm form,
                          const char *const *without, gsize max)
{
    const Writer writer = {out, form, max};
    g_autoptr(GPtrArray) keys = g_ptr_array_new();
    guint64 offset, length;

    for (guint i = 0; i < erec_bundle_n_members(bundle); i++) {
        const char *key = erec_bundle_member(bundle, i)->key;

        if (without == NULL || !g_strv_contains(without, key))
            g_ptr_array_add(keys, (gpointer)key);
    }
    if (erec_bundle_entries_slice(bundle, &offset, &length))
        g_ptr_array_add(keys, (gpointer) "entry");
    g_ptr_array_sort(keys, by_name);
    g_string_append_c(out, '{');
    for (guint i = 0; i < keys->len; i++) {
        if (i > 0)
            g_string_append_c(out, ',');
        if (!add_member(&writer, bundle, g_ptr_array_index(keys, i)))
            return FALSE;
    }
    g_string_append_c(out, '}');
    return has_room(&writer);
}
