#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""From received to filed: what becomes of a session when the receiver ends before that, when nobody confirms, and what runs after."""
import json
import os
import shutil
import signal
import stat
import subprocess
import sys
import time

from scenario import CLINIC, PATIENCE, TIMEOUT, AtTerminal, case, main

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "rig", "faults"))
import faults  # noqa: E402


def state_of(directory):
    with open(os.path.join(directory, "session.json"), encoding="utf-8") as f:
        return json.load(f)


def pure(*programs):
    """With --json nothing but one object per line goes to standard output."""
    for program in programs:
        for line in program.out:
            assert line == "" or isinstance(json.loads(line), dict), program.said()


def until(condition, what):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def program(rig, name, text):
    rig.write(name, f"#!/bin/sh\n{text}\n")
    os.chmod(name, stat.S_IRWXU)
    return os.path.abspath(name)


@case()
def killed_before_filing(rig):
    """The receiver is killed after all is stored: the next one finds the session and files it."""
    files = rig.sample()
    receive, send = rig.receive(file="ask"), rig.send(*files)
    rig.tap()
    receive.expect("arrived")
    receive.signal(signal.SIGKILL)
    send.ends(0)
    again = rig.receive(once=False)
    filed = again.expect("filed")
    directory = rig.arrived(files)
    assert os.path.samefile(filed["directory"], directory)
    assert state_of(directory)["state"] == "filed"
    again.signal(signal.SIGINT)
    again.ends(130)
    pure(receive, send, again)


@case()
def killed_while_storing(rig):
    """The receiver is killed while it stores: the next one goes on where it was, and session.json names every item."""
    files = [rig.write(f"{i:04}.bin", 2000 + i) for i in range(1500)]
    receive, send = rig.receive(file="later"), rig.send(*files)
    rig.tap()
    until(lambda: any(d.startswith(".incoming") and len(os.listdir(os.path.join("got", d))) > 20
                      for d in (os.listdir("got") if os.path.isdir("got") else [])) or receive.process.poll() is not None,
          "nothing is stored")
    receive.signal(signal.SIGKILL)
    send.ends(0)
    os.makedirs("got/.incoming-0123456789abcdef01234567")
    again = rig.receive(once=False)
    again.expect("filed")
    assert not [d for d in os.listdir("got") if d.startswith(".")], os.listdir("got")
    assert len(rig.sessions()) == 1, rig.sessions()
    directory = os.path.join("got", rig.sessions()[0])
    left = set(os.listdir(directory)) ^ {"session.json", "findings.json", *map(os.path.basename, files)}
    assert not left, f"{len(left)}, {sorted(left)[:5]}"
    items = state_of(directory)["items"]
    assert sorted(i["file"] for i in items) == sorted(os.path.basename(f) for f in files), len(items)
    again.signal(signal.SIGINT)
    again.ends(130)


@case()
def several_left_for_later(rig):
    """Two sessions left for later, then Ctrl-C: it ends at once, and both can be filed or discarded."""
    receive = rig.receive(file="later", once=False)
    for i in range(2):
        receive.state("ready")
        send = rig.send(rig.write(f"{i}.bin", 1000))
        rig.tap()
        send.ends(0)
        until(lambda: len(rig.sessions()) == i + 1, receive.said())
        rig.untap()
        # counted by session: on a busy machine a tap may tear and be tried again, and "ready" is then told once more
        until(lambda: len({e["session"] for e in receive.events if e.get("state") == "ready"}) == i + 2, receive.said())
    receive.signal(signal.SIGINT)
    receive.ends(130)
    pure(receive)
    first, second = (os.path.join("got", d) for d in rig.sessions())
    rig.call("on-clinic", "ehrctl", "session", "file", first.split("-", 1)[1])
    rig.call("on-clinic", "ehrctl", "session", "discard", second.split("-", 1)[1])
    assert state_of(first)["state"] == "filed" and not os.path.exists(second)
    assert not rig.spooled()


