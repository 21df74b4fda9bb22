/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of a cut share.
 */
#pragma once

#include "lib/record/cut.h"

/* A place where the new document differs from the old: `length` bytes become `text`. */
typedef struct {
    guint64 at, length;
    char *text; /* owned, NULL: nothing */
} ErecEdit;

/* From one entry to another. */
typedef struct {
    guint from, to;
    guint8 kind;
} ErecLink;

enum {
    LINK_PLAIN,
    LINK_PART,   /* `to` is a part of `from`: a result of a report, a member of a panel */
    LINK_DEMAND, /* `from` means nothing, or something else, without `to` */
};

enum {
    ENTRY_REMOVED = 1 << 0,  /* chosen to be left out, or cannot be without what is */
    ENTRY_KEPT = 1 << 1,     /* reached from the Composition */
    ENTRY_LISTED = 1 << 2,   /* in a section that stays */
    ENTRY_TOUCHED = 1 << 3,  /* its section, or what it is part of, lost something */
    ENTRY_NEEDED = 1 << 4,   /* the patient, the author */
    ENTRY_WORDLESS = 1 << 5, /* left out, and its code has no words */
};

typedef struct ErecWords ErecWords;

struct ErecCut {
    const ErecBundle *bundle; /* borrowed */
    ErecCutVerdict verdict;
    ErecFault fault;
    GPtrArray *names; /* owned, of owned strings, NULL-terminated at the end */
    GArray *edits;    /* owned, of ErecEdit */
    char *identifier; /* owned: the JSON of an Identifier */
    /* while it is made */
    const ErecCutChoice *choice;
    ErecTree *composition; /* owned */
    guint8 *flags;         /* owned, one an entry */
    GArray *links;         /* owned, of ErecLink, by `from` */
    ErecWords *words;      /* owned: those that only what is left out has */
    GTree *labels; /* owned, nullable: likewise, of meta.security and meta.tag, "system|code" */
    gboolean any;  /* something is left out */
};

/* What happens to one tree. */
typedef struct {
    ErecCut *cut;
    guint index; /* of the entry */
    const ErecTree *tree;
    GHashTable *gone;    /* owned: nodes that disappear */
    GHashTable *changed; /* owned: node → owned text that takes its place */
    GHashTable *added;   /* owned: object → owned member that is put before its first */
    GTree *
        problems; /* owned, NULL until asked for: ids of contained problems that are left out */
} ErecMarks;

/* cut-plain.c: transfer full */
/* Without its tags, `between` in their place. NULL when it has entities that hide letters and
 * `strict`; else a space is in theirs. */
char *erec_cut_plain(const char *div, const char *between, gboolean strict);
/* What the tags themselves, comments and instructions say is not shown, and can be read: values
 * (but for XHTML's own name), with and without quotes. NULL when an entity may hide a letter.
 */
char *erec_cut_hidden(const char *div);

/* cut-edit.c: edits */
typedef struct {
    guint64 start, end;
    gboolean gone;
} ErecPiece;
void erec_cut_edit(ErecCut *cut, guint64 at, guint64 length, char *text);
/* Members or elements of one container, with the commas between them. */
void erec_cut_pieces(ErecCut *cut, const ErecPiece *pieces, guint n);
void erec_marks_init(ErecMarks *marks, ErecCut *cut, guint index, const ErecTree *tree);
void erec_marks_clear(ErecMarks *marks);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ErecMarks, erec_marks_clear)
void erec_marks_drop(ErecMarks *marks, const ErecNode *node);
/* The member and what extends it ("_name"). */
void erec_marks_drop_member(ErecMarks *marks, const ErecNode *object, const char *name);
void erec_marks_change(ErecMarks *marks, const ErecNode *node, char *text);
void erec_marks_add(ErecMarks *marks, const ErecNode *object, char *member);
/* It, or something around it, disappears. */
gboolean erec_marks_is_gone(const ErecMarks *marks, const ErecNode *node);
/* Turns the marks into edits; containers that became empty go too. */
void erec_marks_apply(ErecMarks *marks);

/* cut-graph.c: which entries go */
void erec_cut_graph(ErecCut *cut);
gboolean erec_cut_section_is_named(const ErecNode *section, const char *const *names);
gboolean erec_cut_section_is_gone(const ErecCut *cut, const ErecNode *section);
/* Nothing of it, not even its title, is in the new document. */
gboolean erec_cut_section_vanishes(const ErecCut *cut, const ErecNode *section);
/* Whether a node says where something is, and what entry that is. */
gboolean erec_cut_resolve(const ErecCut *cut, guint from, const ErecNode *node, guint *to);

/* cut-words.c: words that only what is left out has */
ErecWords *erec_words_new(void);
void erec_words_free(ErecWords *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ErecWords, erec_words_free)
void erec_cut_collect_words(ErecCut *cut);
gboolean erec_words_are_in(const ErecWords *self, const ErecNode *node);
gboolean erec_words_are_in_narrative(const ErecWords *self, const char *div);
gboolean erec_words_are_in_text(const ErecWords *self, const char *text); /* nullable */

/* cut-mention.c: what of a resource that stays is about other entries */
/* Elements that talk about others. */
gboolean erec_cut_is_talk(const char *key);
/* A Reference that tells of another entry by words or a number, whether or not it leads there.
 */
gboolean erec_cut_is_mention(const ErecNode *node);
/* A contained Condition. */
gboolean erec_cut_is_inner_problem(const ErecNode *node);

/* cut-text.c: narratives made anew; JSON of a Narrative, transfer full */
char *erec_cut_narrative_of_composition(const ErecCut *cut);
char *erec_cut_title_of_type(const ErecCut *cut); /* JSON of a string */
char *erec_cut_narrative_of_section(const ErecCut *cut, const ErecNode *section);
/* NULL when nothing can be said of it in a line. */
char *erec_cut_narrative_of_resource(const ErecCut *cut, guint index, const ErecNode *resource);

/* cut-labels.c: labels of security and other tags that only what is left out has */
void erec_cut_add_labels(ErecCut *cut, const ErecNode *resource);    /* of what is left out */
void erec_cut_remove_labels(ErecCut *cut, const ErecNode *resource); /* of what stays */
/* Drops them from a "meta"; FALSE: nothing of it is left. */
gboolean erec_cut_drop_labels(ErecMarks *marks, const ErecNode *meta);

/* cut-resource.c, cut-composition.c: edits of one entry */
void erec_cut_resource(ErecCut *cut, guint index);
void erec_cut_composition(ErecCut *cut);
/* Drops what points to something that is not in the new document; whether there was any. */
gboolean erec_cut_drop_references(ErecMarks *marks, const ErecNode *resource);
