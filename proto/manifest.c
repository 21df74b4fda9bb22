/* SPDX-License-Identifier: Apache-2.0
 *
 * Entries and pages. Pure.
 */
#include "proto/manifest.h"

#include <stdlib.h>
#include <string.h>

#include "proto/guard.h"
#include "proto/hash.h"
#include "proto/wire.h"

static bool
name_fits(const char *name)
{
    return name != NULL && name[0] != '\0' && memchr(name, '/', strlen(name)) == NULL &&
           strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* At most 13 fields each: a page keeps to EHP_UNPACK_FIELDS_MAX whatever its entries hold. */
#define ENTRIES_PER_PAGE 256

ehp_status
ehp_entry_check(const Ehp__ItemEntry *entry)
{
    bool good = name_fits(entry->name) && entry->has_size &&
                entry->size <= EHP_ITEM_BYTES_MAX && entry->has_category &&
                ehp_wire_known(&ehp__category__descriptor, (int)entry->category);

    return good ? EHP_OK : EHP_BAD_MANIFEST;
}

bool
ehp_entry_same_subject(const Ehp__ItemEntry *a, const Ehp__ItemEntry *b)
{
    if (a->has_subject != b->has_subject)
        return false;
    return !a->has_subject || ehp_bytes_equal(ehp_bytes_of(a->subject.data, a->subject.len),
                                              ehp_bytes_of(b->subject.data, b->subject.len));
}

uint64_t
ehp_item_segments(uint64_t size)
{
    return (size + EHP_SEGMENT_MAX - 1) / EHP_SEGMENT_MAX;
}

uint32_t
ehp_item_segment_len(uint64_t size, uint64_t segment)
{
    uint64_t left = size - segment * EHP_SEGMENT_MAX;

    return (uint32_t)(left < EHP_SEGMENT_MAX ? left : EHP_SEGMENT_MAX);
}

void
ehp_item_list_salt(const ehp_item_list *list, uint32_t id, uint8_t out[EHP_SALT_LEN])
{
    uint8_t be[4];
    ehp_writer w;
    ehp_bytes part = {be, sizeof(be)};

    ehp_writer_init(&w, be, sizeof(be));
    ehp_put_be32(&w, id);
    ehp_hmac(out, ehp_bytes_of(list->salt_key, sizeof(list->salt_key)), &part, 1);
}

/* A copy of the caller's entry with id and salt; everything else is borrowed from it. */
static void
complete(const ehp_item_list *list, size_t i, Ehp__ItemEntry *entry, uint8_t salt[EHP_SALT_LEN])
{
    *entry = *list->items[i];
    ehp_item_list_salt(list, (uint32_t)i, salt);
    entry->has_id = entry->has_salt = 1;
    entry->id = (uint32_t)i;
    entry->salt = ehp_wire_binary(salt, EHP_SALT_LEN);
}

/* The lengths of texts are those of the guard: the peer will apply the same. */
static ehp_status
check_lengths(const ehp_item_list *list, size_t i)
{
    uint8_t salt[EHP_SALT_LEN], packed[4096];
    Ehp__ItemEntry entry;
    size_t len;

    complete(list, i, &entry, salt);
    len = ehp__item_entry__get_packed_size(&entry);
    if (len > sizeof(packed))
        return EHP_ITEM_INVALID;
    ehp__item_entry__pack(&entry, packed);
    return ehp_guard_check(&ehp__item_entry__descriptor, ehp_bytes_of(packed, len), NULL) ==
                   EHP_OK
               ? EHP_OK
               : EHP_ITEM_INVALID;
}

ehp_status
ehp_item_list_check(const ehp_item_list *list, uint64_t *bytes)
{
    *bytes = 0;
    if (list->n_items > EHP_ITEMS_MAX)
        return EHP_LIMIT_REACHED;
    for (size_t i = 0; i < list->n_items; i++) {
        if (ehp_entry_check(list->items[i]) != EHP_OK || check_lengths(list, i) != EHP_OK)
            return EHP_ITEM_INVALID;
        if (!ehp_entry_same_subject(list->items[0], list->items[i]))
            return EHP_MIXED_SUBJECTS;
        *bytes += list->items[i]->size;
        if (*bytes > EHP_TRANSFER_BYTES_MAX)
            return EHP_LIMIT_REACHED;
    }
    return EHP_OK;
}

size_t
ehp_item_list_page(const ehp_item_list *list, uint32_t page, size_t first, uint8_t *out,
                   size_t *len)
{
    static const uint8_t tag_page = 0x08, tag_item = 0x12;
    size_t at = 0, i;

    /* written by hand, entry by entry, since protobuf-c would want them all at once; canonical
     * all the same */
    out[at++] = tag_page;
    for (uint32_t v = page;; v >>= 7) {
        out[at++] = (uint8_t)(v >= 0x80 ? (v | 0x80) : v);
        if (v < 0x80)
            break;
    }
    for (i = first; i < list->n_items && i - first < ENTRIES_PER_PAGE; i++) {
        uint8_t salt[EHP_SALT_LEN];
        Ehp__ItemEntry entry;
        size_t size;
        complete(list, i, &entry, salt);
        size = ehp__item_entry__get_packed_size(&entry);
        if (at + 1 + 2 + size > EHP_MANIFEST_PAGE_MAX)
            break;
        out[at++] = tag_item;
        if (size >= 0x80)
            out[at++] = (uint8_t)(size | 0x80);
        out[at++] = (uint8_t)(size >= 0x80 ? size >> 7 : size);
        at += ehp__item_entry__pack(&entry, out + at);
    }
    *len = at;
    return i - first;
}

ehp_status
ehp_item_list_hash(const ehp_item_list *list, uint32_t *pages, uint8_t out[EHP_HASH_LEN])
{
    uint8_t *page = malloc(EHP_MANIFEST_PAGE_MAX);
    ehp_sha256_state state;
    size_t first = 0, len;

    if (page == NULL)
        return EHP_NO_MEMORY;
    ehp_sha256_init(&state);
    for (*pages = 0; first < list->n_items; ++*pages) {
        first += ehp_item_list_page(list, *pages, first, page, &len);
        ehp_sha256_update(&state, page, len);
    }
    ehp_sha256_final(&state, out);
    free(page);
    return EHP_OK;
}
