#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The library against the real service, over two hosts."""
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "scenarios"))
from scenario import CLINIC, case, main, read  # noqa: E402

EXAMPLE = os.path.join(HERE, "..", "..", "lib", "examples", "receive.py")
CONVERSATION = os.path.join(HERE, "conversation.py")
SURVIVOR = os.path.join(HERE, "survivor.py")
# root's python3 may be another one, without the bindings
PYTHON = "/usr/bin/python3"


def collected(directory, *files):
    names = sorted(os.listdir(directory))
    assert names == sorted(os.path.basename(f) for f in files), names
    for file in files:
        assert read(os.path.join(directory, os.path.basename(file))) == read(file), file


@case()
def example(rig):
    """The example in Python receives a summary, a report and an image."""
    os.mkdir("inbox")
    receive = rig.start("clinic", PYTHON, EXAMPLE, "inbox")
    send = rig.send(*rig.sample())
    rig.tap()
    end = send.ends(0)
    receive.ends(0)
    collected("inbox", *rig.sample())
    assert len(receive.out) >= 3, receive.said()
    assert end, send.said()


@case()
def example_declined(rig):
    """The patient says no: the example says so, and ends with a failure."""
    os.mkdir("inbox")
    receive = rig.start("clinic", PYTHON, EXAMPLE, "inbox")
    send = rig.send(*rig.sample(), options=())
    rig.tap()
    send.expect("request")
    send.type("no")
    send.ends(77)
    receive.ends(1)
    assert "declined" in "".join(receive.err) and not os.listdir("inbox"), receive.said()


@case()
def killed_when_armed(rig):
    """The clinic's service is killed while it is armed: the library takes the session up, or ends it with a name."""
    os.mkdir("inbox")
    receive = rig.start("clinic", PYTHON, SURVIVOR, "inbox", "armed")
    receive.expect("detached")
    receive.ends(0)


@case()
def killed_when_arrived(rig):
    """The clinic's service is killed when everything has arrived: it is collected and filed all the same, once."""
    os.mkdir("inbox")
    receive = rig.start("clinic", PYTHON, SURVIVOR, "inbox", "arrived")
    receive.expect("opened")
    send = rig.send(rig.write("a.json", 1000), rig.write("b.json", 300_000))
    rig.tap()
    receive.expect("reattached")
    receive.ends(0)
    collected("inbox", "a.json", "b.json")
    send.process.wait(60)


@case()
def killed_while_collecting(rig):
    """The clinic's service is killed after the first of many items was stored: each is there once."""
    os.mkdir("inbox")
    files = [rig.write(f"{i}.bin", 1000 + i) for i in range(60)]
    receive = rig.start("clinic", PYTHON, SURVIVOR, "inbox", "collecting")
    receive.expect("opened")
    send = rig.send(*files)
    rig.tap()
    receive.expect("reattached")
    receive.ends(0)
    collected("inbox", *files)
    send.process.wait(60)


def conversation(rig, *words):
    for name in ("inbox", "back"):
        os.mkdir(name)
    for name in ("new", "before", "urine", "old", "later", "scan", "letter", "report"):
        rig.write(f"{name}.json", 1000)
    receive = rig.start("clinic", PYTHON, CONVERSATION, "terminal", *words)
    receive.expect("opened")
    send = rig.start("patient", PYTHON, CONVERSATION, "patient")
    rig.tap()
    receive.ends(0), send.ends(0)
    asked, offered = send.expect("asked"), send.expect("offered")
    blood = {"categories": ["Laboratory-Reports"], "type": "http://loinc.org|11502-2", "since": "2025", "until": "2026-03", "last": 1}
    assert asked["list"] == bool(words) and asked["queries"] == [blood, {"ids": ["scan.json"]}], asked
    assert asked["matching"] == ["new.json", "scan.json"], asked
    assert offered == {"event": "offered", "by": CLINIC, "verified": True}, offered
    assert send.expect("taken") == {"event": "taken", "names": ["report.json"], "proof": True}, send.said()
    assert receive.expect("replied")["receipt"] and receive.expect("filed")["status"] == "filed", receive.said()
    assert receive.expect("filed")["well"] and send.expect("sent")["well"]
    collected("back", "report.json")
    return receive


@case()
def part_and_reply(rig):
    """By the library alone: part of the records is asked for in every way, and a report goes back."""
    receive = conversation(rig)
    assert receive.expect("collected")["names"] == ["new.json", "scan.json"]
    collected("inbox", "new.json", "scan.json")


@case()
def list_and_one_of_it(rig):
    """By the library alone: the list first, then a single item of it, and a report goes back."""
    receive = conversation(rig, "list")
    assert receive.expect("listed") == {"event": "listed", "names": ["new.json", "scan.json"], "stored": 0}, receive.said()
    assert receive.expect("collected")["names"] == ["scan.json"]
    collected("inbox", "scan.json")


if __name__ == "__main__":
    main()
