/* SPDX-License-Identifier: Apache-2.0
 *
 * --on-filed: a program that is run once for each filed session, with its directory. What it did is kept in the
 * session's session.json, so that a failure stays visible and is tried again at the next start.
 */
#pragma once

#include <gio/gio.h>

typedef void (*OnFiledDone)(gpointer user_data);

/* Queues the program for this directory; they run one after another. */
void on_filed_queue(const char *program, const char *directory);
/* Queues it for every session in `dir` that is filed and whose program has not ended well. */
void on_filed_queue_pending(const char *program, const char *dir);
/* Called when the queue is empty: at once if it is. */
void on_filed_when_idle(OnFiledDone callback, gpointer user_data);
