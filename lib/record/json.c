/* SPDX-License-Identifier: Apache-2.0
 *
 * See json.h. Nodes live in blocks, so that pointers to them stay; texts live in one copy of
 * the slice in which strings are decoded in place, since no string is longer decoded than
 * written.
 */
#include "lib/record/json.h"

#include <stdlib.h>
#include <string.h>

#include "lib/record/scan.h"
#include "lib/record/unescape.h"

#define BLOCK_NODES 256

struct ErecTree {
    GBytes *slice;     /* owned */
    char *cooked;      /* owned: the slice with decoded, terminated texts */
    GPtrArray *blocks; /* owned, of ErecNode[BLOCK_NODES] */
    guint n_nodes;
    guint64 origin;
    const char *bytes; /* of slice */
    gsize length;
};

/* What the builder needs of an open container. */
typedef struct {
    ErecNode *node;
    ErecNode *last;
} Level;

typedef struct {
    ErecTree *tree;
    ErecScanner scanner;
    Level levels[EREC_DEPTH_MAX];
    guint depth;
    const char *key; /* of the value to come, NULL in an array */
    guint32 key_offset;
    ErecFault fault;
} Builder;

/* The decoded text of a string token, in place of its bytes. */
static char *
cook_string(ErecTree *tree, const ErecToken *token, guint32 *size)
{
    const gsize at = (gsize)(token->offset - tree->origin) + 1,
                length = (gsize)token->length - 2;
    char *text = tree->cooked + at;

    *size = (guint32)length;
    if (token->escaped)
        *size = (guint32)erec_unescape(tree->bytes + at, tree->bytes + at + length, text);
    text[*size] = '\0';
    return text;
}

/* A number or word ends where something of no text follows, so that its end may be written
 * over. */
static const char *
cook_word(ErecTree *tree, const ErecToken *token)
{
    char *text = tree->cooked + (token->offset - tree->origin);

    text[token->length] = '\0';
    return text;
}

static ErecNode *
add_node(Builder *b, const ErecToken *token, ErecType type)
{
    ErecTree *tree = b->tree;
    const guint at = tree->n_nodes % BLOCK_NODES;
    Level *level = b->depth > 0 ? &b->levels[b->depth - 1] : NULL;
    ErecNode *node;

    if (tree->n_nodes >= EREC_NODES_MAX) {
        erec_fault_set(&b->fault, EREC_FAULT_NODES, token->offset);
        return NULL;
    }
    if (at == 0)
        g_ptr_array_add(tree->blocks, g_new(ErecNode, BLOCK_NODES));
    node = (ErecNode *)g_ptr_array_index(tree->blocks, tree->blocks->len - 1) + at;
    tree->n_nodes++;
    *node = (ErecNode){.type = (guint8)type, .text = ""};
    node->offset = (guint32)(token->offset - tree->origin);
    node->length = (guint32)token->length;
    node->key = g_steal_pointer(&b->key);
    node->key_offset = node->key != NULL ? b->key_offset : 0;
    if (level != NULL) {
        node->parent = level->node;
        if (level->last != NULL)
            level->last->next = node;
        else
            level->node->first = node;
        level->last = node;
        level->node->size++;
    }
    return node;
}

static int
compare_keys(const void *a, const void *b)
{
    const ErecNode *const *left = a, *const *right = b;
    const int order = strcmp((*left)->key, (*right)->key);

    return order != 0 ? order
                      : ((*left)->key_offset > (*right)->key_offset) -
                            ((*left)->key_offset < (*right)->key_offset);
}

/* Sorted, not hashed: an object of a million members that somebody chose takes no longer than
 * another. */
static const ErecNode *
find_duplicate(const ErecNode *object)
{
    g_autofree const ErecNode **members = NULL;
    guint n = 0;

    if (object->size <= 16) {
        for (const ErecNode *a = object->first; a != NULL; a = a->next)
            for (const ErecNode *b = a->next; b != NULL; b = b->next)
                if (a->key[0] == b->key[0] && strcmp(a->key, b->key) == 0)
                    return b;
        return NULL;
    }
    members = g_new(const ErecNode *, object->size);
    for (const ErecNode *a = object->first; a != NULL; a = a->next)
        members[n++] = a;
    qsort(members, n, sizeof *members, compare_keys);
    for (guint i = 1; i < n; i++)
        if (strcmp(members[i - 1]->key, members[i]->key) == 0)
            return members[i];
    return NULL;
}

static gboolean
close_level(Builder *b, const ErecToken *token)
{
    ErecNode *node = b->levels[--b->depth].node;
    const ErecNode *twice;

    node->length = (guint32)(token->offset + 1 - b->tree->origin) - node->offset;
    if (node->type != EREC_OBJECT || (twice = find_duplicate(node)) == NULL)
        return TRUE;
    return erec_fault_set(&b->fault, EREC_FAULT_DUPLICATE, b->tree->origin + twice->key_offset);
}

