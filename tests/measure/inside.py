# SPDX-License-Identifier: Apache-2.0
"""What tests/bench runs between two hosts. Each function measures one thing and prints one JSON line for the bench."""
import json
import os
import shlex
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "scenarios"))
from scenario import CLINIC, Program, Rig  # noqa: E402


class Timed(Program):
    """A program that notes when each of its events came."""

    def __init__(self, *args, **more):
        self.times = {}
        super().__init__(*args, **more)

    def read(self, stream, lines):
        for line in stream:
            now = time.monotonic()
            with self.changed:
                lines.append(line)
                if line.startswith("{") and stream is self.process.stdout:
                    event = json.loads(line)
                    self.events.append(event)
                    self.times.setdefault(event.get("state") or event.get("event"), now)
                self.changed.notify_all()
        with self.changed:
            lines.append("")
            self.changed.notify_all()


def tell(**facts):
    print("@ " + json.dumps(facts), flush=True)


def session(files, output="got", patience=600):
    """One whole session; both programs, ended well."""
    receive = Timed("clinic", "ehr-receive", "--json", "--output", output, "--once", "--file", "auto", "--timeout", "60")
    send = Timed("patient", "ehr-send", "--json", "--yes", "--to", CLINIC, "--timeout", "60", "--", *files)
    subprocess.run(["tap"], check=True, stderr=subprocess.DEVNULL)
    send.ends(0, seconds=patience)
    receive.ends(0, seconds=patience)
    subprocess.run(["untap"], check=True)
    subprocess.run(["rm", "-rf", output], check=True)
    return send, receive


def random_file(name, size):
    with open(name, "wb") as f:
        left = size
        while left > 0:
            part = os.urandom(min(left, 1 << 20))
            f.write(part)
            left -= len(part)
    return name


def processor_seconds(pids):
    """What these processes have used of the processors, in user and kernel mode."""
    ticks = 0
    for pid in pids:
        with open(f"/proc/{pid}/stat", encoding="ascii") as f:
            ticks += sum(int(word) for word in f.read().rpartition(")")[2].split()[11:13])
    return ticks / os.sysconf("SC_CLK_TCK")


def daemons():
    for host in ("clinic", "patient"):
        subprocess.run([f"on-{host}", "ehrctl", "--json", "status"], check=False, stdout=subprocess.DEVNULL)
        yield subprocess.run(["daemon-pid", host], check=True, capture_output=True, text=True).stdout.strip()


def goodput(size, runs):
    """Seconds from the consent until the sender has the verified receipt on disk, for one incompressible item, and both daemons' processor
    time. ehr-send shows the receipt later, when it is known whether the clinic's program has copied and filed the item: told beside it."""
    path = random_file("item.bin", int(size))
    for _ in range(int(runs)):
        pids = list(daemons())
        before = processor_seconds(pids)
        send, _ = session([path])
        tell(seconds=send.times["confirming"] - send.times["transferring"], filed=send.times["filed"] - send.times["transferring"],
             processor=processor_seconds(pids) - before)


def wire(*paths):
    """Bytes on the link both ways for one session per file."""
    for path in paths:
        before = link_bytes()
        session([path])
        after = link_bytes()
        tell(file=path, p2c=after[0] - before[0], c2p=after[1] - before[1])


def link_bytes():
    words = Rig().link("count").replace("=", " ").split()
    numbers = [int(w) for w in words if w.isdigit()]
    return numbers[0], numbers[1]


def tap_cost():
    """APDU pairs and bytes of one tap with the rig's chain, and of one without a chain."""
    rig = Rig()
    random_file("small", 1000)
    session(["small"])
    tell(kind="chain", count=subprocess.run(["simctl", f"{rig.dir}/nfc", "count"], capture_output=True, text=True,
                                            check=True).stdout.strip())


def tap_cost_bare():
    """A terminal without a certificate: STOP, the typed fingerprint, a second tap; the second one is counted."""
    rig = Rig()
    random_file("small", 1000)
    receive = rig.receive("--unverified")
    send = rig.start("patient", "ehr-send", "--json", "--timeout", "60", "small")
    rig.tap()
    fingerprint = send.expect("peer")["fingerprint"]
    rig.untap()
    send.type(fingerprint[:8])
    time.sleep(0.5)
    rig.tap()
    send.expect("state", state="deciding")
    tell(kind="bare", count=subprocess.run(["simctl", f"{rig.dir}/nfc", "count"], capture_output=True, text=True,
                                           check=True).stdout.strip())
    send.type("yes")
    send.ends(0)
    receive.ends(0)


