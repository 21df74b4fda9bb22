/* SPDX-License-Identifier: Apache-2.0
 *
 * What the command lines read back from a user's directory: session.json, and a receipt's file.
 * Anybody may have written there. Input: one byte that chooses which, then the file. What is
 * told of it is text, and a receipt is within what a receipt can be.
 */
#include <string.h>

#include "tests/fuzz/scratch.h"
#include "tools/common/received.h"
#include "tools/common/receipt-file.h"
#include "tools/common/session-dir.h"

#define ITEM "a.json"

static void
check_text(char *text)
{
    FUZZ_CHECK(text == NULL || g_utf8_validate(text, -1, NULL));
    g_free(text);
}

static void
feed_session(const char *path)
{
    g_autoptr(Received) received = received_new(path);
    g_autoptr(GBytes) receipt = received != NULL ? received_get_receipt(received) : NULL;
    JsonNode *root = session_dir_load(path);

    check_text(session_dir_get_id(path));
    check_text(session_dir_get_state(path));
    check_text(session_dir_get_on_filed(path));
    (void)session_dir_get_n_items(path);
    if (received != NULL) {
        const ReceivedVerdict verdict = received_verdict(received, ITEM);
        (void)received_patient_entered(received, ITEM);
        /* nothing was noted, so nobody vouches */
        FUZZ_CHECK(verdict != RECEIVED_VERIFIED);
        FUZZ_CHECK(receipt != NULL || verdict != RECEIVED_HOLDS);
    }
    if (root == NULL)
        return;
    FUZZ_CHECK(JSON_NODE_HOLDS_OBJECT(root));
    json_node_unref(root);
    FUZZ_CHECK(session_dir_set_state(path, "filed", NULL));
    g_autofree char *state = session_dir_get_state(path);
    FUZZ_CHECK(g_strcmp0(state, "filed") == 0);
}

static void
feed_receipt(const char *path)
{
    g_autofree char *file = g_build_filename(path, "receipt", NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) receipt = receipt_file_read(file, &error);

    FUZZ_CHECK((receipt == NULL) == (error != NULL));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *path;
    int dir;

    fuzz_start();
    if (size == 0)
        return 0;
    path = scratch(&dir);
    if (data[0] & 1) {
        scratch_write("receipt", data + 1, size - 1);
        feed_receipt(path);
        return 0;
    }
    /* where notes of received directories would be: there are none */
    (void)g_setenv("XDG_STATE_HOME", path, TRUE);
    scratch_write(ITEM, "{}", 2);
    scratch_write("session.json", data + 1, size - 1);
    feed_session(path);
    return 0;
}
