/* SPDX-License-Identifier: Apache-2.0
 *
 * Describing items by their content: two passes, since the name of the patient that one file
 * tells must stay out of the file names and titles of all. Blocks; no D-Bus.
 */
#include "item-private.h"

#include <string.h>
#include <unistd.h>

#include "lib/record/describe.h"

#define EXTENSION_MAX 8

static void
recognise(EhrlinkItem *item, ErecNames *names)
{
    EhrlinkSource *source = ehrlink_item_get_source(item);
    const int fd = source != NULL && ehrlink_source_look(source, NULL)
                       ? ehrlink_source_open(source, NULL)
                       : -1;
    g_auto(ErecDescription) d = {0};
    g_autoptr(ErecSource) bytes = NULL;

    if (fd < 0)
        return;
    bytes = erec_source_new_fd(fd, NULL);
    close(fd);
    if (bytes == NULL)
        return;
    erec_describe(bytes, &d);
    ehrlink_item_set_media_type(item, d.media_type);
    ehrlink_item_set_category(item, d.category);
    ehrlink_item_set_title(item, d.title);
    ehrlink_item_set_date(item, d.date);
    ehrlink_item_set_type_code(item, d.type_code);
    ehrlink_item_set_author(item, d.author);
    ehrlink_item_set_patient_entered(item, d.patient_entered);
    erec_names_add_all(names, d.names);
}

/* ".json", if it is one; "" else. */
static const char *
extension_of(const char *name, const ErecNames *names)
{
    const char *dot = strrchr(name, '.');

    if (dot == NULL || dot[1] == '\0' || strlen(dot) > EXTENSION_MAX ||
        erec_names_are_in(names, dot + 1))
        return "";
    for (const char *p = dot + 1; *p != '\0'; p++)
        if (!g_ascii_isalnum(*p))
            return "";
    return dot;
}

static void
hide_names(EhrlinkItem *item, const ErecNames *names)
{
    const char *name = ehrlink_item_get_name(item), *category = ehrlink_item_get_category(item);
    g_autofree char *neutral = NULL;

    if (erec_names_are_in(names, ehrlink_item_get_title(item)))
        ehrlink_item_set_title(item, NULL);
    if (erec_names_are_in(names, ehrlink_item_get_author(item)))
        ehrlink_item_set_author(item, NULL);
    if (!erec_names_are_in(names, name))
        return;
    neutral =
        g_strconcat(category == NULL || strcmp(category, "other") == 0 ? "record" : category,
                    extension_of(name, names), NULL);
    ehrlink_item_set_name(item, neutral);
}

void
ehrlink_item_recognise_all(EhrlinkItem **items, gsize n_items)
{
    g_autoptr(ErecNames) names = erec_names_new();

    for (gsize i = 0; i < n_items; i++) {
        g_return_if_fail(EHRLINK_IS_ITEM(items[i]));
        recognise(items[i], names);
    }
    for (gsize i = 0; i < n_items; i++)
        hide_names(items[i], names);
}
