/* SPDX-License-Identifier: Apache-2.0
 *
 * A daemon that ends while the clinic sends something back, and cannot go on with it: too late,
 * without whoever brings or takes it, with a disk that has something else. It failed, by name,
 * nothing of it stays, and what was received or sent before is as it was.
 */
#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>

#include "daemon/core/record-private.h"
#include "daemon/error.h"
#include "tests/daemon/core/pair.h"

/* Nothing of it stays; what the clinic received before is as it was. */
static void
assert_failed_at_clinic(Pair *f)
{
    WAIT(pair_reply(f->clinic) == EHD_TRANSFER_FAILED);
    g_assert_cmpint(host_state(f->clinic), ==, EHD_STATE_CONFIRMING);
    g_assert_cmpint(pair_info(f->clinic)->transfer, ==, EHD_TRANSFER_COMPLETE);
    g_assert_cmpuint(pair_info(f->clinic)->items, ==, 2);
    pair_discard(f);
}

static void
assert_done_at_patient(Pair *f)
{
    host_wait_end(f->patient);
    g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
    g_assert_cmpint(pair_reply(f->patient), ==, EHD_TRANSFER_FAILED);
    g_assert_cmpuint(host_count_audit(f->patient, "received"), ==, 0);
    host_assert_clean(f->patient);
}

static void
open_and_run(Pair *f)
{
    f->clinic->config->resume_ms = 2000; /* a patient that gave up does not come to say so */
    pair_open_for_reply(f, FALSE);
    host_reply(f->clinic);
    pair_wait_reply(f, 400000);
}

static gint64 later;

static gint64
clock_now(gpointer user_data)
{
    return HOST_NOW + later;
}

static guint64
clock_uptime(gpointer user_data)
{
    return (guint64)(1000 + later);
}

/* Away for too long. */
static void
test_too_late(Pair *f, gconstpointer data)
{
    Host *host = strstr(data, "clinic") != NULL ? f->clinic : f->patient;

    later = 0;
    host->now = clock_now;
    host->boottime = clock_uptime;
    host_restart(host, f->air);
    open_and_run(f);
    later = 601;
    cut_link_down(f->patient->link);
    pair_restart(f, data);
    if (host == f->clinic)
        assert_failed_at_clinic(f);
    else
        assert_done_at_patient(f);
}

/* No program brings the files again. */
static void
test_nobody_came_back(Pair *f, gconstpointer data)
{
    g_autofree char *id = NULL;

    open_and_run(f);
    id = g_strdup(pair_info(f->clinic)->id);
    host_restart(f->clinic, f->air);
    f->clinic->owner.session = ehd_core_find(f->clinic->core, id, 1000, NULL);
    assert_done_at_patient(f);
    assert_failed_at_clinic(f);
}

/* Nobody takes it at the patient. */
static void
test_nobody_collects(Pair *f, gconstpointer data)
{
    g_autofree char *id = NULL;

    open_and_run(f);
    id = g_strdup(pair_info(f->patient)->id);
    host_restart(f->patient, f->air);
    f->patient->owner.session = ehd_core_find(f->patient->core, id, 1000, NULL);
    assert_done_at_patient(f);
    assert_failed_at_clinic(f);
}

/* The clinic's program comes back with another file in its place. */
static void
test_changed(Pair *f, gconstpointer data)
{
    f->clinic->owner.giving = GIVE;
    open_and_run(f);
    f->clinic->owner.giving = SPOIL;
    pair_restart(f, "clinic");
    assert_done_at_patient(f);
    assert_failed_at_clinic(f);
}

static char *
file_of(Host *host, const char *room, const char *suffix)
{
    g_autofree char *name = g_strconcat(pair_info(host)->id, suffix, NULL);

    return g_build_filename(host->dir, "state", room, name, NULL);
}

static char *to_be_removed; /* while nothing of the state is open */

static void
remove_it(void)
{
    g_assert_cmpint(g_remove(to_be_removed), ==, 0);
}

/* What it would go on with is gone from the disk. data: whose, and what. */
static void
test_gone(Pair *f, gconstpointer data)
{
    g_auto(GStrv) words = g_strsplit(data, " ", 0);
    Host *host = g_str_equal(words[0], "clinic") ? f->clinic : f->patient;
    GLogLevelFlags fatal = g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
    g_autofree char *path = NULL;

    open_and_run(f); /* the first item is whole */
    to_be_removed = path = file_of(host, words[1], words[2]);
    host->before_open = remove_it;
    pair_restart(f, words[0]);
    host->before_open = NULL;
    if (host == f->clinic) {
        assert_failed_at_clinic(f);
    } else {
        assert_done_at_patient(f);
        assert_failed_at_clinic(f);
    }
    g_log_set_always_fatal(fatal);
}

/* Of a version that is still to come: it stays as it is, for that. */
static void
test_too_new(Pair *f, gconstpointer data)
{
    GLogLevelFlags fatal = g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
    g_autoptr(GBytes) note = NULL;
    g_autoptr(GBytes) newer = ehd_record_pack(g_variant_new("(uv)", 2, g_variant_new("s", "")));
    g_autofree char *id = NULL;
    gsize length;
    const guint8 *bytes;

    open_and_run(f);
    id = g_strdup(pair_info(f->clinic)->id);
    note = ehd_ledger_get_note(f->clinic->ledger, id, NULL);
    bytes = g_bytes_get_data(newer, &length);
    g_assert_true(ehd_ledger_put_note(f->clinic->ledger, id, bytes, length, NULL));
    host_restart(f->clinic, f->air);
    g_assert_cmpuint(f->clinic->added, ==, 0);
    g_assert_cmpuint(ehd_core_count_unread(f->clinic->core), ==, 1);
    bytes = g_bytes_get_data(note, &length);
    g_assert_true(ehd_ledger_put_note(f->clinic->ledger, id, bytes, length, NULL));
    host_restart(f->clinic, f->air);
    owner_attach(&f->clinic->owner, ehd_core_find(f->clinic->core, id, 1000, NULL));
    g_log_set_always_fatal(fatal);
    WAIT(pair_reply(f->clinic) == EHD_TRANSFER_COMPLETE && pair_info(f->clinic)->may_ask);
    pair_file(f);
}

