/* SPDX-License-Identifier: Apache-2.0
 *
 * Everything that goes wrong with a reader or a tap, over real libnfc: each has its name, and
 * the arming goes on when the trouble is over.
 */
#include "tests/nfc/rig.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

typedef struct {
    Field *field;
    Side *reader, *card;
} Pair;

static void
set_up(Pair *pair, gconstpointer unused)
{
    pair->field = field_new(2, NULL);
    pair->reader = side_new(pair->field, 0);
    pair->card = side_new(pair->field, 1);
}

static void
tear_down(Pair *pair, gconstpointer unused)
{
    side_free(pair->reader);
    side_free(pair->card);
    field_free(pair->field);
}

static void
arm_reader(Pair *pair)
{
    side_arm(pair->reader, EHD_TAP_READER);
    WAIT_FOR(pair->reader->ready == 1);
}

static void
arm_both(Pair *pair)
{
    side_arm(pair->card, EHD_TAP_CARD);
    arm_reader(pair);
    WAIT_FOR(pair->card->ready == 1);
    field_say(pair->field, "wait-armed 0 1");
}

/* One good tap shows that all is well again. */
static void
tap_well(Pair *pair)
{
    int before = pair->reader->apdus, lost = pair->reader->lost;

    field_say(pair->field, "wait-armed 0 1");
    pair->reader->pings = 3;
    pair->reader->wrong = FALSE;
    field_say(pair->field, "tap");
    WAIT_FOR(pair->reader->apdus >= before + 3);
    g_assert_false(pair->reader->wrong);
    ehd_tap_release(pair->reader->tap);
    WAIT_FOR(pair->reader->lost > lost);
    field_say(pair->field, "untap");
}

static void
test_no_reader(Pair *pair, gconstpointer unused)
{
    const char *const readers[] = {
        "pn532_uart:/nonexistent/port:115200",
        "pn532_uart:/dev/null:115200",
        "pn532_uart::115200",
        "nonsense",
        "auto",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(readers); i++) {
        Side *side = side_new_with(&(EhdTapConfig){
            .helper_path = g_getenv("EHRLINK_NFC"),
            .reader = readers[i],
        });
        side_arm(side, EHD_TAP_READER);
        WAIT_FOR(side->errors > 0);
        /* "auto" on a machine with a reader that somebody holds would say so */
        if (i < 4)
            g_assert_cmpint(side->status, ==, EHP_NO_READER);
        g_assert_cmpint(side->ready, ==, 0);
        g_assert_cmpint(strlen(side->detail), >, 0);
        side_free(side);
    }
}

static void
test_environment_is_ignored(Pair *pair, gconstpointer unused)
{
    g_autofree char *other = field_reader(pair->field, 1);

    g_setenv("LIBNFC_DEVICE", other, TRUE);
    g_setenv("LIBNFC_DEFAULT_DEVICE", other, TRUE);
    Side *side = side_new_with(
        &(EhdTapConfig){.helper_path = g_getenv("EHRLINK_NFC"), .reader = "auto"});
    side_arm(side, EHD_TAP_READER);
    WAIT_FOR(side->errors > 0 || side->ready > 0);
    g_assert_cmpint(side->ready, ==, 0);
    side_free(side);
    g_unsetenv("LIBNFC_DEVICE");
    g_unsetenv("LIBNFC_DEFAULT_DEVICE");
}

static void
test_busy(Pair *pair, gconstpointer unused)
{
    g_autofree char *port = g_build_filename(pair->field->dir, "chip0", NULL);
    int other = open(port, O_RDWR | O_NOCTTY | O_CLOEXEC);

    g_assert_cmpint(flock(other, LOCK_EX), ==, 0);
    side_arm(pair->reader, EHD_TAP_READER);
    WAIT_FOR(pair->reader->errors == 1);
    g_assert_cmpint(pair->reader->status, ==, EHP_READER_BUSY);
    g_assert_nonnull(strstr(pair->reader->detail, port));
    close(other);
    WAIT_FOR(pair->reader->ready == 1);
}

/* Two of our own on one reader: the second is told, and takes over when the first lets go. */
static void
test_busy_by_us(Pair *pair, gconstpointer unused)
{
    Side *second = side_new(pair->field, 0);

    arm_reader(pair);
    side_arm(second, EHD_TAP_CARD);
    WAIT_FOR(second->errors == 1);
    g_assert_cmpint(second->status, ==, EHP_READER_BUSY);
    side_free(pair->reader);
    pair->reader = second;
    WAIT_FOR(second->ready == 1);
}

