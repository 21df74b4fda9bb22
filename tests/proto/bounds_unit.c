/* SPDX-License-Identifier: Apache-2.0
 *
 * PROTOCOL.md carries every bound of proto/bounds.h with its value, and no other.
 */
#include <glib.h>
#include <string.h>

#include "proto/bounds.h"

#define B(name)                                                                                \
    {                                                                                          \
#name, (guint64)(name)                                                                 \
    }

static const struct {
    const char *name;
    guint64 value;
} bounds[] = {
    B(EHP_VERSION_MIN),
    B(EHP_VERSION_MAX),
    B(EHP_AID_LEN),
    B(EHP_APDU_MAX),
    B(EHP_APDU_DATA_MAX),
    B(EHP_TAP_MSG2_MAX),
    B(EHP_TAP_MSG3_MAX),
    B(EHP_TAP_CONFIRM_MAX),
    B(EHP_CHAIN_MAX),
    B(EHP_CERT_MAX),
    B(EHP_TAP_CATEGORIES_MAX),
    B(EHP_TAG_LEN),
    B(EHP_RECORD_PLAIN_MAX),
    B(EHP_RECORD_SEALED_MAX),
    B(EHP_PART_MAX),
    B(EHP_REKEY_RECORDS),
    B(EHP_UNPACK_MEMORY_MAX),
    B(EHP_UNPACK_FIELDS_MAX),
    B(EHP_BAD_TAGS_MAX),
    B(EHP_CRL_MAX),
    B(EHP_CRL_BYTES_MAX),
    B(EHP_CRL_TOTAL_MAX),
    B(EHP_SEGMENT_MAX),
    B(EHP_WINDOW_BYTES),
    B(EHP_WINDOW_SEGMENTS),
    B(EHP_ITEMS_MAX),
    B(EHP_ITEM_BYTES_MAX),
    B(EHP_TRANSFER_BYTES_MAX),
    B(EHP_MANIFEST_PAGE_MAX),
    B(EHP_PAGE_ITEMS_MAX),
    B(EHP_MANIFEST_STEP),
    B(EHP_RESUME_ACKS_MAX),
    B(EHP_SALT_LEN),
    B(EHP_HASH_LEN),
    B(EHP_ZSTD_WINDOWLOG_MAX),
    B(EHP_DICTIONARY_EHR1_LEN),
    B(EHP_PAD_TRANSFER_MAX),
    B(EHP_NAME_MAX),
    B(EHP_TITLE_MAX),
    B(EHP_TYPE_MAX),
    B(EHP_CODE_MAX),
    B(EHP_DATE_MAX),
    B(EHP_TEXT_MAX),
    B(EHP_SUBJECT_MAX),
    B(EHP_QUERIES_MAX),
    B(EHP_QUERY_IDS_MAX),
    B(EHP_RECEIPT_MAX),
    B(EHP_PROOF_MAX),
    B(EHP_PROOF_FIELDS_MAX),
    B(EHP_PROOF_MEMORY_MAX),
    B(EHP_TRANSFERS_MAX),
    B(EHP_ARMED_MS),
    B(EHP_CONSENT_MS),
    B(EHP_FILING_MS),
    B(EHP_TAP_MS),
    B(EHP_JOIN_MS),
    B(EHP_PROGRESS_MS),
    B(EHP_RECORD_MS),
    B(EHP_FLUSH_MS),
    B(EHP_LINGER_MS),
    B(EHP_CONNECT_MS),
    B(EHP_IDLE_MS),
    B(EHP_RESUME_MS),
    B(EHP_TAKE_UP_MS),
    B(EHP_ALLOW_MS),
    B(EHP_PENDING_MS),
};

static char *
source(const char *name)
{
    const char *root = g_getenv("EHRLINK_SOURCE_ROOT");
    g_autofree char *path = g_build_filename(root ? root : ".", "proto", name, NULL);
    char *text = NULL;

    g_file_get_contents(path, &text, NULL, NULL);
    return text;
}

static guint
count(const char *text, const char *what)
{
    guint n = 0;

    for (; (text = strstr(text, what)) != NULL; text += strlen(what))
        n++;
    return n;
}

static void
test_protocol_md(void)
{
    g_autofree char *text = source("PROTOCOL.md"), *header = source("bounds.h");

    if (text == NULL || header == NULL) {
        g_test_skip("skipped: no sources (EHRLINK_SOURCE_ROOT)");
        return;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(bounds); i++) {
        g_autofree char *row = g_strdup_printf("| `%s` | %" G_GUINT64_FORMAT " |",
                                               bounds[i].name, bounds[i].value);
        if (strstr(text, row) == NULL)
            g_error("PROTOCOL.md lacks: %s", row);
    }
    g_assert_cmpuint(count(header, "#define EHP_"), ==, G_N_ELEMENTS(bounds));
    g_assert_cmpuint(count(text, "| `EHP_"), ==, G_N_ELEMENTS(bounds));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bounds/protocol-md", test_protocol_md);
    return g_test_run();
}
