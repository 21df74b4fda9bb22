#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The link: junk from anyone in range, and a link that goes down and stays down."""
import os
import socket
import struct

from scenario import BLUETOOTH, case, main, read


def address(rig):
    """Where the terminal listens."""
    names = os.listdir(os.path.join(rig.dir, "c/link"))
    assert len(names) == 1, names
    return os.path.join(rig.dir, "c/link", names[0])


def intrude(rig, data, more=True):
    """Connects as anyone in range can, says `data`; the connection must be closed by the other side."""
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(60)
        s.connect(address(rig))
        try:
            s.sendall(data)
            if not more:
                s.shutdown(socket.SHUT_WR)
            while s.recv(65536):
                pass
        except (BrokenPipeError, ConnectionResetError):
            pass


def running(rig, size=2_000_000, rate=400):
    """A session in mid-transfer."""
    if BLUETOOTH:
        size, rate = 400_000, 40
    rig.link("rate", str(rate))
    files = [rig.write("a.bin", size)]
    receive, send = rig.receive(), rig.send(*files)
    rig.tap()
    send.expect("progress")
    return receive, send, files


def survives(rig, receive, send, files):
    rig.link("rate", "0")
    send.ends(0), receive.ends(0)
    rig.arrived(files)


@case()
def junk(rig):
    """Junk, nothing at all, and a preamble with an unknown locator: each connection is closed, the session goes on."""
    receive, send, files = running(rig)
    magic = b"EHR1\1"
    for data in (os.urandom(4096), b"\0" * 100, magic, magic + os.urandom(16), magic + os.urandom(32), magic + os.urandom(3000),
                 b"EHR1\2" + os.urandom(32), b"GET / HTTP/1.1\r\n\r\n"):
        intrude(rig, data, more=False)
    survives(rig, receive, send, files)


@case()
def oversized(rig):
    """A record that claims 65,535 bytes, and a flood of megabytes: closed; the session goes on."""
    receive, send, files = running(rig)
    intrude(rig, struct.pack(">H", 0xFFFF) + os.urandom(70000))
    intrude(rig, os.urandom(4_000_000))
    survives(rig, receive, send, files)


@case()
def replay(rig):
    """A whole recorded session, said again while another runs and when none does: closed; nothing arrives twice."""
    os.mkdir("record")
    rig.link("record", os.path.abspath("record"))
    first = [rig.write("first.json", 20000)]
    receive, send = rig.receive(output="first"), rig.send(*first)
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.link("record")
    rig.untap()
    recorded = read("record/1.p2c")
    assert len(recorded) > 20000
    receive, send, files = running(rig)
    intrude(rig, recorded, more=False)
    survives(rig, receive, send, files)
    assert len(rig.sessions("first")) == 1


@case()
def flipped_bit_first_record(rig):
    """A bit flips in the first bytes: that connection closes, the session and its transfer survive."""
    files = [rig.write("a.bin", 500_000)]
    rig.link("flip", "60")
    receive, send = rig.receive(), rig.send(*files)
    rig.tap()
    survives(rig, receive, send, files)


@case()
def flipped_bit_mid_transfer(rig):
    """A bit flips in mid-transfer: that connection closes, the session goes on over another, and what arrives is good."""
    receive, send, files = running(rig)
    before = int(rig.link("count").split()[5])
    rig.link("flip", "1000")
    survives(rig, receive, send, files)
    assert int(rig.link("count").split()[5]) > before, "no new connection was made"


@case()
def flipped_bit_on_the_way_back(rig):
    """The same in what the clinic sends."""
    receive, send, files = running(rig)
    before = int(rig.link("count").split()[5])
    rig.link("flip", "10", "c2p")
    survives(rig, receive, send, files)
    assert int(rig.link("count").split()[5]) > before, "no new connection was made"


@case("--set", "patient:session.resume-timeout=4", "--set", "clinic:session.resume-timeout=4")
def down_for_good(rig):
    """The link goes down in mid-transfer and stays down: 75 on both sides after the deadline, nothing partial in sight."""
    receive, send, _ = running(rig)
    rig.link("down")
    send.ends(75, ("LinkLost", "TimedOut"))
    receive.ends(75, ("LinkLost", "TimedOut"))
    rig.nothing_arrived(kept=True)


@case("--set", "patient:session.connect-timeout=4", "--set", "clinic:session.connect-timeout=4")
def down_before_the_tap(rig):
    """There is no link at all after the tap: 75 on both sides after the deadline."""
    rig.link("down")
    receive, send = rig.receive(), rig.send(rig.write("a.json", 1000))
    rig.tap()
    send.ends(75, ("LinkLost", "TimedOut"))
    receive.ends(75, ("LinkLost", "TimedOut"))
    rig.nothing_arrived()


@case("--set", "patient:session.idle-timeout=4", "--set", "clinic:session.idle-timeout=4", "--set", "patient:session.resume-timeout=4",
      "--set", "clinic:session.resume-timeout=4")
def silent_peer(rig):
    """Connected, but nothing passes any more: 75 on both sides, nothing partial in sight."""
    receive, send, _ = running(rig)
    rig.link("hold")
    send.ends(75, ("LinkLost", "TimedOut"))
    receive.ends(75, ("LinkLost", "TimedOut"))
    rig.nothing_arrived(kept=True)


@case("--set", "patient:session.resume-timeout=4", "--set", "clinic:session.resume-timeout=4")
def cut_at_many_points(rig):
    """Cut at growing positions and down for good: never a partial item, never success on one side only with nothing on the other."""
    for at in (1, 100, 700, 2000, 20_000, 300_000):
        output = f"got-{at}"
        files = [rig.write("a.bin", 400_000)]
        rig.link("down-after", str(at))
        receive, send = rig.receive(output=output), rig.send(*files)
        rig.tap()
        codes = send.process.wait(60), receive.process.wait(60)
        assert codes == (75, 75), (at, codes, send.said(), receive.said())
        rig.nothing_arrived(output, kept=True)
        rig.link("up")
        rig.untap()


@case()
def many_intruders(rig):
    """Forty connections that say nothing at all do not keep the tapped device out."""
    files = [rig.write("a.bin", 200_000)]
    receive = rig.receive()
    receive.state("ready")
    held = []
    for _ in range(40):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(5)
        try:
            s.connect(address(rig))
        except (OSError, AssertionError):
            pass  # not listening yet, or enough of us
        held.append(s)
    send = rig.send(*files)
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.arrived(files)
    for s in held:
        s.close()


if __name__ == "__main__":
    main()
