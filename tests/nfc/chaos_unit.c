/* SPDX-License-Identifier: Apache-2.0
 *
 * Both roles armed while the field and the chips misbehave at random: never a wrong byte, never
 * an end to it, and all is well afterwards. EHRLINK_CHAOS_SECONDS makes it longer.
 */
#include "tests/nfc/rig.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    Field *field;
    Side *sides[2];
    gboolean gone[2], silent[2];
    guint done;
} Chaos;

static void
mend(Chaos *chaos)
{
    for (int chip = 0; chip < 2; chip++) {
        if (chaos->gone[chip])
            field_say(chaos->field, "plug %d", chip);
        if (chaos->silent[chip])
            field_say(chaos->field, "unmute %d", chip);
        chaos->gone[chip] = chaos->silent[chip] = FALSE;
    }
    field_say(chaos->field, "reset");
}

static void
strike(Chaos *chaos)
{
    int chip = g_test_rand_int_range(0, 2);

    chaos->sides[0]->pings = 4;
    chaos->sides[0]->ping_len = (gsize)g_test_rand_int_range(1, EHP_APDU_MAX + 1);
    /* harm that lasts is rare, else nothing but errors would ever be seen */
    int kind = g_test_rand_int_range(0, 200);
    if (kind < 1 && !chaos->gone[chip]) {
        field_say(chaos->field, "unplug %d", chip);
        chaos->gone[chip] = TRUE;
        chaos->silent[chip] = FALSE; /* a new chip speaks */
    } else if (kind < 2 && !chaos->gone[chip]) {
        field_say(chaos->field, "mute %d", chip);
        chaos->silent[chip] = TRUE;
    } else if (kind < 16) {
        mend(chaos);
    } else if (kind < 22) {
        field_say(chaos->field, "corrupt %d", chip);
    } else if (kind < 28) {
        field_say(chaos->field, "noack %d", chip);
    } else if (kind < 34) {
        field_say(chaos->field, "status %d %x", chip, g_test_rand_int_range(0, 0x40));
    } else if (kind < 44) {
        if (ehd_tap_is_active(chaos->sides[chip]->tap))
            ehd_tap_release(chaos->sides[chip]->tap);
    } else if (kind < 50) {
        ehd_tap_disarm(chaos->sides[chip]->tap);
        side_arm(chaos->sides[chip], chip == 0 ? EHD_TAP_READER : EHD_TAP_CARD);
    } else if (kind < 80) {
        field_say(chaos->field, "tear-after %d", g_test_rand_int_range(1, 9));
    } else if (kind < 110) {
        field_say(chaos->field, "untap");
    } else {
        field_say(chaos->field, "tap");
    }
}

static gboolean
on_strike(gpointer user_data)
{
    Chaos *chaos = user_data;

    strike(chaos);
    return G_SOURCE_CONTINUE;
}

static gboolean
on_done(gpointer user_data)
{
    *(guint *)user_data = 1;
    return G_SOURCE_REMOVE;
}

static void
test_chaos(void)
{
    const char *wish = g_getenv("EHRLINK_CHAOS_SECONDS");
    Chaos chaos = {.field = field_new(2, NULL)};
    guint strikes;

    for (int i = 0; i < 2; i++) {
        chaos.sides[i] = side_new(chaos.field, i);
        side_arm(chaos.sides[i], i == 0 ? EHD_TAP_READER : EHD_TAP_CARD);
    }
    strikes = g_timeout_add(37, on_strike, &chaos);
    g_timeout_add_seconds(wish ? (guint)atoi(wish) : 15, on_done, &chaos.done);
    while (!chaos.done)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(strikes);
    g_test_message("%d taps, %d answers, %d torn, %d errors", chaos.sides[0]->activated,
                   chaos.sides[0]->apdus, chaos.sides[0]->lost, chaos.sides[0]->errors);

    /* afterwards: armed again, and a tap goes well; the first may still find what was broken */
    field_say(chaos.field, "untap");
    mend(&chaos);
    int before = chaos.sides[0]->apdus;
    g_assert_false(chaos.sides[0]->wrong);
    chaos.sides[0]->pings = 1000000;
    for (int i = 0; i < 2; i++) {
        chaos.sides[i]->ready = 0;
        side_arm(chaos.sides[i], i == 0 ? EHD_TAP_READER : EHD_TAP_CARD);
    }
    WAIT_FOR(chaos.sides[0]->ready > 0 && chaos.sides[1]->ready > 0);
    field_say(chaos.field, "tap");
    WAIT_FOR(chaos.sides[0]->apdus > before + 10);
    g_assert_false(chaos.sides[0]->wrong);
    for (int i = 0; i < 2; i++)
        side_free(chaos.sides[i]);
    field_free(chaos.field);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nfc/chaos", test_chaos);
    return g_test_run();
}
