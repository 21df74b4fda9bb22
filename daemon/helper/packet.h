/* SPDX-License-Identifier: Apache-2.0
 *
 * One message per SOCK_SEQPACKET datagram, with at most one descriptor beside it: what the
 * daemon and its helpers exchange. Bounded by the receiver's buffer; what is longer is an
 * error, never cut. No state; any thread.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Sends without blocking; fd (borrowed) may be -1. 0, or a negative errno: -EAGAIN when the
 * other side does not read, -EPIPE when it is gone. */
int ehd_packet_send(int sock, const uint8_t *bytes, size_t len, int fd);

/* Receives without blocking. The length of the datagram, 0 at the end of the connection, or a
 * negative errno: -EAGAIN, and -EMSGSIZE for a datagram over max or with more than one
 * descriptor. *fd: (transfer full) close-on-exec, or -1. */
ssize_t ehd_packet_receive(int sock, uint8_t *bytes, size_t max, int *fd);

static inline uint16_t
ehd_packet_get_u16(const uint8_t *at)
{
    return (uint16_t)(at[0] << 8 | at[1]);
}

static inline uint32_t
ehd_packet_get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

static inline void
ehd_packet_put_u16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)(value >> 8);
    at[1] = (uint8_t)value;
}

static inline void
ehd_packet_put_u32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}
