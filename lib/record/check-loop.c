/* SPDX-License-Identifier: Apache-2.0
 *
 * Entries that are parts of each other in a circle. What is not on a circle is taken away from
 * its ends (Kahn), in time linear in the number of references.
 */
#include <string.h>

#include "lib/record/check-private.h"

#define LISTED 10

/* Takes away, again and again, every entry to which no remaining part points. `forward`: by
 * `to`, else by `from`. */
static void
trim(const GArray *parts, guint n, gboolean *gone, gboolean forward)
{
    g_autofree guint *count = g_new0(guint, n), *start = g_new0(guint, n + 1),
                     *edges = g_new(guint, parts->len + 1);
    g_autofree guint *queue = g_new(guint, n);
    guint head = 0, tail = 0;

#define FROM(i)                                                                                \
    (forward ? g_array_index(parts, ErecPart, i).from : g_array_index(parts, ErecPart, i).to)
#define TO(i)                                                                                  \
    (forward ? g_array_index(parts, ErecPart, i).to : g_array_index(parts, ErecPart, i).from)
    for (guint i = 0; i < parts->len; i++) {
        if (gone[FROM(i)] || gone[TO(i)])
            continue;
        count[TO(i)]++;
        start[FROM(i) + 1]++;
    }
    for (guint i = 0; i < n; i++)
        start[i + 1] += start[i];
    g_autofree guint *at = g_memdup2(start, (n + 1) * sizeof *start);
    for (guint i = 0; i < parts->len; i++)
        if (!gone[FROM(i)] && !gone[TO(i)])
            edges[at[FROM(i)]++] = TO(i);
#undef FROM
#undef TO
    for (guint i = 0; i < n; i++)
        if (!gone[i] && count[i] == 0)
            queue[tail++] = i;
    while (head < tail) {
        const guint entry = queue[head++];

        gone[entry] = TRUE;
        for (guint i = start[entry]; i < start[entry + 1]; i++)
            if (--count[edges[i]] == 0)
                queue[tail++] = edges[i];
    }
}

void
erec_check_loops(ErecCheck *check)
{
    const guint n = erec_bundle_n_entries(check->bundle);
    g_autofree gboolean *gone = g_new0(gboolean, n + 1);
    guint listed = 0;

    if (check->parts->len == 0)
        return;
    trim(check->parts, n, gone, TRUE);
    trim(check->parts, n, gone, FALSE);
    for (guint i = 0; i < n && listed < LISTED; i++) {
        if (gone[i])
            continue;
        erec_report_add(check->report, EREC_RULE_REFERENCE_LOOP, (gint)i,
                        erec_bundle_entry(check->bundle, i)->offset,
                        g_strdup_printf("Bundle.entry[%u]", i), NULL);
        listed++;
    }
}
