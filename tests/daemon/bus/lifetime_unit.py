#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""How the service starts, stops, leaves and comes back.

argv: the daemon with the core that does as it is told; or the real one, its NFC helper, and the simulated chip."""
import os
import random
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from gi.repository import GLib  # noqa: E402

from private_bus import NAME, PrivateBus, call, daemon_pid  # noqa: E402
from tap import Skip, run_all  # noqa: E402

DAEMON = sys.argv[1]
HELPER, CHIP = map(os.path.abspath, sys.argv[2:4]) if len(sys.argv) > 2 else ("/bin/false", None)
# an ended session of the real core can be asked about for a minute, and keeps the service for as long
ONLY_FAKE = ("test_race_of_leaving_with_sessions", "test_session_keeps_it")
SEND = ("(aa{sv}a{sv})", ([{"name": GLib.Variant("s", "a"), "size": GLib.Variant("t", 1)}], {"agent": GLib.Variant("o", "/a")}))


class Host(PrivateBus):
    """A private bus that starts the daemon, with its own state and configuration."""

    def __init__(self, *more):
        if shutil.which("dbus-daemon") is None:
            raise Skip("no dbus-daemon is installed")
        self.home = tempfile.mkdtemp(prefix="ehd-home-")
        os.mkdir(os.path.join(self.home, "link"))
        os.mkdir(os.path.join(self.home, "nfc"))
        with open(os.path.join(self.home, "conf"), "w", encoding="utf-8"):
            pass
        self.command = [DAEMON, "--config", self.home + "/conf", "--state-directory", self.home + "/state",
                        "--link", f"unix:{self.home}/link", "--nfc-helper", HELPER,
                        "--reader", f"pn532_uart:{self.home}/nfc/chip0:115200", *more]
        self.chip = None
        if CHIP:
            self.chip = subprocess.Popen([CHIP, "--dir", self.home + "/nfc", "--chips", "1"], stdout=subprocess.PIPE)
            assert self.chip.stdout.readline() == b"ready\n"
        super().__init__(self.command)

    def __exit__(self, *_):
        super().__exit__()
        if self.chip:
            self.chip.terminate()
            self.chip.wait()
            self.chip.stdout.close()
        shutil.rmtree(self.home)

    def spawn(self, *more, env=None):
        return subprocess.Popen([*self.command, *more], env=env or self.env(), stderr=subprocess.PIPE, text=True)

    def serve(self, client, **how):
        """Starts the daemon by hand and waits until it has the name."""
        owners = Owners(client)
        daemon = self.spawn(**how)
        iterate_until(lambda: owners.taken == 1)
        assert daemon_pid(client) == daemon.pid
        return daemon


class Owners:
    """Counts how often the name got an owner."""

    def __init__(self, connection):
        self.taken = 0
        self.lost = 0
        connection.signal_subscribe("org.freedesktop.DBus", "org.freedesktop.DBus", "NameOwnerChanged", "/org/freedesktop/DBus", NAME,
                                    0, self.on_changed)

    def on_changed(self, _connection, _sender, _path, _interface, _signal, parameters):
        _name, _old, new = parameters.unpack()
        if new:
            self.taken += 1
        else:
            self.lost += 1


def iterate_until(condition, seconds=20):
    late = []
    timer = GLib.timeout_add(seconds * 1000, lambda: late.append(1))
    while not condition():
        assert not late, "waited in vain"
        GLib.MainContext.default().iteration(True)
    GLib.source_remove(timer)


def ended(pid):
    """Waits for the end of a process that is not our child (the bus's)."""
    fd = os.pidfd_open(pid)
    assert select.select([fd], [], [], 20)[0], "the daemon does not end"
    os.close(fd)


def test_activation():
    with Host() as host:
        client = host.connect()
        assert daemon_pid(client) is None
        assert call(client, "GetIdentity")[0]["exists"] is False
        pid = daemon_pid(client)
        for line in open(f"/proc/{pid}/limits", encoding="utf-8"):
            if line.startswith("Max core file size"):
                assert line.split()[4] == "0", line
            if line.startswith("Max open files"):
                assert int(line.split()[3]) <= 1024, line
        status = dict(line.split(":", 1) for line in open(f"/proc/{pid}/status", encoding="utf-8"))
        assert status["Umask"].strip() == "0077"
        print(f"# RssAnon {status['RssAnon'].strip()}, VmHWM {status['VmHWM'].strip()}")
        os.kill(pid, signal.SIGTERM)
        ended(pid)


def test_idle_leaves_and_returns():
    with Host("--idle-timeout", "0.05") as host:
        client = host.connect()
        owners = Owners(client)
        for i in range(1, 4):
            call(client, "GetIdentity")
            iterate_until(lambda: owners.lost == i)
        assert owners.taken == 3


def test_session_keeps_it():
    with Host("--idle-timeout", "0.01") as host:
        client = host.connect()
        path, = call(client, "Send", *SEND)
        owners = Owners(client)
        pid = daemon_pid(client)
        waited = []
        GLib.timeout_add(300, lambda: waited.append(1))
        iterate_until(lambda: waited)
        assert owners.lost == 0 and daemon_pid(client) == pid
        call(client, "Cancel", path=path, interface="org.ehrlink1.Session")
        iterate_until(lambda: owners.lost == 1)


def test_never_leaves():
    with Host("--idle-timeout", "0") as host:
        client = host.connect()
        call(client, "GetIdentity")
        owners = Owners(client)
        waited = []
        GLib.timeout_add(200, lambda: waited.append(1))
        iterate_until(lambda: waited)
        assert owners.lost == 0


def race(host, calls, at_once, one):
    """Calls in rounds of `at_once`, each round begun at another moment around that of leaving; every call must be answered."""
    client = host.connect()
    owners = Owners(client)
    random.seed(4711)
    answered = 0
    failures = []

    def on_reply(connection, result):
        nonlocal answered
        try:
            connection.call_finish(result)
        except GLib.Error as e:
            failures.append(e.message)
        answered += 1

    sent = 0
    while sent < calls:
        for _ in range(at_once):
            one(client, on_reply)
            sent += 1
        iterate_until(lambda: answered == sent)
        pause = random.uniform(0, 0.004)
        end = GLib.get_monotonic_time() + pause * 1e6
        while GLib.get_monotonic_time() < end:
            GLib.MainContext.default().iteration(False)
    assert not failures, failures[:3]
    print(f"# {answered} calls, the name was taken {owners.taken} times")
    assert owners.taken > 20
    return owners


def test_race_of_leaving():
    with Host("--idle-timeout", "0.001") as host:
        race(host, 3000, 3, lambda client, done: client.call(
            NAME, "/org/ehrlink1", "org.ehrlink1.Manager", "GetIdentity", GLib.Variant("(a{sv})", ({},)), None, 0, 60000, None, done))


def test_race_of_leaving_with_sessions():
    """A session that is opened in that moment must still be there afterwards."""
    with Host("--idle-timeout", "0.001") as host:
        client = host.connect()
        random.seed(815)
        for _ in range(300):
            path, = call(client, "Send", *SEND)
            call(client, "GetDetails", path=path, interface="org.ehrlink1.Session")
            call(client, "Cancel", path=path, interface="org.ehrlink1.Session")
            end = GLib.get_monotonic_time() + random.uniform(0, 4000)
            while GLib.get_monotonic_time() < end:
                GLib.MainContext.default().iteration(False)


def test_terminate():
    with Host() as host:
        client = host.connect()
        for how in (signal.SIGTERM, signal.SIGINT):
            daemon = host.serve(client)
            call(client, "Send", *SEND)
            daemon.send_signal(how)
            _, said = daemon.communicate(timeout=20)
            assert daemon.returncode == 0, said


def test_kill_and_return():
    with Host() as host:
        client = host.connect()
        owners = Owners(client)
        for i in range(1, 4):
            call(client, "GetIdentity")
            pid = daemon_pid(client)
            os.kill(pid, signal.SIGKILL)
            ended(pid)
            # the bus may still route a call to who is dead
            iterate_until(lambda: owners.lost == i)


def test_second_daemon():
    with Host() as host:
        client = host.connect()
        call(client, "GetIdentity")
        pid = daemon_pid(client)
        for more in ((), ("--state-directory", host.home + "/other")):
            second = host.spawn(*more)
            _, said = second.communicate(timeout=20)
            assert second.returncode not in (0, -6, -11), (second.returncode, said)
        assert daemon_pid(client) == pid
        call(client, "GetIdentity")


def test_bus_goes_away():
    with Host() as host:
        client = host.connect()
        daemon = host.serve(client)
        client.set_exit_on_close(False)
        host.process.kill()
        _, said = daemon.communicate(timeout=20)
        assert daemon.returncode == 69, (daemon.returncode, said)


def test_cannot_start():
    with Host() as host:
        host.write("bad.conf", "[nonsense]\nx=1\n")
        host.write("file", "")
        for arguments, status in (
                (["--config", host.path("bad.conf")], 69),
                (["--config", host.path("missing.conf")], 69),
                (["--link", "carrier-pigeon:/"], 69),
                (["--link", "unix:relative"], 69),
                (["--state-directory", host.path("file") + "/below"], None),
                (["--bogus"], 64),
                (["--idle-timeout", "soon"], 64),
                (["extra"], 64),
        ):
            daemon = host.spawn(*arguments)
            _, said = daemon.communicate(timeout=20)
            assert daemon.returncode > 0 and said, (arguments, daemon.returncode, said)
            if status is not None:
                assert daemon.returncode == status, (arguments, daemon.returncode, said)


def test_help_and_version():
    for option in ("--help", "--version"):
        done = subprocess.run([DAEMON, option], capture_output=True, text=True, check=True)
        assert done.stdout and not done.stderr


def test_environment_decides_nothing():
    """A link or reader named by the environment is not looked at: only --link and the configuration are."""
    with Host() as host:
        env = dict(host.env(), EHRLINK_LINK="unix:/nowhere", LIBNFC_DEVICE="x", EHRLINK_READER="y", EHRLINK_CONFIG="/nowhere")
        client = host.connect()
        daemon = host.serve(client, env=env)
        daemon.terminate()
        _, said = daemon.communicate(timeout=20)
        assert daemon.returncode == 0, said


def says(daemon, wanted):
    """The first line of its log that has this."""
    for line in daemon.stderr:
        if wanted in line:
            return line
    raise AssertionError(f"it ended without: {wanted}")


def configure(host, text):
    with open(host.home + "/conf", "w", encoding="utf-8") as f:
        f.write(text)


def test_reload():
    """SIGHUP: what can change changes, what cannot is named, what is wrong changes nothing."""
    with Host() as host:
        daemon = host.serve(host.connect())
        for text, wanted, named in (
                ("[session]\nconsent-timeout=60\n", "was read again", ()),
                ("[session]\nkiosk=true\n[link]\nchannels=7\n[store]\nstate-directory=/elsewhere\n", "only a start changes", ("[link] channels",)),
                ("[session]\nkiosk=maybe\n", "stays as it was", ("[session] kiosk",)),
                ("", "was read again", ())):
            configure(host, text)
            daemon.send_signal(signal.SIGHUP)
            line = says(daemon, wanted)
            assert all(n in line for n in named), line
            # --link and --state-directory on the command line win over the file, again
            assert "state-directory" not in line, line
        assert daemon.poll() is None
        daemon.terminate()
        assert daemon.wait(20) == 0
        daemon.stderr.close()


def test_watchdog():
    """Whoever watches hears that the main loop turns; who asks for somebody else, or for nothing, does not."""
    with Host() as host, socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        client = host.connect()
        path = host.home + "/notify"
        manager.bind(path)
        manager.settimeout(20)
        for more, beats in (({"WATCHDOG_USEC": "200000"}, 3), ({"WATCHDOG_USEC": "200000", "WATCHDOG_PID": "1"}, 0),
                            ({"WATCHDOG_USEC": "soon"}, 0), ({}, 0)):
            daemon = host.serve(client, env=dict(host.env(), NOTIFY_SOCKET=path, **more))
            for _ in range(beats):
                assert manager.recv(100) == b"WATCHDOG=1"
            daemon.terminate()
            daemon.communicate(timeout=20)
            assert daemon.returncode == 0
            manager.setblocking(False)
            try:
                while manager.recv(100):
                    assert beats
            except BlockingIOError:
                pass
            manager.settimeout(20)


if __name__ == "__main__":
    sys.exit(run_all({n: f for n, f in globals().items() if not (CHIP and n in ONLY_FAKE)}))
