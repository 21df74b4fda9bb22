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
    GTree *set;          /* owned: a balanced tree, for nothing hashes what a record chose */
    GStringChunk *texts; /* owned */
};

ErecWords *
erec_words_new(void)
{
    ErecWords *self = g_new0(ErecWords, 1);

    self->set = g_tree_new((GCompareFunc)strcmp);
    self->texts = g_string_chunk_new(4096);
    return self;
}

void
erec_words_free(ErecWords *self)
{
    if (self == NULL)
        return;
    g_tree_unref(self->set);
    g_string_chunk_free(self->texts);
    g_free(self);
}

typedef struct {
    char text[WORD_MAX + 8];
    gsize length;
    guint letters, digits;
} Word;

/* "in", "2021" or "10" tell nothing; "I10" and "38341003" do. */
static gboolean
is_telling(const Word *word)
{
    if (word->letters == 0)
        return word->digits >= 6;
    return word->letters + word->digits >= (word->digits > 0 ? 3u : 4u);
}

static void
add_character(Word *word, gunichar c)
{
    if (g_unichar_isdigit(c))
        word->digits++;
    else
        word->letters++;
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
        word->length = word->letters = word->digits = 0;
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
        if (is_telling(word))
            return TRUE;
    }
}

static gboolean
text_has_one(const ErecWords *self, const char *text)
{
    Word word;

    while (next_word(&text, &word))
        if (g_tree_lookup(self->set, word.text) != NULL)
            return TRUE;
    return FALSE;
}

gboolean
erec_cut_is_talk(const char *key)
{
    static const char *const keys[] = {"note",
                                       "reasonCode",
                                       "reason",
                                       "conclusion",
                                       "conclusionCode",
                                       "presentedForm",
                                       "comment",
                                       "evidence",
                                       "summary",
                                       "prognosisCodeableConcept",
                                       "investigation",
                                       "patientInstruction",
                                       "supportingInfo",
                                       "supportingInformation",
                                       NULL};

    return key != NULL && g_strv_contains(keys, *key == '_' ? key + 1 : key);
}

/* What has no words of its own: addresses, names of systems, bytes, dates. */
static gboolean
is_silent(const ErecNode *node)
{
    static const char *const keys[] = {
        "system", "url",    "profile",     "reference",   "data",      "div",  "resourceType",
        "hash",   "status", "contentType", "lastUpdated", "versionId", "type", NULL};

    if (node->key != NULL && g_strv_contains(keys, node->key))
        return node->type == EREC_STRING;
    return node->type == EREC_STRING && node->size >= 7 && g_ascii_isdigit(node->text[0]) &&
           node->text[4] == '-' && g_ascii_isdigit(node->text[5]);
}

static gboolean
add_node(const ErecNode *node, gpointer user_data)
{
    ErecWords *self = user_data;
    const char *at = node->text;
    Word word;

    if (node->type != EREC_STRING || is_silent(node))
        return TRUE;
    while (next_word(&at, &word))
        if (g_tree_lookup(self->set, word.text) == NULL) {
            char *text = g_string_chunk_insert(self->texts, word.text);
            g_tree_insert(self->set, text, text);
        }
    return TRUE;
}

/* What stays may say a word itself, unless it says it about something else. */
static gboolean
remove_node(const ErecNode *node, gpointer user_data)
{
    ErecWords *self = user_data;
    const char *at = node->text;
    Word word;

    if (erec_cut_is_talk(node->key))
        return FALSE;
    if (node->type != EREC_STRING || is_silent(node))
        return TRUE;
    while (next_word(&at, &word))
        g_tree_remove(self->set, word.text);
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

/* Without its tags, `between` in their place. NULL when it has entities that hide letters. */
static char *
plain(const char *div, const char *between)
{
    GString *text = g_string_new(NULL);

    while (*div != '\0') {
        if (*div == '&' && strncmp(div, "&amp;", 5) != 0 && strncmp(div, "&lt;", 4) != 0 &&
            strncmp(div, "&gt;", 4) != 0 && strncmp(div, "&quot;", 6) != 0 &&
            strncmp(div, "&#160;", 6) != 0 && strncmp(div, "&nbsp;", 6) != 0 &&
            strncmp(div, "&apos;", 6) != 0 && strncmp(div, "&#39;", 5) != 0) {
            g_string_free(text, TRUE);
            return NULL;
        }
        if (*div == '<') {
            div += strcspn(div, ">");
            div += *div == '>';
            g_string_append(text, between);
        } else if (*div == '&') {
            div += strcspn(div, ";");
            div += *div == ';';
            g_string_append_c(text, ' ');
        } else {
            g_string_append_c(text, *div++);
        }
    }
    return g_string_free(text, FALSE);
}

/* "Amlo<b>dipine</b>" is one word, "</td><td>" is between two. */
gboolean
erec_words_are_in_narrative(const ErecWords *self, const char *div)
{
    g_autofree char *joined = plain(div, ""), *apart = plain(div, " ");

    if (g_tree_nnodes(self->set) == 0)
        return FALSE;
    return joined == NULL || text_has_one(self, joined) || text_has_one(self, apart);
}

static gboolean
is_kept(const ErecCut *cut, guint index)
{
    return (cut->flags[index] & ENTRY_KEPT) != 0;
}

/* The words of sections stay known: that there is one for medications is no secret. */
static gboolean
remove_of_composition(const ErecNode *node, gpointer user_data)
{
    if (g_strcmp0(node->key, "attester") == 0 || g_strcmp0(node->key, "relatesTo") == 0)
        return FALSE;
    return remove_node(node, user_data);
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
            erec_visit(erec_tree_root(tree), pass == 0 ? add_node : remove_node, cut->words);
        }
    }
    erec_visit(erec_tree_root(cut->composition), remove_of_composition, cut->words);
}
