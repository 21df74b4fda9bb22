/* SPDX-License-Identifier: Apache-2.0 */
#include "tools/common/choice.h"

#include <stdlib.h>

guint *
choice_parse(const char *text, guint count, gsize *n_ids)
{
    g_autofree gboolean *wanted = g_new0(gboolean, count);
    g_auto(GStrv) parts = g_strsplit_set(text, ", ", -1);
    g_autoptr(GArray) ids = g_array_new(FALSE, FALSE, sizeof(guint));

    for (char **part = parts; *part != NULL; part++) {
        char *end;
        if (**part == '\0')
            continue;
        if (!g_ascii_isdigit(**part))
            return NULL;
        gulong first = strtoul(*part, &end, 10), last = first;
        if (*end == '-' && g_ascii_isdigit(end[1]))
            last = strtoul(end + 1, &end, 10);
        if (*end != '\0' || first < 1 || last < first || last > count)
            return NULL;
        for (gulong i = first; i <= last; i++)
            wanted[i - 1] = TRUE;
    }
    for (guint i = 0; i < count; i++)
        if (wanted[i])
            g_array_append_val(ids, i);
    *n_ids = ids->len;
    return ids->len > 0 ? (guint *)g_array_free(g_steal_pointer(&ids), FALSE) : NULL;
}
