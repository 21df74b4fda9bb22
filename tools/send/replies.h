/* SPDX-License-Identifier: Apache-2.0
 *
 * What the clinic sends back: shown, asked about, stored with where it came from.
 */
#pragma once

#include "tools/send/options.h"

/* Answers the session's offers; `options` (with `replies`) is borrowed until replies_end() is through. */
void replies_watch(EhrlinkSession *session, const SendOptions *options);
/* The session has ended: calls `then` as soon as what is whole is stored, at once if nothing is due.
 * What is not whole is removed. */
void replies_end(void (*then)(gpointer user_data), gpointer user_data);
