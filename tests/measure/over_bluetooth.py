# SPDX-License-Identifier: Apache-2.0
"""What tests/bench runs between two emulated machines: our sessions, a plain RFCOMM sender and obexd's object push, interleaved on one link.

    over_bluetooth.py BYTES RUNS SUMMARY [KB/S…]

Tells one session as the radio and as btmon saw it, and the memory of the processes; then RUNS times what the three took for the file
SUMMARY and, for each rate of the link (0: as fast as it goes), for an item of BYTES. What is sent and
what arrives is in the machines' memory, so that no disk is measured. Each of the three is first, second and last in turn.
"""
import os
import re
import struct
import subprocess
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from inside import Timed, random_file, tell  # noqa: E402
from scenario import CLINIC, Rig  # noqa: E402

TERMINAL, CHANNEL = "00:AA:01:01:00:42", "5"  # 9 is obexd's
THERE, GOT = "/run/bench", "/run/bench/got"
HERE = os.path.dirname(os.path.abspath(__file__))
LONG = 3000
BTMON_BUFFER = 64 << 20


def on(host, *command, **more):
    return subprocess.run(["on-" + host, *command], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=True, **more).stdout


class Talker:
    """A program in a machine that stays: a line in, a line out."""

    def __init__(self, host, *command, ready):
        # what nobody reads must not fill a pipe
        self.process = subprocess.Popen(["on-" + host, *command], stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE if ready else subprocess.DEVNULL)
        if ready:
            assert self.process.stdout.readline().strip() == ready, command

    def ask(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().split()

    def end(self):
        self.process.terminate()
        self.process.wait()


def session(path):
    """One whole session with the file at this path of the patient's machine."""
    receive = Timed("clinic", "ehr-receive", "--json", "--output", GOT, "--once", "--file", "auto", "--timeout", "300")
    send = Timed("patient", "ehr-send", "--json", "--yes", "--to", CLINIC, "--timeout", "300", "--", path)
    subprocess.run(["tap"], check=True, stderr=subprocess.DEVNULL)
    send.ends(0, seconds=LONG)
    receive.ends(0, seconds=LONG)
    subprocess.run(["untap"], check=True)
    on("clinic", "rm", "-rf", GOT)
    return send


def goodput(path):
    """From the first byte to the receipt, verified and on the patient's disk; the others end with the last byte."""
    send = session(path)
    return {"ours": send.times["confirming"] - send.times["transferring"]}


def from_tap(path):
    send = session(path)
    return {"ours": send.times["receipt"] - send.times["tapping"], "tapped": send.times["receipt"] - send.times["tapped"]}


def plain(path):
    program = os.path.join(os.environ["EHRLINK_BUILD"], "tests/measure/rfcomm_plain")
    words = on("patient", program, "send", TERMINAL, CHANNEL, on("patient", "stat", "-c", "%s", path).strip()).split()
    return {"plain": float(words[3]), "plain_connect": float(words[2])}


def obex(talker):
    words = talker.ask()
    if words[:1] != ["pushed"]:
        return {"obex_failed": " ".join(words)}
    return {"obex": float(words[2]), "obex_connect": float(words[1])}


def quiet(rig, after_session):
    """After a session bluetoothd is told to forget the other device, which hangs up on whoever else uses the link."""
    while re.search(r"open [1-9]", rig.link("count")):
        time.sleep(0.2)
    end = time.monotonic() + 10
    while after_session and time.monotonic() < end and any("/dev_" in on(h, "busctl", "tree", "--list", "org.bluez") for h in ("patient", "clinic")):
        time.sleep(0.2)


def compare(rig, runs, rate, path, ours, **facts):
    talker = Talker("patient", "dbus-run-session", "--", "/usr/bin/python3", os.path.join(HERE, "obex_push.py"), TERMINAL, path, ready="ready")
    three = [lambda: ours(path), lambda: plain(path), lambda: obex(talker)]
    rig.link("rate", str(rate))
    for run in range(runs + 1):
        both = {}
        for which in range(3):
            both.update(three[(run + which) % 3]())
            quiet(rig, after_session=(run + which) % 3 == 0)
        if run > 0:  # the first is to warm up
            tell(rate=rate, **facts, **both)
    talker.end()
    rig.link("rate", "0")


def totals(rig):
    """{name: (there, back)} of the radio's count, which sees every packet."""
    text = rig.link("count")
    found = {name: tuple(map(int, pair)) for name, *pair in re.findall(r"(frames|packets|bytes) (\d+) (\d+)", text)}
    found["users"] = tuple(int(re.search(way + r" (\d+)", text).group(1)) for way in ("p2c", "c2p"))
    return found


def on_the_wire(rig, item, size):
    """One session as the radio counted it and as btmon on the patient's machine saw it."""
    capture = f"{THERE}/capture"
    # what the kernel cannot hand to btmon at once it drops
    on("patient", "sysctl", "-q", "-w", f"net.core.rmem_default={BTMON_BUFFER}", f"net.core.rmem_max={BTMON_BUFFER}")
    monitor = Talker("patient", "btmon", "-w", capture, ready=None)
    while on("patient", "sh", "-c", f"stat -c %s {capture} 2>&1 || true").strip() in ("", "0"):
        time.sleep(0.2)
    before = totals(rig)
    session(item)
    after = totals(rig)
    size_of, last = ("stat", "-c", "%s", capture), ""
    while (now := on("patient", *size_of)) != last:  # it is behind: it also prints what nobody reads
        last = now
        time.sleep(3)
    monitor.end()
    on("patient", "sysctl", "-q", "-w", "net.core.rmem_default=212992")
    on("patient", "cp", capture, "capture.btsnoop")
    counted = {name: [a - b for a, b in zip(after[name], before[name])] for name in after}
    tell(payload=size, radio=counted, btmon=captured("capture.btsnoop"))


def captured(path):
    with open(path, "rb") as f:
        data = f.read()
    at, facts = 16, {"frames": 0, "users": 0, "bytes": 0, "first": None}
    while at + 24 <= len(data):
        _, length, flags, _, _ = struct.unpack_from(">IIIIQ", data, at)
        packet, at = data[at + 24:at + 24 + length], at + 24 + length
        if flags & 0xffff not in (4, 5):
            continue
        outward = flags & 0xffff == 4
        users = rfcomm_users(packet)
        if users and facts["first"] is None:
            facts["first"] = "patient" if outward else "terminal"
        if outward:
            facts["bytes"] += length - 4
            facts["users"] += users
            facts["frames"] += users > 0
    return facts


def rfcomm_users(packet):
    """Users' bytes of an RFCOMM frame that starts in this ACL packet, 0 if it is none."""
    if len(packet) < 12 or (packet[1] >> 4) & 3 == 1 or struct.unpack_from("<H", packet, 6)[0] < 0x40:
        return 0
    address, control, length = packet[8:11]
    if address >> 2 == 0 or control | 0x10 != 0xff:
        return 0
    return length >> 1 if length & 1 else length >> 1 | packet[11] << 7


def memory(rig, item, size):
    """VmHWM and RssAnon of each process when most of a session's bytes have passed."""
    begin = sum(totals(rig)["users"])
    receive = Timed("clinic", "ehr-receive", "--json", "--output", GOT, "--once", "--file", "auto", "--timeout", "300")
    send = Timed("patient", "ehr-send", "--json", "--yes", "--to", CLINIC, "--timeout", "300", "--", item)
    subprocess.run(["tap"], check=True, stderr=subprocess.DEVNULL)
    rig.link("wait", str(begin + size * 9 // 10))
    for host in ("patient", "clinic"):
        shown = on(host, "sh", "-c", "grep -H -E '^(Name|VmHWM|RssAnon)' $(grep -l -E '^Name:.*(ehr|bluetoothd|obexd)' /proc/[0-9]*/status); true")  # one may end meanwhile
        for _, name, high, anon in re.findall(r"/proc/(\d+)/status:Name:\s*(\S+)\n.*?VmHWM:\s*(\d+) kB\n.*?RssAnon:\s*(\d+) kB", shown):
            tell(host=host, process=name, high=int(high), anon=int(anon))
    send.ends(0, seconds=LONG)
    receive.ends(0, seconds=LONG)


def prepare(item, summary):
    os.environ["RIG_TAP_SECONDS"] = "300"
    for host in ("patient", "clinic"):
        # more than two pairings in one boot are too many for the emulated controllers; nobody measures them
        on(host, "timeout", "60", "btmgmt", "--index", "0", "ssp", "off")
        on(host, "mkdir", "-p", f"{THERE}/obex")
    # the plain listener and obexd want to be paged, too
    on("clinic", "timeout", "60", "btmgmt", "--index", "0", "connectable", "on")
    on("patient", "cp", item, summary, THERE)
    program = os.path.join(os.environ["EHRLINK_BUILD"], "tests/measure/rfcomm_plain")
    return [Talker("clinic", program, "listen", CHANNEL, ready="listening"),
            Talker("clinic", "dbus-run-session", "--", "/usr/libexec/bluetooth/obexd", "-n", "-a", "-r", f"{THERE}/obex", ready=None)]


def main(size, runs, ips, *rates):
    rig, size = Rig(), int(size)
    # the machines share this directory
    subprocess.run(["cp", ips, "ips.json"], check=True)
    listeners = prepare(random_file("item.bin", size), "ips.json")
    item = f"{THERE}/item.bin"
    on_the_wire(rig, item, size)
    memory(rig, item, size)
    compare(rig, int(runs), int(rates[0]), f"{THERE}/ips.json", from_tap, what="summary")
    for rate in rates:
        compare(rig, int(runs), int(rate), item, goodput, what="goodput")
    for listener in listeners:
        listener.end()


if __name__ == "__main__":
    main(*sys.argv[1:])
