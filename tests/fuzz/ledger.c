/* SPDX-License-Identifier: Apache-2.0
 *
 * What lies in the state directory: a record file of any kind, and lines of the audit log. A
 * record is accepted only whole; a line only where it follows.
 */
#include <string.h>

#include "daemon/store/atomic.h"
#include "daemon/store/audit-line.h"
#include "tests/fuzz/fuzz.h"

static void
feed_record(const uint8_t *data, size_t size)
{
    static const char *const kinds[] = {"ledger", "spool-meta", "receipt", "chain"};
    int accepted = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(GError) error = NULL;
        const guint8 *payload = NULL;
        gsize length = 0;

        if (!ehd_record_parse(data, size, kinds[i], &payload, &length, &error)) {
            FUZZ_CHECK(error != NULL);
            continue;
        }
        FUZZ_CHECK(payload > data && payload + length == data + size);
        accepted++;
    }
    FUZZ_CHECK(accepted <= 1);
}

static void
feed_lines(const char *text, size_t size)
{
    EhdAuditChain chain = {.known = true};

    for (size_t at = 0; at < size;) {
        const char *newline = memchr(text + at, '\n', size - at);
        const size_t length = newline != NULL ? (size_t)(newline - text) - at : size - at;
        const EhdAuditChain before = chain;

        if (ehd_audit_line_follow(&chain, text + at, length)) {
            EhdAuditChain again = before;
            FUZZ_CHECK(chain.seq == before.seq + 1);
            FUZZ_CHECK(ehd_audit_line_follow(&again, text + at, length));
            FUZZ_CHECK(memcmp(again.head, chain.head, sizeof chain.head) == 0);
            /* the same line does not follow itself */
            FUZZ_CHECK(!ehd_audit_line_follow(&again, text + at, length));
        }
        at += length + 1;
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_start();
    feed_record(data, size);
    feed_lines((const char *)data, size);
    return 0;
}
