# SPDX-License-Identifier: Apache-2.0
"""Over Bluetooth: what a machine's own Bluetooth may do meanwhile. Adapters and bluetoothd that go and come, settings that are put back,
desktops with agents and old bonds, no helper, a medium that is full. Run by bluetooth.py."""
import contextlib
import os
import re
import subprocess
import time

import link
from bluetooth_peers import BLUETOOTH_RIG, TERMINAL, own
from scenario import PATIENCE, case

HELPER = "/usr/libexec/ehrlink/ehrlink-bt"
SECOND_OF_CLINIC = "00:AA:01:03:00:42"
# the key that the virtual controllers make of every pairing
KEY = "00010203040506070809000102030405"


def whole(rig, size=20000, output="after"):
    """One more session works."""
    files = [rig.write("after.bin", size)]
    receive, send = rig.receive(output=output), rig.send(*files)
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.untap()
    rig.arrived(files, output=output)


def until(condition):
    end = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.2)


def get(rig, host, name, path="/org/bluez/hci0", interface="org.bluez.Adapter1"):
    """A property of bluetoothd's, "" when there is none."""
    words = rig.call("on-host", host, "busctl", "get-property", "org.bluez", path, interface, name, check=False).stdout.split(None, 1)
    return words[1].strip() if len(words) == 2 else ""


def is_on(rig, host, name="Powered"):
    return get(rig, host, name) == "true"


def is_fast(rig, host):
    said = rig.call("on-host", host, "timeout", "30", "btmgmt", "--index", "0", "info", check=False).stdout
    settings = re.search(r"current settings: (.*)", said)
    return bool(settings) and "fast-connectable" in settings[1]


def doctor(rig, host):
    return rig.call(f"on-{host}", "ehrctl", "doctor", check=False).stdout


def goes_on(rig, receive, send, files):
    """After whatever happened, the session that ran comes to its good end."""
    rig.link("rate", "0")
    send.ends(0), receive.ends(0)
    rig.arrived(files)


# --- what goes and comes

def adapter_is_off(rig):
    """The terminal's adapter is off: doctor says so and that it is no fault; on for the session, off after it."""
    rig.call("adapter", "off", "clinic")
    assert "is off now" in doctor(rig, "clinic")
    whole(rig)
    until(lambda: not is_on(rig, "clinic"))
    rig.call("kill-daemon", "clinic", check=False)
    rig.call("adapter", "on", "clinic")


def no_adapter(rig):
    """No adapter at the terminal: 69 and its name, and doctor says so; when it is back everything works."""
    rig.call("adapter", "unplug", "clinic")
    try:
        receive = rig.receive()
        receive.ends(69, "NoAdapter")
        assert re.search(r"PROBLEM +link.*adapter", doctor(rig, "clinic"))
    finally:
        rig.call("adapter", "plug", "clinic")
    whole(rig)


def adapter_comes_back(rig):
    """The terminal's adapter is pulled out in mid-transfer and put back: the session goes on."""
    receive, send, files = link.running(rig)
    rig.call("adapter", "unplug", "clinic")
    try:
        receive.state("suspended")
    finally:
        rig.call("adapter", "plug", "clinic")
    goes_on(rig, receive, send, files)


@case("--set", f"clinic:link.address={SECOND_OF_CLINIC}")
def two_adapters(rig):
    """The terminal has two adapters: the one that is told in the tap is used, and only that."""
    rig.call("adapter", "add", "clinic")
    try:
        receive, send, files = link.running(rig)
        there = {n: "ACL" in rig.call("on-clinic", "hcitool", "-i", n, "con") for n in ("hci0", "hci1")}
        assert there == {"hci0": False, "hci1": True}, there
        goes_on(rig, receive, send, files)
    finally:
        rig.call("adapter", "remove", "clinic")


def bluetoothd_stopped(rig):
    """bluetoothd does not run on the patient's device: doctor names it; started again after us, everything works."""
    rig.call("bluetoothd", "stop", "patient")
    try:
        assert re.search(r"PROBLEM +link.*(bluetoothd|Bluetooth service)", doctor(rig, "patient"))
    finally:
        rig.call("bluetoothd", "start", "patient")
    whole(rig)


