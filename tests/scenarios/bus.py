#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Who may see and do what on the bus; a polkit that denies, hangs or is slow. A daemon that is killed is in resume.py."""
import json
import os
import subprocess
import time

from scenario import CLINIC, Skip, case, main

NAME = "org.ehrlink1"


def busctl(rig, *words, other=False):
    """A call by a stranger to the session, of another user if asked."""
    command = [*(["as-other"] if other else []), "on-clinic", "gdbus", "call", "--system", "--timeout", "20", "--dest", NAME, *words]
    return rig.call(*command, check=False)


def session_path(rig):
    listed = busctl(rig, "--object-path", "/org/ehrlink1", "--method", "org.freedesktop.DBus.ObjectManager.GetManagedObjects")
    assert listed.returncode == 0, listed.stderr
    found = [w.strip("'") for w in listed.stdout.replace("(", " ").replace(":", " ").split() if "/session/" in w]
    assert found, listed.stdout
    return found[0]


METHODS = [("GetDetails", "{}"), ("Cancel", "{}"), ("File", "{}"), ("Discard", "{}"), ("GetReceipt", "{}"),
           ("AllowUnverified", "0" * 64, "{}")]


@case()
def another_user(rig):
    """Another local user sees opaque paths and states only; every call on a session not theirs is denied."""
    if os.getuid() != 0:
        raise Skip("only root can become another user")
    secret = rig.write("secret-diagnosis.json", 5000)
    receive = rig.receive("--text", "private words")
    send = rig.start("patient", "ehr-send", "--json", "--timeout", "60", secret)
    rig.tap()
    send.expect("request")
    receive.state("deciding")
    path = session_path(rig)
    everything = busctl(rig, "--object-path", "/org/ehrlink1", "--method", "org.freedesktop.DBus.ObjectManager.GetManagedObjects",
                        other=True)
    assert everything.returncode == 0, everything.stderr
    for words in (CLINIC, "secret-diagnosis", "private words", "Testville", "Test Authority"):
        assert words not in everything.stdout, everything.stdout
    for method, *arguments in METHODS:
        done = busctl(rig, "--object-path", path, "--method", f"{NAME}.Session.{method}", *arguments, other=True)
        assert done.returncode != 0 and "NotOwner" in done.stderr, (method, done.stderr)
    mine = busctl(rig, "--object-path", "/org/ehrlink1", "--method", f"{NAME}.Manager.ListSessions", "{}", other=True)
    assert "/session/" not in mine.stdout, mine.stdout
    send.type("yes")
    send.ends(0), receive.ends(0)
    rig.arrived([secret])


@case()
def polkit_denies(rig):
    """polkit says no: 77, nothing is armed."""
    rig.call("polkit", "deny", "patient")
    rig.call("polkit", "deny", "clinic")
    rig.send(rig.write("a.json", 10)).ends(77, "NotAuthorized")
    rig.receive().ends(77, "NotAuthorized")
    done = rig.call("on-patient", "ehrctl", "trust", "add", os.path.join(rig.dir, "ca/ca/root.pem"), check=False)
    assert done.returncode == 77, done


@case()
def polkit_is_slow(rig):
    """polkit takes its time: everything works, later."""
    rig.call("polkit", "delay", "1500", "patient")
    rig.call("polkit", "delay", "1500", "clinic")
    files = rig.sample()
    receive, send = rig.receive(), rig.send(*files)
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.arrived(files)


@case()
def polkit_hangs(rig):
    """polkit never answers one caller: others are served meanwhile, and an interrupted caller leaves nothing."""
    rig.call("polkit", "hang", "patient", "org.ehrlink1.send")
    stuck = rig.send(rig.write("a.json", 10))
    end = time.monotonic() + 30
    while "pending 1" not in rig.call("polkit", "count", "patient"):
        assert time.monotonic() < end
        time.sleep(0.02)
    rig.call("on-patient", "ehrctl", "status")
    rig.call("on-patient", "ehrctl", "trust", "list")
    stuck.signal(2)
    stuck.ends(130)
    rig.call("polkit", "reset", "patient")
    receive, send = rig.receive(), rig.send("a.json")
    rig.tap()
    send.ends(0), receive.ends(0)


@case("--idle", "1")
def leaves_when_idle(rig):
    """The daemon leaves when nobody needs it, and calls without pause across that moment are all answered."""
    rig.call("on-patient", "ehrctl", "status")
    pids = set()
    end = time.monotonic() + 30
    while len(pids) < 2:
        assert time.monotonic() < end, "never left"
        done = rig.call("daemon-pid", "patient", check=False)
        if done.returncode == 0:
            pids.add(done.stdout.strip())
            time.sleep(0.05)
        else:
            rig.call("on-patient", "ehrctl", "status")
    for _ in range(30):
        rig.call("on-patient", "ehrctl", "--json", "status")


@case()
def nothing_in_the_logs(rig):
    """No payload, name or address in the logs of a whole session."""
    secret = rig.write("chlamydia-result.json", b'{"patient": "Eva Geheim"}')
    receive, send = rig.receive(), rig.send(secret)
    rig.tap()
    send.ends(0), receive.ends(0)
    for host in ("patient", "clinic"):
        log = "\n".join(line for line in rig.log(host).splitlines() if not line.startswith("dbus-daemon"))
        for words in ("chlamydia", "Eva", "Geheim", "020000000001", "020000000002", CLINIC):
            assert words not in log, log


@case()
def reader_trouble(rig):
    """No reader, and one that is unplugged and comes back: a named error, or the wait goes on."""
    rig.call("reader", "unplug", "patient")
    send = rig.send(rig.write("a.json", 1000))
    send.ends(69, ("NoReader", "ReaderLost", "ReaderBusy"))
    rig.call("reader", "plug", "patient")
    receive = rig.receive()
    receive.state("ready")
    rig.call("reader", "unplug", "clinic")
    receive.expect("trouble")
    rig.call("reader", "plug", "clinic")
    send = rig.send("a.json")
    rig.tap()
    # what stood in the way has passed, which is said too
    assert [e.get("state") for e in receive.events if e.get("event") in ("state", "trouble")][:3] == ["ready", None, "ready"], receive.said()
    send.ends(0), receive.ends(0)
    rig.arrived(["a.json"])


@case()
def doctor(rig):
    """ehrctl doctor says what is wrong in plain words; fine: 0, a problem: 69."""
    done = subprocess.run(["on-clinic", "ehrctl", "--json", "doctor"], capture_output=True, text=True, check=False)
    findings = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 0 and findings, done
    assert any(f.get("id") == "link" and f.get("level") != "ok" for f in findings), "a link that is not the default must stand out"
    receive = rig.receive("--timeout", "1")
    receive.ends(75, "TapTimedOut")
    done = subprocess.run(["on-clinic", "ehrctl", "doctor"], capture_output=True, text=True, check=False)
    assert " 0 sessions open" in done.stdout, done.stdout  # one that ended is not open any more
    rig.call("reader", "unplug", "clinic")
    done = subprocess.run(["on-clinic", "ehrctl", "doctor"], capture_output=True, text=True, check=False)
    assert done.returncode == 69 and "reader" in done.stdout.lower(), done


if __name__ == "__main__":
    main()
