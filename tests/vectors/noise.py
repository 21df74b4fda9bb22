# SPDX-License-Identifier: Apache-2.0
"""Noise (rev. 34) as PROTOCOL.md uses it: XX and NN, with psks, over X25519, ChaCha20-Poly1305 and SHA-256."""
import struct

from common import hmac256, raw_public, sha256

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

PATTERNS = {
    "NN": [["e"], ["e", "ee"]],
    "XX": [["e"], ["e", "ee", "s", "es"], ["s", "se"]],
}


def with_psks(pattern, positions):
    messages = [list(m) for m in PATTERNS[pattern]]
    for p in positions:
        if p == 0:
            messages[0].insert(0, "psk")
        else:
            messages[p - 1].append("psk")
    return messages


def protocol_name(pattern, positions):
    return f"Noise_{pattern}{'+'.join('psk%d' % p for p in positions)}_25519_ChaChaPoly_SHA256"


class Cipher:
    def __init__(self, key):
        self.key, self.n = key, 0

    @staticmethod
    def nonce(n):
        return b"\0\0\0\0" + struct.pack("<Q", n)

    def seal(self, plain, ad=b""):
        out = ChaCha20Poly1305(self.key).encrypt(self.nonce(self.n), plain, ad)
        self.n += 1
        return out

    def open(self, sealed, ad=b""):
        out = ChaCha20Poly1305(self.key).decrypt(self.nonce(self.n), sealed, ad)
        self.n += 1
        return out

    def rekey(self):
        self.key = ChaCha20Poly1305(self.key).encrypt(self.nonce(2**64 - 1), b"\0" * 32, b"")[:32]


def noise_hkdf(ck, ikm, n):
    prk, out, last = hmac256(ck, ikm), [], b""
    for i in range(1, n + 1):
        last = hmac256(prk, last + bytes([i]))
        out.append(last)
    return out


class Noise:
    def __init__(self, pattern, positions, initiator, prologue, s, psks):
        self.messages = with_psks(pattern, positions)
        self.psk_mode = bool(positions)
        self.initiator, self.psks = initiator, list(psks)
        self.s = s and X25519PrivateKey.from_private_bytes(s)
        self.e = self.rs = self.re = self.cipher = None
        name = protocol_name(pattern, positions).encode()
        self.h = name.ljust(32, b"\0") if len(name) <= 32 else sha256(name)
        self.ck = self.h
        self.mix_hash(prologue)

    def mix_hash(self, data):
        self.h = sha256(self.h + data)

    def mix_key(self, ikm):
        self.ck, key = noise_hkdf(self.ck, ikm, 2)
        self.cipher = Cipher(key)

    def mix_psk(self):
        self.ck, temp, key = noise_hkdf(self.ck, self.psks.pop(0), 3)
        self.mix_hash(temp)
        self.cipher = Cipher(key)

    def encrypt(self, plain):
        out = self.cipher.seal(plain, self.h) if self.cipher else plain
        self.mix_hash(out)
        return out

    def decrypt(self, sealed):
        out = self.cipher.open(sealed, self.h) if self.cipher else sealed
        self.mix_hash(sealed)
        return out

    def dh(self, token):
        own, peer = token if self.initiator else token[::-1]
        secret = self.e if own == "e" else self.s
        public = self.re if peer == "e" else self.rs
        self.mix_key(secret.exchange(X25519PublicKey.from_public_bytes(public)))

    def mix_e(self, public):
        self.mix_hash(public)
        if self.psk_mode:
            self.mix_key(public)

    def write(self, index, e, payload):
        """Gives the message and h just before the payload is encrypted."""
        out = b""
        for token in self.messages[index]:
            if token == "psk":
                self.mix_psk()
            elif token == "e":
                self.e = X25519PrivateKey.from_private_bytes(e)
                out += raw_public(self.e)
                self.mix_e(raw_public(self.e))
            elif token == "s":
                out += self.encrypt(raw_public(self.s))
            else:
                self.dh(token)
        before = self.h
        return out + self.encrypt(payload), before

    def read(self, index, message):
        for token in self.messages[index]:
            if token == "psk":
                self.mix_psk()
            elif token == "e":
                self.re, message = message[:32], message[32:]
                self.mix_e(self.re)
            elif token == "s":
                cut = 48 if self.cipher else 32
                self.rs, message = self.decrypt(message[:cut]), message[cut:]
            else:
                self.dh(token)
        return self.decrypt(message)

    def derive(self, label):
        return hmac256(self.ck, b"ehrlink1 " + label.encode() + self.h)
