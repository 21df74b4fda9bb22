/* SPDX-License-Identifier: Apache-2.0
 *
 * Two helpers, each with real libnfc, on two simulated chips: what a good tap looks like on
 * both sides.
 */
#include "tests/nfc/rig.h"

#include <string.h>

typedef struct {
    Field *field;
    Side *reader, *card;
} Pair;

static void
set_up(Pair *pair, gconstpointer unused)
{
    pair->field = field_new(3, NULL);
    pair->reader = side_new(pair->field, 0);
    pair->card = side_new(pair->field, 1);
    side_arm(pair->reader, EHD_TAP_READER);
    side_arm(pair->card, EHD_TAP_CARD);
    WAIT_FOR(pair->reader->ready == 1 && pair->card->ready == 1);
    field_say(pair->field, "wait-armed 0 1");
}

static void
tear_down(Pair *pair, gconstpointer unused)
{
    side_free(pair->reader);
    side_free(pair->card);
    field_free(pair->field);
}

static void
tap(Pair *pair)
{
    int before = pair->card->activated;

    field_say(pair->field, "tap");
    WAIT_FOR(pair->reader->activated > 0 && pair->card->activated > before);
}

static void
test_every_size(Pair *pair, gconstpointer unused)
{
    tap(pair);
    for (gsize len = 1; len <= EHP_APDU_MAX; len++) {
        int before = pair->reader->apdus;
        side_send(pair->reader, len);
        WAIT_FOR(pair->reader->apdus > before);
        g_assert_false(pair->reader->wrong);
    }
    g_assert_cmpint(pair->reader->lost, ==, 0);
    g_assert_cmpstr(field_say(pair->field, "count"), ==,
                    "ok pairs 262 bytes 68906 commands 262");
}

static void
test_turns(Pair *pair, gconstpointer unused)
{
    guint8 big[EHP_APDU_MAX + 1] = {0};

    g_assert_cmpint(ehd_tap_send_apdu(pair->reader->tap, big, 5), ==, EHP_WRONG_STATE);
    pair->card->echo = FALSE;
    tap(pair);
    g_assert_true(ehd_tap_is_active(pair->reader->tap));
    g_assert_cmpint(ehd_tap_send_apdu(pair->reader->tap, big, sizeof big), ==, EHP_TOO_LARGE);
    g_assert_cmpint(ehd_tap_send_apdu(pair->reader->tap, big, 0), ==, EHP_INVALID_ARGUMENT);
    g_assert_cmpint(ehd_tap_send_apdu(pair->card->tap, big, 2), ==, EHP_WRONG_STATE);
    side_send(pair->reader, 9);
    g_assert_cmpint(ehd_tap_send_apdu(pair->reader->tap, big, 5), ==, EHP_WRONG_STATE);
    WAIT_FOR(pair->card->apdus == 1);
    g_assert_cmpint(ehd_tap_send_apdu(pair->card->tap, pair->card->last->data, 9), ==, EHP_OK);
    g_assert_cmpint(ehd_tap_send_apdu(pair->card->tap, big, 2), ==, EHP_WRONG_STATE);
    WAIT_FOR(pair->reader->apdus == 1);
    g_assert_false(pair->reader->wrong);
}

/* The reader releases: the card hears of it in good order, and both stay armed. */
static void
test_release_by_reader(Pair *pair, gconstpointer unused)
{
    for (int round = 1; round <= 3; round++) {
        pair->reader->pings = 2;
        tap(pair);
        WAIT_FOR(pair->reader->apdus == 2 * round);
        ehd_tap_release(pair->reader->tap);
        WAIT_FOR(pair->reader->lost == round && pair->card->lost == round);
        g_assert_cmpint(pair->reader->why, ==, EHP_OK);
        g_assert_cmpint(pair->card->why, ==, EHP_OK);
        field_say(pair->field, "untap");
    }
}

/* The card answers and lets go in one breath: the answer arrives. */
static void
test_release_by_card(Pair *pair, gconstpointer unused)
{
    pair->card->echo = FALSE;
    tap(pair);
    side_send(pair->reader, 9);
    WAIT_FOR(pair->card->apdus == 1);
    g_assert_cmpint(ehd_tap_send_apdu(pair->card->tap, pair->card->last->data, 9), ==, EHP_OK);
    ehd_tap_release(pair->card->tap);
    WAIT_FOR(pair->card->lost == 1 && pair->reader->apdus == 1);
    g_assert_cmpint(pair->card->why, ==, EHP_OK);
    WAIT_FOR(pair->reader->lost == 1);
    g_assert_cmpint(pair->reader->why, ==, EHP_TAP_TORN);
}

