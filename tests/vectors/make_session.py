#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/vectors/{tap,session,manifest,receipt}.json: whole exchanges, byte for byte, by an implementation of
its own.

Written from PROTOCOL.md and ehrlink.proto, not from proto/*.c. The random numbers of both sides come from the generator
that proto/drbg.h describes, so that the engine makes the same bytes from the same seeds. See make.py.
"""
import copy
import json
import struct
import sys

from make import (HERE, Cipher, Noise, fixed, hmac256, noise_hkdf, padme, raw_public, sha256, tree_root)

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.ciphers import Cipher as StreamCipher
from cryptography.hazmat.primitives.ciphers import algorithms

AID = b"\xf0ehrlink"
SEGMENT_MAX, PART_MAX, STEP = 256 * 1024, 32640, 512


class Drbg:
    """Each call: the first half of block 0 is the next key, the output is blocks 1, 2 …"""

    def __init__(self, seed):
        self.key = seed

    def take(self, n):
        nonce = struct.pack("<I", 0) + bytes(12)
        stream = StreamCipher(algorithms.ChaCha20(self.key, nonce), None).encryptor().update(bytes(64 + n))
        self.key = stream[:32]
        return stream[64:]


# ---------------------------------------------------------------------------------- protobuf, by hand


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


# ---------------------------------------------------------------------------------- tap


def hello(case, **change):
    """TerminalHello."""
    c = dict(case, **change)
    out = num(1, c.get("version", 1))
    for der in c["chain"]:
        out += data(2, bytes.fromhex(der))
    if (not c["chain"] and not c.get("no_key")) or c.get("both"):
        out += data(3, c["leaf_public"])
    if not c.get("no_request"):
        out += data(4, num(1, c["purpose"]) + (data(2, bytes(c["categories"])) if c["categories"] else b""))
    if c["address"]:
        out += data(5, bytes.fromhex(c["address"]))
    if c["channel"]:
        out += num(6, c["channel"])
    return out


def prologue(low, high):
    return b"ehrlink1 tap\0" + bytes([1, 2, 1]) + AID + bytes([low, high])


def select_apdu():
    return bytes.fromhex("00a4040008") + AID + b"\0"


def fragments(message):
    parts = [message[i:i + 240] for i in range(0, len(message), 240)]
    return [bytes([0x80, 0x10, i, i + 1 < len(parts), len(p)]) + p + b"\0" for i, p in enumerate(parts)]


class Tap:
    """One tap with the terminal's hello as given; keeps all it says."""

    def __init__(self, case, payload=None, sign_with=None):
        leaf = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(case["leaf_seed"]))
        case = dict(case, leaf_public=raw_public(leaf))
        reader, card = Drbg(bytes.fromhex(case["reader_seed"])), Drbg(bytes.fromhex(case["card_seed"]))
        patient = Noise("XX", [], True, prologue(1, 1), card.take(32), [])
        e = card.take(32)
        m1, _ = patient.write(0, e, b"")
        self.apdus = [(select_apdu(), b"\x01\x01" + m1 + b"\x90\x00")]
        terminal = Noise("XX", [], False, prologue(1, 1), reader.take(32), [])
        terminal.read(0, m1)
        text = hello(case) if payload is None else payload(case)
        # h_s is h just before the payload: written once to learn it, then again with the signature
        e = reader.take(32)
        h_s = self.h_before_payload(terminal, e)
        signature = (sign_with or leaf).sign(b"ehrlink1 terminal-auth\0" + h_s + sha256(text))
        m2, before = terminal.write(1, e, text + signature)
        assert before == h_s
        self.m2, self.h_s = m2, h_s
        patient.read(1, m2)
        m3, _ = patient.write(2, None, num(1, 0))
        terminal.read(2, m3)
        pieces = fragments(m2)
        self.apdus += [(p, b"\x90\x00") for p in pieces[:-1]]
        self.apdus.append((pieces[-1], m3 + b"\x90\x00"))
        assert (terminal.h, terminal.ck) == (patient.h, patient.ck)
        k1, k2 = noise_hkdf(terminal.ck, b"", 2)
        self.up, self.down = Cipher(k1), Cipher(k2)
        sealed = self.down.seal(num(1, 0))
        self.apdus.append((bytes([0x80, 0x12, 0, 0, len(sealed)]) + sealed + b"\0", b"\x90\x00"))
        self.noise = terminal

    @staticmethod
    def h_before_payload(noise, e):
        trial = Noise.__new__(Noise)
        trial.__dict__ = {k: copy.copy(v) if isinstance(v, (Cipher, list)) else v for k, v in noise.__dict__.items()}
        return trial.write(1, e, b"")[1]


def tap_case(name, chain, address, channel, categories):
    case = {
        "name": name, "reader_seed": fixed(f"tap {name} reader").hex(), "card_seed": fixed(f"tap {name} card").hex(),
        "leaf_seed": fixed("tap leaf").hex(), "chain": [c.hex() for c in chain], "purpose": 1,
        "categories": categories, "address": address, "channel": channel,
    }
    tap = Tap(case)
    case.update(
        apdus=[{"c": c.hex(), "r": r.hex()} for c, r in tap.apdus], h_s=tap.h_s.hex(), h=tap.noise.h.hex(),
        locator=tap.noise.derive("locator-0").hex(), resume=tap.noise.derive("resume-0").hex(),
        export=tap.noise.derive("export").hex(), patient_to_terminal=tap.up.key.hex(),
        terminal_to_patient=tap.down.key.hex(),
        leaf_public=raw_public(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(case["leaf_seed"]))).hex())
    return case


def tap_failures(cases):
    """The victim gets the exchange up to `at`, then `apdu`; what it says and the status it ends with."""
    out = []
    bare, chain = cases[0], cases[1]
    stranger = Ed25519PrivateKey.from_private_bytes(fixed("tap stranger"))

    def card(comment, case, at, apdu, error="TapRejected", answer="6f00"):
        out.append({"comment": comment, "case": case["name"], "victim": "card", "at": at, "apdu": apdu.hex(),
                    "answer": answer, "error": error})

    def reader(comment, case, at, apdu, error="TapRejected"):
        out.append({"comment": comment, "case": case["name"], "victim": "reader", "at": at, "apdu": apdu.hex(),
                    "error": error})

    def lie(comment, error="TapRejected", case=bare, sign_with=None, **change):
        tap = Tap(case, lambda c: hello(c, **change), sign_with)
        card(comment, case, 1, tap.apdus[1][0], error)

    last = bytes.fromhex(bare["apdus"][1]["c"])
    card("a flipped bit in message 2", bare, 1, last[:50] + bytes([last[50] ^ 1]) + last[51:])
    card("message 2 without its end", bare, 1, last[:4] + bytes([last[4] - 1]) + last[5:-2] + b"\0")
    card("fragment with another number", bare, 1, last[:2] + b"\x01" + last[3:])
    card("fragment with an unknown flag", bare, 1, last[:3] + b"\x02" + last[4:])
    card("CONFIRM before message 2", bare, 1, bytes.fromhex(bare["apdus"][2]["c"]))
    confirm = bytes.fromhex(bare["apdus"][2]["c"])
    card("CONFIRM that does not authenticate", bare, 2, confirm[:-2] + bytes([confirm[-2] ^ 1]) + b"\0")
    card("fragment twice", chain, 2, bytes.fromhex(chain["apdus"][1]["c"]))
    card("extended length", bare, 1, bytes.fromhex("8010000000000100"))
    lie("version above the card's", "VersionUnsupported", version=2)
    lie("version 0", "VersionUnsupported", version=0)
    lie("no request", no_request=True)
    lie("unknown purpose", purpose=99)
    lie("purpose not given", purpose=0)
    lie("unknown category", categories=[9])
    lie("address of five bytes", address="aabbccddee")
    lie("channel without address", address="")
    lie("channel 31", channel=31)
    lie("neither chain nor key", no_key=True)
    lie("chain and key", chain=["3001"], both=True)
    lie("signed by somebody else", "BadSignature", sign_with=stranger)
    tap = Tap(bare, lambda c: hello(c) + b"\x0b")
    card("a group in the hello", bare, 1, tap.apdus[1][0])
    tap = Tap(bare, lambda c: hello(c) + num(1, 1))
    card("version twice", bare, 1, tap.apdus[1][0])
    first = bytes.fromhex(bare["apdus"][0]["r"])
    reader("not ehrlink, or not armed", bare, 0, b"\x6a\x82", "ForeignDevice")
    reader("no data", bare, 0, b"\x90\x00", "ForeignDevice")
    reader("e too short", bare, 0, first[:-3] + b"\x90\x00")
    reader("only newer versions", bare, 0, b"\x02\x09" + first[2:], "VersionUnsupported")
    reader("e is a point of small order", bare, 0, b"\x01\x01" + bytes(32) + b"\x90\x00")
    third = bytes.fromhex(bare["apdus"][1]["r"])
    reader("message 3 changed", bare, 1, bytes([third[0] ^ 1]) + third[1:])
    reader("message 3 empty", bare, 1, b"\x90\x00")
    reader("STOP", bare, 1, b"\x69\x85", "Unverified")
    reader("no 9000 after CONFIRM", bare, 2, b"\x6f\x00")
    return out


def tap_vectors():
    cases = [
        tap_case("bare key", [], "aabbccddeeff", 7, [1, 5]),
        tap_case("chain of 900 bytes", [fixed("der leaf", 495), fixed("der intermediate", 405)], "0102030405ff", 30, []),
        tap_case("no address", [fixed("der leaf", 300)], "", 0, [1]),
    ]
    return {"cases": cases, "must_fail": tap_failures(cases)}


# ---------------------------------------------------------------------------------- session


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

    def say(self, plain):
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

    def preamble(self, locator, kind):
        self.up.stream += preamble(locator, kind, self.patient_rng.take(16))

    def ask(self):
        request = data(1, self.h) + num(2, self.given["purpose"]) + data(7, self.given["text"])
        self.request_hash = sha256(request)
        self.down.say(data(1, data(1, self.crl)))
        self.down.say(data(2, signed("consent-request", self.leaf, request)))

    def refuse(self):
        self.up.say(data(5, b""))
        self.up.say(data(17, num(1, 4)))

    def grant(self):
        g = self.given
        salt_key = self.patient_rng.take(32)
        self.salts = [hmac256(salt_key, struct.pack(">I", i)) for i in range(len(g["items"]))]
        key = self.key = Ed25519PrivateKey.from_private_bytes(self.patient_rng.take(32))
        proof = key.sign(b"ehrlink1 session-key\0" + self.h)
        self.up.say(data(3, data(1, raw_public(key)) + data(2, proof)))
        consent = (data(1, self.h) + data(2, self.request_hash) + num(3, g["purpose"]) + num(6, g["acting_as"])
                   + num(7, g["consent_time"]) + num(9, 1))
        self.consent_hash = sha256(consent)
        self.up.say(data(4, signed("consent", key, consent)))
        page = num(1, 0) + b"".join(data(2, entry(i, item, self.salts[i])) for i, item in enumerate(g["items"]))
        self.up.say(to_step(data(7, page), STEP // 2, STEP))
        total = sum(item["size"] for item in g["items"])
        manifest = (data(1, self.h) + num(2, 1) + num(3, 1) + num(4, len(g["items"])) + num(5, total)
                    + data(6, sha256(page)))
        self.manifest_hash = sha256(manifest)
        self.up.say(to_step(data(8, signed("manifest", key, manifest)), STEP // 2, STEP // 2))

    def transfer(self):
        spent, contents = 0, b""
        items = self.given["items"]
        for i, item in enumerate(items):
            content = pattern_bytes(item["kind"], i, item["size"])
            segments = [content[k:k + SEGMENT_MAX] for k in range(0, len(content), SEGMENT_MAX)]
            for k, segment in enumerate(segments):
                for at in range(0, len(segment), PART_MAX):
                    head = b"" if at else num(3, 0) + num(4, len(segment)) + num(5, len(segment))
                    part = num(1, i) + num(2, k) + head + data(6, segment[at:at + PART_MAX])
                    spent += self.up.say(data(10, part))
            root = tree_root(self.salts[i], segments)
            contents += struct.pack(">IQ", i, item["size"]) + root
            done = data(12, num(1, i) + num(2, item["size"]) + data(3, root))
            if i + 1 == len(items):
                end = spent + 2 + len(done) + 16
                want = padme(end)
                while padding_field(want - end) is None:
                    want = padme(want + 1)
                done += padding_field(want - end)
            spent += self.up.say(done)
            self.down.say(data(11, num(1, i + 1) + num(2, 0)))
        self.contents_hash = sha256(b"ehrlink1 contents\0" + contents)

    def receipt(self):
        g = self.given
        total = sum(item["size"] for item in g["items"])
        body = (data(1, self.h) + num(2, 1) + data(3, self.manifest_hash) + data(4, self.consent_hash)
                + data(5, self.request_hash) + data(6, self.contents_hash) + num(7, len(g["items"])) + num(8, total)
                + num(9, 1) + num(10, g["receipt_time"]) + num(12, 1) + data(13, bytes.fromhex(g["audit_head"]))
                + data(14, raw_public(self.leaf)))
        self.receipt_bytes = signed("receipt", self.leaf, body)
        self.down.say(data(13, self.receipt_bytes))
        status = data(1, self.h) + data(2, sha256(body)) + num(3, 1) + num(5, g["status_time"])
        self.down.say(data(15, signed("status", self.leaf, status)))
        self.up.say(data(14, data(1, sha256(body))))
        self.up.say(data(17, num(2, len(g["items"])) + num(3, total)))

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


# ---------------------------------------------------------------------------------- manifest


def full_entry(i, **change):
    e = {"name": "x", "size": 10, "category": 1, "salt": fixed(f"salt {i}"), "id": i}
    e.update(change)
    out = b""
    if e["id"] is not None:
        out += num(1, e["id"])
    if e["name"] is not None:
        out += data(2, e["name"])
    if e["size"] is not None:
        out += num(3, e["size"])
    for field, key in ((4, "media_type"), (5, "title"), (6, "date")):
        if key in e:
            out += data(field, e[key])
    if e["category"] is not None:
        out += num(7, e["category"])
    if "subject" in e:
        out += data(11, e["subject"])
    if e["salt"] is not None:
        out += data(12, e["salt"])
    return out


def page(number, *entries):
    return num(1, number) + b"".join(data(2, e) for e in entries)


def manifest_vectors():
    full = full_entry(0, name="Röntgen 1.dcm", size=2**40, category=4, media_type="application/dicom",
                      title="Röntgen", date="2026-02", subject=b"a")
    good = [
        ("one small item", [page(0, full_entry(0))]),
        ("every field", [page(0, full)]),
        ("two pages", [page(0, full_entry(0), full_entry(1)), page(1, full_entry(2))]),
        ("an empty item", [page(0, full_entry(0, size=0))]),
        ("name of 255 bytes", [page(0, full_entry(0, name="n" * 255))]),
        ("dots, but not only", [page(0, full_entry(0, name="..."), full_entry(1, name=".x"))]),
        ("same subject", [page(0, full_entry(0, subject=b"a"), full_entry(1, subject=b"a"))]),
    ]
    bad = [
        ("no entry", [page(0)], "BadManifest"),
        ("first page is number 1", [page(1, full_entry(0))], "BadManifest"),
        ("page twice", [page(0, full_entry(0)), page(0, full_entry(1))], "BadManifest"),
        ("no number", [data(2, full_entry(0))], "BadManifest"),
        ("id not dense", [page(0, full_entry(0), full_entry(2))], "BadManifest"),
        ("id twice", [page(0, full_entry(0), full_entry(0))], "BadManifest"),
        ("no id", [page(0, full_entry(0, id=None))], "BadManifest"),
        ("no name", [page(0, full_entry(0, name=None))], "BadManifest"),
        ("empty name", [page(0, full_entry(0, name=""))], "BadManifest"),
        ("a path", [page(0, full_entry(0, name="a/b"))], "BadManifest"),
        ("the directory", [page(0, full_entry(0, name="."))], "BadManifest"),
        ("the directory above", [page(0, full_entry(0, name=".."))], "BadManifest"),
        ("name with a NUL", [page(0, full_entry(0, name=b"a\0b"))], "BadMessage"),
        ("name is not UTF-8", [page(0, full_entry(0, name=b"\xc3\x28"))], "BadMessage"),
        ("name of 256 bytes", [page(0, full_entry(0, name="n" * 256))], "TooLarge"),
        ("no size", [page(0, full_entry(0, size=None))], "BadManifest"),
        ("too large", [page(0, full_entry(0, size=2**40 + 1))], "BadManifest"),
        ("too large together", [page(0, *(full_entry(i, size=2**40) for i in range(5)))], "BadManifest"),
        ("no category", [page(0, full_entry(0, category=None))], "BadManifest"),
        ("unknown category", [page(0, full_entry(0, category=9))], "BadManifest"),
        ("no salt", [page(0, full_entry(0, salt=None))], "BadManifest"),
        ("short salt", [page(0, full_entry(0, salt=bytes(31)))], "BadMessage"),
        ("two subjects", [page(0, full_entry(0, subject=b"a"), full_entry(1, subject=b"b"))], "BadManifest"),
        ("one with a subject", [page(0, full_entry(0), full_entry(1, subject=b"b"))], "BadManifest"),
    ]
    return {
        "cases": [{"name": n, "pages": [p.hex() for p in pages], "pages_hash": sha256(b"".join(pages)).hex()}
                  for n, pages in good],
        "must_fail": [{"comment": n, "pages": [p.hex() for p in pages], "error": e} for n, pages, e in bad],
    }


# ---------------------------------------------------------------------------------- receipt


def receipt_body(key, **change):
    fields = {1: fixed("h"), 2: 1, 3: fixed("manifest"), 4: fixed("consent"), 5: fixed("request"), 6: fixed("contents"),
              7: 3, 8: 12345, 9: 1, 10: 1700000300, 11: [], 12: 1, 13: fixed("audit"), 14: raw_public(key)}
    fields.update({int(k[1:]): v for k, v in change.items()})
    out = b""
    for field, value in fields.items():
        for v in value if isinstance(value, list) else [value]:
            if v is not None:
                out += num(field, v) if isinstance(v, int) else data(field, v)
    return out


def receipt_vectors():
    key, other = (Ed25519PrivateKey.from_private_bytes(fixed(f"receipt {n}")) for n in ("key", "other"))
    plain = receipt_body(key)
    good = [
        ("bare key", plain), ("with a chain", receipt_body(key, f11=[fixed("der", 500), fixed("der 2", 400)])),
        ("partial", receipt_body(key, f9=0)), ("without CRL state and audit", receipt_body(key, f12=None, f13=None)),
        ("with a field from the future", plain + data(77, b"new")),
    ]
    whole = signed("receipt", key, plain)
    bad = [
        ("changed body", whole.replace(fixed("manifest"), fixed("other"))),
        ("changed signature", whole[:-1] + bytes([whole[-1] ^ 1])),
        ("signed as something else", signed("status", key, plain)),
        ("signed by another key than it names", signed("receipt", other, plain)),
        ("no signer", signed("receipt", key, receipt_body(key, f14=None))),
        ("no time", signed("receipt", key, receipt_body(key, f10=None))),
        ("no manifest hash", signed("receipt", key, receipt_body(key, f3=None))),
        ("short hash", signed("receipt", key, receipt_body(key, f3=bytes(31)))),
        ("no signature", data(1, plain)), ("no body", data(2, bytes(64))), ("empty", b""),
        ("cut", whole[:-10]), ("junk behind", whole + b"\xff"), ("body twice", data(1, plain) + whole),
        ("four certificates", signed("receipt", key, receipt_body(key, f11=[b"0"] * 4))),
        ("above 8,192 bytes", signed("receipt", key, plain + data(77, bytes(8192)))),
    ]
    return {
        "cases": [{"name": n, "receipt": signed("receipt", key, b).hex(), "hash": sha256(b).hex(),
                   "signer": raw_public(key).hex()} for n, b in good],
        "must_fail": [{"comment": n, "receipt": b.hex(), "error": "ReceiptInvalid"} for n, b in bad],
    }


# ---------------------------------------------------------------------------------- taking up


def take_up_vectors():
    def case(name, export, unfinished, session):
        key = hmac256(export, b"ehrlink1 take-up\0" + unfinished)
        return {"name": name, "export": export.hex(), "unfinished": unfinished.hex(), "session": session.hex(),
                "continues": hmac256(key, session).hex()}

    good = case("two sessions", fixed("export a"), fixed("session a"), fixed("session b"))
    other = case("two others", fixed("export c"), fixed("session c"), fixed("session d"))

    def bad(name, **change):
        return dict(good, name=name, error="NotFound", **change)

    return {
        "cases": [good, other],
        "must_fail": [
            bad("another session is unfinished", unfinished=other["unfinished"]),
            bad("replayed in another session", session=other["session"]),
            bad("another export key", export=other["export"]),
            bad("one bit", continues=good["continues"][:-1] + format(int(good["continues"][-1], 16) ^ 1, "x")),
        ],
    }


def main():
    check = sys.argv[1:] == ["--check"]
    status = 0
    makers = {"tap": tap_vectors, "session": session_vectors, "manifest": manifest_vectors, "receipt": receipt_vectors,
              "take-up": take_up_vectors}
    for name, maker in makers.items():
        text = json.dumps(maker(), indent=1, ensure_ascii=False) + "\n"
        path = HERE / f"{name}.json"
        if not check:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            print(f"{path.name} differs from what would be made")
            status = 1
    return status


if __name__ == "__main__":
    sys.exit(main())
