#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes the seeds of apdu, tap, session and pump in corpus/, from the implementation behind tests/vectors. Not run by the
tests. Usage: /usr/bin/python3 tests/fuzz/seeds_session.py
"""
import json
import pathlib
import struct
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "vectors"))
import make_session as ms  # noqa: E402
import make_tap  # noqa: E402


def seed(harness, name, content):
    folder = HERE / "corpus" / harness
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)


class Recorded(ms.Link):
    def __init__(self, key, nonce=0):
        super().__init__(key, nonce)
        self.said = []

    def say(self, plain):
        self.said.append(plain)
        return super().say(plain)


def session_seeds():
    items = [{"name": "summary.json", "size": 1000, "kind": 1}, {"name": "b", "size": 300, "kind": 0}]
    s = ms.Session(ms.session_given("seed", items))
    s.up, s.down = Recorded(bytes([1]) * 32), Recorded(bytes([2]) * 32, 1)
    s.preamble(bytes([0xB2]) * 32, 0)
    s.ask()
    s.grant()
    s.transfer()
    s.receipt()

    def script(flags, records, between=b""):
        return bytes([flags, 0]) + b"".join(b"\x01" + struct.pack(">H", len(r)) + r + between for r in records)

    seed("session", "terminal-whole", script(1, s.up.said))
    seed("session", "terminal-slow", script(1, s.up.said, b"\x04\x01"))
    seed("session", "patient-asked", script(0, s.down.said[:2]))
    seed("session", "patient-refuses", script(4, s.down.said[:2]))
    seed("session", "patient-acked", script(0, s.down.said))
    seed("session", "patient-silent", bytes([0, 0]) + b"\x04\x20" * 4 + b"\x05" + b"\x04\x20" * 4)
    seed("session", "terminal-junk", bytes([1, 0]) + b"\x02" + struct.pack(">H", 60) + bytes(range(60)) + b"\x03\x04\xff")
    seed("session", "patient-error", script(0, s.down.said[:1] + [bytes.fromhex("9201020803")]))
    seed("session", "terminal-bye", script(1, s.up.said[:2] + [bytes.fromhex("8a01020805")]))


def main():
    cases = json.loads((HERE.parent / "vectors" / "tap.json").read_text())["cases"]
    for i, a in enumerate(cases[0]["apdus"]):
        seed("apdu", f"command-{i}", bytes.fromhex(a["c"]))
        seed("apdu", f"response-{i}", bytes.fromhex(a["r"]))
    seed("apdu", "no-data", bytes.fromhex("8014000000"))
    seed("apdu", "header-only", bytes.fromhex("80140000"))
    there, back = b"\x00", b"\x80"
    whole = b"\x05" + (there + back) * 9
    seed("tap", "bare", b"\x00" + whole)
    seed("tap", "chain", b"\x01" + whole)
    seed("tap", "stopped", b"\x03" + whole)
    seed("tap", "disk-full", b"\x04" + whole)
    seed("tap", "busy", b"\x40" + whole)
    seed("tap", "torn", b"\x01\x05" + (there + back) * 2 + b"\x04\x84" + whole)
    seed("tap", "uncertain", b"\x01\x05" + (there + back) * 6 + b"\x03\x04\x84" + whole)
    seed("tap", "replayed", b"\x00\x05" + there + b"\x02\x0e" + make_tap.select_apdu() + whole)
    seed("tap", "changed", b"\x00\x05" + there + back + b"\x01\x30\x01" + back + whole)
    seed("tap", "slow", b"\x01\x05" + (there + back + b"\x06\x10") * 9)
    seed("pump", "plain", b"\x01")
    seed("pump", "chunks", b"\x42" + b"\x00\x00\x40")
    seed("pump", "cut", b"\x02\x00\x01\x00" + b"\x81\x03\x00" + b"\x03\x10\x00" + b"\x01\x00\x80" + b"\x03\x20\x00")
    seed("pump", "flip", b"\x02\x82\x02\x00")
    seed("pump", "ended", b"\x86\x00\x02\x00\x03\x20\x00\x86\x01")
    seed("pump", "revoked", b"\x46\x00\x02\x00\x03\x10\x00\x07\x01")
    for n in range(1, 8):  # later transfers, by the last byte
        seed("pump", f"later-{n}", b"\x01\x01\x00\x80" * (n % 3) + bytes([0xc0 | n]))
    seed("pump", "list", b"\x02\x03\x04\x00\x81\x00\x30\xcd")
    seed("pump", "often", b"\x8b\x00\x10\x00" + b"\x03\x30\x00\x04" * 6)
    session_seeds()


if __name__ == "__main__":
    main()
