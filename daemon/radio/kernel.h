/* SPDX-License-Identifier: Apache-2.0
 *
 * What ehrlink-bt asks of the kernel, as a small vtable, so that its server can be tested where
 * there is no Bluetooth. Nothing here blocks.
 */
#pragma once

#include <stdint.h>

typedef struct {
    /* A non-blocking, close-on-exec socket that is connecting to an RFCOMM channel at security
     * level low, from the adapter `own` (zeros: any); or a negative errno. */
    int (*connect)(const uint8_t own[6], const uint8_t peer[6], uint8_t channel);
    /* When that socket is writable or broken: 0, or the (positive) errno of the connect. */
    int (*result)(int fd);
    /* The management socket, non-blocking; or a negative errno. */
    int (*management)(void);
    /* Number of the adapter that is up and has this address (zeros: the first one); -ENODEV. */
    int (*adapter)(const uint8_t own[6]);
} EhdRadioKernel;

/* The real one. */
extern const EhdRadioKernel ehd_radio_kernel;