@case("--set", "clinic:session.filing-timeout=1")
def nobody_confirms(rig):
    """Nobody answers at the terminal until the filing time is over: nothing is kept, and the patient hears of it."""
    receive, send = rig.receive(file="ask"), rig.send(rig.write("a.bin", 1000), options=("--yes", "--to", "Test Clinic", "--wait-filed"))
    rig.tap()
    receive.expect("arrived")
    receive.ends(75, "FilingTimedOut")
    assert send.expect("status")["status"] == "discarded", send.said()
    send.process.wait()
    rig.nothing_arrived()
    pure(receive, send)


@case()
def interrupted_at_the_question(rig):
    """Ctrl-C when staff are asked: 130, the items are gone, the patient hears that they were not kept."""
    receive, send = rig.receive(file="ask"), rig.send(rig.write("a.bin", 1000), options=("--yes", "--to", "Test Clinic", "--wait-filed"))
    rig.tap()
    receive.expect("arrived")
    receive.signal(signal.SIGINT)
    receive.ends(130)
    assert send.expect("status")["status"] == "discarded", send.said()
    rig.nothing_arrived()


@case()
def interrupted_everywhere(rig):
    """Ctrl-C once and twice while armed and while the patient decides: 130, and the reader is free at once."""
    for times in (1, 2):
        for host in ("clinic", "patient"):
            receive, send = rig.receive(), rig.send(rig.write("a.bin", 1000))
            receive.state("ready"), send.state("ready")
            one, other = (receive, send) if host == "clinic" else (send, receive)
            for _ in range(times):
                one.signal(signal.SIGINT)
            one.process.wait(PATIENCE)
            assert one.process.returncode == 130, one.said()
            other.signal(signal.SIGINT)
            other.ends(130)
    receive, send = rig.receive(), rig.send(rig.write("a.bin", 1000), options=())
    rig.tap()
    send.state("deciding")
    send.signal(signal.SIGINT)
    send.ends(130)
    receive.ends(77)
    rig.untap()
    receive, send = rig.receive(), rig.send(rig.write("a.bin", 1000))
    rig.tap()
    send.ends(0), receive.ends(0)
    pure(receive, send)


PERSON = json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {
    "resourceType": "Patient", "name": [{"family": "Berg", "given": ["Anna"]}], "birthDate": "1970-01-02", "gender": "female",
    "identifier": [{"system": "urn:oid:1.2.3", "value": "4711"}]}}]})


def asked_at_terminal(rig, *answers):
    """A record of one person arrives, staff are asked, and answer; returns receiver and sender."""
    receive = AtTerminal("clinic", "ehr-receive", "--once", "--file", "ask", "--output", "got", "--timeout", TIMEOUT)
    send = rig.send(rig.write("a.json", PERSON), options=("--yes", "--to", CLINIC, "--wait-filed"))
    rig.tap()
    receive.hears("Berg", "1970-01-02", "female", "4711", "Is this the person in front of you?")
    said = "".join(receive.out)
    assert said.index("Berg") < said.index("Is this the person"), said  # who it is first
    for answer in answers:
        receive.type(answer)
    return receive, send


@case()
def right_person(rig):
    """Who the records are about is shown at the terminal and asked; only a yes files them."""
    receive, send = asked_at_terminal(rig, "perhaps", "yes")
    receive.ends(0), send.ends(0)
    assert "".join(receive.out).count("Is this the person") == 2, receive.said()
    assert state_of(rig.arrived(["a.json"]))["state"] == "filed"
    assert send.find("status")["status"] == "filed", send.said()


@case()
def wrong_person(rig):
    """Discarded at the terminal: neither directory nor spool is left, one line of the audit log is, and the patient hears of it."""
    receive, send = asked_at_terminal(rig, "no")
    receive.process.wait(PATIENCE)
    send.process.wait(PATIENCE)
    assert send.find("status")["status"] == "discarded", send.said()
    rig.nothing_arrived()
    assert not os.listdir("got"), os.listdir("got")
    lines = [line for line in rig.audited() if line["kind"] in ("filed", "discarded", "rejected", "failed")]
    assert [line["kind"] for line in lines] == ["discarded"], lines
    for word in ("Berg", "Anna", "4711", "a.json"):
        assert word not in json.dumps(rig.audited()), word
    assert rig.call("on-clinic", "ehrctl", "--json", "session", "list").count("confirming") == 0


