/* SPDX-License-Identifier: Apache-2.0
 *
 * A proof of origin, which comes from a file that anybody may have written. Input: the proof.
 * Nearly nothing that is changed in one opens; whatever does must say of each item what its key
 * signed, or that it did not.
 */
#include "proto/origin.h"

#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ehp_proof proof = {0};
    ehp_origin origin;
    ehp_status status;

    fuzz_start();
    status = ehp_proof_open(ehp_bytes_of(data, size), &proof);
    FUZZ_CHECK(status == EHP_OK || status == EHP_ORIGIN_INVALID);
    FUZZ_CHECK((status == EHP_OK) == (proof.proof != NULL));
    for (size_t i = 0; status == EHP_OK && i <= proof.proof->n_item; i++) {
        const ehp_status one = ehp_proof_item(&proof, i, &origin);

        FUZZ_CHECK(one == EHP_OK || one == EHP_ORIGIN_INVALID);
        FUZZ_CHECK(i < proof.proof->n_item || one != EHP_OK);
    }
    ehp_proof_clear(&proof);
    return 0;
}