static void
test_unplugged_while_polling(Pair *pair, gconstpointer unused)
{
    arm_both(pair);
    field_say(pair->field, "unplug 0");
    WAIT_FOR(pair->reader->errors == 1);
    g_assert_cmpint(pair->reader->status, ==, EHP_READER_LOST);
    field_say(pair->field, "plug 0");
    WAIT_FOR(pair->reader->ready == 2);
    tap_well(pair);
}

static void
test_unplugged_while_listening(Pair *pair, gconstpointer unused)
{
    arm_both(pair);
    field_say(pair->field, "unplug 1");
    WAIT_FOR(pair->card->errors == 1);
    g_assert_cmpint(pair->card->status, ==, EHP_READER_LOST);
    field_say(pair->field, "plug 1");
    WAIT_FOR(pair->card->ready == 2);
    tap_well(pair);
}

static void
test_unplugged_in_a_tap(Pair *pair, gconstpointer unused)
{
    arm_both(pair);
    for (int chip = 0; chip < 2; chip++) {
        int reader_lost = pair->reader->lost, card_lost = pair->card->lost;
        Side *unplugged = chip == 0 ? pair->reader : pair->card;
        int ready = unplugged->ready;
        pair->card->echo = FALSE;
        pair->reader->pings = 1;
        int before = pair->card->apdus;
        field_say(pair->field, "tap");
        WAIT_FOR(pair->card->apdus > before);
        field_say(pair->field, "unplug %d", chip);
        /* the card must give its answer to notice */
        g_assert_cmpint(ehd_tap_send_apdu(pair->card->tap, (const guint8 *)"\x90", 1), ==,
                        EHP_OK);
        WAIT_FOR(pair->reader->lost > reader_lost && pair->card->lost > card_lost);
        g_assert_cmpint(unplugged->why, ==, EHP_READER_LOST);
        field_say(pair->field, "untap");
        field_say(pair->field, "plug %d", chip);
        WAIT_FOR(unplugged->ready > ready);
    }
    pair->card->echo = TRUE;
    tap_well(pair);
}

static void
test_mute_at_start(Pair *pair, gconstpointer unused)
{
    field_say(pair->field, "mute 0");
    side_arm(pair->reader, EHD_TAP_READER);
    WAIT_FOR(pair->reader->errors == 1);
    g_assert_cmpint(pair->reader->status, ==, EHP_READER_MUTE);
    field_say(pair->field, "unmute 0");
    WAIT_FOR(pair->reader->ready == 1);
}

static void
test_mute_later(Pair *pair, gconstpointer unused)
{
    arm_both(pair);
    field_say(pair->field, "mute 0");
    field_say(pair->field, "mute 1");
    WAIT_FOR(pair->reader->errors == 1 && pair->card->errors == 1);
    g_assert_cmpint(pair->reader->status, ==, EHP_READER_MUTE);
    g_assert_cmpint(pair->card->status, ==, EHP_READER_MUTE);
    field_say(pair->field, "unmute 0");
    field_say(pair->field, "unmute 1");
    WAIT_FOR(pair->reader->ready == 2 && pair->card->ready == 2);
    tap_well(pair);
}

/* A lost ACK and a damaged frame are the line's, not the reader's. */
static void
test_bad_line(Pair *pair, gconstpointer unused)
{
    arm_both(pair);
    for (int i = 0; i < 4; i++) {
        field_say(pair->field, i & 1 ? "noack %d" : "corrupt %d", i / 2);
        tap_well(pair);
    }
    g_assert_cmpint(pair->reader->errors + pair->card->errors, ==, 0);
}

static void
test_torn(Pair *pair, gconstpointer unused)
{
    arm_both(pair);
    for (int crossing = 1; crossing <= 8; crossing++) {
        int reader_lost = pair->reader->lost, card_lost = pair->card->lost;
        field_say(pair->field, "reset");
        field_say(pair->field, "wait-armed 0 1");
        pair->reader->pings = 5;
        field_say(pair->field, "tear-after %d", crossing);
        field_say(pair->field, "tap");
        WAIT_FOR(pair->reader->lost > reader_lost && pair->card->lost > card_lost);
        g_assert_cmpint(pair->reader->why, ==, EHP_TAP_TORN);
        g_assert_cmpint(pair->card->why, ==, EHP_TAP_TORN);
    }
    g_assert_cmpint(pair->reader->errors + pair->card->errors, ==, 0);
    field_say(pair->field, "reset");
    tap_well(pair);
}

/* Torn while neither says anything: the reader's presence check notices. */
static void
test_torn_in_silence(Pair *pair, gconstpointer unused)
{
    arm_both(pair);
    field_say(pair->field, "tap");
    WAIT_FOR(pair->reader->activated == 1 && pair->card->activated == 1);
    field_say(pair->field, "untap");
    WAIT_FOR(pair->reader->lost == 1 && pair->card->lost == 1);
    tap_well(pair);
}

