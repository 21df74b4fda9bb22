#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A device that authenticates and then breaks the rules, a patient's or a terminal: 76 and a named error at the other side, nothing
stored, no crash."""
import os
import socket
import subprocess
import time

from scenario import CLINIC, case, main

# what it does: how it ends at the clinic. Several names where which check is first is no promise.
MISCHIEF = {
    "bad-hash": "BadHash",
    "bad-data": ("BadHash", "BadCompression"),
    "wrong-length": ("BadMessage", "BadCompression", "OutOfOrder", "TooLarge"),
    "huge-length": ("BadMessage", "TooLarge"),
    "missing-segment": ("OutOfOrder", "BadMessage"),
    "twice": ("OutOfOrder", "BadMessage"),
    "other-item": ("OutOfOrder", "BadMessage"),
    "no-consent": "OutOfOrder",
    "consent-signature": "BadSignature",
    "manifest-signature": "BadSignature",
    "manifest-count": "BadManifest",
    "manifest-bytes": "BadManifest",
    "lying-size": ("BadMessage", "BadManifest", "BadHash", "OutOfOrder"),
    "evil-name": "BadManifest",
    "id-gap": "BadManifest",
    "enormous-item": ("BadManifest", "TooLarge"),
    "garbage": "BadMessage",
    "bomb": ("BadMessage", "TooLarge"),
    "receipt-of-its-own": ("OutOfOrder", "BadMessage"),
    "early-data": ("OutOfOrder", "BadMessage"),
}


# what a daemon may have grown by when all is over, in kB: its allocator keeps some of what one session needed
GROWTH_KB = 8192


def anonymous_kb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as status:
        return int(next(line for line in status if line.startswith("RssAnon:")).split()[1])


def grown(pid, before, what):
    """The daemon's memory against what it was; the figure is printed."""
    now = anonymous_kb(pid)
    print(f"figure: {what}: RssAnon {before} kB before, {now} kB after")
    if "asan" in os.environ["EHRLINK_BUILD"]:
        return  # a sanitizer keeps what was freed
    assert now - before <= GROWTH_KB, f"{what}: the daemon grew from {before} to {now} kB"


