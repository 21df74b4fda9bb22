/* SPDX-License-Identifier: Apache-2.0
 *
 * Asking the person at the keyboard without blocking: the question goes to stderr, the answer is a
 * line of stdin. Where stdin is at its end the answer is no answer, which every caller takes as "no".
 */
#pragma once

#include <gio/gio.h>

/* answer: the line without spaces around it, "" for an empty one; NULL: no answer (end of input,
 * cancelled). Borrowed for the call. */
typedef void (*AskAnswer)(const char *answer, gpointer user_data);

/* One question at a time: one that is asked while another is open waits for its turn. */
void ask_line(const char *question, AskAnswer callback, gpointer user_data);
/* Takes down what was asked with this user_data; its callback is not called. */
void ask_cancel(gpointer user_data);
/* "y", "yes" and their translations. */
gboolean ask_is_yes(const char *answer);
/* "n", "no" and their translations; no answer is not a "no" here. */
gboolean ask_is_no(const char *answer);