/* An ISO-DEP card with another application: its 6A82 goes up, the session decides. */
static void
test_foreign_application(Pair *pair, gconstpointer unused)
{
    g_autoptr(GByteArray) apdu = g_byte_array_new();

    arm_reader(pair);
    Card *card = card_new(pair->field, 0x20);
    pair->reader->pings = 1;
    field_say(pair->field, "tap");
    g_assert_cmpint(card_hear(card, apdu), ==, 'A');
    g_assert_cmpint(card_hear(card, apdu), ==, 'C');
    g_assert_cmpint(apdu->len, ==, pair->reader->ping_len);
    card_say(card, 'R', "\x6a\x82", 2);
    WAIT_FOR(pair->reader->apdus == 1);
    ehd_tap_release(pair->reader->tap);
    WAIT_FOR(pair->reader->lost == 1);
    g_assert_cmpint(card_hear(card, apdu), ==, 'X');
    card_free(card);
}

static void
test_memory_card(Pair *pair, gconstpointer unused)
{
    arm_both(pair);
    Card *card = card_new(pair->field, 0x08);
    field_say(pair->field, "tap 0");
    WAIT_FOR(pair->reader->errors == 1);
    g_assert_cmpint(pair->reader->status, ==, EHP_FOREIGN_DEVICE);
    g_assert_cmpint(pair->reader->activated, ==, 0);
    /* told once, however long it lies there */
    for (int looks = 0; looks < 6; looks++)
        g_assert_cmpint(card_hear(card, NULL), ==, looks & 1 ? 'X' : 'A');
    g_assert_cmpint(pair->reader->errors, ==, 1);
    card_say(card, 'L', "", 0);
    card_free(card);
    tap_well(pair);
}

/* A hostile card: too long an answer, a status that makes libnfc abort, silence, absurd sizes.
 */
static void
test_hostile_card(Pair *pair, gconstpointer unused)
{
    guint8 big[300] = {0x90};

    arm_reader(pair);
    Card *card = card_new(pair->field, 0x20);
    pair->reader->pings = 1;
    field_say(pair->field, "tap");
    while (card_hear(card, NULL) != 'C')
        ;
    card_say(card, 'R', big, sizeof big);
    WAIT_FOR(pair->reader->lost == 1);
    g_assert_cmpint(pair->reader->why, !=, EHP_OK);
    g_assert_cmpint(pair->reader->apdus, ==, 0);
    /* silent from now on */
    pair->reader->pings = 1;
    while (card_hear(card, NULL) != 'C')
        ;
    WAIT_FOR(pair->reader->lost == 2);
    g_assert_cmpint(pair->reader->why, ==, EHP_TAP_TORN);
    /* status bit 7 ("NAD"): libnfc 1.8.0 calls abort() */
    pair->reader->pings = 1;
    while (card_hear(card, NULL) != 'C')
        ;
    card_say(card, 'S', "\x80", 1);
    WAIT_FOR(pair->reader->errors == 1);
    g_assert_cmpint(pair->reader->status, ==, EHP_NFC_HELPER_FAILED);
    g_assert_cmpint(pair->reader->why, ==, EHP_NFC_HELPER_FAILED);
    card_free(card);
    WAIT_FOR(pair->reader->ready == 2);
    side_arm(pair->card, EHD_TAP_CARD);
    WAIT_FOR(pair->card->ready == 1);
    tap_well(pair);
}

/* An ATS that says it has no length: libnfc 1.8.0 copies SIZE_MAX bytes. Told, survived,
 * however long it lies there. */
static void
test_hostile_activation(Pair *pair, gconstpointer unused)
{
    arm_both(pair);
    Card *card = card_new_with(pair->field, "\x20\x00", 2);
    field_say(pair->field, "tap 0");
    WAIT_FOR(pair->reader->errors >= 1);
    g_assert_cmpint(pair->reader->status, ==, EHP_NFC_HELPER_FAILED);
    for (int crashes = 0; crashes < 2; crashes++)
        while (card_hear(card, NULL) != 'A')
            ;
    g_assert_cmpint(pair->reader->activated, ==, 0);
    card_free(card);
    side_arm(pair->reader, EHD_TAP_READER);
    pair->reader->ready = 0;
    WAIT_FOR(pair->reader->ready == 1);
    tap_well(pair);
}

/* The worker killed: polling, listening, in a tap. */
static void
test_worker_killed(Pair *pair, gconstpointer unused)
{
    arm_reader(pair);
    pid_t first = side_worker();
    g_assert_cmpint(first, >, 0);
    kill(first, SIGKILL);
    WAIT_FOR(pair->reader->errors == 1 && pair->reader->ready == 2);
    g_assert_cmpint(pair->reader->status, ==, EHP_NFC_HELPER_FAILED);
    g_assert_nonnull(strstr(pair->reader->detail, "signal: 9"));
    side_arm(pair->card, EHD_TAP_CARD);
    WAIT_FOR(pair->card->ready == 1);
    tap_well(pair);
}

