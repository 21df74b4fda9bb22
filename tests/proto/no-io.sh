#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# no-io.sh LIBRARY… : proves that the engine's static libraries import nothing but what is listed here:
# memory and strings of libc, the deterministic part of libsodium, protobuf-c, zstd. So no file, socket, clock,
# randomness, environment, output or GLib. First it proves that it would see them. TAP on stdout.
# CC and NM may name the tools.
set -eu

: "${CC:=cc}" "${NM:=nm}"

# Every name in full, but for protobuf-c and zstd (which do no I/O at all) and what compilers and their
# sanitizers put in. libsodium is listed name by name: crypto_sign_keypair and its like draw randomness.
allowed='
memchr memcmp memcpy memmove memset strcmp strlen strncmp strnlen
malloc calloc realloc free
sodium_memcmp sodium_memzero
crypto_aead_chacha20poly1305_ietf_decrypt crypto_aead_chacha20poly1305_ietf_encrypt
crypto_auth_hmacsha256_final crypto_auth_hmacsha256_init crypto_auth_hmacsha256_update
crypto_generichash crypto_generichash_final crypto_generichash_init crypto_generichash_update
crypto_hash_sha256 crypto_hash_sha256_final crypto_hash_sha256_init crypto_hash_sha256_update
crypto_scalarmult crypto_scalarmult_base
crypto_sign_detached crypto_sign_seed_keypair crypto_sign_verify_detached
crypto_stream_chacha20_ietf crypto_stream_chacha20_ietf_xor_ic
_GLOBAL_OFFSET_TABLE_ __popcountdi2 __stack_chk_fail
__memcpy_chk __memmove_chk __memset_chk
'
allowed_prefixes='^(protobuf_c_|ZSTD_|__asan_|__ubsan_|__sanitizer_|__sancov_|__gcov_|__llvm_|__tsan_)'

# Undefined symbols of the given objects that none of them defines, sorted.
imports()
{
    "$NM" -P "$@" | awk '
        NF < 2 || $1 ~ /:$/ { next }
        $2 ~ /^[Uwv]$/ { undefined[$1]; next }
        { defined[$1] }
        END { for (name in undefined) if (!(name in defined)) print name }' | sort
}

# Of the names on stdin those that are not allowed.
forbidden()
{
    printf '%s\n' $allowed | sort -u > "$work/allowed"
    grep -Ev "$allowed_prefixes" | grep -Fxv -f "$work/allowed" || true
}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0
n=0

verdict() # "ok" or "not ok", text
{
    n=$((n + 1))
    echo "$1 $n - $2"
    [ "$1" = ok ] || status=1
}

# Self-test: an object that imports one forbidden thing is caught, by exactly that name.
for name in read write open socket time clock_gettime getenv printf fopen rand getrandom abort \
    randombytes_buf crypto_sign_keypair sodium_init g_malloc g_log; do
    printf 'extern void %s(void);\nvoid probe(void);\nvoid probe(void) { %s(); }\n' $name $name > "$work/probe.c"
    # shellcheck disable=SC2086
    $CC -w -fno-builtin -O0 -c -o "$work/probe.o" "$work/probe.c"
    if [ "$(imports "$work/probe.o" | forbidden)" = "$name" ]; then
        verdict ok "would catch $name"
    else
        verdict 'not ok' "would not catch $name"
    fi
done

[ $# -gt 0 ] || { echo 'Bail out! no library given'; exit 99; }
imports "$@" > "$work/imports"
if [ ! -s "$work/imports" ]; then
    verdict 'not ok' 'nm found no imports at all: is this the library?'
fi
bad=$(forbidden < "$work/imports")
if [ -z "$bad" ]; then
    verdict ok "imports $(wc -l < "$work/imports") symbols, all of them allowed"
else
    for name in $bad; do
        verdict 'not ok' "imports $name"
        "$NM" -A "$@" | grep " U $name\$" | sed 's/^/# /'
    done
fi
echo "1..$n"
exit $status
