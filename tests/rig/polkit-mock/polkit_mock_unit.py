#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The polkit mock over a private bus made from bus.conf.in; and what that bus denies. TAP output."""
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from gi.repository import Gio, GLib

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
from tap import run_all  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
NAME = "org.freedesktop.PolicyKit1"


def bus(directory, policy):
    with open(os.path.join(HERE, "..", "bus.conf.in")) as f:
        text = f.read()
    for key, value in (("socket", f"{directory}/bus"), ("services", directory), ("policy", policy),
                       ("user", pwd.getpwuid(os.getuid()).pw_name)):
        text = text.replace(f"@{key}@", value)
    with open(f"{directory}/bus.conf", "w") as f:
        f.write(text)
    process = subprocess.Popen(["dbus-daemon", f"--config-file={directory}/bus.conf", "--nofork", "--print-address=1"],
                               stdout=subprocess.PIPE, text=True)
    return process, process.stdout.readline().strip()


class Rig:
    def __enter__(self):
        self.dir = tempfile.mkdtemp(prefix="polkit.", dir="/tmp")
        with open(f"{self.dir}/policy.conf", "w") as f:
            f.write("<busconfig/>")
        self.bus, address = bus(self.dir, f"{self.dir}/policy.conf")
        self.mock = subprocess.Popen([os.path.join(HERE, "polkit-mock"), "--control", f"{self.dir}/ctl", f"one={address}"],
                                     stdout=subprocess.PIPE, text=True)
        assert self.mock.stdout.readline() == "ready\n"
        self.connection = Gio.DBusConnection.new_for_address_sync(
            address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)
        self.connection.set_exit_on_close(False)
        return self

    def __exit__(self, *_):
        for process in (self.mock, self.bus):
            process.send_signal(signal.SIGTERM)
            process.wait(10)
            process.stdout.close()
        shutil.rmtree(self.dir)

    def say(self, line):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f"{self.dir}/ctl")
            s.sendall(line.encode() + b"\n")
            return s.makefile().readline().strip()

    def start(self, action="org.ehrlink1.send", cancellation=""):
        """Calls; returns a function that runs the loop until the answer."""
        answer = []
        loop = GLib.MainLoop()

        def done(connection, result):
            try:
                answer.append(connection.call_finish(result).unpack()[0][:2])
            except GLib.Error as e:
                answer.append(Gio.DBusError.get_remote_error(e))
            loop.quit()

        subject = ("system-bus-name", {"name": GLib.Variant("s", self.connection.get_unique_name())})
        self.connection.call(NAME, "/org/freedesktop/PolicyKit1/Authority", NAME + ".Authority", "CheckAuthorization",
                             GLib.Variant("((sa{sv})sa{ss}us)", (subject, action, {}, 0, cancellation)), None, 0, 10000, None, done)
        self.connection.flush_sync(None)

        def finish():
            if not answer:
                loop.run()
            return answer[0]
        return finish

    def wait_pending(self, n):
        for _ in range(1000):
            if f"pending {n} " in self.say("count one"):
                return
        raise AssertionError(self.say("count one"))


def test_verdicts():
    with Rig() as rig:
        assert rig.start()() == (True, False)
        for verdict, expected in (("deny", (False, False)), ("challenge", (False, True)), ("fail", NAME + ".Error.Failed"),
                                  ("allow", (True, False))):
            assert rig.say(f"{verdict} one") == "ok"
            assert rig.start()() == expected, verdict
        assert rig.say("deny one org.ehrlink1.receive") == "ok"
        assert rig.start()() == (True, False) and rig.start("org.ehrlink1.receive")() == (False, False)
        assert rig.say("reset one") == "ok" and rig.start("org.ehrlink1.receive")() == (True, False)
        assert rig.say("count one") == "ok calls 8 pending 0 cancelled 0"


def test_delay_and_hang():
    with Rig() as rig:
        assert rig.say("delay 30 one") == "ok" and rig.start()() == (True, False)
        assert rig.say("reset one") == "ok" and rig.say("hang one") == "ok"
        finish = rig.start()
        rig.wait_pending(1)
        assert rig.say("allow one") == "ok" and rig.start()() == (True, False)
        assert rig.say("answer one") == "ok" and finish() == (True, False)


def test_cancel():
    with Rig() as rig:
        rig.say("hang one")
        finish = rig.start(cancellation="c1")
        rig.wait_pending(1)
        rig.connection.call_sync(NAME, "/org/freedesktop/PolicyKit1/Authority", NAME + ".Authority", "CancelCheckAuthorization",
                                 GLib.Variant("(s)", ("c1",)), None, 0, 10000, None)
        assert finish() == NAME + ".Error.Cancelled"
        assert rig.say("count one") == "ok calls 1 pending 0 cancelled 1"


def test_commands():
    with Rig() as rig:
        for line in ("", "nonsense", "nonsense one", "allow", "allow two", "delay x one"):
            assert rig.say(line).startswith("error"), line


def refused(call):
    try:
        call()
    except GLib.Error as e:
        assert Gio.DBusError.get_remote_error(e) == "org.freedesktop.DBus.Error.AccessDenied", e
    else:
        raise AssertionError("allowed")


def test_bus_denies():
    """Method calls and names are denied unless a rule allows them, 17 descriptors are too many, as on a system bus."""
    with Rig() as rig:
        own = lambda name: rig.connection.call_sync("org.freedesktop.DBus", "/", "org.freedesktop.DBus", "RequestName",
                                                    GLib.Variant("(su)", (name, 0)), None, 0, 10000, None)
        refused(lambda: own("org.example.Any"))
        refused(lambda: rig.connection.call_sync(rig.connection.get_unique_name(), "/", "org.example", "Call", None, None, 0, 10000,
                                                 None))
        fds = Gio.UnixFDList()
        for _ in range(17):
            fds.append(0)
        message = Gio.DBusMessage.new_method_call(NAME, "/", NAME, "Any")
        message.set_unix_fd_list(fds)
        message.set_body(GLib.Variant("(ah)", (list(range(17)),)))
        loop = GLib.MainLoop()
        closed = []
        rig.connection.connect("closed", lambda *_: (closed.append(True), loop.quit()))
        rig.connection.send_message_with_reply(message, 0, 10000, None, lambda *_: loop.quit())
        loop.run()
        if not closed:
            loop.run()
        assert closed


sys.exit(run_all(globals()))
