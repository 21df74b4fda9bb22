/* SPDX-License-Identifier: Apache-2.0
 *
 * SymmetricState of Noise (rev. 34 section 5.2). Internal to noise.c.
 */
#pragma once

#include "proto/noise.h"

void ehp_noise_mix_hash(ehp_noise *n, ehp_bytes data);
void ehp_noise_mix_key(ehp_noise *n, ehp_bytes ikm);
void ehp_noise_mix_key_and_hash(ehp_noise *n, ehp_bytes ikm);
/* What encryption adds at this point: EHP_TAG_LEN, or 0 before the first key. */
size_t ehp_noise_tag_len(const ehp_noise *n);
EHP_MUST_USE ehp_status ehp_noise_encrypt_and_hash(ehp_noise *n, ehp_bytes plain,
                                                   ehp_writer *out);
EHP_MUST_USE ehp_status ehp_noise_decrypt_and_hash(ehp_noise *n, ehp_bytes sealed,
                                                   ehp_writer *out);