def a_day_later(rig):
    """The clinic's clock goes on by more than the filing time, and its service has let go of what nobody confirmed."""
    with open(os.path.join(rig.dir, "clinic-clock"), "w", encoding="ascii") as f:
        f.write(f"{25 * 3600} 0\n")
    rig.call("kill-daemon", "clinic")
    rig.call("on-clinic", "ehrctl", "status")
    until(lambda: any(line["kind"] == "discarded" for line in rig.audited()), "it is not discarded")
    until(lambda: not rig.spooled(), "the service keeps a copy")


def edit(directory, **members):
    with open(os.path.join(directory, "session.json"), "r+", encoding="utf-8") as f:
        session = {**json.load(f), **members}
        f.seek(0)
        f.truncate()
        json.dump(session, f)


@case("--clock", "clinic=@clinic-clock")
def nobody_filed_it(rig):
    """Left for later and never filed: the next ehr-receive or ehrctl removes it; what may have been filed, and what is another's, stays."""
    receive, send = rig.receive(file="later"), rig.send(rig.write("a.bin", 1000))
    rig.tap()
    send.ends(0), receive.ends(0)
    name, = rig.sessions()
    directory, kept = os.path.join("got", name), "kept"
    assert rig.call("on-clinic", "ehrctl", "session", "list") and os.path.exists(directory)
    shutil.copytree(directory, kept)
    a_day_later(rig)
    assert os.path.exists(directory)
    again = rig.receive(once=False)
    again.state("ready")
    assert not os.listdir("got"), os.listdir("got")
    again.signal(signal.SIGINT)
    again.ends(130)
    for words in (("list",), ("file", name), ("discard", name)):
        shutil.copytree(kept, directory)
        done = rig.call("on-clinic", "ehrctl", "session", *words, check=False)
        assert not os.path.exists(directory) and name not in done.stdout, (words, done)
    rig.call("kill-daemon", "clinic")  # which also forgets what it remembers of those that ended
    for members in ({"state": "filing"}, {"state": "filed"}, {"host": "another-terminal"}, {"direction": "to-patient"}):
        shutil.copytree(kept, directory)
        edit(directory, **members)
        rig.call("on-clinic", "ehrctl", "session", "list")
        again = rig.receive(once=False)
        again.state("ready")
        again.signal(signal.SIGINT)
        again.ends(130)
        assert os.path.exists(os.path.join(directory, "a.bin")), members
        shutil.rmtree(directory)


@case("--faults", "clinic")
def not_read_at_the_start(rig):
    """A session that the service could not read when it started is not one that it let go of: what was received stays, and can be filed later."""
    receive, send = rig.receive(file="later"), rig.send(rig.write("a.bin", 1000))
    rig.tap()
    send.ends(0), receive.ends(0)
    directory = os.path.join("got", rig.sessions()[0])
    table = faults.of(rig.dir, "clinic")
    rig.call("kill-daemon", "clinic")
    table.arm("read", os.path.join(rig.dir, "c", "state*", "ledger", "*"), 1, "EIO", True)
    listed = rig.call("on-clinic", "ehrctl", "--json", "session", "list")
    assert table.hits and "confirming" not in listed, (table.hits, listed)
    again = rig.receive(once=False)
    again.state("ready")
    again.signal(signal.SIGINT)
    again.ends(130)
    assert os.path.exists(os.path.join(directory, "a.bin"))
    table.disarm()
    rig.call("kill-daemon", "clinic")
    rig.call("on-clinic", "ehrctl", "session", "file", directory.split("-", 1)[1])
    assert state_of(directory)["state"] == "filed"


