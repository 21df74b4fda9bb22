#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/vectors/{noise,tree,pad,sign,record}.json, by an implementation of its own.

Written from PROTOCOL.md, the Noise specification (rev. 34) and RFC 8032, not from proto/*.c; it shares nothing with the engine but
the words. Needs python3-cryptography. Everything is derived from fixed labels, so that it makes the same files every time. The tests
read the files; that they are what is made here is a test too. This and each make_*.py beside it:

    /usr/bin/python3 tests/vectors/make.py          writes them
    /usr/bin/python3 tests/vectors/make.py --check  1 if a file differs from what would be written
"""
import hashlib
import math
import struct
import sys

from common import SEGMENT_MAX, fixed, raw_public, write
from noise import Cipher, Noise, noise_hkdf, protocol_name

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

RECORD_PLAIN_MAX = 32752
REKEY_RECORDS = 65536

# ---------------------------------------------------------------------------------- Noise


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


if __name__ == "__main__":
    sys.exit(write({"noise": noise_vectors, "tree": tree_vectors, "pad": pad_vectors, "sign": sign_vectors, "record": record_vectors}))
