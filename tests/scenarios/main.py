#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The main scenario: tap to receipt, as the README promises it."""
import json
import os
import signal
import subprocess
import time

from scenario import CLINIC, case, main


@case()
def tap_to_receipt(rig):
    """The sample patient's three files: sent, received, filed, a receipt that verifies on both sides."""
    files = rig.sample()
    receive = rig.receive("--request", "Patient-Summaries", "--request", "Medical-Imaging", "--request", "Laboratory-Reports",
                          "--purpose", "TREAT", "--operator", "Anna Muster")
    send = rig.send(*files, options=("--yes", "--to", CLINIC, "--receipt", "receipt.json"))
    rig.tap()
    send.ends(0), receive.ends(0)
    directory = rig.arrived(files)
    peer, request = send.expect("peer"), send.expect("request")
    assert peer["verified"] is True and peer["organisation"] == CLINIC and peer["authority"], peer
    assert request["purpose"] == "TREAT" and "Anna Muster" in json.dumps(request), request
    receipt = send.expect("receipt")
    assert receipt["items"] == 3 and receipt["bytes"] == sum(os.path.getsize(f) for f in files) and receipt["complete"], receipt
    assert send.expect("status")["status"] == "filed"
    with open(os.path.join(directory, "session.json"), encoding="utf-8") as f:
        session = json.load(f)
    assert session["state"] == "filed" and session["receipt"] == receipt["receipt"], session
    rig.call("on-patient", "ehrctl", "receipt", "verify", "receipt.json")


@case("--rate", "200", "--delay", "30", "--realistic")
def feels_like_a_radio(rig):
    """The same over a link of 200 KB/s and 30 ms and with the time that NFC takes."""
    files = rig.sample()
    receive, send = rig.receive(), rig.send(*files)
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.arrived(files)


@case("--slow-disk", "patient=150")
def slow_disk_at_the_patient(rig):
    """The receipt takes the patient's disk longer than filing takes the clinic."""
    files = rig.sample()
    receive, send = rig.receive(), rig.send(*files)
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.arrived(files)


@case("--delay", "300")
def receipt_and_status_together(rig):
    """The receipt, the status and the end reach the patient's device in one piece."""
    files = rig.sample()
    receive, send = rig.receive(), rig.send(*files)
    rig.tap()
    receive.state("confirming")  # the receipt is under way now
    pid = int(rig.call("daemon-pid", "patient"))
    os.kill(pid, signal.SIGSTOP)
    receive.expect("filed")
    time.sleep(1)  # not to wait for anything: only so that all of it lies there when the daemon wakes
    os.kill(pid, signal.SIGCONT)
    send.ends(0), receive.ends(0)
    rig.arrived(files)


@case("--slow-disk", "clinic=60")
def slow_disk_at_the_clinic(rig):
    """A clinic whose disk is slow: the same."""
    files = rig.sample()
    receive, send = rig.receive(), rig.send(*files)
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.arrived(files)


@case()
def either_side_first(rig):
    """The patient's device may be armed long before the clinic's, and one after the other works."""
    files = [rig.write("a.json", 5000)]
    for _ in range(3):
        send = rig.send(*files)
        send.state("ready")
        receive = rig.receive(output="again")
        rig.tap()
        send.ends(0), receive.ends(0)
        rig.untap()
    assert len(rig.sessions("again")) == 3


@case()
def in_words(rig):
    """Without --json both screens say each state in words, and who the clinic is."""
    files = rig.sample()[:1]
    receive = rig.start("clinic", "ehr-receive", "--once", "--file", "auto", "--output", "got")
    send = rig.start("patient", "ehr-send", *files)
    rig.call("tap")
    send.type("yes")
    send.ends(0), receive.ends(0)
    said = "".join(send.err) + "".join(send.out)
    for words in (CLINIC, "Test Authority", "Testville", "Verified:", "Receipt:"):
        assert words in said, f"{words!r} is not in: {said}"
    rig.arrived(files)


@case()
def interrupted(rig):
    """Ctrl-C at the sender, before the tap and in mid-transfer: 130 there, nothing partial at the clinic."""
    send = rig.send(rig.write("a.json", 1000))
    send.state("ready")
    send.signal(signal.SIGINT)
    send.ends(130)
    rig.link("rate", "300")
    receive, send = rig.receive(), rig.send(rig.write("b.bin", 3_000_000))
    rig.tap()
    send.expect("progress")
    send.signal(signal.SIGINT)
    send.ends(130)
    receive.ends(75)
    rig.nothing_arrived()


@case()
def interrupted_at_the_clinic(rig):
    """Ctrl-C at the receiver in mid-transfer: 130 there, 75 at the sender, nothing partial in sight."""
    rig.link("rate", "300")
    receive, send = rig.receive(), rig.send(rig.write("b.bin", 3_000_000))
    rig.tap()
    send.expect("progress")
    receive.signal(signal.SIGINT)
    receive.ends(130)
    send.ends(75)
    rig.nothing_arrived()


@case()
def filed_later(rig):
    """--file later: received first, filed by ehrctl session file; the sender has its receipt before that."""
    files = rig.sample()
    receive, send = rig.receive(file="later"), rig.send(*files)
    rig.tap()
    send.ends(0), receive.ends(0)
    directory = rig.arrived(files)
    listed = rig.call("on-clinic", "ehrctl", "--json", "session", "list")
    identifier = os.path.basename(directory).split("-", 1)[1]
    assert identifier in listed, listed
    rig.call("on-clinic", "ehrctl", "session", "file", identifier)
    with open(os.path.join(directory, "session.json"), encoding="utf-8") as f:
        assert json.load(f)["state"] == "filed"


@case()
def usage(rig):
    """Wrong command lines: 64, said in words, no session."""
    a = rig.write("a.json", 10)
    for command in (["ehr-send"], ["ehr-send", "--yes", a], ["ehr-send", "--bogus", a], ["ehr-send", "--timeout", "x", a],
                    ["ehr-receive", "--file", "perhaps"], ["ehr-receive", "--purpose", "FUN"], ["ehr-receive", "--request", "Gossip"],
                    ["ehr-receive", "extra"], ["ehrctl"], ["ehrctl", "nonsense"], ["ehrctl", "trust", "add"]):
        done = subprocess.run(["on-patient", *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert done.returncode == 64 and done.stderr, (command, done)


if __name__ == "__main__":
    main()
