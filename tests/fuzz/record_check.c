/* SPDX-License-Identifier: Apache-2.0
 *
 * Checking any file: it ends in a report whose counts fit what it lists, whose places lie in
 * the file and whose texts can be shown.
 */
#include <string.h>

#include "lib/record/check.h"
#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
    g_autoptr(ErecSource) source = erec_source_new_bytes(bytes);
    g_auto(ErecDescription) description = {0};
    g_autoptr(ErecReport) report = erec_check(source, &description);

    FUZZ_CHECK(report->findings->len <= EREC_FINDINGS_MAX);
    FUZZ_CHECK(report->findings->len <= report->errors + report->warnings + report->notes + 1);
    FUZZ_CHECK(report->findings->len >
               0); /* unsigned, or not looked into: that at least is said */
    for (guint i = 0; i < report->findings->len; i++) {
        const ErecFinding *finding = g_ptr_array_index(report->findings, i);

        FUZZ_CHECK(finding->id != NULL && finding->text != NULL);
        FUZZ_CHECK(finding->offset <= size);
        FUZZ_CHECK(finding->where == NULL || g_utf8_validate(finding->where, -1, NULL));
        FUZZ_CHECK(finding->detail == NULL || g_utf8_validate(finding->detail, -1, NULL));
    }
    return 0;
}