@case("--clock", "clinic=@clinic-clock")
def cut_short_while_filing(rig):
    """The program ended between the filing and its note of it, and the service forgot: a person says what became of it."""
    receive, send = rig.receive(file="later"), rig.send(rig.write("a.bin", 1000))
    rig.tap()
    send.ends(0), receive.ends(0)
    name, = rig.sessions()
    directory, number = os.path.join("got", name), name.split("-")[1]
    edit(directory, state="filing")
    shutil.copytree(directory, "kept")
    a_day_later(rig)
    for _ in ("the service remembers that it ended", "and does not"):
        listed = rig.call("on-clinic", "ehrctl", "session", "list")
        assert number in listed and "cut short" in listed, listed
        rig.call("on-clinic", "ehrctl", "session", "file", number)
        assert state_of(directory)["state"] == "filed"
        edit(directory, state="filing")
        rig.call("on-clinic", "ehrctl", "session", "discard", number)
        assert not os.path.exists(directory)
        shutil.copytree("kept", directory)
        rig.call("kill-daemon", "clinic")


@case()
def program_after_filing(rig):
    """--on-filed runs once per session, also when ehrctl files it; one that fails stays queued, is listed, and runs at the next start."""
    fails = program(rig, "fails", "exit 3")
    works = program(rig, "works", 'echo "$1" >> ran')
    receive, send = rig.receive("--on-filed", fails), rig.send(rig.write("a.bin", 1000))
    rig.tap()
    send.ends(0), receive.ends(0)
    directory = os.path.join("got", rig.sessions()[0])
    assert state_of(directory)["on-filed"]["exit"] == 3
    listed = rig.call("on-clinic", "ehrctl", "--json", "session", "list")
    assert directory.split("-", 1)[1] in listed and '"on-filed":"failed"' in listed, listed
    rig.untap()
    receive = rig.receive("--on-filed", works, file="later", once=False)
    until(lambda: os.path.exists("ran"), receive.said())
    receive.state("ready")
    send = rig.send(rig.write("b.bin", 1000))
    rig.tap()
    send.ends(0)
    until(lambda: len(rig.sessions()) == 2, receive.said())
    # both may have come within one second, so their names need not be in order
    second = next(d for d in (os.path.join("got", s) for s in rig.sessions()) if d != directory)
    rig.call("on-clinic", "ehrctl", "session", "file", second.split("-", 1)[1])
    until(lambda: "on-filed" in state_of(second) and state_of(second)["on-filed"]["state"] == "done", receive.said())
    assert state_of(second)["state"] == "filed"
    receive.signal(signal.SIGINT)
    receive.ends(130)
    with open("ran", encoding="utf-8") as f:
        assert sorted(map(os.path.abspath, f.read().split())) == sorted(map(os.path.abspath, (directory, second)))
    assert "on-filed" not in rig.call("on-clinic", "ehrctl", "--json", "session", "list")


@case()
def closed_descriptors(rig):
    """With standard output and error closed everything works as ever, and nothing is written where it does not belong."""
    done = rig.call("sh", "-c", "on-clinic ehrctl status >&- 2>&-", check=False)
    assert done.returncode == 0, done
    a = rig.write("a.bin", 100000)
    receive = subprocess.Popen(["sh", "-c", "exec on-clinic ehr-receive --once --file auto --output got <&- >&- 2>&-"])
    send = subprocess.Popen(["sh", "-c", 'exec on-patient ehr-send --yes --to "Test Clinic" a.bin <&- >&- 2>&-'])
    rig.tap()
    assert send.wait(PATIENCE) == 0 and receive.wait(PATIENCE) == 0
    rig.arrived([a])


@case()
def many_and_one_declines(rig):
    """A terminal that serves on: who declines is one event of many, and "end" comes once, at the end."""
    receive = rig.receive(once=False)
    for decline in (True, False):
        receive.expect("state", state="ready")
        send = rig.send(rig.write("a.json", 5000), options=() if decline else ("--yes", "--to", CLINIC))
        rig.tap()
        if decline:
            send.type("no")
        send.ends(77 if decline else 0)
        receive.expect("failed" if decline else "filed")
        rig.untap()
    receive.signal(signal.SIGINT)
    receive.ends(130)
    named = {name: [e for e in receive.events if e["event"] == name] for name in ("failed", "end")}
    assert [e["error"] for e in named["failed"]] == ["Declined"] and named["failed"][0]["session"], named
    assert named["end"] == receive.events[-1:], named


if __name__ == "__main__":
    main()