static void
test_worker_hangs(Pair *pair, gconstpointer unused)
{
    arm_reader(pair);
    kill(side_worker(), SIGSTOP);
    WAIT_FOR(pair->reader->errors == 1);
    g_assert_cmpint(pair->reader->status, ==, EHP_NFC_HELPER_FAILED);
    g_assert_nonnull(strstr(pair->reader->detail, "hung"));
    WAIT_FOR(pair->reader->ready == 2);
    side_arm(pair->card, EHD_TAP_CARD);
    WAIT_FOR(pair->card->ready == 1);
    tap_well(pair);
}

/* One that hangs with nothing to do is found out by the next message. */
static void
test_worker_hangs_idle(Pair *pair, gconstpointer unused)
{
    arm_reader(pair);
    pid_t worker = side_worker();
    ehd_tap_disarm(pair->reader->tap);
    WAIT_FOR(strstr(field_say(pair->field, "state"), "chip0=idle"));
    kill(worker, SIGSTOP);
    side_arm(pair->reader, EHD_TAP_READER);
    WAIT_FOR(pair->reader->errors == 1 && pair->reader->ready == 2);
    g_assert_cmpint(pair->reader->status, ==, EHP_NFC_HELPER_FAILED);
}

/* The supervisor itself: started again quietly, and told when it keeps dying. */
static void
test_supervisor_killed(Pair *pair, gconstpointer unused)
{
    side_arm(pair->reader, EHD_TAP_READER);
    for (int round = 1; round <= 2; round++) {
        WAIT_FOR(pair->reader->ready == round);
        pid_t supervisor = side_supervisor();
        g_assert_cmpint(supervisor, >, 0);
        kill(supervisor, SIGKILL);
    }
    WAIT_FOR(pair->reader->ready == 3);
    side_arm(pair->card, EHD_TAP_CARD);
    WAIT_FOR(pair->card->ready == 1);
    tap_well(pair);
}

static void
test_no_helper(Pair *pair, gconstpointer unused)
{
    const char *const programs[] = {"/nonexistent/ehrlink-nfc", "/bin/false", "/bin/true"};

    for (gsize i = 0; i < G_N_ELEMENTS(programs); i++) {
        Side *side = side_new_with(&(EhdTapConfig){.helper_path = programs[i]});
        side_arm(side, EHD_TAP_READER);
        WAIT_FOR(side->errors == 1);
        g_assert_cmpint(side->status, ==, EHP_NFC_HELPER_FAILED);
        side_free(side);
    }
}

/* The helper leaves the reader by itself a while after the last disarm, and not before. */
static void
test_linger(Pair *pair, gconstpointer unused)
{
    arm_reader(pair);
    ehd_tap_disarm(pair->reader->tap);
    side_arm(pair->reader, EHD_TAP_READER);
    WAIT_FOR(pair->reader->ready == 2);
    ehd_tap_disarm(pair->reader->tap);
    g_assert_cmpint(side_supervisor(), >, 0);
    WAIT_FOR(side_supervisor() == 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define ADD(name, function)                                                                    \
    g_test_add("/nfc/trouble/" name, Pair, NULL, set_up, function, tear_down)
    ADD("no-reader", test_no_reader);
    ADD("environment-is-ignored", test_environment_is_ignored);
    ADD("busy", test_busy);
    ADD("busy-by-us", test_busy_by_us);
    ADD("unplugged-while-polling", test_unplugged_while_polling);
    ADD("unplugged-while-listening", test_unplugged_while_listening);
    ADD("unplugged-in-a-tap", test_unplugged_in_a_tap);
    ADD("mute-at-start", test_mute_at_start);
    ADD("mute-later", test_mute_later);
    ADD("bad-line", test_bad_line);
    ADD("torn", test_torn);
    ADD("torn-in-silence", test_torn_in_silence);
    ADD("foreign-application", test_foreign_application);
    ADD("memory-card", test_memory_card);
    ADD("hostile-card", test_hostile_card);
    ADD("hostile-activation", test_hostile_activation);
    ADD("worker-killed", test_worker_killed);
    ADD("worker-hangs", test_worker_hangs);
    ADD("worker-hangs-idle", test_worker_hangs_idle);
    ADD("supervisor-killed", test_supervisor_killed);
    ADD("no-helper", test_no_helper);
    ADD("linger", test_linger);
    return g_test_run();
}
