/* SPDX-License-Identifier: Apache-2.0
 *
 * The words for each state of the journey, for both screens, in one place. Everything a person reads
 * about where they are comes from here; everything passes gettext.
 */
#pragma once

#include <glib.h>

#include "ehrlink.h"

/* What the screen says in this state; never NULL; static. */
const char *words_state(EhrlinkRole role, EhrlinkSessionState state);
/* How a session that failed reads on this screen: the clinic never learns why a patient did not agree. */
const char *words_failure(EhrlinkRole role, const GError *error);
/* Words for the code of a purpose (HL7 v3-ActReason) or of a category; the code itself if it is not known. */
const char *words_purpose(const char *code);
const char *words_category(const char *code);
/* What an item is, in one line: "patient summary, Patient Summary, 2026-03-01, General Hospital"; NULL when nothing is
 * known; safe to print; transfer full. */
char *words_item(EhrlinkItem *item);
/* "12.3 MB" (decimal units); transfer full. */
char *words_bytes(guint64 bytes);
/* Fingerprint in groups of four hex digits, for people to compare; transfer full. */
char *words_fingerprint(const char *hex);
/* Local date and time to the minute; transfer full. */
char *words_date(gint64 unix_seconds);
