#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/vectors/session.json: whole sessions, byte for byte, from PROTOCOL.md and ehrlink.proto. See make.py."""
import struct
import sys

from common import SEGMENT_MAX, Drbg, data, fixed, hmac256, num, raw_public, sha256, signed, varint, write
from make import padme, tree_root
from noise import Cipher, Noise, noise_hkdf

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

PART_MAX, STEP = 32640, 512


def pattern_bytes(kind, item, n):
    """What the items of the tests hold: kind 1 a text over and over, kind 0 a mix of the offset."""
    if kind == 1:
        text = b"The quick brown fox jumps over the lazy dog. "
        return (text * (n // len(text) + 1))[:n]
    out, mask = bytearray(), 2**64 - 1
    for block in range((n + 7) // 8):
        x = ((block + 1) * 0x9E3779B97F4A7C15 & mask) ^ (item << 40)
        x ^= x >> 29
        x = x * 0xBF58476D1CE4E5B9 & mask
        x ^= x >> 32
        out += struct.pack("<Q", x)
    return bytes(out[:n])


def padding_field(extra):
    """A padding field of exactly that many bytes, or None."""
    for length in (1, 2, 3):
        zeros = extra - 2 - length
        if zeros >= 0 and len(varint(zeros)) == length:
            return data(31, bytes(zeros))
    return b"" if extra == 0 else None


def to_step(plain, first, step):
    want = first
    while want < len(plain) or padding_field(want - len(plain)) is None:
        want += step
    return plain + padding_field(want - len(plain))


class Link:
    """One direction of a link."""

    def __init__(self, key, nonce=0):
        self.cipher, self.stream = Cipher(key), b""
        self.cipher.n = nonce

    def say(self, plain, _source=None):
        sealed = self.cipher.seal(plain)
        self.stream += struct.pack(">H", len(sealed)) + sealed
        return 2 + len(sealed)


def preamble(locator, kind, nonce):
    return b"EHR1\x01" + nonce + hmac256(locator, b"ehrlink1 link\0" + bytes([kind]) + nonce)[:16]


def entry(i, item, salt):
    return num(1, i) + data(2, item["name"]) + num(3, item["size"]) + num(7, 1) + data(12, salt)


class Session:
    """Both sides of one session, as two willing devices would speak it."""

    def __init__(self, given):
        g = self.given = given
        self.h = bytes.fromhex(g["h"])
        self.leaf = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(g["leaf_seed"]))
        self.patient_rng, self.terminal_rng = (Drbg(bytes.fromhex(g[k])) for k in ("patient_seed", "terminal_seed"))
        self.up = Link(bytes.fromhex(g["patient_to_terminal"]))
        self.down = Link(bytes.fromhex(g["terminal_to_patient"]), 1)
        self.crl = bytes.fromhex(g["crl"])
        self.items, self.number, self.listed = g["items"], 0, False
        self.spent, self.contents = 0, b""

    def preamble(self, locator, kind):
        self.up.stream += preamble(locator, kind, self.patient_rng.take(16))

    def ask(self):
        request = data(1, self.h) + num(2, self.given["purpose"]) + data(7, self.given["text"]) + self.marked(9)
        self.request_hash = sha256(request)
        self.down.say(data(1, data(1, self.crl)))
        self.down.say(data(2, signed("consent-request", self.leaf, request)))

    def refuse(self):
        self.up.say(data(5, b""))
        self.up.say(data(17, num(1, 4)))

    def draw_salts(self):
        salt_key = self.patient_rng.take(32)
        self.salts = [hmac256(salt_key, struct.pack(">I", i)) for i in range(len(self.items))]

    def grant(self):
        g = self.given
        self.draw_salts()
        key = self.key = Ed25519PrivateKey.from_private_bytes(self.patient_rng.take(32))
        proof = key.sign(b"ehrlink1 session-key\0" + self.h)
        self.up.say(data(3, data(1, raw_public(key)) + data(2, proof)))
        consent = (data(1, self.h) + data(2, self.request_hash) + num(3, g["purpose"]) + num(6, g["acting_as"])
                   + num(7, g["consent_time"]) + num(9, 1))
        self.consent_hash = sha256(consent)
        self.up.say(data(4, signed("consent", key, consent)))
        self.manifest()

    def numbered(self, field):
        """The number of the transfer, which the first one does not say."""
        return num(field, self.number) if self.number > 0 else b""

    def marked(self, field):
        return num(field, 1) if self.listed else b""

    def manifest(self):
        page = num(1, 0) + b"".join(data(2, entry(i, item, self.salts[i])) for i, item in enumerate(self.items))
        self.up.say(to_step(data(7, page), STEP // 2, STEP))
        total = sum(item["size"] for item in self.items)
        manifest = (data(1, self.h) + num(2, 1) + num(3, 1) + num(4, len(self.items)) + num(5, total)
                    + data(6, sha256(page)) + self.numbered(7) + self.marked(8))
        self.manifest_hash = sha256(manifest)
        self.up.say(to_step(data(8, signed("manifest", self.key, manifest)), STEP // 2, STEP // 2))

    def segments(self, i):
        item = self.items[i]
        content = pattern_bytes(item["kind"], item.get("number", i), item["size"])
        return [content[k:k + SEGMENT_MAX] for k in range(0, len(content), SEGMENT_MAX)]

    def segment(self, i, k):
        segment = self.segments(i)[k]
        for at in range(0, len(segment), PART_MAX):
            head = b"" if at else num(3, 0) + num(4, len(segment)) + num(5, len(segment))
            part = num(1, i) + num(2, k) + head + data(6, segment[at:at + PART_MAX])
            self.spent += self.up.say(data(10, part), (i, k * SEGMENT_MAX + at))

    def done(self, i):
        item = self.items[i]
        root = tree_root(self.salts[i], self.segments(i))
        self.contents += struct.pack(">IQ", i, item["size"]) + root
        done = data(12, num(1, i) + num(2, item["size"]) + data(3, root))
        if i + 1 == len(self.items):
            end = self.spent + 2 + len(done) + 16
            want = padme(end)
            while padding_field(want - end) is None:
                want = padme(want + 1)
            done += padding_field(want - end)
        self.spent += self.up.say(done)

    def ack(self, item, segments):
        self.down.say(data(11, num(1, item) + num(2, segments)))

    def transfer(self):
        self.spent, self.contents = 0, b""
        for i in range(len(self.items)):
            for k in range(len(self.segments(i))):
                self.segment(i, k)
            self.done(i)
            self.ack(i + 1, 0)

    def make_receipt(self):
        g = self.given
        held = [] if self.listed else self.items
        contents_hash = sha256(b"ehrlink1 contents\0" + self.contents)
        body = (data(1, self.h) + num(2, 1) + data(3, self.manifest_hash) + data(4, self.consent_hash)
                + data(5, self.request_hash) + data(6, contents_hash) + num(7, len(held))
                + num(8, sum(item["size"] for item in held)) + num(9, 1) + num(10, g["receipt_time"]) + num(12, 1)
                + data(13, bytes.fromhex(g["audit_head"])) + data(14, raw_public(self.leaf)) + self.numbered(15)
                + self.marked(16))
        self.receipt_hash = sha256(body)
        self.receipt_bytes = signed("receipt", self.leaf, body)

    def make_status(self):
        status = data(1, self.h) + data(2, self.receipt_hash) + num(3, 1) + num(5, self.given["status_time"])
        self.status_bytes = signed("status", self.leaf, status)

    def receipt_ack(self):
        self.up.say(data(14, data(1, self.receipt_hash)))

    def bye(self):
        self.up.say(data(17, num(2, len(self.items)) + num(3, sum(item["size"] for item in self.items))))

    def receipt(self):
        self.make_receipt()
        self.down.say(data(13, self.receipt_bytes))
        self.make_status()
        self.down.say(data(15, self.status_bytes))
        self.receipt_ack()
        self.bye()

    def resume(self, number, locator, psk):
        """A connection of kind 1: the handshake and both hellos, before there is a manifest."""
        self.up.stream, self.down.stream = b"", b""
        self.preamble(locator, 1)
        text = b"ehrlink1 resume\0" + self.h + struct.pack(">I", number)
        patient, terminal = (Noise("NN", [0], i == 0, text, None, [psk]) for i in range(2))
        m1, _ = patient.write(0, self.patient_rng.take(32), b"")
        terminal.read(0, m1)
        m2, _ = terminal.write(1, self.terminal_rng.take(32), b"")
        patient.read(1, m2)
        k1, k2 = noise_hkdf(terminal.ck, b"", 2)
        self.new_locator, self.new_resume = (terminal.derive(f"{k}-{number + 1}") for k in ("locator", "resume"))
        up, down = self.up.stream + m1, m2
        self.up, self.down = Link(k1), Link(k2)
        self.up.stream, self.down.stream = up, down
        self.up.say(data(19, num(1, number + 1) + num(4, 0)))
        self.down.say(data(19, num(1, number + 1) + num(4, 0)))


def session_given(name, items):
    leaf = bytes([0x5E]) * 32
    return {
        "name": name, "h": "a1" * 32, "locator": "b2" * 32, "resume": "c3" * 32, "patient_to_terminal": "01" * 32,
        "terminal_to_patient": "02" * 32, "leaf_seed": leaf.hex(), "patient_seed": "31" * 32,
        "terminal_seed": "32" * 32, "purpose": 1, "text": "please", "crl": (b"a revocation list\0").hex(),
        "acting_as": 1, "consent_time": 1700000000, "receipt_time": 1700000300, "status_time": 1700000600,
        "audit_head": (b"\x07" + bytes(31)).hex(), "items": items,
    }


def session_case(name, items, declined=False, resumed=False):
    given = session_given(name, items)
    s = Session(given)
    locator, psk = bytes.fromhex(given["locator"]), bytes.fromhex(given["resume"])
    s.preamble(locator, 0)
    if resumed:
        s.resume(0, locator, psk)
    s.ask()
    if declined:
        s.refuse()
    else:
        s.grant()
        s.transfer()
        s.receipt()
        given["receipt"] = s.receipt_bytes.hex()
    given.update(declined=declined, resumed=resumed, from_patient=s.up.stream.hex(), from_terminal=s.down.stream.hex())
    if resumed:
        given.update(new_locator=s.new_locator.hex(), new_resume=s.new_resume.hex())
    return given


def session_vectors():
    one = [{"name": "summary.json", "size": 1000, "kind": 1}]
    some = [{"name": "summary.json", "size": 1000, "kind": 1}, {"name": "empty", "size": 0, "kind": 0},
            {"name": "report.pdf", "size": 40000, "kind": 0}]
    good = preamble(bytes([0xB2]) * 32, 0, fixed("nonce", 16))
    return {
        "cases": [session_case("one item", one), session_case("three items", some),
                  session_case("declined", one, declined=True), session_case("resumed", one, resumed=True)],
        "preambles": [
            {"comment": "first link", "bytes": good.hex(), "locator": "b2" * 32, "error": "Ok"},
            {"comment": "one byte missing", "bytes": good[:-1].hex(), "error": "Again"},
            {"comment": "nothing", "bytes": "", "error": "Again"},
            {"comment": "another protocol", "bytes": b"GET /".hex(), "error": "BadMessage"},
            {"comment": "version 2", "bytes": (good[:4] + b"\x02" + good[5:]).hex(), "error": "VersionUnsupported"},
            {"comment": "another session", "bytes": preamble(bytes(32), 0, fixed("nonce", 16)).hex(),
             "locator": "b2" * 32, "error": "NotFound"},
            {"comment": "changed nonce", "bytes": (good[:5] + b"\0" + good[6:]).hex(), "locator": "b2" * 32,
             "error": "NotFound"},
        ],
    }


if __name__ == "__main__":
    sys.exit(write({"session": session_vectors}))
