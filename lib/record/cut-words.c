/* SPDX-License-Identifier: Apache-2.0
 *
 * The words (and codes) that only what is left out has. A narrative, a note or a reason that
 * stays and uses one of them tells what was left out, whether or not it refers to it.
 *
 * It errs on the side of finding one: then a narrative is made anew that might have stayed.
 */
#include <string.h>

#include "lib/record/cut-private.h"

/* Of a longer run of letters the beginning counts. */
#define WORD_MAX 64

struct ErecWords {
    GTree *set; /* owned: a balanced tree, for nothing hashes what a record chose */
    GTree *
        told; /* owned: words that only narratives have for it: looked for in narratives only */
    GStringChunk *texts; /* owned */
};

ErecWords *
erec_words_new(void)
{
    ErecWords *self = g_new0(ErecWords, 1);

    self->set = g_tree_new((GCompareFunc)strcmp);
    self->told = g_tree_new((GCompareFunc)strcmp);
    self->texts = g_string_chunk_new(4096);
    return self;
}

void
erec_words_free(ErecWords *self)
{
    if (self == NULL)
        return;
    g_tree_unref(self->set);
    g_tree_unref(self->told);
    g_string_chunk_free(self->texts);
    g_free(self);
}

typedef struct {
    char text[WORD_MAX + 8];
    gsize length;
    guint letters, digits, capitals;
} Word;

/* "HIV" tells more than most words; what is written otherwise ("als", "for") does not. */
static gboolean
is_abbreviation(const Word *word)
{
    return word->digits == 0 && word->letters >= 2 && word->letters < 4 &&
           word->capitals == word->letters;
}

/* "in", "2021" or "10" tell nothing; "I10" and "38341003" do. */
static gboolean
is_telling(const Word *word)
{
    if (word->letters == 0)
        return word->digits >= 6;
    return word->letters + word->digits >= (word->digits > 0 ? 3u : 4u) ||
           is_abbreviation(word);
}

static void
add_character(Word *word, gunichar c)
{
    if (g_unichar_isdigit(c))
        word->digits++;
    else
        word->letters++;
    word->capitals += g_unichar_isupper(c);
    if (word->length < WORD_MAX)
        word->length +=
            (gsize)g_unichar_to_utf8(g_unichar_tolower(c), word->text + word->length);
}

static inline gunichar
next_character(const char **at)
{
    const gunichar c = (guchar) * *at < 0x80 ? (gunichar)(guchar) * *at : g_utf8_get_char(*at);

    *at = (guchar) * *at < 0x80 ? *at + 1 : g_utf8_next_char(*at);
    return c;
}

/* The next word that tells something; FALSE at the end. The text is UTF-8: the scanner saw. */
static gboolean
next_word(const char **at, Word *word)
{
    for (;;) {
        word->length = word->letters = word->digits = word->capitals = 0;
        while (**at != '\0') {
            const gunichar c = next_character(at);
            if (g_unichar_isalnum(c))
                add_character(word, c);
            else if (word->length > 0)
                break;
        }
        if (word->length == 0)
            return FALSE;
        word->text[word->length] = '\0';
        if (is_abbreviation(word)) { /* it is looked for as it is written */
            g_autofree char *capitals = g_utf8_strup(word->text, (gssize)word->length);

            g_strlcpy(word->text, capitals, sizeof word->text);
        }
        if (is_telling(word))
            return TRUE;
    }
}

static gboolean
has_one(GTree *set, const char *text)
{
    Word word;

    while (next_word(&text, &word))
        if (g_tree_lookup(set, word.text) != NULL)
            return TRUE;
    return FALSE;
}

static gboolean
text_has_one(const ErecWords *self, const char *text)
{
    return has_one(self->set, text);
}

/* What has no words of its own: addresses, names of systems, bytes, dates. "2021-03-02: mania"
 * is a note that begins with one. */
static gboolean
is_silent(const ErecNode *node)
{
    static const char *const keys[] = {
        "system", "url",    "profile",     "reference",   "data",      "div",  "resourceType",
        "hash",   "status", "contentType", "lastUpdated", "versionId", "type", NULL};

    if (node->key != NULL && g_strv_contains(keys, node->key))
        return node->type == EREC_STRING;
    return node->type == EREC_STRING && node->size >= 7 && g_ascii_isdigit(node->text[0]) &&
           node->text[4] == '-' && g_ascii_isdigit(node->text[5]) &&
           strspn(node->text, "0123456789-:.+TZ") == node->size;
}