/* ---------------------------------------------------------------- what is on the disk */

static EhdSession *
with_items(Host *host, EhdSessionRole role)
{
    EhdSession *session = ehd_session_new(host->core, role, 1000);
    EhdReply *reply = &session->reply;

    ehd_items_append(reply->items, host->items);
    for (guint i = 0; i < host->items->len; i++) {
        EhdOrigin origin = {.transfer = 1 + i, .salt = {(guint8)i}};
        guint8 state = EHD_ITEM_WAITING;

        g_array_append_val(reply->origins, origin);
        g_byte_array_append(reply->states, &state, 1);
    }
    return session;
}

/* What goes back: the list of another transfer, or something else, is none. */
static void
test_list(Pair *f, gconstpointer data)
{
    static const struct {
        const char *text;
        ehp_status why;
    } rows[] = {
        {"(uint32 1, <(uint32 0, @a(stmsmsmsmsmsubmxmay) [])>)", EHP_OK},
        {"(uint32 1, <(uint32 1, @a(stmsmsmsmsmsubmxmay) [])>)", EHP_STATE_DAMAGED},
        {"(uint32 1, <'nothing'>)", EHP_STATE_DAMAGED},
        {"(uint32 0, <(uint32 0, @a(stmsmsmsmsmsubmxmay) [])>)", EHP_STATE_DAMAGED},
        {"(uint32 2, <'who knows'>)", EHP_STATE_TOO_NEW},
        {"'a text'", EHP_STATE_DAMAGED},
    };
    EhdSession *session = with_items(f->clinic, EHD_TERMINAL);
    EhdSession *again = ehd_session_new(f->clinic->core, EHD_TERMINAL, 1000);
    g_autoptr(GBytes) note = ehd_record_reply(session);

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;
        GVariant *value = g_variant_new_parsed(rows[i].text);
        g_autoptr(GBytes) bytes = ehd_record_pack(value);

        g_assert_cmpint(ehd_record_take_reply(again, bytes, 0, &error), ==,
                        rows[i].why == EHP_OK);
        g_assert_cmpint(ehd_error_status(error), ==, rows[i].why);
    }
    g_assert_true(ehd_record_take_reply(again, note, 0, NULL));
    g_assert_true(ehd_items_equal(again->reply.items, f->clinic->items));
    g_assert_cmpuint(again->reply.states->len, ==, f->clinic->items->len);
    ehd_session_free(session);
    ehd_session_free(again);
}

/* What came back: rows that are not of this list. */
static void
test_rows(Pair *f, gconstpointer data)
{
    static const struct {
        guint n;
        const char *rows; /* NULL: none */
        gboolean good;
    } rows[] = {
        {2, "[(uint32 1, uint32 0, false), (2, 1, false)]", TRUE},
        {1, "[(uint32 1, uint32 0, false)]", TRUE},
        {3, "[(uint32 1, uint32 0, false)]", FALSE},
        {2, "[(uint32 1, uint32 1, false)]", FALSE},
        {2, "[(uint32 1, uint32 0, false), (2, 0, false)]", FALSE},
        {2, "[(uint32 1, uint32 0, false), (2, 2, false)]", FALSE},
        {2, NULL, FALSE},
    };
    EhdSession *session = with_items(f->clinic, EHD_PATIENT);
    g_autoptr(GBytes) note = ehd_record_replies(session);

    for (guint i = 0; i < G_N_ELEMENTS(rows); i++) {
        EhdSession *again = ehd_session_new(f->clinic->core, EHD_PATIENT, 1000);
        EhdPast past = {.n_replied = rows[i].n};
        GArray *origins = again->reply.origins;

        if (rows[i].rows != NULL)
            past.reply_rows = g_variant_ref_sink(g_variant_new_parsed(rows[i].rows));
        g_assert_cmpint(ehd_record_place_replies(again, note, &past), ==, rows[i].good);
        if (rows[i].good) {
            g_assert_cmpuint(again->reply.items->len, ==, rows[i].n);
            g_assert_cmpuint(g_array_index(origins, EhdOrigin, rows[i].n - 1).transfer, ==,
                             rows[i].n);
            g_assert_cmpuint(g_array_index(origins, EhdOrigin, rows[i].n - 1).salt[0], ==,
                             rows[i].n - 1);
        }
        g_clear_pointer(&past.reply_rows, g_variant_unref);
        ehd_session_free(again);
    }
    ehd_session_free(session);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
#define ADD(path, data, func)                                                                  \
    g_test_add("/core/restart-reply-lost/" path, Pair, data, pair_set_up_reply, func,          \
               pair_tear_down)
    ADD("too-late-clinic", "clinic", test_too_late);
    ADD("too-late-patient", "patient", test_too_late);
    ADD("nobody-came-back", NULL, test_nobody_came_back);
    ADD("nobody-collects", NULL, test_nobody_collects);
    ADD("changed", NULL, test_changed);
    ADD("gone-list", "clinic ledger .note", test_gone);
    ADD("gone-origins", "patient ledger .origins", test_gone);
    ADD("gone-room", "patient spool /meta", test_gone);
    ADD("too-new", NULL, test_too_new);
    ADD("list", NULL, test_list);
    ADD("rows", NULL, test_rows);
    return g_test_run();
}
