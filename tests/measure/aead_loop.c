/* SPDX-License-Identifier: Apache-2.0
 *
 * aead_loop [--hash] BYTES [RECORD]: what this machine can do at most: ChaCha20-Poly1305 over an AF_UNIX socket pair between two
 * processes, with nothing else around it. With --hash both also hash every byte with keyed BLAKE2b, as the hash tree of an item
 * does: then it is all the cryptography of a transfer. The records are as large as ours. Prints "BYTES SECONDS PROCESSOR", where PROCESSOR is the time that
 * both used of the processors, in user and kernel mode: unlike SECONDS it hardly depends on what else the machine does.
 */
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "proto/bounds.h"

static unsigned char key[crypto_aead_chacha20poly1305_ietf_KEYBYTES];
static unsigned char plain[EHP_RECORD_PLAIN_MAX];
static unsigned char sealed[2 + EHP_RECORD_SEALED_MAX];
static int hashing;

static void
hash(size_t length)
{
    static unsigned char node[32];

    if (hashing)
        crypto_generichash(node, sizeof node, plain, length, key, sizeof key);
}

static void
set_nonce(unsigned char nonce[12], unsigned long long n)
{
    memset(nonce, 0, 12);
    memcpy(nonce + 4, &n, sizeof n);
}

static void
transfer_all(ssize_t (*io)(int, void *, size_t), int fd, unsigned char *data, size_t length)
{
    while (length > 0) {
        ssize_t n = io(fd, data, length);
        if (n <= 0)
            exit(1);
        data += n;
        length -= (size_t)n;
    }
}

static ssize_t
write_some(int fd, void *data, size_t length)
{
    return write(fd, data, length);
}

static void
receive(int fd, unsigned long long bytes, size_t record)
{
    unsigned char nonce[12];

    for (unsigned long long n = 0; bytes > 0; n++) {
        size_t part = bytes < record ? (size_t)bytes : record;
        transfer_all(read, fd, sealed, 2 + part + EHP_TAG_LEN);
        set_nonce(nonce, n);
        if (crypto_aead_chacha20poly1305_ietf_decrypt(plain, NULL, NULL, sealed + 2, part + EHP_TAG_LEN, NULL, 0,
                                                      nonce, key) != 0)
            exit(1);
        hash(part);
        bytes -= part;
    }
}

static void
send_all(int fd, unsigned long long bytes, size_t record)
{
    unsigned char nonce[12];

    for (unsigned long long n = 0; bytes > 0; n++) {
        size_t part = bytes < record ? (size_t)bytes : record;
        hash(part);
        set_nonce(nonce, n);
        crypto_aead_chacha20poly1305_ietf_encrypt(sealed + 2, NULL, plain, part, NULL, 0, NULL, nonce, key);
        transfer_all(write_some, fd, sealed, 2 + part + EHP_TAG_LEN);
        bytes -= part;
    }
}

static double
processor_seconds(int who)
{
    struct rusage use;

    if (getrusage(who, &use) != 0)
        exit(1);
    return (double)(use.ru_utime.tv_sec + use.ru_stime.tv_sec) + (double)(use.ru_utime.tv_usec + use.ru_stime.tv_usec) / 1e6;
}

int
main(int argc, char **argv)
{
    hashing = argc > 1 && strcmp(argv[1], "--hash") == 0;
    argc -= hashing;
    argv += hashing;
    unsigned long long bytes = argc > 1 ? strtoull(argv[1], NULL, 10) : 0;
    size_t record = argc > 2 ? (size_t)strtoul(argv[2], NULL, 10) : sizeof plain;
    struct timespec from, to;
    int pair[2], status = 0;

    if (bytes == 0 || record == 0 || record > sizeof plain || sodium_init() < 0 ||
        socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
        return 64;
    clock_gettime(CLOCK_MONOTONIC, &from);
    if (fork() == 0) {
        close(pair[0]);
        receive(pair[1], bytes, record);
        _exit(0);
    }
    close(pair[1]);
    send_all(pair[0], bytes, record);
    if (wait(&status) < 0 || status != 0)
        return 1;
    clock_gettime(CLOCK_MONOTONIC, &to);
    printf("%llu %.6f %.6f\n", bytes, (double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9,
           processor_seconds(RUSAGE_SELF) + processor_seconds(RUSAGE_CHILDREN));
    return 0;
}
