/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of the spool have in hand: one with a session "s1", in a directory of its own.
 */
#pragma once

#include "daemon/store/spool.h"

#define QUOTA (8 * 1024 * 1024)

typedef struct {
    char *directory;
    EhdState *state;
    EhdSeal *seal;
    EhdSpool *spool;
    EhdSpoolSession *session;
} SpoolFixture;

void spool_set_up(SpoolFixture *f, gconstpointer data);
/* Without a memory disk that one can write to: where every other test is. */
void spool_set_up_in_memory(SpoolFixture *f, gconstpointer data);
gboolean spool_in_memory(SpoolFixture *f);
void spool_tear_down(SpoolFixture *f, gconstpointer data);
void spool_open_with(SpoolFixture *f, guint64 quota, guint64 min_free);
/* Forgets everything in memory, as kill -9 would, and opens the session again. */
void spool_reopen(SpoolFixture *f);
gboolean spool_has_file(SpoolFixture *f, const char *name);
void spool_expect_item(SpoolFixture *f, guint32 id, const char *content);
EhdSpoolItem *spool_begin(SpoolFixture *f, guint32 id, guint64 size);
/* A whole item. */
void spool_add(SpoolFixture *f, guint32 id, const char *content);
#define SPOOL_CASE(path, function)                                                             \
    g_test_add(path, SpoolFixture, NULL, spool_set_up, function, spool_tear_down)
