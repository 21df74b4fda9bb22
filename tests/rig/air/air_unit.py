#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The air alone: what goes in comes out, at the rate and no sooner than the delay; ends, cuts, flips; flat memory. TAP output."""
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
from tap import run_all  # noqa: E402

AIR = sys.argv[1]
NAME = "AABBCCDDEEFF.7"


class Air:
    def __init__(self, *options):
        self.dir = tempfile.mkdtemp(prefix="air.", dir="/tmp")
        for d in ("p", "q", "c"):
            os.mkdir(f"{self.dir}/{d}")
        self.terminal = self.listen(NAME)
        self.process = subprocess.Popen([AIR, "--patient", f"{self.dir}/p", "--patient", f"{self.dir}/q", "--clinic", f"{self.dir}/c",
                                         "--control", f"{self.dir}/s", *options], stdout=subprocess.PIPE, text=True)
        assert self.process.stdout.readline() == "ready\n"

    def listen(self, name):
        s = socket.socket(socket.AF_UNIX)
        s.bind(f"{self.dir}/c/{name}")
        s.listen(8)
        return s

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(10)
        self.process.stdout.close()
        left = os.listdir(f"{self.dir}/p") + os.listdir(f"{self.dir}/q") + [x for x in os.listdir(self.dir) if x == "s"]
        self.terminal.close()
        shutil.rmtree(self.dir)
        assert not left, f"left behind: {left}"

    def say(self, line):
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f"{self.dir}/s")
            s.sendall(line.encode() + b"\n")
            return s.makefile().readline().strip()

    def count(self):
        words = self.say("count").split()
        return {words[i]: int(words[i + 1]) for i in range(1, len(words) - 1, 2)}

    def connect(self, who="p", name=NAME):
        s = socket.socket(socket.AF_UNIX)
        s.settimeout(20)
        s.connect(f"{self.dir}/{who}/{name}")
        return s

    def pair(self, who="p"):
        patient = self.connect(who)
        self.terminal.settimeout(20)
        clinic, _ = self.terminal.accept()
        clinic.settimeout(20)
        return patient, clinic


def read_all(s):
    data = bytearray()
    while True:
        part = s.recv(65536)
        if not part:
            return bytes(data)
        data += part


def wait_for(path, there):
    end = time.monotonic() + 10
    while os.path.exists(path) != there:
        assert time.monotonic() < end, path
        time.sleep(0.005)


def both_ways(air):
    """Twelve MB each way at once, byte for byte, and each end's end is the other's, apart."""
    data = os.urandom(12_000_000)
    patient, clinic = air.pair()
    back = data[::-1]
    t = [threading.Thread(target=lambda: (patient.sendall(data), patient.shutdown(socket.SHUT_WR))),
         threading.Thread(target=lambda: (clinic.sendall(back), None))]
    got = {}
    r = threading.Thread(target=lambda: got.update(c=read_all(clinic)))
    for x in t + [r]:
        x.start()
    arrived = bytearray()
    while len(arrived) < len(back):
        arrived += patient.recv(65536)
    for x in t + [r]:
        x.join()
    assert got["c"] == data and bytes(arrived) == back
    clinic.sendall(b"still open this way")
    assert patient.recv(100) == b"still open this way"
    clinic.close()
    assert patient.recv(1) == b""
    patient.close()


def test_both_ways():
    with Air() as air:
        both_ways(air)
        count = air.count()
        assert count["p2c"] == 12_000_000 and count["c2p"] == 12_000_019 and count["connections"] == 1, count


def test_slow():
    """At 1,000 KB/s and 20 ms, 600 KB take no less than what the rate allows (less a bucket), and arrive whole."""
    with Air("--rate", "1000", "--delay", "20") as air:
        data = os.urandom(600_000)
        patient, clinic = air.pair()
        start = time.monotonic()
        t = threading.Thread(target=lambda: (patient.sendall(data), patient.close()))
        t.start()
        got = read_all(clinic)
        took = time.monotonic() - start
        t.join()
        assert got == data
        assert took >= 0.55 + 0.02, took
        clinic.close()


