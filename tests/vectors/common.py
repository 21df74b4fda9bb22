# SPDX-License-Identifier: Apache-2.0
"""What the makers of the vectors share: bytes from labels, hashes, protobuf by hand, the generator, writing and checking the files."""
import hashlib
import hmac
import json
import pathlib
import struct
import sys

try:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
except ModuleNotFoundError:
    print("skipped: python3-cryptography is not installed")
    sys.exit(77)

HERE = pathlib.Path(__file__).resolve().parent
SEGMENT_MAX = 256 * 1024


def fixed(label, length=32):
    """Bytes that only depend on the label."""
    return hashlib.shake_256(label.encode()).digest(length)


def sha256(data):
    return hashlib.sha256(data).digest()


def hmac256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def raw_public(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


class Drbg:
    """Each call: the first half of block 0 is the next key, the output is blocks 1, 2 …"""

    def __init__(self, seed):
        self.key = seed

    def take(self, n):
        nonce = struct.pack("<I", 0) + bytes(12)
        stream = Cipher(algorithms.ChaCha20(self.key, nonce), None).encryptor().update(bytes(64 + n))
        self.key = stream[:32]
        return stream[64:]


def varint(n):
    out = b""
    while n >= 0x80:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def num(field, value):
    return varint(field << 3) + varint(value)


def data(field, value):
    if isinstance(value, str):
        value = value.encode()
    return varint(field << 3 | 2) + varint(len(value)) + value


def signed(kind, key, body):
    return data(1, body) + data(2, key.sign(b"ehrlink1 " + kind.encode() + b"\0" + body))


def write(makers):
    """Writes NAME.json for each maker; with --check says which differ from what would be written. Gives the exit status."""
    differs = False
    for name, make in makers.items():
        path = HERE / f"{name}.json"
        text = json.dumps(make(), indent=1) + "\n"
        if "--check" not in sys.argv:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            print(f"{path.name} differs from what would be made")
            differs = True
    return differs