static void
add_text(ErecWords *self, GTree *set, const char *at)
{
    Word word;

    while (next_word(&at, &word))
        if (g_tree_lookup(set, word.text) == NULL) {
            char *text = g_string_chunk_insert(self->texts, word.text);
            g_tree_insert(set, text, text);
        }
}

static void
remove_text(GTree *set, const char *at)
{
    Word word;

    while (next_word(&at, &word))
        g_tree_remove(set, word.text);
}

static gboolean
add_node(const ErecNode *node, gpointer user_data)
{
    ErecWords *self = user_data;

    if (node->type == EREC_STRING && !is_silent(node))
        add_text(self, self->set, node->text);
    return TRUE;
}

/* What stays may say a word itself, unless it says it about something else. */
static gboolean
remove_node(const ErecNode *node, gpointer user_data)
{
    ErecWords *self = user_data;

    if (erec_cut_is_talk(node->key) || erec_cut_is_mention(node) ||
        erec_cut_is_inner_problem(node))
        return FALSE;
    if (node->type != EREC_STRING || is_silent(node))
        return TRUE;
    remove_text(self->set, node->text);
    remove_text(self->told, node->text);
    return TRUE;
}

typedef struct {
    const ErecWords *words;
    gboolean found;
} Search;

static gboolean
search_node(const ErecNode *node, gpointer user_data)
{
    Search *search = user_data;

    if (!search->found && node->type == EREC_STRING && !is_silent(node))
        search->found = text_has_one(search->words, node->text);
    return !search->found;
}

gboolean
erec_words_are_in(const ErecWords *self, const ErecNode *node)
{
    Search search = {self, FALSE};

    erec_visit(node, search_node, &search);
    return search.found;
}

static gboolean
are_in(const ErecWords *self, const char *text)
{
    return text_has_one(self, text) || has_one(self->told, text);
}

/* "Amlo<b>dipine</b>" is one word, "</td><td>" is between two. */
gboolean
erec_words_are_in_narrative(const ErecWords *self, const char *div)
{
    g_autofree char *joined = erec_cut_plain(div, "", TRUE),
                    *apart = erec_cut_plain(div, " ", TRUE), *unseen = erec_cut_hidden(div);

    if (g_tree_nnodes(self->set) == 0 && g_tree_nnodes(self->told) == 0)
        return FALSE;
    return joined == NULL || unseen == NULL || are_in(self, joined) || are_in(self, apart) ||
           are_in(self, unseen);
}

gboolean
erec_words_are_in_text(const ErecWords *self, const char *text)
{
    return text != NULL && text_has_one(self, text);
}

static gboolean
is_kept(const ErecCut *cut, guint index)
{
    return (cut->flags[index] & ENTRY_KEPT) != 0;
}

typedef struct {
    const ErecCut *cut;
    ErecWords *words;
} Removal;

static gboolean
is_section(const ErecNode *node)
{
    return node->type == EREC_OBJECT && node->key == NULL && node->parent != NULL &&
           g_strcmp0(node->parent->key, "section") == 0;
}

/* The words of sections that stay are known: that there is one for medications is no secret.
 * Those of one that goes are not, nor is what the head says of the content. */
static gboolean
remove_of_composition(const ErecNode *node, gpointer user_data)
{
    static const char *const head[] = {"attester", "relatesTo", "event", "category",
                                       "title",    "_title",    "meta",  NULL};
    const Removal *removal = user_data;

    if (node->key != NULL && node->parent != NULL && node->parent->parent == NULL &&
        g_strv_contains(head, node->key))
        return FALSE;
    if (is_section(node) && erec_cut_section_vanishes(removal->cut, node))
        return FALSE;
    return remove_node(node, removal->words);
}

/* --- what has no words but those of a narrative
 * ---------------------------------------------------------------- */

static void
add_narrative(ErecWords *self, const ErecNode *holder)
{
    const char *div = erec_text(holder, "text.div");
    g_autofree char *joined = div != NULL ? erec_cut_plain(div, "", FALSE) : NULL,
                    *apart = div != NULL ? erec_cut_plain(div, " ", FALSE) : NULL;

    if (joined == NULL)
        return;
    add_text(self, self->told, joined);
    add_text(self, self->told, apart);
}

