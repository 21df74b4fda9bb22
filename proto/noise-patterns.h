/* SPDX-License-Identifier: Apache-2.0
 *
 * The const table of Noise patterns (rev. 34 section 7.4, 7.5 and 18.1). Internal to noise.c
 * and its tests.
 */
#pragma once

#include "proto/noise.h"

#define EHP_NOISE_MESSAGES_MAX 3
#define EHP_NOISE_TOKENS_MAX   5

typedef enum {
    EHP_TOKEN_END = 0,
    EHP_TOKEN_E,
    EHP_TOKEN_S,
    EHP_TOKEN_EE,
    EHP_TOKEN_ES,
    EHP_TOKEN_SE,
    EHP_TOKEN_SS,
} ehp_noise_token;

typedef struct {
    const char *name;
    bool pre_i; /* pre-message "-> s": the responder knows the initiator's static */
    bool pre_r; /* pre-message "<- s" */
    uint8_t n_messages;
    uint8_t messages[EHP_NOISE_MESSAGES_MAX][EHP_NOISE_TOKENS_MAX]; /* EHP_TOKEN_END closes */
} ehp_noise_table;

extern const ehp_noise_table ehp_noise_patterns[EHP_NOISE_PATTERNS];
