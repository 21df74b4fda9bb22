/* SPDX-License-Identifier: Apache-2.0
 *
 * Every field of every message that a record can carry, changed in every way that its type and
 * its bound allow, in the place where an honest peer says it. The list comes from the
 * descriptors; what the guard refuses has the same name everywhere, and what a field means has
 * its line in expected.def: a new field without one fails here.
 */
#include <string.h>

#include "proto/hash.h"
#include "tests/hostile/edit.h"
#include "tests/hostile/voice.h"

/* What it may cost to find out that one message is wrong: the unpacked message, and change. */
#define MEMORY_MAX (EHP_UNPACK_MEMORY_MAX + 64 * 1024)

/* When each kind is said, and by whom. */
typedef struct {
    unsigned kind; /* field of Record; 31: padding */
    bool patient;  /* says it */
    const char *later;
    bool refuse, revoke, resume;
    unsigned before; /* it is no part of an honest session: put before this kind */
} scene;

static const scene scenes[] = {
    {1, false, NULL, false, false, false, 0},   {2, false, NULL, false, false, false, 0},
    {3, true, NULL, false, false, false, 0},    {4, true, NULL, false, false, false, 0},
    {5, true, NULL, true, false, false, 0},     {6, true, NULL, false, true, false, 0},
    {7, true, NULL, false, false, false, 0},    {8, true, NULL, false, false, false, 0},
    {9, false, "r", false, false, false, 0},    {10, true, NULL, false, false, false, 0},
    {11, false, NULL, false, false, false, 0},  {12, true, NULL, false, false, false, 0},
    {13, false, NULL, false, false, false, 0},  {14, true, NULL, false, false, false, 0},
    {15, false, NULL, false, false, false, 0},  {16, false, NULL, false, false, false, 11},
    {17, true, NULL, false, false, false, 0},   {18, false, NULL, false, false, false, 11},
    {19, true, NULL, false, false, true, 0},    {20, false, NULL, false, false, false, 11},
    {21, false, NULL, false, false, false, 11}, {22, true, "w", false, false, false, 0},
    {31, false, NULL, false, false, false, 11},
};

typedef struct {
    edit_path path;
    edit_kind how;
    const scene *scene;
} row;

static const struct {
    const char *path;
    edit_kind how;
    const char *outcome;
} expected[] = {
#define EXPECT(path, how, outcome) {path, EDIT_##how, outcome},
#include "tests/hostile/expected.def"
#undef EXPECT
};

static const scene *
scene_of(unsigned kind)
{
    for (size_t i = 0; i < G_N_ELEMENTS(scenes); i++)
        if (scenes[i].kind == kind)
            return &scenes[i];
    return NULL;
}

/* ---------------------------------------------------------------- the lie */

/* The record with another body, signed again. */
static GByteArray *
sign_again(voice *v, ehp_bytes plain, edit_path path, ehp_bytes body)
{
    g_autoptr(GByteArray) changed = NULL;
    const ProtobufCMessageDescriptor *of;
    uint8_t signature[64];
    ehp_sign_type type;

    of = edit_body(path.field[0]->id, &type);
    g_assert_nonnull(of);
    path.n = 2;
    changed = edit_put(plain, &path, 0, body);
    voice_sign(v, type, body, signature);
    path.field[1] = &ehp__signed__descriptor.fields[1];
    return edit_put((ehp_bytes){changed->data, changed->len}, &path, 0,
                    ehp_bytes_of(signature, sizeof signature));
}

static GByteArray *
lie(voice *v, const row *r, ehp_bytes plain)
{
    g_autoptr(GByteArray) body = NULL;

    if (r->path.body == 0 || r->path.n <= r->path.body)
        return edit_apply(plain, &r->path, 0, r->how);
    body = edit_apply(edit_get(edit_get(plain, r->path.field[0]->id), 1), &r->path,
                      r->path.body, r->how);
    return sign_again(v, plain, r->path, (ehp_bytes){body->data, body->len});
}

static void
say(voice *v, GByteArray *plain)
{
    voice_say(v, plain->data, plain->len);
    g_byte_array_unref(plain);
}

static void
say_page(voice *v, GByteArray *plain)
{
    const ehp_bytes page = edit_get((ehp_bytes){plain->data, plain->len}, 7);

    if (!v->pages_open)
        ehp_sha256_init(&v->pages);
    v->pages_open = true;
    ehp_sha256_update(&v->pages, page.data, page.len);
    say(v, plain);
}

/* The list is signed as it was told, so that nothing but the lie itself is wrong. */
static void
say_manifest(voice *v, ehp_bytes plain)
{
    edit_path path = {.n = 3, .body = 2};
    g_autoptr(GByteArray) body = NULL;
    uint8_t hash[EHP_HASH_LEN];

    ehp_sha256_final(&v->pages, hash);
    path.field[0] = &ehp__record__descriptor.fields[7];
    path.field[1] = &ehp__signed__descriptor.fields[0];
    path.field[2] = protobuf_c_message_descriptor_get_field(&ehp__manifest__descriptor, 6);
    g_assert_cmpuint(path.field[0]->id, ==, 8);
    body = edit_put(edit_get(edit_get(plain, 8), 1), &path, 2, ehp_bytes_of(hash, sizeof hash));
    say(v, sign_again(v, plain, path, (ehp_bytes){body->data, body->len}));
}

