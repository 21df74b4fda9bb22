#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Where the files of a received session are from: what ehr-view says of it, and what it must never say.

The receipts and proofs are made here, by an implementation of its own of PROTOCOL.md, sections 8 and 9. usage: received.py EHR_VIEW
"""
import base64
import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
except ImportError:
    print("1..0 # SKIP python3-cryptography is not installed")
    sys.exit(0)

VIEW = sys.argv[1]
here = Path(tempfile.mkdtemp(prefix="ehrlink-received-"))
notes = here / "state" / "ehrlink" / "received"
count = failed = 0
CLINIC = "Test Clinic"
FILES = {"a.json": b'{"resourceType":"Observation","status":"final","code":{"text":"o"},"valueString":"v"}', "b.txt": b"all is well"}
VERIFIED = f"Origin: verified: sent, and signed for, by {CLINIC}, at the desk: Dr Muster; not altered since"
FALSE = "WHAT IS KEPT AS THE SENDER'S SIGNATURE DOES NOT HOLD"
STATED = "Origin: as the record itself states it, not verified"
UNPROVEN = "Its receipt is missing or does not hold"


def check(ok, name):
    global count, failed
    count += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {count} - {name}", flush=True)


def varint(n):
    out = b""
    while n > 127:
        out, n = out + bytes([n & 127 | 128]), n >> 7
    return out + bytes([n])


def num(field, value):
    return varint(field << 3) + varint(value)


def data(field, value):
    return varint(field << 3 | 2) + varint(len(value)) + value


def root(salt, content):
    def keyed(part):
        return hashlib.blake2b(part, key=salt, digest_size=32).digest()
    return keyed(b"\2" + struct.pack(">Q", len(content)) + keyed(b"\0" + struct.pack(">QI", 0, len(content)) + content))


# what the terminal asked for, in which operator and time stand
REQUEST = data(1, b"s" * 32) + num(2, 1) + data(6, data(1, b"Dr Muster")) + num(8, 1700000000)
SALTS = [bytes([i + 1]) * 32 for i in range(len(FILES))]
LEAF = Ed25519PrivateKey.from_private_bytes(b"l" * 32)


def public(key):
    return key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)


def signed(key, kind, body):
    return data(1, body) + data(2, key.sign(b"ehrlink1 " + kind + b"\0" + body))


def proof(transfer=0, key=LEAF, by=LEAF, order=(0, 1), change=None, request=REQUEST, named=REQUEST, manifest=b"m"):
    """An OriginProof; what is not as it should be, as the caller wants it."""
    items = b""
    for number, i in enumerate(order):
        content = list(FILES.values())[i]
        body = (data(1, b"s" * 32) + data(2, hashlib.sha256(named).digest()) + data(3, manifest * 32) + num(4, transfer)
                + num(5, number) + num(6, len(content)) + data(7, SALTS[i]) + data(8, root(SALTS[i], content)))
        items += data(5, signed(by, b"item-origin", body))
    out = bytearray(data(3, public(key)) + data(4, signed(by, b"consent-request", request)) + items)
    if change is not None:
        out[change] ^= 1
    return base64.b64encode(bytes(out)).decode()


def receipt(salts, direction=2, transfer=0, complete=1, spoil=False):
    key = Ed25519PrivateKey.from_private_bytes(b"k" * 32)
    contents = b"".join(struct.pack(">IQ", i, len(content)) + root(salt, content)
                        for i, (salt, content) in enumerate(zip(salts, FILES.values())))
    body = (data(1, b"s" * 32) + num(2, direction) + data(3, b"m" * 32) + data(4, b"c" * 32) + data(5, hashlib.sha256(REQUEST).digest())
            + data(6, hashlib.sha256(b"ehrlink1 contents\0" + contents).digest()) + num(7, 2)
            + num(8, sum(map(len, FILES.values()))) + num(9, complete) + num(10, 1700000000)
            + data(14, public(key)) + (num(15, transfer) if transfer else b""))
    signature = key.sign(b"ehrlink1 receipt\0" + body)
    return base64.b64encode(data(1, body) + data(2, bytes(64) if spoil else signature)).decode()


def session(name, note=True, verified=True, direction="to-patient", organisation=CLINIC, change=None, said=None, **made):
    """A directory as ehr-send --replies leaves it, the files last first in session.json. said: the proof."""
    salts = SALTS
    path = here / name
    path.mkdir()
    for file, content in FILES.items():
        (path / file).write_bytes(content)
    described = {"session": "abc", "direction": direction, "from": {"verified": verified, "organisation": organisation},
                 "receipt": receipt(salts, **{"direction": 2 if direction == "to-patient" else 1, **made}),
                 "proof": proof(made.get("transfer", 0)) if said is None else said,
                 "items": [{"file": file, "transfer": made.get("transfer", 0), "number": i, "salt": salt.hex()}
                           for i, (file, salt) in enumerate(zip(FILES, salts))][::-1]}
    if note:
        texts = ("ehrlink received", described["session"], direction, organisation, described["receipt"], described["proof"])
        notes.mkdir(parents=True, exist_ok=True)
        (notes / hashlib.sha256(b"".join(text.encode() + b"\0" for text in texts)).hexdigest()).touch()
    if change is not None:
        change(described)
    (path / "session.json").write_text(json.dumps(described))
    return path


def run(*arguments):
    env = {**os.environ, "LC_ALL": "C.UTF-8", "COLUMNS": "1000", "XDG_STATE_HOME": str(here / "state")}
    env.pop("LANGUAGE", None)
    return subprocess.run([VIEW, *map(str, arguments)], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)


def shown(path):
    done = run(path)
    assert done.returncode == 0 and not done.stderr, done
    return re.sub("[\u2066-\u2069]", "", done.stdout)


def never(path, name, *, altered=False, unproven=False, false=False):
    text = shown(path)
    check("verified" not in text.replace("not verified", "") and STATED in text and CLINIC not in text, f"{name}: never verified")
    check(("ALTERED SINCE IT WAS RECEIVED" in text) == altered and (UNPROVEN in text) == unproven and (FALSE in text) == false,
          f"{name}: said to be what it is")


def spoil(file):
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)


good = session("good")
text = shown(good)
check(text.count(VERIFIED) == 2 and STATED not in text and "ALTERED" not in text, "what a verified clinic sent is verified")
check(VERIFIED in shown(good / "b.txt"), "a single file of it is too")
checked = run("--check", "--json", good / "a.json", good / "b.txt")
check([json.loads(line)["received"] for line in checked.stdout.splitlines()] == ["verified"] * 2 and checked.returncode == 0,
      "--check tells that nothing was altered")
page = here / "page.html"
run("--html", page, good)
check(f"<bdi>{CLINIC}</bdi>" in page.read_text(), "the page names the clinic")
check(VERIFIED in shown(session("second", transfer=1)), "of a later transfer too")
check(VERIFIED in shown(shutil.move(session("here"), here / "elsewhere")), "a directory that was moved on this device stays what it is")

for which in FILES:
    path = session(f"changed-{which}")
    spoil(path / which)
    never(path, f"a byte of {which} was altered", altered=True)
    checked = run("--check", path / which)
    check(checked.returncode == 65 and "ALTERED SINCE IT WAS RECEIVED" in checked.stdout, "--check gives 65 and says so")
    check(json.loads(run("--check", "--json", path / which).stdout)["received"] == "altered", "--check --json too")

path = session("longer")
with open(path / "b.txt", "ab") as f:
    f.write(b"!")
never(path, "a byte was added", altered=True)
path = session("gone")
(path / "b.txt").unlink()
never(path, "a file is gone", altered=True)
path = session("swapped")
(path / "b.txt").write_bytes(FILES["a.json"])
never(path, "another file is in its place", altered=True)

# the proof: whatever is changed in it, even if everything around it agrees
other = Ed25519PrivateKey.from_private_bytes(b"o" * 32)
WRONG = {
    "exchanged": proof(order=(1, 0)), "one missing": proof(order=(0,)), "one twice": proof(order=(0, 0)), "one too many": proof(order=(0, 1, 1)),
    "signed by another": proof(by=other), "of another key": proof(key=other), "of another transfer": proof(transfer=1),
    "of another manifest": proof(manifest=b"n"), "of another request": proof(request=REQUEST + num(7, 1)),
    "with another name at the desk": proof(request=REQUEST.replace(b"Muster", b"Master")), "rubbish": "%%%%", "empty": base64.b64encode(b"\0").decode(),
}
for which, text in WRONG.items():
    path = session("proof-" + which.replace(" ", "-"), said=text)
    never(path, f"proof {which}", false=True)
    done = run("--check", "--json", path / "a.json")
    check(done.returncode == 65 and json.loads(done.stdout)["received"] == "false-origin", f"proof {which}: --check gives 65 and says so")
size = len(base64.b64decode(proof()))
for at in range(0, size, 7):
    path = session(f"proof-byte-{at}", said=proof(change=at))
    done = run("--check", "--json", path / "a.json")
    if done.returncode != 65 or json.loads(done.stdout)["received"] != "false-origin":
        check(False, f"byte {at} of the proof was altered: {done}")
check(True, f"every seventh of the {size} bytes of the proof altered: --check gives 65")
path = session("re-signed", said=proof(key=other, by=other), note=False)
never(path, "another key signed all of it anew: not this device's clinic")
path = session("no-proof", said="")
never(path, "no proof: only what the patient's device says")

path = session("more")
(path / "c.txt").write_text("not of this session")
text = shown(path)
check(text.count(VERIFIED) == 2 and text.count(STATED) == 1 and STATED in text.split("=== c.txt")[1], "a file put beside them is not verified")


def without(*names):
    def change(described):
        for name in names:
            del described[name]
    return change


def salted(described):
    described["items"][0]["salt"] = "00" * 32


def unsalted(described):
    del described["items"][0]["salt"]


def entered(described):
    for item in described["items"]:
        item["patient-entered"] = True


def odd(described):
    described.update({"from": [], "items": [3, [], {"file": 4}, {"file": "a.json", "salt": 1, "number": "x"}]})


never(session("no-receipt", change=without("receipt")), "no receipt", unproven=True)
never(session("spoilt", spoil=True), "a receipt whose signature does not hold", unproven=True)
never(session("rubbish", change=lambda d: d.update(receipt="%%%")), "a receipt that is none", unproven=True)
never(session("not-noted", note=False, change=lambda d: d.update(session="def")), "a directory that somebody else made up")
never(session("other-name", change=lambda d: d["from"].update(organisation="Another")), "the name was changed")
never(session("unverified", verified=False), "a terminal that nobody vouches for")
never(session("clinic", direction="to-terminal", said=""), "what a patient sent")
never(session("turned", change=lambda d: d.update(direction="to-patient"), direction="to-terminal", said=""), "a direction that was changed")
never(session("part", complete=0), "a transfer in part")
never(session("salted", change=salted), "another salt", altered=True)
never(session("unsalted", change=unsalted), "no salt", unproven=True)
never(session("odd", change=odd), "a strange session.json", unproven=True)
deep = session("deep")
for begin in ("", '/*"*/', "#\"\n"):
    (deep / "session.json").write_text('{"items":' + begin + "[" * 5000000)
    check(STATED in shown(deep), f"a session.json nested millions deep is none ({begin!r})")
text = shown(session("entered", change=entered))
check(text.count("Origin: entered by the patient") == 2 and "verified" not in text, "what the patient entered is that, whoever sent it")
never(session("nobody", change=without("from")), "from nobody")

shutil.rmtree(here)
print(f"1..{count}")
sys.exit(failed > 0)
