#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The kill matrix on real daemons: one pair of hosts, session after session, each struck once or twice at a point drawn by lot.

A megabyte in three items; the points are spread over the bytes of the patient's stream and over the APDUs of the tap. The seed is
printed; KILL_MATRIX_SEED gives it again. tests/proto/session_matrix_unit.c tries every point, in virtual time.
"""
import os
import random
import shutil
import signal
import sys
import time

from scenario import PATIENCE, case, main

CHIPS = {"patient": "0", "clinic": "1"}
WINDOW = 8 * 256 * 1024
REATTACH = 16 * 1024  # a connection's preamble, handshake and first records, and a padded answer
RATE = 3000           # KB/s: slow enough that a kill hits what it is aimed at


class Matrix:
    """The hosts, and what became of the points so far."""

    def __init__(self, rig, seed):
        self.rig, self.lot = rig, random.Random(seed)
        self.files = [rig.write("summary.json", "{" + " " * 24_000 + "}"), rig.write("report.pdf", 300_000), rig.write("image.dcm", 720_000)]
        self.number = self.blows = self.again = self.again_max = self.resumed = 0
        self.pids, self.calm, self.pairs = {}, 0, 0
        rig.link("rate", str(RATE))

    def bytes(self):
        words = self.rig.link("count").split()
        return int(words[1]), int(words[3])

    def receipts(self):
        return [len(os.listdir(os.path.join(self.rig.dir, d, "state/receipts"))) for d in "pc"]

    def sim(self, *words):
        return self.rig.call("simctl", os.path.join(self.rig.dir, "nfc"), *words, check=False)

    def daemon(self, host):
        pid = self.pids.get(host)
        if pid is None or not os.path.exists(f"/proc/{pid}"):
            self.pids[host] = pid = self.rig.call("daemon-pid", host)
        return int(pid)

    def helper(self, host):
        """The process of ehrlink-nfc there, or None."""
        parent = self.daemon(host)
        for entry in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{entry}/stat", encoding="utf-8", errors="replace") as f:
                    name, rest = f.read().split("(", 1)[1].rsplit(")", 1)
            except OSError:
                continue
            if name == "ehrlink-nfc" and int(rest.split()[1]) == parent:
                return int(entry)
        return None

    def armed(self, seconds):
        return self.sim("wait-armed", *CHIPS.values(), f"{seconds:.1f}").returncode == 0

    # --- what strikes; each taps, and returns how often it struck

    def cut(self, at):
        self.rig.link("cut-after", str(at))
        self.rig.tap()
        return 1

    def cut_twice(self, at):
        """The link that comes after the first one is cut too, early or late."""
        start = sum(self.bytes())
        self.rig.link("cut-after", str(at))
        self.rig.tap()
        self.rig.link("wait", str(start + at + 1))
        self.rig.link("cut-after", str(self.lot.choice((1, 60, 200, 1500, 60_000))))
        return 2

    def kill(self, at, *hosts):
        pids = [self.daemon(host) for host in hosts]
        start = sum(self.bytes())
        self.rig.tap()
        self.rig.link("wait", str(start + at))
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        for host, pid in zip(hosts, pids):
            while self.rig.call("daemon-pid", host, check=False).stdout.strip() == str(pid):
                time.sleep(0.01)
        return 1

    def tear(self, at):
        self.sim("reset")
        self.sim("tear-after", str(at))
        self.sim("tap", *CHIPS.values())
        return 1

    def kill_helper(self, at, host):
        pid = self.helper(host)
        assert pid, f"no ehrlink-nfc on {host}"
        self.sim("reset")
        self.sim("tap", *CHIPS.values())
        end = time.monotonic() + PATIENCE
        while int(self.sim("count").stdout.split()[2]) < at and time.monotonic() < end:
            pass
        os.kill(pid, signal.SIGKILL)
        return 1

    def tap_until_done(self, *programs):
        """As a person does: when nothing came of a tap, both devices ask for another."""
        end = time.monotonic() + 2 * PATIENCE
        while any(p.process.poll() is None for p in programs):
            assert time.monotonic() < end, "\n".join(p.said() for p in programs)
            self.sim("untap")
            if self.armed(0.5):
                self.rig.tap()

    # --- a point

    def session(self, strike, *words):
        """One session, struck so; it ends well, with the same files, and one receipt on either side."""
        self.number += 1
        output = f"got-{self.number}"
        had, sent = self.receipts() if self.number > 1 else [0, 0], self.bytes()[0]
        self.sim("untap")
        receive, send = self.rig.receive(output=output), self.rig.send(*self.files)
        assert self.armed(PATIENCE), f"{receive.said()}\n{send.said()}"
        blows = strike(*words)
        if strike in (self.tear, self.kill_helper):
            self.tap_until_done(receive, send)
        send.ends(0), receive.ends(0)
        self.rig.arrived(self.files, output)
        assert self.receipts() == [n + 1 for n in had], (had, self.receipts())
        shutil.rmtree(output)
        return blows, self.bytes()[0] - sent

    def measure(self):
        """What an undisturbed session takes."""
        def tap():
            self.sim("reset")
            self.rig.tap()
            self.pairs = int(self.sim("count").stdout.split()[2])
            return 0
        _, self.calm = self.session(tap)

    def point(self, name, strike, *words):
        print(f"point {self.number}: {name} {words}", file=sys.stderr, flush=True)
        blows, sent = self.session(strike, *words)
        again = max(sent - self.calm, 0)
        assert again <= blows * (WINDOW + REATTACH), f"{name} {words}: {again} bytes again"
        self.blows += blows
        self.again += again
        self.again_max = max(self.again_max, again // blows)

    def all(self, links, taps):
        """So many points of each kind: on the link, in the tap."""
        for name, strike, hosts in (("link cut", self.cut, ()), ("links cut", self.cut_twice, ()), ("sender killed", self.kill, ("patient",)),
                                    ("receiver killed", self.kill, ("clinic",)), ("both killed", self.kill, ("patient", "clinic"))):
            for i in range(links):
                self.point(name, strike, int((i + self.lot.random()) / links * (self.calm - 1)), *hosts)
        for name, strike, hosts in (("torn tap", self.tear, ()), ("card's helper killed", self.kill_helper, ("patient",)),
                                    ("reader's helper killed", self.kill_helper, ("clinic",))):
            steps = self.pairs * (2 if strike == self.tear else 1)
            for i in range(taps):
                self.point(name, strike, int((i + self.lot.random()) / taps * (steps - 1)) + 1, *hosts)


def matrix(rig, links, taps):
    seed = os.environ.get("KILL_MATRIX_SEED") or str(random.SystemRandom().randrange(10 ** 6))
    print(f"figure: seed {seed}", flush=True)
    m = Matrix(rig, seed)
    m.measure()
    m.all(links, taps)
    points = m.number - 1
    print(f"figure: {points} points, {m.blows} blows, resumed or tapped again {points}, bytes again {m.again} (at most {m.again_max} for a "
          f"blow; the session has {m.calm}), lost 0, doubled 0", flush=True)


@case(seconds=400)
def sample(rig):
    """A sample of the kill matrix: each kind of blow, a few points"""
    matrix(rig, 2, 1)


@case(seconds=2400)
def every(rig):
    """The kill matrix on real daemons: two hundred points and more"""
    matrix(rig, 32, 14)


main()
