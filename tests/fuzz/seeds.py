#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seed corpus of guard, record, segment and noise (tests/fuzz/corpus/NAME) from tests/vectors.

Run by hand when a harness's input changes; the files are committed."""
import json
import pathlib
import struct

HERE = pathlib.Path(__file__).resolve().parent
VECTORS = HERE.parent / "vectors"


def write(harness, name, data):
    folder = HERE / "corpus" / harness
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data)


def varint(n):
    out = b""
    while n > 0x7F:
        out += bytes([n & 0x7F | 0x80])
        n >>= 7
    return out + bytes([n])


def number(field, n):
    return varint(field << 3) + varint(n)


def data(field, content):
    content = content.encode() if isinstance(content, str) else content
    return varint(field << 3 | 2) + varint(len(content)) + content


def guard():
    h, sig = bytes(range(32)), bytes(64)
    query = data(1, bytes([1, 5])) + data(2, "http://loinc.org|60591-5") + data(3, "2020-01") + number(5, 3) + data(6, "id")
    request = data(1, h) + number(2, 1) + data(3, query) + number(4, 30) + data(6, data(1, "Dr Ü") + number(4, 2)) + data(7, "why")
    item = number(1, 0) + data(2, "a.json") + number(3, 1000) + data(4, "application/fhir+json") + data(11, "s") + data(12, h)
    receipt = b"".join(data(f, h) for f in (1, 3, 4, 5, 6)) + number(2, 1) + number(7, 2) + number(9, 1) + data(11, b"0" * 300) + data(14, h)
    records = {
        "crl": data(1, data(1, b"0" * 100)),
        "request": data(2, data(1, request) + data(2, sig)),
        "session-key": data(3, data(1, h) + data(2, sig)),
        "refusal": data(5, b""),
        "page": data(7, number(1, 0) + data(2, item) * 3),
        "item-request": data(9, data(1, query) * 2 + number(2, 1)),
        "part": data(10, number(1, 1) + number(2, 2) + number(3, 1) + number(4, 5000) + number(5, 40) + data(6, bytes(40))),
        "ack": data(11, number(1, 3) + number(2, 4)),
        "done": data(12, number(1, 3) + number(2, 4) + data(3, h)),
        "ping": data(16, number(1, 1)) + data(31, bytes(20)),
        "bye": data(17, number(1, 5) + number(2, 1)),
        "resume": data(19, number(1, 1) + data(2, h) + data(3, number(1, 0) + number(2, 9)) * 2),
        "unknown": data(100, b"later") + number(101, 7),
    }
    for name, content in records.items():
        write("guard", f"record-{name}", b"\0" + content)
    hello = number(1, 1) + data(2, b"0" * 400) + data(2, b"0" * 300) + data(4, number(1, 1) + data(2, bytes([1, 2]))) + data(5, bytes(6)) + number(6, 7)
    write("guard", "terminal-hello", b"\1" + hello)
    write("guard", "patient-hello", b"\2" + number(1, 1) + data(2, bytes(6)) + data(3, bytes(64)))
    write("guard", "consent-request", b"\4" + request)
    write("guard", "receipt", b"\7" + receipt)


def record():
    for name, chunk, lengths, damage in [
        ("whole", 65535, [0, 1, 100, 32752], []), ("bytes", 0, [5, 0, 17], []),
        ("odd chunks", 999, [2000, 3000], []), ("flipped", 65535, [10, 20, 30], [(40, 1)]),
        ("length damaged", 65535, [10, 20], [(0, 0x80)]), ("two flips", 7, [10, 20], [(30, 1), (31, 2)]),
    ]:
        out = struct.pack(">HB", chunk, len(lengths)) + b"".join(struct.pack(">H", n) for n in lengths)
        out += bytes([len(damage)]) + b"".join(struct.pack(">HB", at, mask) for at, mask in damage)
        write("record", name.replace(" ", "-"), out)
    for i, bad in enumerate(json.loads((VECTORS / "record.json").read_text())["must_fail"]):
        write("record", f"junk-{i}", b"\xff\xff\0\0" + bytes.fromhex(bad["wire"]))


def segment():
    vectors = json.loads((VECTORS / "segment.json").read_text())
    for kind in ("cases", "must_fail"):
        for i, v in enumerate(vectors[kind]):
            write("segment", f"{kind.replace('_', '-')}-{i}",
                  struct.pack(">BIB", v["encoding"], v["original_length"], 15 if kind == "cases" else 3) + bytes.fromhex(v["encoded"]))


def noise():
    untouched = b"\0\0\0"
    for name, pattern, psks in [("tap", 6, 0), ("code", 6, 0b1001), ("resume", 0, 1), ("ik", 5, 0b10)]:
        head = bytes([pattern, psks])
        write("noise", name, head + (b"\3abc" + untouched) * 3)
        for what, extra in [(1, b""), (2, b""), (3, b"xyz"), (4, bytes(32))]:
            for turn in range(3):
                change = bytes([what]) + struct.pack(">H", 5 if what < 4 else 32) + extra
                write("noise", f"{name}-change{what}-at{turn}", head + (b"\0" + untouched) * turn + b"\0" + change)


if __name__ == "__main__":
    guard()
    record()
    segment()
    noise()
