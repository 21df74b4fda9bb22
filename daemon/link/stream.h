/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdStream: a byte stream on a connected descriptor, with bounded buffers. It asks its user
 * for bytes when the descriptor can take some and hands over bytes when there are some; it
 * never holds more than one write of output and never reads more than its user says it can
 * take.
 */
#pragma once

#include <glib.h>

#define EHD_STREAM_READ_MAX 65536

typedef struct EhdStream EhdStream;

typedef struct {
    /* Gives up to max bytes into buffer; returns how many. 0: nothing now; ehd_stream_wake()
     * says when. */
    gsize (*take)(guint8 *buffer, gsize max, gpointer user_data);
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

/* take() may have something again. Cheap; call it after everything that may have made output.
 */
void ehd_stream_wake(EhdStream *stream);
/* FALSE: read nothing until TRUE again (back-pressure on the other side). TRUE at first. */
void ehd_stream_set_reading(EhdStream *stream, gboolean reading);
/* Writes out what take() still gives, then closes and calls closed(); at most grace_ms long. */
void ehd_stream_finish(EhdStream *stream, guint grace_ms);
guint64 ehd_stream_get_sent(const EhdStream *stream);
guint64 ehd_stream_get_received(const EhdStream *stream);