static void
rule(voice *v, ehp_bytes plain)
{
    const row *r = v->row;
    const unsigned kind = voice_kind(plain);
    const unsigned at = r->scene->before > 0 ? r->scene->before : r->scene->kind;

    if (v->struck && kind == 8 && v->pages_open) {
        v->pages_open = false;
        say_manifest(v, plain);
        return;
    }
    if (v->struck || kind != at) {
        voice_say(v, plain.data, plain.len);
        return;
    }
    voice_strike(v);
    if (r->scene->kind == 7 && r->path.n > 1)
        say_page(v, lie(v, r, plain));
    else if (r->scene->before > 0 && r->scene->kind != 31) {
        say(v, lie(v, r, ehp_bytes_of(NULL, 0)));
        voice_say(v, plain.data, plain.len);
    } else
        say(v, lie(v, r, plain));
}

/* ---------------------------------------------------------------- cases */

/* Of expected.def; NULL: it has no line. */
static const char *
outcome_of(const edit_path *path, edit_kind how)
{
    g_autofree char *name = edit_path_name(path);

    for (size_t i = 0; i < G_N_ELEMENTS(expected); i++)
        if (expected[i].how == how && strcmp(expected[i].path, name) == 0)
            return expected[i].outcome;
    return NULL;
}

static const char *
expect(const row *r, const voice *v)
{
    const char *outcome = outcome_of(&r->path, r->how);

    if (r->how >= EDIT_TWICE && r->scene->kind == 17)
        return "Ok"; /* who says Bye has gone, and the victim had all it wanted */
    if (r->how >= EDIT_TWICE && v->before.complete > 0)
        return "Told";
    if (r->how >= EDIT_TWICE && r->scene->kind == 13 && r->path.n > 2)
        return "BadReceipt";
    if (r->how >= EDIT_TWICE)
        return r->how == EDIT_TOO_LONG || r->how == EDIT_MANY ? "TooLarge" : "BadMessage";
    return outcome != NULL ? outcome : "(no line in expected.def)";
}

/* The link goes before the item is whole. */
static void
but_the_end(voice *v, ehp_bytes plain)
{
    if (voice_kind(plain) != 12)
        voice_say(v, plain.data, plain.len);
}

/* What is withdrawn while it is sent. */
static const pair_item two_segments[] = {{"big", EHP_SEGMENT_MAX + 1000, 0}};

static void
test_field(gconstpointer data)
{
    const row *r = data;
    const char *outcome;
    voice v;

    voice_init(&v, r->scene->patient, r->scene->resume ? but_the_end : rule, r);
    v.w.later = r->scene->later;
    v.w.refuse_with = r->scene->refuse ? EHP_DECLINED : EHP_OK;
    v.w.revoke_at_data = r->scene->revoke;
    v.w.revoke_after = 1;
    if (r->scene->revoke) {
        v.w.items = two_segments;
        v.w.n_items = G_N_ELEMENTS(two_segments);
    }
    voice_start(&v);
    if (r->scene->resume) {
        pair_run(&v.w);
        v.rule = rule;
        pair_cut(&v.w);
    }
    voice_run(&v);
    outcome = voice_outcome(&v);
    if (strcmp(outcome, "GoesOn") == 0) {
        v.w.no_reconnect = true;
        pair_finish(&v.w, 60);
        outcome = !v.victim->ended ? "Open"
                  : v.victim->by_peer && v.victim->status != EHP_OK
                      ? "Accepted"
                      : ehp_status_name(v.victim->status);
    } else if (strcmp(outcome, "BadHash") != 0) { /* that shows when the item is whole */
        voice_expect_cheap(&v, MEMORY_MAX);
    }
    g_assert_cmpstr(outcome, ==, expect(r, &v));
    voice_clear(&v);
}

static GHashTable *covered; /* names of messages */

static void
found(const edit_path *path, void *user)
{
    unsigned *n = user;
    const scene *s = scene_of(path->field[0]->id);
    g_autofree char *name = edit_path_name(path);

    g_hash_table_add(covered, (gpointer)path->message[path->n - 1]->short_name);
    if (path->field[path->n - 1]->type == PROTOBUF_C_TYPE_MESSAGE)
        g_hash_table_add(
            covered,
            (gpointer)((const ProtobufCMessageDescriptor *)path->field[path->n - 1]->descriptor)
                ->short_name);
    g_assert_nonnull(s);
    for (edit_kind how = 0; how < EDIT_KINDS; how++) {
        g_autofree char *test = g_strdup_printf("/hostile/field/%s/%s", name, edit_name(how));
        row *r;
        if (!edit_fits(path, how))
            continue;
        r = g_new0(row, 1); /* lives as long as the tests */
        r->path = *path;
        r->how = how;
        r->scene = s;
        g_test_add_data_func_full(test, r, test_field, g_free);
        (*n)++;
    }
}

