/* SPDX-License-Identifier: Apache-2.0
 *
 * The one place of the command lines that prints.
 *
 * Rules. Results go to stdout: words, or with --json one object per line and nothing else. Progress,
 * prompts, hints and errors go to stderr. Progress is drawn only when stderr is a terminal, and not
 * with --quiet. Nothing that a peer sent is printed before output_safe() or words_*() made it
 * harmless. Every line is flushed, so that a pipe sees it when it happens.
 */
#pragma once

#include <gio/gio.h>
#include <json-glib/json-glib.h>

#include "ehrlink.h"

typedef struct {
    gboolean json;
    gboolean quiet;
} OutputMode;

/* Call once, before anything is printed. */
void output_init(OutputMode mode);
gboolean output_is_json(void);

/* One line to stdout, in word mode only. */
void output_line(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* One line to stderr: hints and progress in words; in word mode only, not with --quiet. */
void output_note(const char *format, ...) G_GNUC_PRINTF(1, 2);
/* One line to stderr, always: "PROGRAM: text". */
void output_error(const char *format, ...) G_GNUC_PRINTF(1, 2);

/* One JSON object per line, in JSON mode only: begin, add members with json_builder_*, end. `event`
 * may be NULL. The builder is borrowed until output_event_end(). */
JsonBuilder *output_event(const char *event);
void output_event_end(void);
void output_member_string(JsonBuilder *builder, const char *name, const char *value); /* NULL: left out */
void output_member_int(JsonBuilder *builder, const char *name, gint64 value);
void output_member_bool(JsonBuilder *builder, const char *name, gboolean value);
/* Adds every entry of an a{sv} as a member; nested dictionaries and arrays too; ay as base64. */
void output_member_vardict(JsonBuilder *builder, const char *name, GVariant *dict);
void output_members(JsonBuilder *builder, GVariant *dict);

/* What a manifest says of an item beyond id, name and size; what it does not say is left out. */
void output_item_members(JsonBuilder *builder, EhrlinkItem *item);

/* Draws or redraws the progress bar; done ≥ total draws it full. Ends with output_progress_end(). */
void output_progress(const char *label, guint64 done, guint64 total);
void output_progress_end(void);
