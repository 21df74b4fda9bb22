/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdStream: a byte stream on a connected descriptor that keeps nothing itself. It asks its
 * user for bytes when the descriptor can take some, and writes them from where they lie, no
 * more at once than the link says; it hands over bytes when there are some, and reads no more
 * than its user can take.
 */
#pragma once

#include <glib.h>

#define EHD_STREAM_READ_MAX 65536

typedef struct EhdStream EhdStream;

typedef struct {
    /* What is to be written: borrowed, returns how much. 0: nothing now; ehd_stream_wake() says
     * when. May free the stream. */
    gsize (*peek)(const guint8 **bytes, gpointer user_data);
    /* The first `length` bytes of what peek gave are written. May free the stream. */
    void (*written)(gsize length, gpointer user_data);
    /* Bytes arrived. The user takes all of them. May close or free the stream. */
    void (*feed)(const guint8 *bytes, gsize length, gpointer user_data);
    /* Once: the other side hung up or the descriptor failed; called after all that had arrived
     * was fed. Not after ehd_stream_close(). May free the stream. */
    void (*closed)(gpointer user_data);
} EhdStreamUser;

/* fd: (transfer full) connected and non-blocking. write_max: of its link, bytes in one write at
 * most. user: borrowed, static. Works in the thread-default main context. */
EhdStream *ehd_stream_new(int fd, gsize write_max, const EhdStreamUser *user,
                          gpointer user_data);
/* Closes without another callback: shutdown(2) first, since bluetoothd keeps a copy of the
 * descriptor. */
void ehd_stream_free(EhdStream *stream);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdStream, ehd_stream_free)

/* peek() may have something again. Cheap; call it after everything that may have made output.
 */
void ehd_stream_wake(EhdStream *stream);
/* FALSE: read nothing until TRUE again (back-pressure on the other side). TRUE at first. */
void ehd_stream_set_reading(EhdStream *stream, gboolean reading);
/* Writes out what peek() still gives, then closes and calls closed(); at most grace_ms long. */
void ehd_stream_finish(EhdStream *stream, guint grace_ms);
guint64 ehd_stream_get_sent(const EhdStream *stream);
guint64 ehd_stream_get_received(const EhdStream *stream);
