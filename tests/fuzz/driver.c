/* SPDX-License-Identifier: Apache-2.0
 *
 * Runs a libFuzzer harness without libFuzzer, as an ordinary test under any compiler: once over
 * every file of the given folders, and then over the same files with deterministic damage (cut,
 * flipped, doubled). TAP on stdout; a harness that finds a fault aborts.
 *
 *     driver FOLDER…
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define INPUT_MAX     (1024 * 1024)
/* Damaged copies of a folder's seeds, all together, and of one of them at most. */
#define DAMAGED_TOTAL 3000
#define DAMAGED_MAX   300

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv) __attribute__((weak));

static uint64_t state = 88172645463325252u;

/* xorshift64: the same damage on every machine */
static uint64_t
next(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

/* A copy of exactly its size, so that a sanitizer sees one byte too many. */
static void
run(const uint8_t *data, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);

    if (!copy)
        abort();
    memcpy(copy, data, size);
    (void)LLVMFuzzerTestOneInput(copy, size);
    free(copy);
}

static void
run_damaged(uint8_t *data, size_t size, unsigned runs)
{
    for (unsigned i = 0; size > 0 && i < runs; i++) {
        const size_t at = next() % size, other = next() % size;
        const uint8_t old = data[at], old_other = data[other];
        size_t len = size;

        switch (i % 4) {
        case 0:
            data[at] ^= (uint8_t)(1u << next() % 8);
            break;
        case 1:
            len = at;
            break;
        case 2:
            data[at] = (uint8_t)next();
            data[other] = 0xff;
            break;
        case 3:
            data[at] = data[other];
            break;
        }
        run(data, len);
        data[other] = old_other;
        data[at] = old;
    }
}

static void
run_file(const char *path, unsigned runs)
{
    static uint8_t data[INPUT_MAX];
    FILE *file = fopen(path, "rb");
    size_t size;

    if (!file) {
        perror(path);
        exit(1);
    }
    size = fread(data, 1, sizeof data, file);
    (void)fclose(file);
    run(data, size);
    run_damaged(data, size, runs);
}

static unsigned
run_folder(const char *folder, unsigned n)
{
    struct dirent **names;
    const int count = scandir(folder, &names, NULL, alphasort);
    const unsigned share = count > 0 ? DAMAGED_TOTAL / (unsigned)count : 0;
    const unsigned runs = share < DAMAGED_MAX ? share : DAMAGED_MAX;

    for (int i = 0; i < count; i++) {
        char path[4096];
        struct stat st;

        (void)snprintf(path, sizeof path, "%s/%s", folder, names[i]->d_name);
        if (stat(path, &st) == 0 && S_ISREG(st.st_mode)) {
            run_file(path, runs);
            printf("ok %u - %s\n", ++n, names[i]->d_name);
        }
        free(names[i]);
    }
    if (count >= 0)
        free(names);
    return n;
}

int
main(int argc, char **argv)
{
    unsigned n = 1;

    if (LLVMFuzzerInitialize)
        (void)LLVMFuzzerInitialize(&argc, &argv);
    run((const uint8_t *)"", 0);
    printf("ok 1 - nothing\n");
    for (int i = 1; i < argc; i++) {
        const unsigned before = n;

        n = run_folder(argv[i], n);
        if (n == before) {
            printf("Bail out! no corpus in %s\n", argv[i]);
            return 1;
        }
    }
    printf("1..%u\n", n);
    return 0;
}
