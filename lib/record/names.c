/* SPDX-License-Identifier: Apache-2.0
 *
 * See names.h. Words are folded (case, accents) by GLib's tokenizer.
 */
#include "lib/record/names.h"

#include <string.h>

/* A word that long is looked for inside other words too: file names glue them together. */
#define INSIDE_MIN     4
#define WORDS_MAX      200
#define NAME_MAX_BYTES 1000

struct ErecNames {
    GPtrArray *words; /* owned, of char */
};

ErecNames *
erec_names_new(void)
{
    ErecNames *self = g_new0(ErecNames, 1);

    self->words = g_ptr_array_new_with_free_func(g_free);
    return self;
}

void
erec_names_free(ErecNames *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->words);
    g_free(self);
}

static gboolean
has_word(const ErecNames *self, const char *word)
{
    return g_ptr_array_find_with_equal_func(self->words, word, g_str_equal, NULL);
}

/* One letter of an alphabet is an initial, one of the other scripts can be a whole name. */
static gboolean
is_telling(const char *word)
{
    return g_utf8_strlen(word, -1) >= 2 || (guchar)*word >= 0x80;
}

static void
add_words(ErecNames *self, char **words)
{
    for (char **word = words; *word != NULL && self->words->len < WORDS_MAX; word++)
        if (is_telling(*word) && !has_word(self, *word))
            g_ptr_array_add(self->words, g_strdup(*word));
}

void
erec_names_add(ErecNames *self, const char *name)
{
    g_auto(GStrv) ascii = NULL;
    g_auto(GStrv) words = NULL;

    if (name == NULL || strlen(name) > NAME_MAX_BYTES)
        return;
    words = g_str_tokenize_and_fold(name, NULL, &ascii);
    add_words(self, words);
    add_words(self, ascii);
}

void
erec_names_add_person(ErecNames *self, const ErecNode *person)
{
    for (const ErecNode *name = erec_each(person, "name"); name != NULL;
         name = erec_each_next(name)) {
        erec_names_add(self, erec_text(name, "text"));
        erec_names_add(self, erec_text(name, "family"));
        for (const ErecNode *given = erec_each(name, "given"); given != NULL;
             given = erec_each_next(given))
            erec_names_add(self, erec_text(given, ""));
    }
}

void
erec_names_add_all(ErecNames *self, const ErecNames *others)
{
    for (guint i = 0; i < others->words->len && self->words->len < WORDS_MAX; i++)
        if (!has_word(self, g_ptr_array_index(others->words, i)))
            g_ptr_array_add(self->words, g_strdup(g_ptr_array_index(others->words, i)));
}

gboolean
erec_names_is_empty(const ErecNames *self)
{
    return self->words->len == 0;
}

static gboolean
any_in(const ErecNames *self, char **words)
{
    for (char **word = words; *word != NULL; word++) {
        for (guint i = 0; i < self->words->len; i++) {
            const char *name = g_ptr_array_index(self->words, i);
            if (strcmp(*word, name) == 0 ||
                (strlen(name) >= INSIDE_MIN && strstr(*word, name) != NULL))
                return TRUE;
        }
    }
    return FALSE;
}

gboolean
erec_names_are_in(const ErecNames *self, const char *text)
{
    g_auto(GStrv) ascii = NULL;
    g_auto(GStrv) words = NULL;
    g_autofree char *apart = NULL;

    if (text == NULL || self->words->len == 0)
        return FALSE;
    /* the tokenizer takes "_" and digits for letters */
    apart = g_strdelimit(g_strdup(text), "_0123456789", ' ');
    words = g_str_tokenize_and_fold(apart, NULL, &ascii);
    return any_in(self, words) || any_in(self, ascii);
}
