/* SPDX-License-Identifier: Apache-2.0
 *
 * One finding of the doctor: a marked sentence, what is filled in, what is told beside it.
 * Holds no state.
 */
#include "daemon/core/doctor.h"

#include <string.h>

const char *
ehd_level_name(EhdLevel level)
{
    switch (level) {
    case EHD_LEVEL_OK:
        return "ok";
    case EHD_LEVEL_NOTE:
        return "note";
    case EHD_LEVEL_WARNING:
        return "warning";
    case EHD_LEVEL_PROBLEM:
        return "problem";
    }
    return "problem";
}

EhdFinding *
ehd_finding_new(const char *id, EhdLevel level, ehp_status error, const char *words,
                const char *remedy)
{
    EhdFinding *finding = g_new0(EhdFinding, 1);

    finding->id = id;
    finding->level = level;
    finding->error = error;
    finding->words = g_strdup(words);
    finding->arguments = g_ptr_array_new_with_free_func(g_free);
    finding->remedy = g_strdup(remedy);
    return finding;
}

void
ehd_finding_argument(EhdFinding *finding, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    g_ptr_array_add(finding->arguments, g_strdup_vprintf(format, args));
    va_end(args);
}

void
ehd_finding_set_detail(EhdFinding *finding, const char *detail)
{
    g_clear_pointer(&finding->detail, g_free);
    if (detail != NULL && *detail != '\0' && strcmp(detail, finding->words) != 0)
        finding->detail = g_strdup(detail);
}

char *
ehd_finding_text(const EhdFinding *finding)
{
    GString *text = g_string_new(NULL);

    for (const char *p = finding->words; *p != '\0'; p++) {
        if (p[0] == '{' && p[1] >= '1' && p[1] <= '9' && p[2] == '}' &&
            (guint)(p[1] - '1') < finding->arguments->len) {
            g_string_append(text, finding->arguments->pdata[p[1] - '1']);
            p += 2;
        } else {
            g_string_append_c(text, *p);
        }
    }
    if (finding->detail != NULL)
        g_string_append_printf(text, " (%s)", finding->detail);
    return g_string_free(text, FALSE);
}

void
ehd_finding_free(EhdFinding *finding)
{
    g_free(finding->words);
    g_ptr_array_unref(finding->arguments);
    g_free(finding->detail);
    g_free(finding->remedy);
    g_free(finding);
}
