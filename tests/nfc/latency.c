/* SPDX-License-Identifier: Apache-2.0
 *
 * Figures, no verdict: opening a reader, one APDU round trip through two daemons' clients, two
 * helpers, two libnfc and the simulator, and what memory the helpers hold.
 */
#include "tests/nfc/rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ROUNDS 2000

static int
compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static void
print_times(const char *what, double *ms, int count)
{
    qsort(ms, (gsize)count, sizeof *ms, compare);
    printf("%-34s median %7.3f ms   90 %% %7.3f   worst %7.3f   (%d)\n", what, ms[count / 2],
           ms[count * 9 / 10], ms[count - 1], count);
}

static void
measure_exchange(Side *reader, gsize len, int rounds)
{
    g_autofree double *ms = g_new(double, (gsize)rounds);
    g_autofree char *what = g_strdup_printf("APDU pair, %zu B each way", len);

    for (int i = 0; i < rounds; i++) {
        int before = reader->apdus;
        gint64 start = g_get_monotonic_time();
        side_send(reader, len);
        WAIT_FOR(reader->apdus > before);
        ms[i] = (double)(g_get_monotonic_time() - start) / 1e3;
    }
    print_times(what, ms, rounds);
}

static void
print_memory(const char *what, pid_t pid)
{
    g_autofree char *path = g_strdup_printf("/proc/%d/status", (int)pid);
    g_autofree char *text = NULL;

    g_file_get_contents(path, &text, NULL, NULL);
    const char *anon = text ? strstr(text, "RssAnon:") : NULL;
    printf("%-34s RssAnon %d kB\n", what, anon ? atoi(anon + 8) : -1);
}

static void
measure_open(Field *field)
{
    double ms[20];

    for (int i = 0; i < 20; i++) {
        Side *side = side_new(field, 0);
        gint64 start = g_get_monotonic_time();
        side_arm(side, EHD_TAP_READER);
        WAIT_FOR(side->ready > 0);
        ms[i] = (double)(g_get_monotonic_time() - start) / 1e3;
        side_free(side);
        WAIT_FOR(side_supervisor() == 0);
    }
    print_times("arm to polling, helper's start in it", ms, 20);
}

/* What a disarm takes to be heard: from card to reader and back while libnfc listens or polls.
 */
static void
measure_change(Side *side)
{
    double ms[2][20];

    for (int i = 0; i < 40; i++) {
        int before = side->ready;
        gint64 start = g_get_monotonic_time();
        side_arm(side, i & 1 ? EHD_TAP_READER : EHD_TAP_CARD);
        WAIT_FOR(side->ready > before);
        ms[i & 1][i / 2] = (double)(g_get_monotonic_time() - start) / 1e3;
        /* well into the listening or polling */
        g_usleep(20000);
    }
    print_times("interrupted polling, to listening", ms[0], 20);
    print_times("interrupted listening, to polling", ms[1], 20);
}

static void
measure(const char *option, int rounds)
{
    Field *field = field_new(2, option);
    Side *reader = side_new(field, 0), *card;

    printf("%s\n", option ? option : "no modelled time");
    measure_open(field);
    side_arm(reader, EHD_TAP_READER);
    WAIT_FOR(reader->ready > 0);
    print_memory("supervisor", side_supervisor());
    print_memory("worker", side_worker());
    measure_change(reader);
    card = side_new(field, 1);
    side_arm(card, EHD_TAP_CARD);
    WAIT_FOR(card->ready > 0);
    field_say(field, "tap");
    WAIT_FOR(reader->activated && card->activated);
    measure_exchange(reader, 15, rounds);
    measure_exchange(reader, 250, rounds);
    side_free(reader);
    side_free(card);
    field_free(field);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    measure(NULL, ROUNDS);
    measure("--realistic", 50);
    return 0;
}