static gboolean
find_words(const ErecNode *node, gpointer user_data)
{
    gboolean *found = user_data;

    if (node->type == EREC_STRING && node->key != NULL &&
        (strcmp(node->key, "display") == 0 || strcmp(node->key, "text") == 0) &&
        node->parent->key == NULL && node->parent->parent != NULL &&
        g_strcmp0(node->parent->parent->key, "coding") == 0)
        *found = TRUE;
    if (node->type == EREC_STRING && g_strcmp0(node->key, "text") == 0)
        *found = TRUE;
    return !*found;
}

/* A bare code is named by nothing but narratives: its own, and that of its section. */
static gboolean
is_wordless(const ErecNode *resource)
{
    static const char *const concepts[] = {"code", "medicationCodeableConcept", "vaccineCode",
                                           "type"};
    gboolean found = FALSE, coded = FALSE;

    for (gsize i = 0; i < G_N_ELEMENTS(concepts); i++) {
        const ErecNode *concept = erec_member(resource, concepts[i]);

        coded = coded || concept != NULL;
        if (concept != NULL)
            erec_visit(concept, find_words, &found);
    }
    return coded && !found;
}

static gboolean
lists_wordless(const ErecCut *cut, const ErecNode *section)
{
    guint to;

    for (const ErecNode *at = erec_each(section, "entry"); at != NULL;
         at = erec_each_next(at)) {
        const ErecNode *reference = erec_member(at, "reference");

        if (reference != NULL && erec_cut_resolve(cut, 0, reference, &to) &&
            (cut->flags[to] & ENTRY_WORDLESS) != 0)
            return TRUE;
    }
    return FALSE;
}

/* Each section once, however often and how many of them it lists. */
static void
add_section_texts(ErecCut *cut, const ErecNode *parent)
{
    for (const ErecNode *at = erec_each(parent, "section"); at != NULL;
         at = erec_each_next(at)) {
        if (lists_wordless(cut, at))
            add_narrative(cut->words, at);
        add_section_texts(cut, at);
    }
}

/* What a narrative of an entry that stays says too is common ("active", "status"). */
static void
remove_kept(ErecCut *cut, guint index, const ErecNode *resource)
{
    ErecWords *self = cut->words;
    const char *div = erec_text(resource, "text.div"),
               *url = erec_bundle_entry(cut->bundle, index)->full_url;
    g_autofree char *joined = NULL, *apart = NULL;

    erec_visit(resource, remove_node, self);
    erec_cut_remove_labels(cut, resource);
    if (url != NULL)
        remove_text(self->set, url);
    if (div == NULL || g_tree_nnodes(self->told) == 0)
        return;
    joined = erec_cut_plain(div, "", TRUE);
    apart = erec_cut_plain(div, " ", TRUE);
    if (joined == NULL)
        return;
    remove_text(self->told, joined);
    remove_text(self->told, apart);
}

static void
add_removed(ErecCut *cut, guint index, const ErecNode *resource)
{
    const char *url = erec_bundle_entry(cut->bundle, index)->full_url;

    erec_visit(resource, add_node, cut->words);
    erec_cut_add_labels(cut, resource);
    if (url != NULL)
        add_text(cut->words, cut->words->set,
                 url); /* what a link or a row in a narrative is called by */
    if (!is_wordless(resource))
        return;
    cut->flags[index] |= ENTRY_WORDLESS;
    add_narrative(cut->words, resource);
}

void
erec_cut_collect_words(ErecCut *cut)
{
    const guint n = erec_bundle_n_entries(cut->bundle);

    cut->words = erec_words_new();
    for (guint pass = 0; pass < 2; pass++) {
        for (guint i = 1; i < n; i++) {
            g_autoptr(ErecTree) tree = NULL;

            if (is_kept(cut, i) != (pass == 1) ||
                erec_bundle_entry(cut->bundle, i)->resource_length == 0)
                continue;
            tree = erec_bundle_load(cut->bundle, i, &cut->fault);
            if (tree == NULL)
                return;
            if (pass == 0)
                add_removed(cut, i, erec_tree_root(tree));
            else
                remove_kept(cut, i, erec_tree_root(tree));
        }
        if (pass == 0)
            add_section_texts(cut, erec_tree_root(cut->composition));
    }
    erec_visit(erec_tree_root(cut->composition), remove_of_composition,
               &(Removal){cut, cut->words});
}