def status_of(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            fields = dict(line.split(":", 1) for line in f)
        return fields["Name"].strip(), int(fields["VmHWM"].split()[0]), int(fields["RssAnon"].split()[0])
    except (OSError, KeyError):
        return None


class Watch(threading.Thread):
    """Samples every process of this rig that is ours: the highest RssAnon seen, and VmHWM, in KiB."""

    def __init__(self):
        super().__init__(daemon=True)
        self.mark = f"EHRLINK_RIG={os.environ['EHRLINK_RIG']}\0".encode()
        self.most, self.stop = {}, threading.Event()

    def ours(self):
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/environ", "rb") as f:
                    if self.mark in f.read() + b"\0":
                        yield pid
            except OSError:
                pass

    def run(self):
        while not self.stop.is_set():
            for pid in self.ours():
                status = status_of(pid)
                if status and status[0].startswith("ehr"):
                    name, high, anon = status
                    old = self.most.get((name, pid), (0, 0))
                    self.most[name, pid] = (max(old[0], high), max(old[1], anon))
            self.stop.wait(0.05)


def memory(size):
    """Highest VmHWM and RssAnon per program for one incompressible item of this size, in fresh daemons."""
    memory_of(random_file("item.bin", int(size)))


def memory_of(path):
    """The same for this file."""
    watch = Watch()
    watch.start()
    session([path])
    watch.stop.set()
    watch.join()
    most = {}
    for (name, _), (high, anon) in watch.most.items():
        old = most.get(name, (0, 0))
        most[name] = (max(old[0], high), max(old[1], anon))
    tell(most=most)


def idle_memory():
    """RssAnon of a daemon that was just asked something and has nothing to do."""
    subprocess.run(["on-clinic", "ehrctl", "--json", "status"], check=False, stdout=subprocess.DEVNULL)
    pid = subprocess.run(["daemon-pid", "clinic"], check=True, capture_output=True, text=True).stdout.strip()
    name, high, anon = status_of(pid)
    tell(name=name, anon=anon, high=high)


ACTIVATE = """
import os, sys, time, gi
gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib
bus = Gio.bus_get_sync(Gio.BusType.SYSTEM)
def call(path, interface, method, args):
    return bus.call_sync("org.freedesktop.DBus", path, interface, method, args, None, 0, 30000, None)
for _ in range(int(sys.argv[2])):
    before = time.monotonic()
    call("/org/freedesktop/DBus", "org.freedesktop.DBus", "StartServiceByName", GLib.Variant("(su)", (sys.argv[1], 0)))
    print(time.monotonic() - before, flush=True)
    pid = call("/org/freedesktop/DBus", "org.freedesktop.DBus", "GetConnectionUnixProcessID", GLib.Variant("(s)", (sys.argv[1],)))[0]
    os.kill(pid, 15)
    while call("/org/freedesktop/DBus", "org.freedesktop.DBus", "NameHasOwner", GLib.Variant("(s)", (sys.argv[1],)))[0]:
        time.sleep(0.005)
    time.sleep(0.05)
"""


def activation(times, bare):
    """Seconds from the call to the name being owned, for our daemon and for a service that does nothing."""
    def measure(what):
        done = subprocess.run(["on-clinic", "/usr/bin/python3", "-c", ACTIVATE, "org.ehrlink1", times], capture_output=True, text=True,
                              check=False)
        tell(name=what, seconds=[float(x) for x in done.stdout.split()], problem=done.stderr[-500:])

    measure("ours")
    # the bus lets nobody own another name than ours: the bare one takes its place
    for root, _, names in os.walk(os.path.join(os.environ["RIG_DIR"], "c")):
        if "org.ehrlink1.service" in names:
            with open(os.path.join(root, "org.ehrlink1.service"), "w", encoding="ascii") as f:
                f.write(f"[D-BUS Service]\nName=org.ehrlink1\nExec={shlex.quote(str(bare))} org.ehrlink1\n")
    subprocess.run(["on-clinic", "dbus-send", "--system", "--dest=org.freedesktop.DBus", "--print-reply", "/org/freedesktop/DBus",
                    "org.freedesktop.DBus.ReloadConfig"], check=True, stdout=subprocess.DEVNULL)
    measure("bare")


def ips(path):
    """Seconds from the end of the tap to the last item and to the receipt, over the shaped link."""
    send, receive = session([path])
    tapped = send.times["tapped"]
    tell(arrived=receive.times["arrived"] - tapped, receipt=send.times["receipt"] - tapped)


if __name__ == "__main__":
    globals()[sys.argv[1]](*sys.argv[2:])
