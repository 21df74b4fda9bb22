/* SPDX-License-Identifier: Apache-2.0
 *
 * The marks of a session on the disk, of which a crash or somebody else may have changed
 * anything. Input: flags, then operations: marks are written as the daemon would, bytes of the
 * file are changed, cut off or put at its end. What is read is what was written: roots of the
 * first items without a gap, and a mark only of the item after them, as one write had it. Flag
 * 1: the file is the rest of the input.
 */
#include "daemon/store/marks.h"

#include <string.h>

#include "daemon/store/ledger-private.h"
#include "tests/fuzz/scratch.h"

#define ID        "session"
#define FILE_NAME ID EHD_MARKS_SUFFIX
#define ITEMS     8
#define WRITES    16

typedef struct {
    EhdLedger ledger;
    uint32_t known; /* of how many items roots were written */
    struct {
        uint32_t item;
        uint64_t position;
        uint8_t mark[EHD_MARK_MAX];
        size_t length;
    } written[WRITES];
    unsigned n_written;
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
root_of(uint32_t item, uint8_t out[EHD_ROOT_LEN])
{
    memset(out, (int)(0x20 + item), EHD_ROOT_LEN);
}

static void
write_marks(store *s, ehp_reader *in)
{
    uint8_t roots[ITEMS * EHD_ROOT_LEN];
    const uint32_t more = ehp_take_u8(in) % 3;
    EhdMarks marks = {.roots = roots, .first_root = s->known, .time = 1700000000};
    ehp_bytes mark;

    if (s->n_written == WRITES || s->known + more > ITEMS)
        return;
    for (uint32_t i = 0; i < more; i++)
        root_of(s->known + i, roots + (size_t)i * EHD_ROOT_LEN);
    marks.n_roots = more;
    s->known += more;
    mark = fuzz_take(in, ehp_take_be16(in) % (EHD_MARK_MAX + 1));
    marks.item = s->known;
    marks.position = marks.boottime = s->n_written + 1;
    marks.mark = mark.data;
    marks.mark_length = mark.len;
    marks.turn = s->n_written;
    FUZZ_CHECK(ehd_marks_write(&s->ledger, ID, &marks, NULL));
    s->written[s->n_written].item = marks.item;
    s->written[s->n_written].position = marks.position;
    if (mark.len > 0)
        memcpy(s->written[s->n_written].mark, mark.data, mark.len);
    s->written[s->n_written++].length = mark.len;
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

static bool
was_written(const store *s, const EhdMarksRead *read)
{
    gsize length;
    const uint8_t *bytes = g_bytes_get_data(read->mark, &length);

    for (unsigned i = 0; i < s->n_written; i++)
        if (s->written[i].item == read->n_roots && s->written[i].position == read->position &&
            s->written[i].length == length && memcmp(s->written[i].mark, bytes, length) == 0)
            return true;
    return false;
}

static void
check(const store *s)
{
    g_auto(EhdMarksRead) read = {0};
    g_autoptr(GError) error = NULL;

    if (!ehd_marks_read((EhdLedger *)&s->ledger, ID, 0, &read, &error)) {
        FUZZ_CHECK(error != NULL);
        return;
    }
    FUZZ_CHECK(read.n_roots <= s->known && read.roots->len == read.n_roots * EHD_ROOT_LEN);
    for (uint32_t i = 0; i < read.n_roots; i++) {
        uint8_t root[EHD_ROOT_LEN];
        root_of(i, root);
        FUZZ_CHECK(memcmp(read.roots->data + (size_t)i * EHD_ROOT_LEN, root, sizeof root) == 0);
    }
    FUZZ_CHECK(read.mark == NULL || was_written(s, &read));
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
            write_marks(&s, &in);
        check(&s);
    }
    check(&s);
    (void)unlinkat(s.ledger.fd, FILE_NAME, 0);
    return 0;
}
