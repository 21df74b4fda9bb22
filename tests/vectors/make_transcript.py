#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/vectors/transcript.json: sessions step by step, each message before and after sealing. See make.py.

One session loses its link in the middle of an item, and once more before its receipt has arrived; one is asked for
items of a list.
"""
import struct
import sys

from common import data, fixed, num, sha256, signed, varint, write
from make_session import STEP, Session, preamble, session_given, to_step
from noise import Cipher, Noise, noise_hkdf

NAMES = {1: "CrlStaple", 2: "ConsentRequest", 3: "SessionKey", 4: "Consent", 7: "ManifestPage", 8: "Manifest",
         9: "ItemRequest", 10: "SegmentPart", 11: "Ack", 12: "ItemDone", 13: "Receipt", 14: "ReceiptAck", 15: "Status",
         17: "Bye", 19: "ResumeHello"}
LONG = 1024  # of data in a part: longer is told by where it is from

HELLO, GRANTED = 19, 1


def field_of(plain):
    """Of the body of a Record: the tag is one byte, or two from field 16 on."""
    return plain[0] >> 3 if plain[0] < 0x80 else (plain[0] & 0x7F | plain[1] << 7) >> 3


class Way:
    """One direction of a link; what is said is a step of that link."""

    def __init__(self, who, key, nonce, steps):
        self.who, self.key, self.steps, self.cipher = who, key, steps, Cipher(key)
        self.cipher.n = nonce

    def say(self, plain, source=None):
        step = {"from": self.who, "message": NAMES[field_of(plain)], "nonce": self.cipher.n}
        sealed = self.cipher.seal(plain)
        wire = struct.pack(">H", len(sealed)) + sealed
        step.update(shown(plain, wire, source if len(plain) > LONG else None))
        self.steps.append(step)
        return len(wire)


def head_of(part):
    """What stands before the data of a SegmentPart, its last field."""
    for at in range(len(part)):
        if part[at:at + 1] == b"\x32":
            for n in (1, 2, 3):
                if varint(len(part) - at - 1 - n) == part[at + 1:at + 1 + n]:
                    return part[:at + 1 + n]
    raise ValueError("not a part")


def shown(plain, wire, source):
    if source is None:
        return {"plain": plain.hex(), "wire": wire.hex()}
    item, offset = source
    head = head_of(plain)
    return {"head": head.hex(), "item": item, "offset": offset, "length": len(plain) - len(head),
            "plain_sha256": sha256(plain).hex(), "wire_sha256": sha256(wire).hex()}


def hello(generation, manifest_hash=None, at=None, state=GRANTED, transfer=0):
    where = b"" if at is None else data(3, num(1, at[0]) + num(2, at[1]))
    return data(HELLO, num(1, generation) + (b"" if manifest_hash is None else data(2, manifest_hash)) + where
                + num(4, state) + (num(5, transfer) if transfer > 0 else b""))


class Transcript(Session):
    def __init__(self, name, items, listed=False):
        given = session_given(name, items)
        super().__init__(given)
        self.listed = given["listed"] = listed
        self.generation = 0
        self.locator, self.psk = bytes.fromhex(given.pop("locator")), bytes.fromhex(given.pop("resume"))
        self.generations = [{"number": 0, "locator": self.locator.hex(), "resume": self.psk.hex()}]
        self.links, self.sent = [], list(items)
        self.first = (bytes.fromhex(given.pop("patient_to_terminal")), bytes.fromhex(given.pop("terminal_to_patient")))

    def step(self, who, message, wire, **more):
        self.links[-1]["steps"].append({"from": who, "message": message, **more, "wire": wire.hex()})

    def ways(self, up, down, down_nonce):
        link = self.links[-1]
        link.update(patient_to_terminal=up.hex(), terminal_to_patient=down.hex())
        self.up = Way("patient", up, 0, link["steps"])
        self.down = Way("terminal", down, down_nonce, link["steps"])
        self.spent = 0

    def connect(self):
        self.links.append({"kind": 0, "steps": []})
        self.step("patient", "preamble", preamble(self.locator, 0, self.patient_rng.take(16)))
        self.ways(*self.first, 1)

    def prologue(self, generation):
        return b"ehrlink1 resume\0" + self.h + struct.pack(">I", generation)

    def reconnect(self):
        """The handshake of a later link, and the keys that it leaves."""
        self.links.append({"kind": 1, "generation": self.generation, "steps": []})
        self.step("patient", "preamble", preamble(self.locator, 1, self.patient_rng.take(16)))
        patient, terminal = (Noise("NN", [0], i == 0, self.prologue(self.generation), None, [self.psk])
                             for i in range(2))
        secret = self.patient_rng.take(32)
        m1, _ = patient.write(0, secret, b"")
        self.step("patient", "message 1", m1, e=secret.hex())
        terminal.read(0, m1)
        secret = self.terminal_rng.take(32)
        m2, _ = terminal.write(1, secret, b"")
        self.step("terminal", "message 2", m2, e=secret.hex())
        patient.read(1, m2)
        self.generation += 1
        self.locator, self.psk = (terminal.derive(f"{k}-{self.generation}") for k in ("locator", "resume"))
        self.generations.append({"number": self.generation, "locator": self.locator.hex(), "resume": self.psk.hex()})
        self.ways(*noise_hkdf(terminal.ck, b"", 2), 0)

    def hellos(self, terminal_at, patient_at):
        self.down.say(hello(self.generation, self.manifest_hash, terminal_at))
        self.up.say(hello(self.generation, self.manifest_hash, patient_at))

    def lose(self, n):
        """The last n steps do not arrive, and the link is gone."""
        for step in self.links[-1]["steps"][-n:]:
            step["lost"] = True

    def told(self):
        self.given.update(generations=self.generations, links=self.links)
        return self.given


def resumed():
    s = Transcript("resumed in the middle of an item", [{"name": "note.txt", "size": 100, "kind": 1},
                                                        {"name": "report.pdf", "size": 263144, "kind": 0}])
    s.connect()
    s.ask()
    s.grant()
    s.segment(0, 0)
    s.done(0)
    s.ack(1, 0)
    s.segment(1, 0)
    s.ack(1, 1)
    s.segment(1, 1)
    s.lose(2)
    s.reconnect()
    s.hellos((1, 1), (1, 0))
    s.segment(1, 1)
    s.done(1)
    s.ack(2, 0)
    s.make_receipt()
    s.down.say(data(13, s.receipt_bytes))
    s.make_status()
    s.down.say(data(15, s.status_bytes))
    s.lose(3)
    s.reconnect()
    s.hellos((2, 0), (1, 1))
    s.down.say(data(13, s.receipt_bytes))
    s.down.say(data(15, s.status_bytes))
    s.receipt_ack()
    s.bye()
    return s


def later():
    items = [{"name": "summary.json", "size": 1000, "kind": 1}, {"name": "lab.json", "size": 200, "kind": 0},
             {"name": "report.pdf", "size": 300, "kind": 0}]
    s = Transcript("a list, and items of it", items, listed=True)
    s.connect()
    s.ask()
    s.grant()
    s.make_receipt()
    s.down.say(data(13, s.receipt_bytes))
    s.receipt_ack()
    wanted = data(1, data(6, "0") + data(6, "2"))
    s.down.say(to_step(data(9, wanted), STEP, STEP))
    s.number, s.listed = 1, False
    s.items = [dict(items[i], number=i) for i in (0, 2)]
    s.given["later"] = [0, 2]
    s.draw_salts()
    s.manifest()
    for i in range(2):
        s.segment(i, 0)
        s.done(i)
    s.ack(2, 0)
    s.make_receipt()
    s.down.say(data(13, s.receipt_bytes))
    s.receipt_ack()
    s.make_status()
    s.down.say(data(15, s.status_bytes))
    s.bye()
    return s


def early():
    """Lost before any data, of an item that is longer than the window; not told to its end."""
    s = Transcript("resumed before any data", [{"name": "scan.dcm", "size": 3 << 20, "kind": 0}])
    s.given["unfinished"] = True
    s.connect()
    s.ask()
    s.grant()
    s.reconnect()
    s.hellos((0, 0), (0, 0))
    return s


# ---------------------------------------------------------------------------------- must fail


def find(link, who, message, nth=0):
    """The index of the step."""
    return [i for i, step in enumerate(link["steps"]) if (step["from"], step["message"]) == (who, message)][nth]


class MustFail:
    """What a victim is given in place of a step, after all those before it."""

    def __init__(self, session):
        self.s, self.out = session, []

    def add(self, comment, link, at, victim, wire, error, **more):
        self.out.append({"comment": comment, "case": self.s.given["name"], "link": link, "at": at, "victim": victim,
                         **more, "wire": wire.hex(), "error": error})

    def seal(self, link, at, who, *plains):
        """Records as the other side would seal them there."""
        tape = self.s.links[link]
        said = [step for step in tape["steps"][:at] if step["from"] == who and "nonce" in step]
        cipher = Cipher(bytes.fromhex(tape["patient_to_terminal" if who == "patient" else "terminal_to_patient"]))
        cipher.n = said[-1]["nonce"] + 1 if said else (1 if who == "terminal" and tape["kind"] == 0 else 0)
        sealed = [cipher.seal(plain) for plain in plains]
        return b"".join(struct.pack(">H", len(s)) + s for s in sealed)

    def record(self, comment, link, where, plain, error):
        """In place of the step where = (who, message, nth) that record, by the same side."""
        at = find(self.s.links[link], *where)
        victim = "terminal" if where[0] == "patient" else "patient"
        self.add(comment, link, at, victim, self.seal(link, at, where[0], plain), error, ends=True, plain=plain.hex())


def fail_handshake(f):
    """Nothing of these ends the session: the connection is closed, and the next one may be right."""
    s = f.s
    old, now = s.generations[0], s.generations[1]
    locator, later_locator = (bytes.fromhex(g["locator"]) for g in (old, now))
    nonce = fixed("must-fail nonce", 16)
    secret = fixed("must-fail e")

    def first_message(generation, psk, h=None):
        text = b"ehrlink1 resume\0" + (h or s.h) + struct.pack(">I", generation)
        return Noise("NN", [0], True, text, None, [psk]).write(0, secret, b"")[0]

    f.add("a preamble of the generation before", 2, 0, "terminal", preamble(locator, 1, nonce), "NotFound", ends=False)
    f.add("the preamble of the first link, whose keys are used up", 1, 0, "terminal", preamble(locator, 0, nonce),
          "NotFound", ends=False)
    f.add("message 1 without the secret", 1, 0, "terminal",
          preamble(locator, 1, nonce) + first_message(0, fixed("another resume")), "BadTag", ends=False,
          psk=old["resume"])
    f.add("message 1 with the secret of the generation before", 2, 0, "terminal",
          preamble(later_locator, 1, nonce) + first_message(1, bytes.fromhex(old["resume"])), "BadTag", ends=False,
          psk=now["resume"])
    f.add("message 1 of another session", 1, 0, "terminal",
          preamble(locator, 1, nonce) + first_message(0, bytes.fromhex(old["resume"]), bytes(32)), "BadTag", ends=False,
          psk=old["resume"])
    m2 = bytes.fromhex(s.links[1]["steps"][2]["wire"])
    f.add("message 2 by somebody without the secret", 1, 2, "patient", fixed("must-fail e", 32) + m2[32:], "BadTag",
          ends=False)
    whole = b"".join(bytes.fromhex(s.links[1]["steps"][i]["wire"]) for i in (0, 1, 4))
    f.add("a recorded preamble, message 1 and ResumeHello again, before the terminal had them", 1, 4, "terminal",
          whole, "BadTag", ends=False)
    f.add("the same, after", 2, 0, "terminal", whole, "NotFound", ends=False)
    f.add("a ResumeHello twice, as it was sealed", 1, 5, "terminal", bytes.fromhex(s.links[1]["steps"][4]["wire"]),
          "BadTag", ends=False, same_link=True)


def fail_hello(f):
    h, other = f.s.manifest_hash, fixed("another manifest")
    patient, terminal = ("patient", "ResumeHello", 0), ("terminal", "ResumeHello", 0)

    def both(comment, plain, error):
        for where in (patient, terminal):
            f.record(comment, 1, where, plain, error)

    both("the generation that was", hello(0, h, (1, 0)), "BadMessage")
    both("a generation to come", hello(2, h, (1, 0)), "BadMessage")
    both("no generation", data(HELLO, num(4, 0)), "BadMessage")
    both("state 4", hello(1, state=4), "BadMessage")
    both("granted, and no manifest", hello(1, None, (1, 0)), "BadMessage")
    both("granted, and no position", hello(1, h, None), "BadMessage")
    both("a manifest, and not granted", hello(1, h, None, state=0), "BadMessage")
    twice, half = 2 * data(3, num(1, 1) + num(2, 0)), data(3, num(1, 1))
    both("two positions", data(HELLO, num(1, 1) + data(2, h) + twice + num(4, 1)), "BadMessage")
    both("a position without segments", data(HELLO, num(1, 1) + data(2, h) + half + num(4, 1)), "BadMessage")
    both("another manifest", hello(1, other, (1, 0)), "RolledBack")
    both("of a transfer that never began", hello(1, h, (1, 0), transfer=1), "RolledBack")
    both("another message first", data(16, b""), "OutOfOrder")
    f.record("a receiver that has forgotten what it acknowledged", 1, terminal, hello(1, state=0), "RolledBack")
    f.record("a position before one that was acknowledged", 1, terminal, hello(1, h, (0, 1)), "RolledBack")
    f.record("beyond the item's segments", 1, terminal, hello(1, h, (1, 3)), "BadMessage")
    f.record("beyond all items", 1, terminal, hello(1, h, (3, 0)), "BadMessage")
    f.record("segments of the end, where there are none", 1, terminal, hello(1, h, (2, 1)), "BadMessage")
    f.record("a sender that knows of more than the receiver", 1, patient, hello(1, h, (2, 0)), "RolledBack")
    f.record("a sender that has forgotten its manifest", 1, patient, hello(1, state=0), "RolledBack")
    at = find(f.s.links[1], *patient) + 1
    f.add("a second ResumeHello", 1, at, "terminal", f.seal(1, at, "patient", hello(1, h, (1, 0))), "OutOfOrder",
          ends=True, plain=hello(1, h, (1, 0)).hex())


def fail_beyond(f):
    """The sender can have sent eight segments, a window."""
    f.record("beyond what can have been sent", 1, ("terminal", "ResumeHello", 0), hello(1, f.s.manifest_hash, (0, 9)),
             "OutOfOrder")
    f.record("beyond the end, of an item that has just begun", 1, ("terminal", "ResumeHello", 0),
             hello(1, f.s.manifest_hash, (1, 0)), "OutOfOrder")


def fail_after(f):
    """Behind the hellos: what the positions say is what follows."""
    part = ("patient", "SegmentPart", 0)
    content = f.s.segments(1)[1]

    def at_segment(k, length=len(content)):
        return data(10, num(1, 1) + num(2, k) + num(3, 0) + num(4, length) + num(5, length) + data(6, content[:length]))

    before = num(1, 1) + num(2, 0) + num(3, 0) + num(4, 262144) + num(5, 262144) + data(6, content[:100])
    f.record("the segment before the position again", 1, part, data(10, before), "OutOfOrder")
    f.record("a segment left out", 1, part, at_segment(2), "OutOfOrder")
    f.record("not as long as the manifest says", 1, part, at_segment(1, len(content) - 1), "BadMessage")
    f.record("the end of the item, which is not there yet", 1, part,
             data(12, num(1, 1) + num(2, 263144) + data(3, fixed("root"))), "OutOfOrder")
    f.record("consent and manifest once more, though the terminal has them", 1, part,
             data(3, data(1, fixed("key")) + data(2, fixed("signature", 64))), "OutOfOrder")


def fail_later(f):
    s = f.s
    manifest, page = ("patient", "Manifest", 1), ("patient", "ManifestPage", 1)
    page_plain = bytes.fromhex(s.links[0]["steps"][find(s.links[0], *page)]["plain"])
    page_body = page_plain[2:2 + page_plain[1]]  # without the padding; the length takes one byte
    pages_hash = sha256(page_body)

    def body(direction=1, number=num(7, 1), listed=b"", more=b""):
        return (data(1, s.h) + num(2, direction) + num(3, 1) + num(4, 2) + num(5, 1300) + data(6, pages_hash) + number
                + listed + more)

    def one(comment, signed_body, error, key=None):
        f.record(comment, 0, manifest, data(8, signed("manifest", key or s.key, signed_body)), error)

    assert sha256(body()) == s.manifest_hash  # but for what follows they would be right
    one("the number of the transfer before", body(number=num(7, 0)), "BadManifest")
    one("no number, as the first has none", body(number=b""), "BadManifest")
    one("the number of the next", body(number=num(7, 2)), "BadManifest")
    one("a list, which was not asked for", body(listed=num(8, 1)), "BadManifest")
    one("it goes on with what another session left", body(more=data(9, fixed("continues"))), "BadManifest")
    one("in the other direction", body(direction=2), "BadManifest")
    one("signed by the terminal's own key", body(), "BadSignature", s.leaf)
    first = bytes.fromhex(s.links[0]["steps"][find(s.links[0], "patient", "Manifest", 0)]["plain"])
    f.record("the manifest of the list once more", 0, manifest, first, "BadManifest")
    f.record("the consent once more", 0, page, data(4, signed("consent", s.key, b"\x0a\x00")), "OutOfOrder")
    f.record("items before their manifest", 0, page,
             data(10, num(1, 0) + num(2, 0) + num(3, 0) + num(4, 3) + num(5, 3) + data(6, b"abc")), "OutOfOrder")
    f.record("a page that does not begin at 0", 0, page, data(7, num(1, 1) + page_body[2:]), "BadManifest")
    receipt = ("terminal", "Receipt", 1)
    f.record("the receipt of the list once more", 0, receipt,
             bytes.fromhex(s.links[0]["steps"][find(s.links[0], "terminal", "Receipt", 0)]["plain"]), "BadReceipt")
    f.record("ItemRequest while the items come", 0, receipt, data(9, data(1, data(6, "1"))), "OutOfOrder")
    # what is done stays done
    f.record("a manifest that nobody asked for", 0, ("patient", "ReceiptAck", 0), page_plain, "Ok")
    f.record("ItemRequest without a query", 0, ("terminal", "ItemRequest", 0), data(9, b""), "Ok")
    f.record("ItemRequest with a query for what is not in the table", 0, ("terminal", "ItemRequest", 0),
             data(9, data(1, data(1, b"\x63"))), "Ok")


def transcript_vectors():
    makers = [(resumed(), [fail_handshake, fail_hello, fail_after]), (early(), [fail_beyond]), (later(), [fail_later])]
    out = []
    for session, failures in makers:
        f = MustFail(session)
        for make in failures:
            make(f)
        out += f.out
    return {"cases": [session.told() for session, _ in makers], "must_fail": out}


if __name__ == "__main__":
    sys.exit(write({"transcript": transcript_vectors}))