/* After disarm nothing polls or listens, and the answer just given still went out. */
static void
test_disarm(Pair *pair, gconstpointer unused)
{
    pair->card->echo = FALSE;
    tap(pair);
    side_send(pair->reader, 9);
    WAIT_FOR(pair->card->apdus == 1);
    g_assert_cmpint(ehd_tap_send_apdu(pair->card->tap, pair->card->last->data, 9), ==, EHP_OK);
    ehd_tap_disarm(pair->card->tap);
    WAIT_FOR(pair->reader->apdus == 1);
    ehd_tap_disarm(pair->reader->tap);
    WAIT_FOR(strstr(field_say(pair->field, "state"), "chip0=idle* chip1=idle*"));
    g_assert_cmpint(pair->reader->lost + pair->card->lost, ==, 0);
}

/* One that listens and one that waits in a tap are both interrupted, and can change their role.
 */
static void
test_change_roles(Pair *pair, gconstpointer unused)
{
    side_arm(pair->reader, EHD_TAP_CARD);
    side_arm(pair->card, EHD_TAP_READER);
    WAIT_FOR(pair->reader->ready == 2 && pair->card->ready == 2);
    field_say(pair->field, "wait-armed 0 1");
    pair->card->pings = 3;
    field_say(pair->field, "tap");
    WAIT_FOR(pair->card->apdus == 3);
    g_assert_false(pair->card->wrong);
    side_arm(pair->reader, EHD_TAP_READER);
    WAIT_FOR(pair->reader->ready == 3 && pair->card->lost == 1);
    g_assert_cmpint(pair->reader->lost, ==, 0);
}

/* A third device comes near while the tap goes on; it is met when the first is released. */
static void
test_third_device(Pair *pair, gconstpointer unused)
{
    Side *third = side_new(pair->field, 2);

    field_say(pair->field, "tap 0 1");
    WAIT_FOR(pair->reader->activated == 1);
    side_arm(third, EHD_TAP_CARD);
    WAIT_FOR(third->ready == 1);
    field_say(pair->field, "wait-armed 2");
    field_say(pair->field, "tap 0 1 2");
    pair->reader->pings = 5;
    side_send(pair->reader, 30);
    WAIT_FOR(pair->reader->apdus == 5);
    g_assert_cmpint(third->activated, ==, 0);
    ehd_tap_disarm(pair->card->tap);
    ehd_tap_release(pair->reader->tap);
    WAIT_FOR(third->activated == 1 && pair->reader->activated == 2);
    side_free(third);
}

static void
on_probed(EhdTap *tap, ehp_status status, const char *detail, gpointer user_data)
{
    g_test_message("probe: %s (%s)", ehp_status_name(status), detail);
    *(ehp_status *)user_data = status;
}

static void
test_probe(Pair *pair, gconstpointer unused)
{
    Side *third = side_new(pair->field, 2);
    ehp_status status = EHP_STATUS_COUNT;
    const char *detail;

    g_assert_cmpint(ehd_tap_get_reader_state(third->tap, &detail), ==, EHP_OK);
    g_assert_cmpstr(detail, ==, "not tried yet");
    ehd_tap_probe(third->tap, on_probed, &status);
    WAIT_FOR(status == EHP_OK);
    g_assert_nonnull(strstr(field_say(pair->field, "state"), "chip2=idle"));
    field_say(pair->field, "unplug 2");
    status = EHP_STATUS_COUNT;
    ehd_tap_probe(third->tap, on_probed, &status);
    WAIT_FOR(status == EHP_READER_LOST);
    side_free(third);
    /* one that is armed answers without being disturbed */
    tap(pair);
    status = EHP_STATUS_COUNT;
    ehd_tap_probe(pair->reader->tap, on_probed, &status);
    WAIT_FOR(status == EHP_OK);
    pair->reader->pings = 2;
    side_send(pair->reader, 30);
    WAIT_FOR(pair->reader->apdus == 2);
    g_assert_cmpint(pair->reader->lost, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                    \
    g_test_add("/nfc/exchange/" name, Pair, NULL, set_up, function, tear_down)
    ADD("every-size", test_every_size);
    ADD("turns", test_turns);
    ADD("release-by-reader", test_release_by_reader);
    ADD("release-by-card", test_release_by_card);
    ADD("disarm", test_disarm);
    ADD("change-roles", test_change_roles);
    ADD("third-device", test_third_device);
    ADD("probe", test_probe);
    return g_test_run();
}