def bluetoothd_restarts(rig):
    """bluetoothd restarts at the terminal while it waits, and again in mid-transfer: the reader is silent until nobody taps in vain, and the session goes on."""
    receive = rig.receive()
    receive.state("ready")
    rig.link("rate", "40")
    files = [rig.write("a.bin", 400_000)]
    send = rig.send(*files)
    send.state("ready")
    rig.call("bluetoothd", "restart", "clinic")
    receive.expect("trouble", error="BluetoothStopped")
    rig.tap()  # at once: waits until both are armed
    assert is_fast(rig, "clinic"), "tapped before pages were answered"
    send.expect("progress")
    rig.call("bluetoothd", "restart", "clinic")
    goes_on(rig, receive, send, files)


def lost_and_resumed(rig):
    """The radio is lost twice in mid-transfer: resumed over a new link, and not everything is sent again."""
    receive, send, files = link.running(rig)
    for at in (100_000, 250_000):
        rig.link("wait", str(int(rig.link("count").split()[1]) + at // 4))
        rig.link("cut")
    goes_on(rig, receive, send, files)
    assert int(rig.link("count").split()[5]) >= 3, rig.link("count")


def killed_in_mid_transfer(rig):
    """Both daemons are killed in mid-transfer: they come back and go on over a new link."""
    receive, send, files = link.running(rig)
    rig.call("kill-daemon", "clinic")
    rig.call("kill-daemon", "patient")
    goes_on(rig, receive, send, files)


@case("--set", "clinic:store.min-free=0")
def disk_full(rig):
    """The terminal's medium is full: 73 there, named at the patient's device, nothing partial in sight."""
    rig.call("kill-daemon", "clinic", check=False)
    rig.call("on-host", "clinic", "rig-machine", "small", "2M")
    try:
        receive, send = rig.receive(), rig.send(rig.write("a.bin", 3_000_000))
        rig.tap()
        receive.ends(73, ("NoSpace", "StoreFailed"))
        send.ends(75, "PeerCannotStore")
        rig.nothing_arrived()
    finally:
        rig.call("kill-daemon", "clinic", check=False)
        rig.call("on-host", "clinic", "rig-machine", "small", "large")


# --- put back

def crash(rig, *programs):
    """Whoever asked for the session is gone, and our own daemon is killed; the next one has looked at how things are."""
    for program in programs:
        program.process.kill()
        program.process.wait()
    rig.call("kill-daemon", "clinic")
    doctor(rig, "clinic")


def put_back_after_a_crash(rig):
    """Our own crash: power and fast connectable are put back by the next run; what somebody else changed meanwhile is left alone."""
    rig.call("adapter", "off", "clinic")
    receive = rig.receive()
    receive.state("ready")
    until(lambda: is_on(rig, "clinic") and is_fast(rig, "clinic"))
    crash(rig, receive)
    until(lambda: not is_on(rig, "clinic"))
    receive = rig.receive()
    receive.state("ready")
    rig.call("adapter", "off", "clinic")
    rig.call("adapter", "on", "clinic")
    crash(rig, receive)
    assert is_on(rig, "clinic"), "turned off, though somebody else had turned it on"
    until(lambda: not is_fast(rig, "clinic"))


def devices(rig, host):
    said = rig.call("on-host", host, "busctl", "tree", "--list", "org.bluez", check=False).stdout
    return [line for line in said.splitlines() if re.search(r"/dev_[0-9A-F_]+$", line)]


def forgotten(rig):
    """What only a session made known to bluetoothd is forgotten after it, and after our own crash too."""
    whole(rig, output="first")
    until(lambda: not devices(rig, "clinic") and not devices(rig, "patient"))
    receive, send, _ = link.running(rig)
    assert devices(rig, "clinic")
    crash(rig, send, receive)
    until(lambda: not devices(rig, "clinic"))


# --- desktops

@contextlib.contextmanager
def desktops(rig, *hosts, answer=()):
    """On these machines a desktop's agent."""
    agents = [rig.start(host, os.path.join(BLUETOOTH_RIG, "desktop-agent"), *answer) for host in hosts]
    for agent in agents:
        until(lambda a=agent: "ready\n" in a.out)
    try:
        yield agents
    finally:
        for agent, host in zip(agents, hosts):
            agent.process.kill()
            agent.process.wait()
            # bluetoothd leaves the kernel's as the agent had it
            rig.call("on-host", host, "timeout", "30", "btmgmt", "--index", "0", "io-cap", "3")


@contextlib.contextmanager
def watched(rig, *hosts):
    """The agent never answers, and nothing may be asked of it."""
    with desktops(rig, *hosts) as agents:
        yield
        for agent in agents:
            assert agent.out == ["ready\n"], agent.said()


def mute_agent(rig):
    """An agent that never answers on the patient's desktop, none on the terminal's: nothing is asked, twice."""
    with watched(rig, "patient"):
        whole(rig, output="first")
        whole(rig, output="second")


@case("--set", "patient:session.connect-timeout=30")
def agent_at_the_terminal(rig):
    """A desktop's agent at the terminal, which newer kernels ask: agreed to, all is well; refused, 75 and that name, and the terminal serves the next."""
    with desktops(rig, "clinic", answer=["yes"]) as (agent,):
        whole(rig, output="agreed")
        asked = len(agent.out) > 1
    with desktops(rig, "clinic", answer=["no"]):
        receive, send = rig.receive(output="refused"), rig.send("after.bin")
        rig.tap()
        if asked:
            send.ends(75, "PairingRefused")
            receive.ends(75)
            rig.nothing_arrived("refused")
        else:
            send.ends(0), receive.ends(0)
        rig.untap()
    whole(rig, output="after")


def bond(rig, host, mine, other, key=KEY):
    """As after a pairing of long ago. Without a key: it is gone."""
    rig.call("bluetoothd", "stop", host)  # which writes and removes such files while it runs
    directory = f"/var/lib/bluetooth/{mine}/{other}"
    if key:
        text = f"[General]\\nName=Old\\nTrusted=false\\nBlocked=false\\n[LinkKey]\\nKey={key}\\nType=4\\nPINLength=0\\n"
        rig.call("on-host", host, "sh", "-c", f"mkdir -p {directory} && printf '{text}' >{directory}/info")
    else:
        rig.call("on-host", host, "rm", "-rf", directory)
    rig.call("bluetoothd", "start", host)
    until(lambda: is_on(rig, host))


def is_bonded(rig, host, other):
    return get(rig, host, "Paired", "/org/bluez/hci0/dev_" + other.replace(":", "_"), "org.bluez.Device1") == "true"


def old_bond(rig):
    """The two have been paired long ago, by their people: no prompt, and the bond is still there after the session."""
    pairs = (("patient", own(1), TERMINAL), ("clinic", TERMINAL, own(1)))
    for host, mine, other in pairs:
        bond(rig, host, mine, other)
        until(lambda h=host, o=other: is_bonded(rig, h, o))
    try:
        with watched(rig, "patient", "clinic"):
            whole(rig)
        for host, _, other in pairs:
            assert is_bonded(rig, host, other), f"{host} lost its bond"
    finally:
        for host, mine, other in pairs:
            bond(rig, host, mine, other, None)


def bond_of_one_side(rig):
    """The two have bonds with keys that differ: the link asks for none of them, so there is no prompt, and both bonds stay."""
    pairs = (("patient", own(1), TERMINAL, KEY), ("clinic", TERMINAL, own(1), KEY[::-1]))
    for host, mine, other, key in pairs:
        bond(rig, host, mine, other, key)
    try:
        with watched(rig, "patient"):
            whole(rig)
        for host, _, other, _ in pairs:
            assert is_bonded(rig, host, other), f"{host} lost its bond"
    finally:
        for host, mine, other, _ in pairs:
            bond(rig, host, mine, other, None)


# --- without the helper

@contextlib.contextmanager
def without_helper(rig, host):
    rig.call("kill-daemon", host, check=False)
    rig.call("on-host", host, "mv", HELPER, HELPER + ".away")
    try:
        yield
    finally:
        rig.call("kill-daemon", host, check=False)
        rig.call("on-host", host, "mv", HELPER + ".away", HELPER)


@contextlib.contextmanager
def findable(rig, host):
    """What the adapter's Discoverable became meanwhile, in a list that is whole when this ends: asking again and again misses a short time."""
    became = []
    match = "type='signal',interface='org.freedesktop.DBus.Properties',path_namespace='/org/bluez',arg0='org.bluez.Adapter1'"
    monitor = subprocess.Popen(["on-host", host, "timeout", "300", "dbus-monitor", "--system", match], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, text=True)
    try:
        assert monitor.stdout.readline(), "dbus-monitor said nothing"  # it is there
        yield became
        # its own end is behind every signal that was sent before
        rig.call("on-host", host, "pkill", "-x", "dbus-monitor")
        said = monitor.stdout.read()
        became += [x == "true" for x in re.findall(r'"Discoverable"\s+variant\s+boolean (true|false)', said)]
    finally:
        monitor.kill()
        monitor.wait()


def no_helper(rig):
    """ehrlink-bt is not installed at the patient's device: by inquiry and SDP; the terminal can be found until it is connected."""
    with without_helper(rig, "patient"):
        assert "ehrlink-bt" in doctor(rig, "patient")
        receive, send, files = rig.receive(), rig.send(rig.write("a.bin", 20000)), ["a.bin"]
        receive.state("ready")
        assert not is_on(rig, "clinic", "Discoverable")
        with findable(rig, "clinic") as became:
            rig.tap()
            receive.state("transferring", "confirming", "filed", "done")
            send.ends(0), receive.ends(0)
            until(lambda: not is_on(rig, "clinic", "Discoverable"))
        rig.arrived(files)
    assert became == [True, False], f"the terminal could be found: {became}"


def no_helper_and_killed(rig):
    """ehrlink-bt is not installed at the patient's device, whose daemon is killed in mid-transfer: it looks again, and finds."""
    with without_helper(rig, "patient"):
        receive, send, files = link.running(rig)
        rig.call("kill-daemon", "patient")
        goes_on(rig, receive, send, files)
        until(lambda: not is_on(rig, "clinic", "Discoverable"))


def no_helper_at_the_terminal(rig):
    """Nor at the terminal: it can be found while it waits, which is how it can be reached, and is put back, after a crash too."""
    with without_helper(rig, "clinic"):
        whole(rig)
        until(lambda: not is_on(rig, "clinic", "Discoverable"))
        receive = rig.receive(output="never")
        receive.state("ready")
        until(lambda: is_on(rig, "clinic", "Discoverable"))
        crash(rig, receive)
        until(lambda: not is_on(rig, "clinic", "Discoverable"))


def doctor_tells_apart(rig):
    """Every state of a machine's Bluetooth reads differently in the doctor's report."""
    def said(host="clinic"):
        return next((line for line in doctor(rig, host).splitlines() if re.search(r"\blink\b", line)), "")
    seen = {"good": said()}
    rig.call("adapter", "off", "clinic")
    seen["off"] = said()
    rig.call("adapter", "on", "clinic")
    rig.call("adapter", "unplug", "clinic")
    seen["none"] = said()
    rig.call("adapter", "plug", "clinic")
    until(lambda: is_on(rig, "clinic"))
    rig.call("bluetoothd", "stop", "clinic")
    seen["stopped"] = said()
    rig.call("bluetoothd", "start", "clinic")
    until(lambda: is_on(rig, "clinic"))
    with without_helper(rig, "clinic"):
        report = doctor(rig, "clinic")
        assert "ehrlink-bt" in report, report
    assert all(seen.values()) and len(set(seen.values())) == len(seen), seen