static gboolean
add_container(Builder *b, const ErecToken *token, ErecType type)
{
    ErecNode *node = add_node(b, token, type);

    if (node == NULL)
        return FALSE;
    b->levels[b->depth++] = (Level){node, NULL};
    return TRUE;
}

static gboolean
add_scalar(Builder *b, const ErecToken *token)
{
    static const ErecType types[] = {
        [EREC_TOKEN_STRING] = EREC_STRING, [EREC_TOKEN_NUMBER] = EREC_NUMBER,
        [EREC_TOKEN_TRUE] = EREC_TRUE,     [EREC_TOKEN_FALSE] = EREC_FALSE,
        [EREC_TOKEN_NULL] = EREC_NULL,
    };
    ErecNode *node = add_node(b, token, types[token->kind]);

    if (node == NULL)
        return FALSE;
    node->text = token->kind == EREC_TOKEN_STRING ? cook_string(b->tree, token, &node->size)
                                                  : cook_word(b->tree, token);
    return TRUE;
}

static gboolean
add(Builder *b, const ErecToken *token)
{
    guint32 size;

    switch (token->kind) {
    case EREC_TOKEN_OBJECT:
        return add_container(b, token, EREC_OBJECT);
    case EREC_TOKEN_ARRAY:
        return add_container(b, token, EREC_ARRAY);
    case EREC_TOKEN_END_OBJECT:
    case EREC_TOKEN_END_ARRAY:
        return close_level(b, token);
    case EREC_TOKEN_KEY:
        b->key = cook_string(b->tree, token, &size);
        b->key_offset = (guint32)(token->offset - b->tree->origin);
        return TRUE;
    case EREC_TOKEN_STRING:
    case EREC_TOKEN_NUMBER:
    case EREC_TOKEN_TRUE:
    case EREC_TOKEN_FALSE:
    case EREC_TOKEN_NULL:
        return add_scalar(b, token);
    case EREC_TOKEN_FAULT:
        b->fault = *erec_scanner_fault(&b->scanner);
        return FALSE;
    case EREC_TOKEN_END:
        break;
    }
    return FALSE;
}

static gboolean
build(ErecTree *tree, ErecFault *fault)
{
    g_autofree Builder *b = g_new0(Builder, 1);
    ErecToken token;

    b->tree = tree;
    erec_scanner_init_memory(&b->scanner, tree->bytes, tree->length, tree->origin);
    while (erec_scanner_next(&b->scanner, &token) != EREC_TOKEN_END)
        if (!add(b, &token))
            return erec_fault_set(fault, b->fault.code, b->fault.offset);
    return TRUE;
}

ErecTree *
erec_tree_new(GBytes *slice, guint64 origin, ErecFault *fault)
{
    g_autoptr(ErecTree) tree = NULL;

    if (g_bytes_get_size(slice) > EREC_ENTRY_MAX) {
        erec_fault_set(fault, EREC_FAULT_ENTRY_LARGE, origin);
        return NULL;
    }
    tree = g_new0(ErecTree, 1);
    tree->slice = g_bytes_ref(slice);
    tree->bytes = g_bytes_get_data(slice, &tree->length);
    tree->origin = origin;
    tree->cooked = g_malloc(tree->length + 1);
    if (tree->length > 0)
        memcpy(tree->cooked, tree->bytes, tree->length);
    tree->blocks = g_ptr_array_new_with_free_func(g_free);
    return build(tree, fault) ? g_steal_pointer(&tree) : NULL;
}

ErecTree *
erec_tree_load(ErecSource *source, guint64 offset, guint64 length, ErecFault *fault)
{
    g_autoptr(GBytes) slice = erec_source_slice(source, offset, length, fault);

    return slice != NULL ? erec_tree_new(slice, offset, fault) : NULL;
}

void
erec_tree_free(ErecTree *self)
{
    if (self == NULL)
        return;
    g_bytes_unref(self->slice);
    g_free(self->cooked);
    g_ptr_array_unref(self->blocks);
    g_free(self);
}

const ErecNode *
erec_tree_root(const ErecTree *self)
{
    return g_ptr_array_index(self->blocks, 0);
}

guint64
erec_tree_origin(const ErecTree *self)
{
    return self->origin;
}

const char *
erec_tree_bytes(const ErecTree *self, gsize *length)
{
    *length = self->length;
    return self->bytes;
}

const char *
erec_tree_slice(const ErecTree *self, const ErecNode *node)
{
    return self->bytes + node->offset;
}