/* What the tap carries is not in a record: tap_unit.c changes that. */
static const char *const in_tap[] = {"TerminalHello", "TapRequest", "PatientHello", "Confirm",
                                     NULL};

/* What a leaf signs about an item that it sends back, every field and every bit of it, and the
 * proof that a patient keeps of that: origin_unit, lying_reply_unit. */
static const char *const elsewhere[] = {"ItemOrigin", "OriginProof", NULL};

static void
test_all_messages(void)
{
    g_autofree char *path =
        g_build_filename(g_getenv("EHRLINK_SOURCE_ROOT"), "proto/ehrlink.proto", NULL);
    g_autofree char *text = NULL;
    g_auto(GStrv) lines = NULL;
    unsigned n = 0;

    g_assert_true(g_file_get_contents(path, &text, NULL, NULL));
    lines = g_strsplit(text, "\n", -1);
    for (char **line = lines; line != NULL && *line != NULL; line++) {
        g_auto(GStrv) words = g_strsplit(*line, " ", 3);
        if (g_strcmp0(words[0], "message") != 0)
            continue;
        g_assert_nonnull(words[1]);
        n++;
        if (!g_strv_contains(in_tap, words[1]) && !g_strv_contains(elsewhere, words[1]) &&
            !g_hash_table_contains(covered, words[1]))
            g_error("message %s is in no record that is changed here", words[1]);
    }
    g_assert_cmpuint(n, >, 30);
}

/* ---------------------------------------------------------------- PROTOCOL.md, section 13.1 */

/* That it is not there is a fault, and not only because something else is in its place. */
static bool
refused_without(const edit_path *path)
{
    static const char *const fine[] = {"Ok", "Accepted", "OutOfOrder", NULL};
    const char *outcome = outcome_of(path, EDIT_ABSENT);

    return path->n > 1 && outcome != NULL && !g_strv_contains(fine, outcome);
}

/* Of the row of this message in PROTOCOL.md, what it must hold: words with commas between. */
static char *
told_of(const char *text, const char *message)
{
    g_autofree char *first = g_strdup_printf("\n| `%s` | ", message);
    const char *line = strstr(text, first);
    const char *end = line != NULL ? strstr(line + strlen(first), " |") : NULL;

    if (end == NULL || line[strlen(first)] == '|') /* no row, or nothing in it */
        return g_strdup("");
    return g_strndup(line + strlen(first), (gsize)(end - line - strlen(first)));
}

static bool
is_told(const char *cell, const char *field)
{
    g_auto(GStrv) words = g_strsplit(cell, ", ", -1);

    for (char **word = words; *word != NULL; word++) {
        if (g_str_has_suffix(*word, " *"))
            (*word)[strlen(*word) - 2] = '\0';
        if (strcmp(*word, field) == 0)
            return true;
    }
    return false;
}

typedef struct {
    char *text;
    GHashTable *due; /* "Message.field" that some path refuses to miss */
    GHashTable *all;
} must_hold;

static void
gather(const edit_path *path, void *user)
{
    must_hold *m = user;
    const char *message = path->message[path->n - 1]->short_name;
    char *name = g_strdup_printf("%s.%s", message, path->field[path->n - 1]->name);

    if (refused_without(path))
        g_hash_table_add(m->due, g_strdup(name));
    g_hash_table_add(m->all, name);
}

static void
test_protocol_md(void)
{
    g_autofree char *path =
        g_build_filename(g_getenv("EHRLINK_SOURCE_ROOT"), "proto/PROTOCOL.md", NULL);
    must_hold m = {0};
    GHashTableIter iter;
    gpointer key;

    g_assert_true(g_file_get_contents(path, &m.text, NULL, NULL));
    m.due = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    m.all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    edit_each(&ehp__record__descriptor, gather, &m);
    g_assert_cmpuint(g_hash_table_size(m.due), >, 50);
    g_hash_table_iter_init(&iter, m.all);
    while (g_hash_table_iter_next(&iter, &key, NULL)) {
        g_auto(GStrv) parts = g_strsplit(key, ".", 2);
        g_autofree char *cell = told_of(m.text, parts[0]);
        if (g_strv_contains(elsewhere, parts[0]))
            continue;
        if (is_told(cell, parts[1]) != g_hash_table_contains(m.due, key))
            g_error("PROTOCOL.md, 13.1: must %s be there?", (char *)key);
    }
    g_hash_table_unref(m.due);
    g_hash_table_unref(m.all);
    g_free(m.text);
}

int
main(int argc, char **argv)
{
    unsigned n = 0;

    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_assert_cmpint(sodium_init(), >=, 0);
    covered = g_hash_table_new(g_str_hash, g_str_equal);
    edit_each(&ehp__record__descriptor, found, &n);
    g_assert_cmpuint(n, >, 400);
    g_test_add_func("/hostile/field/every-message", test_all_messages);
    g_test_add_func("/hostile/field/protocol-md", test_protocol_md);
    return g_test_run();
}