def play(rig, mischief, output="got"):
    """One session with a rogue; returns the clinic's program and how the rogue's side ended."""
    receive = rig.receive(output=output)
    receive.state("ready")
    rig.call("simctl", os.path.join(rig.dir, "nfc"), "tap", "1")  # the clinic's reader, and whatever comes by the card socket
    rogue = subprocess.Popen(["rogue-patient", os.path.join(rig.dir, "nfc/card"), os.path.join(rig.dir, "p/link"), mischief],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = rogue.communicate(timeout=60)
    return receive, out.strip(), err


@case()
def plays_by_the_rules(rig):
    """Without mischief it is a patient's device like any other: else the rest would prove nothing."""
    receive, ended, err = play(rig, "nothing")
    receive.ends(0)
    assert ended == "ended Ok", (ended, err)
    assert len(rig.sessions()) == 1


@case(seconds=400)
def breaks_the_rules(rig):
    """Each mischief in turn, on one daemon that goes on serving."""
    known = set(rig.call("rogue-patient", "--list").split())
    assert known == set(MISCHIEF) | {"nothing"}, known ^ set(MISCHIEF)
    pid = before = None
    for mischief, error in MISCHIEF.items():
        receive, ended, err = play(rig, mischief)
        try:
            receive.ends(76, error)
        except AssertionError as e:
            raise AssertionError(f"{mischief} (its side: {ended} {err}): {e}") from e
        assert ended == "ended PeerProtocol", (mischief, ended, err)
        rig.nothing_arrived()
        now = rig.call("daemon-pid", "clinic")
        assert pid in (None, now), f"the daemon died of {mischief}"
        pid = now
        before = before or anonymous_kb(pid)
    grown(pid, before, f"{len(MISCHIEF)} sessions of a patient that breaks the rules")
    receive, ended, err = play(rig, "nothing", "good")
    receive.ends(0)
    assert ended == "ended Ok", (ended, err)


# the same for a terminal with a real certificate: how it ends at the patient, and whether the patient has consented by then
TERMINAL = {
    "no-staple": ("OutOfOrder", False),
    "staple-twice": ("OutOfOrder", False),
    "request-signature": ("BadSignature", False),
    "request-session": ("BadMessage", False),
    "request-purpose": ("BadMessage", False),
    "request-unknown": ("BadMessage", False),
    "early-ack": ("OutOfOrder", False),
    "early-receipt": ("OutOfOrder", False),
    "consent-of-its-own": ("OutOfOrder", False),
    "garbage": ("BadMessage", False),
    "bomb": (("BadMessage", "TooLarge"), False),
    "request-twice": ("OutOfOrder", True),
    "ack-beyond": ("BadMessage", True),
    "ack-unsent": (("BadMessage", "OutOfOrder"), True),
    "ack-back": ("RolledBack", True),
    "receipt-first": (("OutOfOrder", "BadReceipt"), True),
    "receipt-signature": (("BadSignature", "BadReceipt"), True),
    "receipt-contents": ("BadReceipt", True),
    "receipt-items": ("BadReceipt", True),
    "receipt-chain": ("BadReceipt", True),
    "receipt-signer": (("BadSignature", "BadReceipt"), True),
}


def certify(rig):
    """A terminal of the clinic's organisation that is not the rig's own: key, chain and revocation lists."""
    rig.call("openssl", "genpkey", "-algorithm", "ed25519", "-out", "rogue.key")
    rig.call("openssl", "req", "-new", "-key", "rogue.key", "-subj", f"/O={CLINIC}/CN=Desk 2/L=Testville/C=AT", "-out", "rogue.csr")
    authority = os.path.join(rig.dir, "ca/ca")
    rig.call("test-ca", authority, "issue", "rogue.csr", "-o", "rogue.pem")
    rig.call("test-ca", authority, "crl", "-o", "rogue-crls.pem")


def receive_badly(rig, mischief, files):
    """One session with a rogue terminal; returns the patient's program and what the rogue said."""
    send = rig.send(*files, options=("--yes", "--to", CLINIC, "--receipt", "receipt"))
    send.state("ready")
    rig.call("simctl", os.path.join(rig.dir, "nfc"), "tap", "0", "1")
    rogue = subprocess.Popen(["rogue-terminal", f"pn532_uart:{rig.dir}/nfc/chip1:115200", os.path.join(rig.dir, "c/link"), "rogue.key",
                              "rogue.pem", "rogue-crls.pem", mischief],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = rogue.communicate(timeout=90)
    rig.untap()
    return send, out.split("\n"), err


@case()
def a_terminal_plays_by_the_rules(rig):
    """Without mischief it is a terminal like any other, and its receipt is good."""
    certify(rig)
    send, said, err = receive_badly(rig, "nothing", [rig.write("a.bin", 50000), rig.write("b.bin", 300000)])
    assert "ended Ok" in said, (said, err, send.said())
    send.ends(0)
    rig.call("on-patient", "ehrctl", "receipt", "verify", "receipt")


@case(seconds=400)
def a_terminal_breaks_the_rules(rig):
    """Each mischief of a terminal in turn, on one daemon of a patient; before consent it learns nothing, and no receipt is kept."""
    certify(rig)
    known = set(rig.call("rogue-terminal", "--list").split())
    assert known == set(TERMINAL) | {"nothing"}, known ^ set(TERMINAL)
    files = [rig.write("a.bin", 50000), rig.write("b.bin", 300000)]
    pid = before = None
    for mischief, (error, consented) in TERMINAL.items():
        send, said, err = receive_badly(rig, mischief, files)
        try:
            send.ends(76, error)
        except AssertionError as e:
            raise AssertionError(f"{mischief} (its side: {said} {err}): {e}") from e
        # how it ends there is its own affair: told so, closed upon while it spoke, or content with the receipt that it sent
        assert any(line.startswith("ended ") for line in said) and "ended never" not in said, (mischief, said, err)
        assert consented or "manifest" not in said, f"{mischief}: it learned what there is before anybody agreed"
        assert not os.path.exists("receipt"), f"{mischief}: a receipt was kept"
        now = rig.call("daemon-pid", "patient")
        assert pid in (None, now), f"the daemon died of {mischief}"
        pid = now
        before = before or anonymous_kb(pid)
    # what compressed goes with the end of each session, and not when the session is forgotten
    grown(pid, before, f"{len(TERMINAL)} sessions of a terminal that breaks the rules")
    send, said, err = receive_badly(rig, "nothing", files)
    send.ends(0)
    assert "ended Ok" in said, (said, err)


def knock(rig, data):
    """A connection to the clinic that says so much and stays; None when it was hung up at once."""
    name, = os.listdir(os.path.join(rig.dir, "c/link"))
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    connection.settimeout(30)
    try:
        connection.connect(os.path.join(rig.dir, "c/link", name))
        connection.sendall(data)
    except OSError:
        connection.close()
        return None
    return connection


def is_open(connection):
    """Says one byte more; False once the daemon has hung up."""
    try:
        connection.send(b"\x55", socket.MSG_DONTWAIT)
        return True
    except OSError:
        return False


@case()
def half_open(rig):
    """Hundreds of connections that say nothing, a part of a preamble, or a byte now and then: the session goes on, all are hung up, nothing is kept."""
    rig.link("rate", "400")
    files = [rig.write("a.bin", 1_500_000)]
    receive, send = rig.receive(), rig.send(*files)
    rig.tap()
    send.expect("progress")
    pid = rig.call("daemon-pid", "clinic")
    before = anonymous_kb(pid)
    starts = [b"", b"E", b"EHR1", b"EHR1\1", b"EHR1\1" + os.urandom(16), b"EHR1\1" + os.urandom(31), b"EHR1\1" + os.urandom(32)]
    knocks = [knock(rig, starts[i % len(starts)]) for i in range(300)]
    deadline = time.monotonic() + 60
    while knocks and time.monotonic() < deadline:
        knocks = [connection for connection in knocks if connection is not None and is_open(connection)]
        time.sleep(0.5)  # a byte now and then is what the case is about
    assert not knocks, f"{len(knocks)} half-open connections are kept"
    rig.link("rate", "0")
    send.ends(0), receive.ends(0)
    rig.arrived(files)
    assert rig.call("daemon-pid", "clinic") == pid, "the daemon died of it"
    grown(pid, before, "300 connections, half open")


if __name__ == "__main__":
    main()