def test_slow_alone():
    """One connection crawls, the others do not; the next rate is for all of them."""
    with Air() as air:
        first, second = air.pair(), air.pair()
        assert air.say("slow 10") == "ok"
        data = os.urandom(2_000_000)
        threads = [threading.Thread(target=lambda p=p: (p.sendall(data), p.close())) for p, _ in (first, second)]
        for t in threads:
            t.start()
        assert read_all(first[1]) == data
        assert air.count()["p2c"] < 2 * len(data)  # the other would take three minutes
        assert air.say("rate 0") == "ok"
        assert read_all(second[1]) == data
        for t in threads:
            t.join()
        first[1].close(), second[1].close()
        end = time.monotonic() + 10
        while air.say("slow 10") == "ok":  # until it has seen the end
            assert time.monotonic() < end


def test_late():
    """With a delay alone a byte is never early, and a round trip takes both ways."""
    with Air("--delay", "50") as air:
        patient, clinic = air.pair()
        start = time.monotonic()
        patient.sendall(b"x")
        assert clinic.recv(1) == b"x" and time.monotonic() - start >= 0.05
        clinic.sendall(b"y")
        assert patient.recv(1) == b"y" and time.monotonic() - start >= 0.1
        data = os.urandom(2_000_000)
        t = threading.Thread(target=lambda: (patient.sendall(data), patient.close()))
        t.start()
        assert read_all(clinic) == data
        t.join()
        clinic.close()


def test_cut():
    """A cut ends both ends at once; a new connection works."""
    with Air() as air:
        patient, clinic = air.pair()
        assert air.say("cut") == "ok cut 1"
        assert patient.recv(1) == b"" and clinic.recv(1) == b""
        patient.close(), clinic.close()
        patient, clinic = air.pair()
        patient.sendall(b"again")
        assert clinic.recv(5) == b"again"
        patient.close(), clinic.close()


def test_down_up():
    """Down cuts and refuses, also what appears meanwhile; up offers everything again."""
    with Air() as air:
        patient, clinic = air.pair()
        assert air.say("down") == "ok cut 1"
        assert patient.recv(1) == b"" and clinic.recv(1) == b""
        patient.close(), clinic.close()
        try:
            air.connect()
            raise AssertionError("connected while down")
        except ConnectionRefusedError:
            pass
        other = air.listen("001122334455.30")
        end = time.monotonic() + 10
        while air.count()["offers"] != 4 and time.monotonic() < end:
            time.sleep(0.005)
        assert air.count()["offers"] == 4
        assert air.say("up") == "ok"
        air.connect("q", "001122334455.30").close()
        both_ways(air)
        other.close()


def test_cut_after():
    """Exactly as many bytes pass as was said, then the cut; down-after stays down."""
    with Air() as air:
        for way, reply in (("p2c", 0), ("c2p", 1)):
            patient, clinic = air.pair()
            assert air.say(f"cut-after 12345 {way}").startswith("ok")
            source, sink = (patient, clinic) if reply == 0 else (clinic, patient)
            source.sendall(bytes(50_000))
            assert len(read_all(sink)) == 12345
            patient.close(), clinic.close()
        assert air.say("down-after 100").startswith("ok")
        patient, clinic = air.pair()
        patient.sendall(bytes(1000))
        assert len(read_all(clinic)) == 100
        assert "down" in air.say("count")
        patient.close(), clinic.close()


def test_flip():
    """One bit of one byte, where it was said, once."""
    with Air() as air:
        patient, clinic = air.pair()
        patient.sendall(bytes(10))
        assert clinic.recv(10, socket.MSG_WAITALL) == bytes(10)
        assert air.say("flip 5").startswith("ok")
        patient.sendall(bytes(10))
        assert clinic.recv(10, socket.MSG_WAITALL) == bytes(5) + b"\x10" + bytes(4)
        patient.sendall(bytes(10))
        assert clinic.recv(10, socket.MSG_WAITALL) == bytes(10)
        patient.close(), clinic.close()


