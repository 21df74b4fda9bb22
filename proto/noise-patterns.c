/* SPDX-License-Identifier: Apache-2.0
 *
 * The patterns, message by message; the first is the initiator's.
 */
#include "proto/noise-patterns.h"

enum {
    E = EHP_TOKEN_E,
    S = EHP_TOKEN_S,
    EE = EHP_TOKEN_EE,
    ES = EHP_TOKEN_ES,
    SE = EHP_TOKEN_SE,
    SS = EHP_TOKEN_SS,
};

const ehp_noise_table ehp_noise_patterns[EHP_NOISE_PATTERNS] = {
    [EHP_NOISE_NN] = {"NN", false, false, 2, {{E}, {E, EE}}},
    [EHP_NOISE_KN] = {"KN", true, false, 2, {{E}, {E, EE, SE}}},
    [EHP_NOISE_NK] = {"NK", false, true, 2, {{E, ES}, {E, EE}}},
    [EHP_NOISE_KK] = {"KK", true, true, 2, {{E, ES, SS}, {E, EE, SE}}},
    [EHP_NOISE_XK] = {"XK", false, true, 3, {{E, ES}, {E, EE}, {S, SE}}},
    [EHP_NOISE_IK] = {"IK", false, true, 2, {{E, ES, S, SS}, {E, EE, SE}}},
    [EHP_NOISE_XX] = {"XX", false, false, 3, {{E}, {E, EE, S, ES}, {S, SE}}},
    [EHP_NOISE_NK1] = {"NK1", false, true, 2, {{E}, {E, EE, ES}}},
    [EHP_NOISE_XK1] = {"XK1", false, true, 3, {{E}, {E, EE, ES}, {S, SE}}},
    [EHP_NOISE_XX1] = {"XX1", false, false, 3, {{E}, {E, EE, S}, {ES, S, SE}}},
    [EHP_NOISE_KK1] = {"KK1", true, true, 2, {{E}, {E, EE, SE, ES}}},
    [EHP_NOISE_IK1] = {"IK1", false, true, 2, {{E, S}, {E, EE, SE, ES}}},
};
