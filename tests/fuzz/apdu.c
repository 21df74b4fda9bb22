/* SPDX-License-Identifier: Apache-2.0
 *
 * APDUs of either direction. What parses stays within the input, and what can be built from it
 * parses back to the same.
 */
#include "proto/apdu.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

static void
command(ehp_bytes in)
{
    uint8_t built[EHP_APDU_MAX];
    ehp_capdu c, back;
    ehp_writer w;

    if (ehp_capdu_parse(in, &c) != EHP_OK)
        return;
    FUZZ_CHECK(in.len >= 4 && in.len <= EHP_APDU_MAX && c.data.len <= in.len - 4);
    (void)ehp_capdu_is_select(&c);
    ehp_writer_init(&w, built, sizeof(built));
    if (ehp_capdu_build(&c, &w) != EHP_OK) {
        FUZZ_CHECK(c.data.len > EHP_APDU_DATA_MAX);
        return;
    }
    FUZZ_CHECK(ehp_capdu_parse(ehp_bytes_of(built, w.len), &back) == EHP_OK);
    FUZZ_CHECK(back.cla == c.cla && back.ins == c.ins && back.p1 == c.p1 && back.p2 == c.p2);
    FUZZ_CHECK(ehp_bytes_equal(back.data, c.data));
}

static void
response(ehp_bytes in)
{
    uint8_t built[EHP_APDU_MAX];
    ehp_rapdu r;
    ehp_writer w;

    if (ehp_rapdu_parse(in, &r) != EHP_OK)
        return;
    FUZZ_CHECK(r.data.len + 2 == in.len && in.len <= EHP_APDU_MAX);
    ehp_writer_init(&w, built, sizeof(built));
    if (ehp_rapdu_build(r.data, r.sw, &w) == EHP_OK)
        FUZZ_CHECK(ehp_bytes_equal(ehp_bytes_of(built, w.len), in));
    else
        FUZZ_CHECK(r.data.len > EHP_APDU_DATA_MAX);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_start();
    command(ehp_bytes_of(data, size));
    response(ehp_bytes_of(data, size));
    return 0;
}
