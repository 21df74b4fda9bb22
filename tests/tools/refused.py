#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What ehr-receive does when it cannot go on: a service that says that more may be asked for and refuses every time is given up; and why
records are not kept is told to the audit as it is.

usage: refused.py EHR_RECEIVE FAKE_DAEMON PROTO_DBUS
"""
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

receive, fake_daemon, proto = sys.argv[1:4]
PATIENCE = 60  # nothing here takes a tenth of it; it is what a hang looks like


def until(condition):
    for _ in range(PATIENCE * 20):
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    return None


with tempfile.TemporaryDirectory(prefix="ehrlink-refused-") as name:
    here = Path(name)
    state = here / "fake"
    state.mkdir(mode=0o700)
    bus = subprocess.Popen(["dbus-daemon", "--session", "--nofork", "--print-address=1"], stdout=subprocess.PIPE, text=True)
    address = bus.stdout.readline().strip()
    env = dict(os.environ, DBUS_SESSION_BUS_ADDRESS=address, DBUS_SYSTEM_BUS_ADDRESS=address, EHRLINK_FAKE_DIR=str(state),
               XDG_STATE_HOME=str(here / "state"), LC_ALL="C.UTF-8", LANGUAGE="")
    fake = subprocess.Popen([sys.executable, fake_daemon, proto], env=env)
    flags = Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION
    control = Gio.DBusConnection.new_for_address_sync(address, flags, None, None)

    def call(method, parameters=None):
        return control.call_sync("org.ehrlink1", "/org/ehrlink1", "org.ehrlink1.Fake", method, parameters, None, Gio.DBusCallFlags.NONE, -1, None)

    def is_there():
        return control.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "NameHasOwner", GLib.Variant("(s)", ("org.ehrlink1",)), None,
                                 Gio.DBusCallFlags.NONE, -1, None).unpack()[0]

    def session():
        known = state / "sessions.json"
        return next(iter(json.loads(known.read_text())), None) if known.exists() else None

    def began(options):
        """ehr-receive with a session, and the path of that."""
        call("Reset")
        program = subprocess.Popen([receive, "--json", "--once", "--output", str(here / "out"), *options], env=env, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        found = until(session)
        assert found, program.communicate()
        return program, found

    def ended(program):
        try:
            return program.communicate(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            program.kill()
            return program.communicate()

    try:
        assert until(is_there), "no fake service"
        run, path = began(["--list", "--pick", "1"])
        call("State", GLib.Variant("(osa{sv})", (path, "confirming", {"may-ask": GLib.Variant("b", True)})))
        call("Arrive", GLib.Variant("(oa(say))", (path, [("letter.json", b"{}")])))
        out, err = ended(run)
        asked = [entry[0] for entry in json.loads(call("Seen").unpack()[0])].count("RequestItems")
        last = json.loads(out.splitlines()[-1]) if out else {}
        ok = 1 < asked < 10 and run.returncode == 64 and last.get("error") == "WrongState"
        print(f"{'ok' if ok else 'not ok'} 1 - what is refused again and again is given up")
        if not ok:
            print(f"# asked {asked} times, exit {run.returncode}: {out} {err}")
        for number, (last, rule) in enumerate([("Tal", "more-than-one-person"), ("Berg", "not-the-expected-person")], 2):
            run, path = began(["--file", "auto", "--expect-patient", "family=Klein"])
            files = [(f"{name}.json", json.dumps({"resourceType": "Patient", "name": [{"family": name}]}).encode()) for name in dict.fromkeys(["Berg", last])]
            call("Arrive", GLib.Variant("(oa(say))", (path, files)))
            out, err = ended(run)
            told = json.loads((state / "sessions.json").read_text())[path].get("rule")
            failed = told != rule or run.returncode != 65
            ok = ok and not failed
            print(f"{'not ok' if failed else 'ok'} {number} - the rule is {rule}")
            if failed:
                print(f"# {told}, exit {run.returncode}: {out} {err}")
        print("1..3")
    finally:
        fake.kill()
        bus.kill()
        fake.wait()
        bus.wait()
sys.exit(not ok)
