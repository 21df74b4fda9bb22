/* SPDX-License-Identifier: Apache-2.0
 *
 * What the clinic sends back: shown, asked about, stored with where it came from.
 */
#pragma once

#include "tools/send/options.h"

/* Answers the session's offers; `options` (with `replies`) is borrowed until replies_forget(). */
void replies_watch(EhrlinkSession *session, const SendOptions *options);
/* The session has ended. What is not whole is removed. */
void replies_forget(void);
