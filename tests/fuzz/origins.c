/* SPDX-License-Identifier: Apache-2.0
 *
 * What a clinic signed about its items, on a patient's disk, of which a crash or somebody else
 * may have changed anything. Input: flags, then operations: origins of one of two transfers are
 * written as the daemon would, bytes of the file are changed, cut off or put at its end. What
 * is read is what was written last in its place, of that transfer, from the first one on
 * without a gap. Flag 1: the file is the rest of the input.
 */
#include "daemon/store/origins.h"

#include <string.h>

#include "daemon/store/ledger-private.h"
#include "tests/fuzz/scratch.h"

#define ID        "session"
#define FILE_NAME ID EHD_ORIGINS_SUFFIX
#define ITEMS     8

typedef struct {
    EhdLedger ledger;
    struct {
        uint32_t transfer; /* 0: nothing was written there */
        uint8_t bytes[EHD_ORIGIN_MAX];
        size_t length;
    } written[ITEMS];
} store;

static const EhdSeal *
seal(void)
{
    static EhdSeal *made;

    if (made == NULL) {
        g_autofree char *path = g_build_filename(scratch(NULL), "state", NULL);
        g_autoptr(EhdState) state = ehd_state_open(path, NULL);
        FUZZ_CHECK(state != NULL);
        made = ehd_seal_open(state, NULL);
        FUZZ_CHECK(made != NULL);
    }
    return made;
}

static void
remember(store *s, uint32_t item, uint32_t transfer, ehp_bytes bytes)
{
    s->written[item].transfer = transfer;
    s->written[item].length = bytes.len;
    if (bytes.len > 0)
        memcpy(s->written[item].bytes, bytes.data, bytes.len);
}

static void
write_some(store *s, ehp_reader *in)
{
    const uint32_t transfer = 1 + ehp_take_u8(in) % 2, first = ehp_take_u8(in) % ITEMS;
    const uint32_t wanted = 1 + ehp_take_u8(in) % 3, n = MIN(wanted, ITEMS - first);
    g_autoptr(GPtrArray) some = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);

    for (uint32_t i = 0; i < n; i++) {
        ehp_bytes bytes = fuzz_take(in, ehp_take_be16(in) % (EHD_ORIGIN_MAX + 1));
        g_ptr_array_add(some, g_bytes_new(bytes.data, bytes.len));
        remember(s, first + i, transfer, bytes);
    }
    FUZZ_CHECK(ehd_origins_write(&s->ledger, ID, transfer, first, (GBytes *const *)some->pdata,
                                 some->len, NULL));
}

/* Somebody writes to the file, as long as it is there. */
static void
damage(const store *s, ehp_reader *in)
{
    const int fd = openat(s->ledger.fd, FILE_NAME, O_RDWR | O_CLOEXEC);
    const uint8_t how = ehp_take_u8(in) % 3;
    const off_t at = ehp_take_be16(in), end = fd >= 0 ? lseek(fd, 0, SEEK_END) : 0;
    const ehp_bytes bytes = fuzz_take(in, ehp_take_u8(in) % 32);

    if (fd < 0)
        return;
    if (how == 0 && at < end)
        FUZZ_CHECK(ftruncate(fd, at) == 0);
    if (how > 0 && bytes.len > 0)
        FUZZ_CHECK(pwrite(fd, bytes.data, bytes.len, how == 1 ? at % (end + 1) : end) ==
                   (ssize_t)bytes.len);
    (void)close(fd);
}

static void
check_from(const store *s, uint32_t transfer, uint32_t first)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) read =
        ehd_origins_read((EhdLedger *)&s->ledger, ID, transfer, first, ITEMS - first, &error);

    if (read == NULL) {
        FUZZ_CHECK(error != NULL);
        return;
    }
    FUZZ_CHECK(read->len <= ITEMS - first);
    for (uint32_t i = 0; i < read->len; i++) {
        gsize length;
        const uint8_t *bytes = g_bytes_get_data(read->pdata[i], &length);

        FUZZ_CHECK(s->written[first + i].transfer == transfer);
        FUZZ_CHECK(s->written[first + i].length == length);
        FUZZ_CHECK(length == 0 || memcmp(s->written[first + i].bytes, bytes, length) == 0);
    }
}

static void
check(const store *s)
{
    for (uint32_t transfer = 1; transfer <= 2; transfer++)
        for (uint32_t first = 0; first < ITEMS; first += 3)
            check_from(s, transfer, first);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    store s = {0};
    ehp_reader in;
    uint8_t flags;

    fuzz_start();
    ehp_reader_init(&in, data, size);
    flags = ehp_take_u8(&in);
    s.ledger.seal = seal();
    (void)scratch(&s.ledger.fd);
    if (flags & 1)
        scratch_write(FILE_NAME, in.left > 0 ? data + 1 : data, in.left);
    for (unsigned steps = 0; !(flags & 1) && in.left > 0 && steps < 40; steps++) {
        if (ehp_take_u8(&in) & 1)
            damage(&s, &in);
        else
            write_some(&s, &in);
        check(&s);
    }
    check(&s);
    (void)unlinkat(s.ledger.fd, FILE_NAME, 0);
    return 0;
}
