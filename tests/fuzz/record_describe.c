/* SPDX-License-Identifier: Apache-2.0
 *
 * Recognising any file: what a manifest would say is within the manifest's bounds, is UTF-8,
 * and holds no word of the names that were found.
 */
#include <string.h>

#include "lib/record/category.h"
#include "lib/record/describe.h"
#include "tests/fuzz/fuzz.h"

static void
check_text(const ErecDescription *d, const char *text, gsize max)
{
    if (text == NULL)
        return;
    FUZZ_CHECK(*text != '\0' && strlen(text) <= max && g_utf8_validate(text, -1, NULL));
    FUZZ_CHECK(!erec_names_are_in(d->names, text));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
    g_autoptr(ErecSource) source = erec_source_new_bytes(bytes);
    g_auto(ErecDescription) d = {0};

    erec_describe(source, &d);
    FUZZ_CHECK(d.kind == erec_kind_of(source));
    FUZZ_CHECK(d.media_type != NULL && strlen(d.media_type) <= 127);
    FUZZ_CHECK(erec_category_words(d.category) != NULL);
    FUZZ_CHECK(d.date == NULL || (strlen(d.date) <= 40 && erec_date_is_valid(d.date)));
    check_text(&d, d.title, 255);
    check_text(&d, d.author, 255);
    check_text(&d, d.type_code, 127);
    (void)erec_kind_damage(source, d.kind);
    return 0;
}
