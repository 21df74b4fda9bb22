/* SPDX-License-Identifier: Apache-2.0
 *
 * What a zstd frame of ENCODING_ZSTD_EHR1 may refer back to: proto/dictionary/ehr1.txt, byte
 * for byte, made an array by the build. A public constant of the wire format: any change of it
 * needs an encoding of its own (proto/dictionary/README.md).
 */
#pragma once

#include <stdint.h>

#include "proto/bounds.h"

extern const uint8_t ehp_dictionary_ehr1[EHP_DICTIONARY_EHR1_LEN];
