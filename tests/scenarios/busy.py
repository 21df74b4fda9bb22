#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A second device taps while a session is in each of its states: BUSY, learns nothing, the session goes on."""
import json
import signal

from scenario import CLINIC, case, main


def bystander(rig):
    """A second patient taps this clinic now: is told to wait, and not a word about the clinic or the first patient."""
    second = rig.send(rig.write("second.json", 1000), host="patient2")
    second.state("ready")
    rig.tap("patient2")
    second.expect("trouble", error="PeerBusy")
    rig.untap()
    second.signal(signal.SIGINT)
    second.ends(130)
    said = json.dumps(second.events) + "".join(second.err)
    assert CLINIC not in said and not second.find("peer") and not second.find("request"), second.said()


def finish(rig, receive, send, files):
    rig.link("rate", "0")
    send.ends(0), receive.ends(0)
    rig.arrived(files)


@case("--second-patient")
def while_deciding(rig):
    """While the first patient decides."""
    files = [rig.write("a.json", 5000)]
    receive = rig.receive()
    send = rig.start("patient", "ehr-send", "--json", "--timeout", "60", *files)
    rig.tap()
    send.expect("request")
    rig.untap()
    bystander(rig)
    send.type("yes")
    finish(rig, receive, send, files)


@case("--second-patient")
def while_transferring(rig):
    """While items are under way."""
    rig.link("rate", "200")
    files = [rig.write("a.bin", 2_000_000)]
    receive, send = rig.receive(), rig.send(*files)
    rig.tap()
    send.expect("progress")
    rig.untap()
    bystander(rig)
    finish(rig, receive, send, files)


@case("--second-patient")
def while_suspended(rig):
    """While the link is away and may come back."""
    rig.link("rate", "200")
    files = [rig.write("a.bin", 2_000_000)]
    receive, send = rig.receive(), rig.send(*files)
    rig.tap()
    send.expect("progress")
    rig.untap()
    rig.link("down")
    receive.state("suspended")
    bystander(rig)
    rig.link("up")
    finish(rig, receive, send, files)


@case("--second-patient")
def while_connecting(rig):
    """Between the tap and the link."""
    rig.link("down")
    files = [rig.write("a.bin", 1000)]
    receive, send = rig.receive(), rig.send(*files)
    rig.tap()
    send.state("tapped")
    rig.untap()
    bystander(rig)
    rig.link("up")
    finish(rig, receive, send, files)


@case("--second-patient")
def while_confirming(rig):
    """While the clinic has yet to confirm whose records they are."""
    files = [rig.write("a.json", 5000)]
    receive = rig.receive(file="ask")
    send = rig.send(*files, options=("--yes", "--to", CLINIC, "--wait-filed"))
    rig.tap()
    receive.expect("arrived")
    rig.untap()
    bystander(rig)
    receive.type("yes")
    finish(rig, receive, send, files)


@case("--second-patient")
def next_patient(rig):
    """When the first session is over, the second device is served."""
    one, two = rig.write("one.json", 1000), rig.write("two.json", 2000)
    receive = rig.receive(once=False)
    send = rig.send(one)
    rig.tap()
    send.ends(0)
    rig.untap()
    second = rig.send(two, host="patient2")
    second.state("ready")
    rig.tap("patient2")
    second.ends(0)
    assert len(rig.sessions()) == 2
    receive.signal(signal.SIGINT)
    receive.ends(130)


if __name__ == "__main__":
    main()