def test_hold():
    """Held, nothing passes although both are connected; released, all of it does."""
    with Air() as air:
        patient, clinic = air.pair()
        assert air.say("hold") == "ok"
        patient.sendall(b"kept")
        clinic.settimeout(0.2)
        try:
            clinic.recv(1)
            raise AssertionError("passed while held")
        except TimeoutError:
            pass
        assert air.say("release") == "ok"
        clinic.settimeout(20)
        assert clinic.recv(4, socket.MSG_WAITALL) == b"kept"
        patient.close(), clinic.close()


def test_names():
    """Offers follow the terminals' directory; names that are none are not offered; a dead terminal refuses at once."""
    with Air() as air:
        bad = [air.listen(n) for n in ("aabbccddeeff.7", "AABBCCDDEEFF", "AABBCCDDEEFF.777", "AABBCCDDEEFG.7", "x")]
        open(f"{air.dir}/c/AABBCCDDEEFF.9", "w").close()
        s = air.listen("AABBCCDDEE00.1")
        wait_for(f"{air.dir}/p/AABBCCDDEE00.1", True)
        wait_for(f"{air.dir}/q/AABBCCDDEE00.1", True)
        assert sorted(os.listdir(f"{air.dir}/p")) == ["AABBCCDDEE00.1", NAME]
        s.close()
        dead = air.connect("p", "AABBCCDDEE00.1")
        assert dead.recv(1) == b""
        dead.close()
        os.unlink(f"{air.dir}/c/AABBCCDDEE00.1")
        wait_for(f"{air.dir}/p/AABBCCDDEE00.1", False)
        for b in bad:
            b.close()


def test_record_and_wait():
    """What passed can be had for a replay; `wait` answers when so much has passed."""
    with Air() as air:
        os.mkdir(f"{air.dir}/r")
        assert air.say(f"record {air.dir}/r") == "ok"
        patient, clinic = air.pair()
        answers = []
        t = threading.Thread(target=lambda: answers.append(air.say("wait 5000")))
        t.start()
        patient.sendall(b"p" * 4000)
        clinic.sendall(b"c" * 1000)
        assert clinic.recv(4000, socket.MSG_WAITALL) == b"p" * 4000 and patient.recv(1000, socket.MSG_WAITALL) == b"c" * 1000
        t.join(10)
        assert answers == ["ok"]
        patient.close(), clinic.close()
        assert open(f"{air.dir}/r/1.p2c", "rb").read() == b"p" * 4000
        assert open(f"{air.dir}/r/1.c2p", "rb").read() == b"c" * 1000


def test_commands():
    """A wrong command is told; nothing a client says ends the air."""
    with Air() as air:
        for line in ("nonsense", "flip", "flip x", "flip 1 sideways", "rate -1", "slow", "slow 10", "delay 99999999", "wait"):
            assert air.say(line).startswith("error"), line
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(f"{air.dir}/s")
            try:
                s.sendall(b"x" * 100_000)
                s.recv(10)
            except (BrokenPipeError, ConnectionResetError):
                pass
        assert air.say("rate 100") == "ok" and air.say("delay 1") == "ok"


def memory(pid):
    with open(f"/proc/{pid}/status") as f:
        return int(next(line for line in f if line.startswith("RssAnon")).split()[1])


def test_flat():
    """Two hundred connections of 1 MB use no more memory than the first ten, and no more descriptors."""
    with Air() as air:
        for i in range(200):
            patient, clinic = air.pair()
            t = threading.Thread(target=lambda: (patient.sendall(bytes(1_000_000)), patient.close()))
            t.start()
            assert len(read_all(clinic)) == 1_000_000
            t.join()
            clinic.close()
            if i == 10:
                was, fds = memory(air.process.pid), len(os.listdir(f"/proc/{air.process.pid}/fd"))
        if "ASAN_OPTIONS" not in os.environ:
            assert memory(air.process.pid) - was <= 600, (was, memory(air.process.pid))
        assert len(os.listdir(f"/proc/{air.process.pid}/fd")) <= fds + 2


sys.exit(run_all(globals()))
