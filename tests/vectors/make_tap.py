#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/vectors/tap.json: whole taps, byte for byte, from PROTOCOL.md and ehrlink.proto. See make.py."""
import copy
import sys

from common import Drbg, data, fixed, num, raw_public, sha256, write
from noise import Cipher, Noise, noise_hkdf

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

AID = b"\xf0ehrlink"


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
    if c.get("oob"):
        out += data(7, bytes.fromhex(c["oob"]))
    return out


def patient_hello(case):
    """PatientHello: what is lasting is said to a verified terminal that told OOB data itself."""
    out = num(1, case.get("capabilities", 0))
    if case.get("patient_oob"):
        out += data(2, bytes.fromhex(case["patient_address"])) + data(3, bytes.fromhex(case["patient_oob"]))
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
        m3, _ = patient.write(2, None, patient_hello(case))
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


def tap_case(name, chain, address, channel, categories, **more):
    case = {
        "name": name, "reader_seed": fixed(f"tap {name} reader").hex(), "card_seed": fixed(f"tap {name} card").hex(),
        "leaf_seed": fixed("tap leaf").hex(), "chain": [c.hex() for c in chain], "purpose": 1,
        "categories": categories, "address": address, "channel": channel, **more,
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


def oob(whose):
    """P-192 is not used: zeros."""
    return (bytes(32) + fixed(f"oob {whose}")).hex()


def tap_vectors():
    cases = [
        tap_case("bare key", [], "aabbccddeeff", 7, [1, 5]),
        tap_case("chain of 900 bytes", [fixed("der leaf", 495), fixed("der intermediate", 405)], "0102030405ff", 30, []),
        tap_case("no address", [fixed("der leaf", 300)], "", 0, [1]),
        tap_case("has to look the terminal up", [fixed("der leaf", 300)], "aabbccddeeff", 22, [1], capabilities=2),
        tap_case("pairing out of band", [fixed("der leaf", 300)], "aabbccddeeff", 22, [1], capabilities=1, oob=oob("terminal"),
                 patient_address="060504030201", patient_oob=oob("patient")),
    ]
    return {"cases": cases, "must_fail": tap_failures(cases)}


if __name__ == "__main__":
    sys.exit(write({"tap": tap_vectors}))
