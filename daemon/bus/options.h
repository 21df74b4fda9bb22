/* SPDX-License-Identifier: Apache-2.0
 *
 * A caller's dictionary (a{sv}) against a table of what may be in it. Everything that comes
 * over the bus in such a dictionary passes here before anyone looks at it: an unknown key, a
 * key that is there twice, a wrong type, a length or a number out of range, text that is not
 * UTF-8 are INVALID_ARGUMENT, and the message names the key. Pure; any thread.
 */
#pragma once

#include <gio/gio.h>

typedef enum {
    EHD_OPTION_BOOL,   /* b   → gboolean */
    EHD_OPTION_UINT32, /* u   → guint; min, max: the value */
    EHD_OPTION_UINT64, /* t   → guint64; min, max: the value */
    EHD_OPTION_INT64,  /* x   → gint64; min, max: the value, as gint64 */
    EHD_OPTION_TEXT,   /* s   → const char *; min, max: bytes; no control characters */
    EHD_OPTION_LINES,  /* s   → const char *; the same, but with line ends and tabs */
    EHD_OPTION_STRING, /* s   → const char *; min, max: bytes; the core checks what is in it */
    EHD_OPTION_CODE,   /* s   → int, by the function `code` */
    EHD_OPTION_PATH,   /* o   → const char *; min, max: bytes */
    EHD_OPTION_BYTES,  /* ay  → GBytes *, owned by the caller; min, max: bytes */
    EHD_OPTION_TEXTS,  /* as  → GVariant *, owned; min, max: how many; each to be checked */
    EHD_OPTION_IDS,    /* au  → GVariant *, owned; min, max: how many */
    EHD_OPTION_DICT,   /* a{sv}  → GVariant *, owned */
    EHD_OPTION_DICTS,  /* aa{sv} → GVariant *, owned; min, max: how many */
} EhdOptionKind;

typedef struct {
    const char *name;
    EhdOptionKind kind;
    gboolean required;
    gsize offset; /* of the field in the struct that is filled */
    guint64 min, max;
    /* EHD_OPTION_CODE: the value of a text, or 0 for none */
    int (*code)(const char *text);
    /* where not 0: offset of a gboolean that says that the key was there */
    gsize given;
} EhdOption;

/* Fills the fields of `out` whose keys are there and leaves the others alone. Pointers to text
 * are borrowed from `dict`. On error fields may have been filled; what is owned is set, so that
 * the caller's clear function works in both cases. `what` begins every message ("items[3]"), or
 * NULL. */
gboolean ehd_options_parse(GVariant *dict, const char *what, const EhdOption *table,
                           gsize n_options, gpointer out, GError **error);

/* Nothing may be in it. */
gboolean ehd_options_none(GVariant *dict, GError **error);

/* Valid UTF-8 without control characters (with lines: but tab and line feed), at most max
 * bytes. */
gboolean ehd_text_check(const char *name, const char *text, gsize min, gsize max,
                        gboolean lines, GError **error);
