#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/vectors/{noise,tree,segment,pad,sign,record}.json, by an implementation of its own.

Written from PROTOCOL.md, the Noise specification (rev. 34), RFC 8878 and RFC 8032, not from proto/*.c; it
shares nothing with the engine but the words. Needs python3-cryptography. Everything is derived from
fixed labels, so that it makes the same files every time. Not run by the tests, which read the files:

    /usr/bin/python3 tests/vectors/make.py          writes them
    /usr/bin/python3 tests/vectors/make.py --check  1 if a file differs from what would be written
"""
import hashlib
import hmac
import json
import math
import pathlib
import struct
import sys

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
    from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
except ModuleNotFoundError:
    print("skipped: python3-cryptography is not installed")
    sys.exit(77)

HERE = pathlib.Path(__file__).resolve().parent
DICTIONARY = HERE.parent.parent / "proto" / "dictionary" / "ehr1.txt"
SEGMENT_MAX = 256 * 1024
RECORD_PLAIN_MAX = 32752
REKEY_RECORDS = 65536


def fixed(label, length=32):
    """Bytes that only depend on the label."""
    return hashlib.shake_256(label.encode()).digest(length)


def sha256(data):
    return hashlib.sha256(data).digest()


def hmac256(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def raw_public(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


# ---------------------------------------------------------------------------------- Noise

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


def noise_case(name, pattern, positions, payloads, generation):
    prologue = ("prologue of " + name).encode()
    keys = {w: fixed(f"noise {name} {w}") for w in ("init_s", "resp_s", "init_e", "resp_e")}
    psks = [fixed("noise psk")] * len(positions)
    statics = pattern != "NN"
    sides = [Noise(pattern, positions, i == 0, prologue, keys[k] if statics else None, psks)
             for i, k in enumerate(("init_s", "resp_s"))]
    messages = []
    for i, payload in enumerate(payloads):
        writer, reader = sides[i % 2], sides[1 - i % 2]
        message, before = writer.write(i, keys["init_e" if i % 2 == 0 else "resp_e"], payload)
        assert reader.read(i, message) == payload
        messages.append({"payload": payload.hex(), "message": message.hex(), "h_before_payload": before.hex()})
    a, b = sides
    assert (a.h, a.ck) == (b.h, b.ck)
    k1, k2 = noise_hkdf(a.ck, b"", 2)
    send, recv = Cipher(k1), Cipher(k2)
    case = {
        "name": name, "protocol_name": protocol_name(pattern, positions), "pattern": pattern,
        "psk_positions": positions, "prologue": prologue.hex(), "generation": generation,
        "init_e": keys["init_e"].hex(), "resp_e": keys["resp_e"].hex(), "psks": [p.hex() for p in psks],
        "messages": messages, "h": a.h.hex(),
        "locator": a.derive(f"locator-{generation}").hex(),
        "resume": a.derive(f"resume-{generation}").hex(), "export": a.derive("export").hex(),
        "transport": [{"from": "initiator", "plain": p.hex(), "sealed": send.seal(p).hex()}
                      for p in (b"", b"first", b"second")]
        + [{"from": "responder", "plain": p.hex(), "sealed": recv.seal(p).hex()} for p in (b"answer", b"")],
    }
    if statics:
        case.update(init_s=keys["init_s"].hex(), resp_s=keys["resp_s"].hex())
    return case


def low_order_points():
    """Points whose DH with anything is all zeroes."""
    return [bytes(32), b"\x01" + bytes(31),
            bytes.fromhex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f")]


def noise_failures(cases):
    """The victim reads messages that were changed; it must end with the error at that message."""
    out = []

    def add(comment, case, victim, at, message, error, **changed):
        out.append({"comment": comment, "case": case["name"], "victim": victim, "at": at,
                    "message": message.hex(), "error": error, **changed})

    for case in cases:
        last = len(case["messages"]) - 1
        for i, m in enumerate(case["messages"]):
            victim = "responder" if i % 2 == 0 else "initiator"
            good = bytes.fromhex(m["message"])
            add("shorter than its keys", case, victim, i, good[:31], "BadMessage")
            add("empty", case, victim, i, b"", "BadMessage")
            if i == 0 and not case["psk_positions"]:
                continue
            add("flipped bit in the tag of the payload", case, victim, i,
                good[:-1] + bytes([good[-1] ^ 1]), "BadTag")
            add("cut by one byte", case, victim, i, good[:-1],
                "BadTag" if len(m["payload"]) > 0 else "BadMessage")
            if len(good) > 64:
                add("flipped bit in the static key", case, victim, i,
                    good[:40] + bytes([good[40] ^ 0x80]) + good[41:], "BadTag")
        if case["psk_positions"]:
            add("another psk", case, "responder", 0, bytes.fromhex(case["messages"][0]["message"]), "BadTag",
                psk=fixed("another psk").hex())
        else:
            add("another prologue", case, "initiator", 1, bytes.fromhex(case["messages"][1]["message"]),
                "BadTag", prologue=b"another".hex())
            for point in low_order_points():
                good = bytes.fromhex(case["messages"][1]["message"])
                add("e of small order: all-zero DH", case, "initiator", 1, point + good[32:], "BadMessage")
        assert last >= 1
    return out


def noise_vectors():
    cases = [
        noise_case("tap", "XX", [], [b"", fixed("hello", 900), b"capabilities"], 0),
        noise_case("tap, bare", "XX", [], [b"\x01\x01", b"", b""], 0),
        noise_case("code", "XX", [0, 3], [b"", fixed("hello", 300), b""], 0),
        noise_case("resume", "NN", [0], [b"", b""], 1),
        noise_case("resume again", "NN", [0], [b"", b""], 12),
    ]
    return {"cases": cases, "must_fail": noise_failures(cases)}


# ---------------------------------------------------------------------------------- tree


def fill(length, index):
    """Segment data of the tree vectors."""
    return bytes((131 * i + 17 * index) & 0xFF for i in range(length))


def keyed(salt, data):
    return hashlib.blake2b(data, key=salt, digest_size=32).digest()


def tree_top(salt, leaves):
    """Recursive, as RFC 6962 section 2.1 writes it."""
    if len(leaves) == 1:
        return leaves[0]
    k = 1 << (len(leaves) - 1).bit_length() - 1
    return keyed(salt, b"\x01" + tree_top(salt, leaves[:k]) + tree_top(salt, leaves[k:]))


def tree_root(salt, segments):
    leaves = [keyed(salt, b"\0" + struct.pack(">QI", i, len(s)) + s) for i, s in enumerate(segments or [b""])]
    return keyed(salt, b"\x02" + struct.pack(">Q", sum(map(len, segments))) + tree_top(salt, leaves))


def tree_vectors():
    shapes = [[]] + [[5] * n for n in (1, 2, 3, 4, 5, 6, 7, 8, 9, 16, 17, 31, 33, 100)]
    shapes += [[10], [4, 6], [6, 4], [SEGMENT_MAX], [SEGMENT_MAX, 1], [SEGMENT_MAX] * 3 + [77]]
    cases = []
    for i, lengths in enumerate(shapes):
        salt = fixed(f"tree salt {i // 3}")
        segments = [fill(n, k) for k, n in enumerate(lengths)]
        cases.append({"salt": salt.hex(), "lengths": lengths, "root": tree_root(salt, segments).hex()})
    return {"fill": "byte i of segment k is (131 i + 17 k) mod 256", "cases": cases,
            "must_fail": [{"length": 0, "error": "InvalidArgument"},
                          {"length": SEGMENT_MAX + 1, "error": "InvalidArgument"}]}


# ---------------------------------------------------------------------------------- segment

ZSTD_MAGIC = bytes.fromhex("28b52ffd")


def frame_header(size=None, window=None, dictionary=None, reserved=False):
    """RFC 8878 section 3.1.1.1. With window: no single segment; size may then be absent."""
    descriptor = 0x08 if reserved else 0
    fields = b""
    if window is None:
        descriptor |= 0x20
    else:
        fields += bytes([window])
    if dictionary is not None:
        descriptor |= 1
        fields += bytes([dictionary])
    if size is not None:
        descriptor |= 0x80
        fields += struct.pack("<I", size)
    return ZSTD_MAGIC + bytes([descriptor]) + fields


def block(kind, size, content, last):
    return struct.pack("<I", size << 3 | {"raw": 0, "rle": 1}[kind] << 1 | last)[:3] + content


def rle_frame(byte, length):
    """A frame that repeats one byte, in blocks of at most 128 KiB."""
    blocks, left = b"", length
    while True:
        step = min(left, 128 * 1024)
        left -= step
        blocks += block("rle", step, bytes([byte]), left == 0)
        if left == 0:
            break
    return frame_header(length) + blocks


def mixed_frame(parts, **header):
    """parts: bytes are a raw block, (byte, n) an RLE block. Gives the frame and what it holds."""
    plain = b"".join(p if isinstance(p, bytes) else bytes([p[0]]) * p[1] for p in parts)
    out = frame_header(header.pop("size", len(plain)), **header)
    for i, p in enumerate(parts):
        last = i == len(parts) - 1
        out += block("raw", len(p), p, last) if isinstance(p, bytes) else block("rle", p[1], bytes([p[0]]), last)
    return out, plain


def match_frame(literals, offset, length, **header):
    """A frame of one compressed block: the literals, then length bytes from offset bytes back (RFC 8878 section 3.1.1.3; every
    table in RLE mode, so that the bit stream holds the extra bits of offset and length and nothing else)."""
    assert len(literals) < 16 and 131 <= length <= 258  # the lengths of code 43, with 7 extra bits
    code = (offset + 3).bit_length() - 1
    bits = (1 << code | (offset + 3 - (1 << code))) << 7 | length - 131  # the marker bit, then the extra bits of both
    stream = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    content = bytes([len(literals) << 3]) + literals + bytes([1, 0b01010100, len(literals), code, 43]) + stream
    out = frame_header(len(literals) + length, **header)
    return out + struct.pack("<I", len(content) << 3 | 2 << 1 | 1)[:3] + content


def segment_vectors():
    text = b"health record, "
    ehr1 = DICTIONARY.read_bytes()
    near, far = match_frame(b"", 200, 200), match_frame(b"[", len(ehr1) + 1, 150)
    beyond = match_frame(b"[", len(ehr1) + 2, 150)
    mixed, mixed_plain = mixed_frame([text, (0x20, 1000), text])
    windowed, windowed_plain = mixed_frame([text, (0x41, 5000)], window=(18 - 10) << 3)
    unknown, unknown_plain = mixed_frame([text, (0x42, 600)], window=0, size=None)
    good = [
        ("raw, one byte", 0, b"\0", b"\0"),
        ("raw", 0, text, text),
        ("zstd, blocks raw and repeated", 1, mixed, mixed_plain),
        ("zstd, window of 2^18", 1, windowed, windowed_plain),
        ("zstd, size not stored in the frame", 1, unknown, unknown_plain),
        ("zstd, whole segment of one byte", 1, rle_frame(7, SEGMENT_MAX), bytes([7]) * SEGMENT_MAX),
        ("zstd, referring back in itself", 1, match_frame(b"ab", 2, 200), b"ab" * 101),
        ("zstd with EHR1, referring to nothing", 2, mixed, mixed_plain),
        ("zstd with EHR1, its last 200 bytes", 2, near, ehr1[-200:]),
        ("zstd with EHR1, its first 150 bytes", 2, far, b"[" + ehr1[:150]),
        ("zstd with EHR1, from its end on into the segment", 2, match_frame(b"[", 3, 150), b"[" + (ehr1[-2:] + b"[") * 50),
        ("zstd with EHR1, whole segment of one byte", 2, rle_frame(7, SEGMENT_MAX), bytes([7]) * SEGMENT_MAX),
    ]
    n = len(mixed_plain)
    bomb = rle_frame(0, SEGMENT_MAX)
    skippable = bytes.fromhex("502a4d18") + struct.pack("<I", 4) + b"skip"
    two = mixed_frame([(0x41, 500)])[0] + mixed_frame([(0x42, 500)])[0]
    lying = mixed_frame([(0x41, 5000)], size=4000)[0]
    bad = [
        ("raw, lengths differ", 0, 16, text, "BadMessage"),
        ("raw, nothing", 0, 0, b"", "BadMessage"),
        ("zstd, nothing encoded", 1, 10, b"", "BadMessage"),
        ("zstd, nothing announced", 1, 0, mixed, "BadMessage"),
        ("encoding unknown", 3, n, mixed, "BadMessage"),
        ("refers to EHR1, encoding says without", 1, 200, near, "BadCompression"),
        ("refers to EHR1 from further in, encoding says without", 1, 151, far, "BadCompression"),
        ("refers beyond the beginning of EHR1", 2, 151, beyond, "BadCompression"),
        ("with EHR1, names a dictionary", 2, 200, match_frame(b"", 200, 200, dictionary=1), "BadCompression"),
        ("with EHR1, bomb: holds far more than announced", 2, 1000, bomb, "BadCompression"),
        ("with EHR1, announced one byte less than it holds", 2, 199, near, "BadCompression"),
        ("with EHR1, announced one byte more than it holds", 2, 201, near, "BadCompression"),
        ("with EHR1, window of 2^41", 2, 200, match_frame(b"", 200, 200, window=31 << 3), "BadCompression"),
        ("with EHR1, truncated", 2, 200, near[:-1], "BadCompression"),
        ("with EHR1, trailing byte", 2, 200, near + b"\0", "BadCompression"),
        ("with EHR1, not a frame", 2, n, text, "BadCompression"),
        ("with EHR1, nothing encoded", 2, 10, b"", "BadMessage"),
        ("with EHR1, original above a segment", 2, SEGMENT_MAX + 1, near, "TooLarge"),
        ("encoded longer than the original", 1, 10, mixed, "BadMessage"),
        ("original above a segment", 1, SEGMENT_MAX + 1, mixed, "TooLarge"),
        ("original absurd", 1, 2**32 - 1, mixed, "TooLarge"),
        ("announced one byte less than it holds", 1, n - 1, mixed, "BadCompression"),
        ("announced one byte more than it holds", 1, n + 1, mixed, "BadCompression"),
        ("bomb: holds far more than announced", 1, 1000, bomb, "BadCompression"),
        ("not a frame", 1, n, text, "BadCompression"),
        ("truncated", 1, n, mixed[:-1], "BadCompression"),
        ("only the magic", 1, n, mixed[:4], "BadCompression"),
        ("trailing byte", 1, n, mixed + b"\0", "BadCompression"),
        ("two frames", 1, 1000, two, "BadCompression"),
        ("a skippable frame before it", 1, n, skippable + mixed, "BadCompression"),
        ("a skippable frame after it", 1, n, mixed + skippable, "BadCompression"),
        ("only a skippable frame", 1, n, skippable, "BadCompression"),
        ("names a dictionary", 1, n, mixed_frame([text, (0x20, 1000), text], dictionary=1)[0], "BadCompression"),
        ("window just above 2^18", 1, 5015, mixed_frame([text, (0x41, 5000)], window=((18 - 10) << 3) + 1)[0],
         "BadCompression"),
        ("window of 2^41", 1, 5015, mixed_frame([text, (0x41, 5000)], window=31 << 3)[0], "BadCompression"),
        ("reserved bit", 1, n, mixed_frame([text, (0x20, 1000), text], reserved=True)[0], "BadCompression"),
        ("frame size lies", 1, 5000, lying, "BadCompression"),
        ("legacy magic", 1, n, bytes.fromhex("27b52ffd") + mixed[4:], "BadCompression"),
    ]
    return {
        "dictionary": {"encoding": 2, "length": len(ehr1), "sha256": sha256(ehr1).hex()},
        "cases": [{"comment": c, "encoding": e, "encoded": d.hex(), "original_length": len(p),
                   "original_sha256": sha256(p).hex()} for c, e, d, p in good],
        "must_fail": [{"comment": c, "encoding": e, "original_length": n, "encoded": d.hex(), "error": err}
                      for c, e, n, d, err in bad],
    }


# ---------------------------------------------------------------------------------- pad


def padme(n):
    if n < 2:
        return n
    exponent = int(math.floor(math.log2(n))) if n < 2**40 else n.bit_length() - 1
    mantissa = int(math.floor(math.log2(exponent))) + 1 if exponent else 0
    unit = 2 ** (exponent - mantissa)
    return -(-n // unit) * unit


def pad_vectors():
    lengths = list(range(0, 40)) + [100, 255, 256, 257, 1000, 4095, 4097, 65535, 65537, 999999, 2**20 - 1,
                                   2**20, 2**20 + 1, 2**32 + 1, 2**40 - 5, 2**62 - 1]
    steps = [(0, 512, 512), (1, 512, 512), (512, 512, 512), (513, 512, 1024), (7, 1, 7), (0, 1, 1)]
    return {"padme": [[n, padme(n)] for n in lengths],
            "transfer": [[n, padme(n) if n <= 2**20 else n] for n in lengths],
            "step": [list(s) for s in steps]}


# ---------------------------------------------------------------------------------- sign

SIGN_TYPES = ["terminal-auth", "consent-request", "session-key", "consent", "revoke", "manifest", "receipt",
              "status", "item-origin"]
ED25519_L = 2**252 + 27742317777372353535851937790883648493


def sign_vectors():
    cases, bad = [], []
    for i, kind in enumerate(SIGN_TYPES):
        seed = fixed(f"sign seed {kind}")
        key = Ed25519PrivateKey.from_private_bytes(seed)
        body = fixed(f"sign body {kind}", [64, 0, 32, 1, 100, 1000, 8192, 32752, 200][i])
        signature = key.sign(b"ehrlink1 " + kind.encode() + b"\0" + body)
        cases.append({"type": kind, "seed": seed.hex(), "public": raw_public(key).hex(), "body": body.hex(),
                      "signature": signature.hex()})
    first = cases[0]
    sig = bytes.fromhex(first["signature"])
    s_high = (int.from_bytes(sig[32:], "little") + ED25519_L).to_bytes(32, "little")

    def add(comment, **changed):
        bad.append({"comment": comment, **{k: v for k, v in first.items() if k != "seed"}, **changed})

    add("another type", type="receipt")
    add("body cut", body=first["body"][:-2])
    add("body longer", body=first["body"] + "00")
    add("flipped bit in R", signature=(bytes([sig[0] ^ 1]) + sig[1:]).hex())
    add("S + L: not canonical", signature=(sig[:32] + s_high).hex())
    add("another key", public=cases[1]["public"])
    add("key of small order, signature of zeroes", public=(b"\x01" + bytes(31)).hex(),
        signature=(b"\x01" + bytes(63)).hex())
    add("signature too short", signature=sig[:63].hex())
    add("signature too long", signature=sig.hex() + "00")
    add("no signature", signature="")
    add("key too short", public=first["public"][:-2])
    add("without the type in front", signature=Ed25519PrivateKey.from_private_bytes(
        bytes.fromhex(first["seed"])).sign(bytes.fromhex(first["body"])).hex())
    return {"cases": cases, "must_fail": bad}


# ---------------------------------------------------------------------------------- record


def record_vectors():
    key = fixed("record key")
    cipher = Cipher(key)
    plains = [b"", b"x", b"hello", fixed("record", 300), fixed("record", RECORD_PLAIN_MAX)]
    records = []
    for plain in plains:
        sealed = cipher.seal(plain)
        records.append({"plain": plain.hex(), "wire": (struct.pack(">H", len(sealed)) + sealed).hex()})
    cipher, around = Cipher(key), []
    for i in range(2 * REKEY_RECORDS + 1):
        interesting = i % REKEY_RECORDS in (0, REKEY_RECORDS - 1)
        if interesting:
            around.append({"record": i, "plain": b"r".hex(), "wire": (b"\0\x11" + cipher.seal(b"r")).hex()})
        else:
            cipher.n += 1
        if (i + 1) % REKEY_RECORDS == 0:
            cipher.rekey()
    wires = [bytes.fromhex(r["wire"]) for r in records]
    bad = [
        ("length above the bound", b"\x80\x01", "TooLarge"),
        ("length 65535", b"\xff\xff", "TooLarge"),
        ("length 0", b"\0\0", "BadMessage"),
        ("shorter than a tag", b"\0\x0f" + bytes(15), "BadMessage"),
        ("flipped bit", wires[0][:-1] + bytes([wires[0][-1] ^ 1]), "BadTag"),
        ("second record first", wires[1], "BadTag"),
        ("replayed record", wires[0] + wires[0], "BadTag"),
        ("record left out", wires[0] + wires[2], "BadTag"),
        ("length one less than sealed", b"\0\x14" + wires[2][2:-1], "BadTag"),
    ]
    return {"key": key.hex(), "records": records, "rekey": around,
            "must_fail": [{"comment": c, "wire": w.hex(), "error": e} for c, w, e in bad]}


def main():
    makers = {"noise": noise_vectors, "tree": tree_vectors, "segment": segment_vectors, "pad": pad_vectors,
              "sign": sign_vectors, "record": record_vectors}
    differs = False
    for name, make in makers.items():
        path = HERE / f"{name}.json"
        text = json.dumps(make(), indent=1) + "\n"
        if "--check" in sys.argv:
            if not path.exists() or path.read_text() != text:
                print(f"{path.name} differs")
                differs = True
        else:
            path.write_text(text)
    return differs


if __name__ == "__main__":
    sys.exit(main())
