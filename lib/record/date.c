/* SPDX-License-Identifier: Apache-2.0
 *
 * See date.h.
 */
#include "lib/record/date.h"

#include <string.h>

/* In the order in which they are looked for. */
static const struct {
    const char *path;
    ErecDateKind kind;
} fields[] = {
    {"effectiveDateTime", EREC_DATE_EFFECTIVE},
    {"effectivePeriod.start", EREC_DATE_EFFECTIVE},
    {"effectivePeriod.end", EREC_DATE_EFFECTIVE},
    {"effectiveInstant", EREC_DATE_EFFECTIVE},
    {"occurrenceDateTime", EREC_DATE_EFFECTIVE},
    {"occurrencePeriod.start", EREC_DATE_EFFECTIVE},
    {"performedDateTime", EREC_DATE_EFFECTIVE},
    {"performedPeriod.start", EREC_DATE_EFFECTIVE},
    {"onsetDateTime", EREC_DATE_EFFECTIVE},
    {"onsetPeriod.start", EREC_DATE_EFFECTIVE},
    {"started", EREC_DATE_EFFECTIVE},
    {"whenHandedOver", EREC_DATE_EFFECTIVE},
    {"context.period.start", EREC_DATE_EFFECTIVE},
    {"period.start", EREC_DATE_EFFECTIVE},
    {"issued", EREC_DATE_ISSUED},
    {"date", EREC_DATE_AUTHORED},
    {"authoredOn", EREC_DATE_AUTHORED},
    {"recordedDate", EREC_DATE_AUTHORED},
    {"dateAsserted", EREC_DATE_AUTHORED},
    {"dateTime", EREC_DATE_AUTHORED},
    {"recorded", EREC_DATE_AUTHORED},
    {"created", EREC_DATE_AUTHORED},
};

static gboolean
two_digits(const char **at, int low, int high)
{
    const char *p = *at;

    if (!g_ascii_isdigit(p[0]) || !g_ascii_isdigit(p[1]))
        return FALSE;
    *at += 2;
    return (p[0] - '0') * 10 + p[1] - '0' >= low && (p[0] - '0') * 10 + p[1] - '0' <= high;
}

static gboolean
zone(const char *p)
{
    if (*p == 'Z')
        return p[1] == '\0';
    if (*p != '+' && *p != '-')
        return FALSE;
    p++;
    return two_digits(&p, 0, 14) && *p++ == ':' && two_digits(&p, 0, 59) && *p == '\0';
}

static gboolean
time_of_day(const char *p)
{
    if (!two_digits(&p, 0, 23) || *p++ != ':' || !two_digits(&p, 0, 59) || *p++ != ':' ||
        !two_digits(&p, 0, 60))
        return FALSE;
    if (*p == '.') {
        if (!g_ascii_isdigit(p[1]))
            return FALSE;
        p += 1 + strspn(p + 1, "0123456789");
    }
    return zone(p);
}

/* R4: the regular expressions of date and dateTime; a day that the month does not have is none.
 */
gboolean
erec_date_is_valid(const char *text)
{
    const char *p = text;
    int year, month, day;

    if (strspn(text, "0123456789") != 4 || strncmp(text, "0000", 4) == 0)
        return FALSE;
    year = (int)g_ascii_strtoll(text, NULL, 10);
    p += 4;
    if (*p == '\0')
        return TRUE;
    if (*p++ != '-' || !two_digits(&p, 1, 12))
        return FALSE;
    month = (int)g_ascii_strtoll(text + 5, NULL, 10);
    if (*p == '\0')
        return TRUE;
    if (*p++ != '-' || !two_digits(&p, 1, 31))
        return FALSE;
    day = (int)g_ascii_strtoll(text + 8, NULL, 10);
    if (!g_date_valid_dmy((GDateDay)day, (GDateMonth)month, (GDateYear)year))
        return FALSE;
    return *p == '\0' || (*p == 'T' && time_of_day(p + 1));
}

const char *
erec_date_of(const ErecNode *resource, ErecDateKind *kind)
{
    for (gsize i = 0; i < G_N_ELEMENTS(fields); i++) {
        const char *text = erec_text(resource, fields[i].path);

        if (text == NULL || !erec_date_is_valid(text))
            continue;
        if (kind != NULL)
            *kind = fields[i].kind;
        return text;
    }
    if (kind != NULL)
        *kind = EREC_DATE_NONE;
    return NULL;
}

guint
erec_date_rank(const char *path, ErecDateKind *kind)
{
    for (guint i = 0; i < G_N_ELEMENTS(fields); i++)
        if (strcmp(fields[i].path, path) == 0) {
            *kind = fields[i].kind;
            return i + 1;
        }
    return 0;
}

const char *
erec_date_kind_name(ErecDateKind kind)
{
    static const char *const names[] = {"", "effective", "issued", "authored"};

    return names[kind];
}
