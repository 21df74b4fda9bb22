#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The kill matrix on real daemons: one pair of hosts, session after session, each struck at a point drawn by lot, or at every APDU of
the tap.

A megabyte in three items: links cut, processes killed. A window of the transfer (2 MiB) is more than that, so that "at most one window is
sent again" is tried with six windows. A session that has resumed is cut again, each of its next links early or late. The seed is
printed; KILL_MATRIX_SEED gives it again. What is counted is what was found in the directories and among the receipts; a point that went
wrong does not end the run, it fails it. tests/proto/session_matrix_unit.c tries every point, in virtual time.
"""
import os
import random
import shutil
import signal
import sys
import time

from scenario import PATIENCE, case, main, read

CHIPS = {"patient": "0", "clinic": "1"}
WINDOW = 8 * 256 * 1024
REATTACH = 16 * 1024  # a connection's preamble, handshake and first records, and a padded answer
RATE = 3000           # KB/s: slow enough that a blow hits what it is aimed at
FURTHER = (1, 60, 200, 1500, 60_000)


class Tally:
    """What became of the points."""

    def __init__(self):
        self.points = self.blows = self.resumed = self.tapped = self.lost = self.doubled = 0
        self.again, self.wrong = {}, []

    def sent_again(self, what, blows, again):
        total, most = self.again.get(what, (0, 0))
        self.again[what] = total + again, max(most, again // blows)

    def report(self):
        print(f"figure: {self.points} points, {self.blows} blows; resumed over a new link {self.resumed}, tapped again {self.tapped}; "
              f"lost {self.lost}, doubled {self.doubled}", flush=True)
        for what, (total, most) in self.again.items():
            print(f"figure: {what}: {total} bytes sent again, at most {most} for a blow; a window is {WINDOW}", flush=True)


class Wrong(Exception):
    """A point did not end as it must."""


class Matrix:
    """The hosts, and what became of the points so far."""
    largest = {"1 MB": 720_000, "12 MB": 6 * WINDOW}
    rate, further = RATE, FURTHER

    def __init__(self, rig, seed):
        self.rig, self.lot, self.tally = rig, random.Random(seed), Tally()
        small = [rig.write("summary.json", "{" + " " * 24_000 + "}"), rig.write("report.pdf", 300_000)]
        self.loads = {load: [*small, rig.write(f"image-{size}.dcm", size)] for load, size in self.largest.items()}
        self.number, self.calm, self.pairs, self.pids, self.programs = 0, {}, 0, {}, ()
        rig.link("rate", str(self.rate))

    def bytes(self):
        words = self.rig.link("count").split()
        return int(words[1]), int(words[3])

    def receipts(self):
        directories = [os.path.join(self.rig.dir, d, "state/receipts") for d in "pc"]
        return [len(os.listdir(d)) if os.path.isdir(d) else 0 for d in directories]

    def sim(self, *words):
        return self.rig.call("simctl", os.path.join(self.rig.dir, "nfc"), *words, check=False)

    def count_pairs(self):
        return int(self.sim("count").stdout.split()[2])

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

    def ended(self):
        return all(p.process.poll() is not None for p in self.programs)

    # --- what strikes; each taps, and returns how often it struck

    def cut(self, at):
        self.rig.link("cut-after", str(at))
        self.rig.tap()
        return 1

    def cut_each(self, at):
        """The first link is cut, and then the next ones that the session makes."""
        self.rig.link("cut-after", str(at))
        due = self.bytes()[0] + at
        self.rig.tap()
        blows = 1
        for further in self.lot.sample(self.further, len(self.further)):
            while self.bytes()[0] < due and not self.ended():
                time.sleep(0.01)
            if self.ended():
                break
            self.rig.link("cut-after", str(further))
            due, blows = self.bytes()[0] + further, blows + 1
        return blows

    def kill(self, at, *hosts):
        pids = [self.daemon(host) for host in hosts]
        start = sum(self.bytes())
        self.rig.tap()
        self.rig.link("wait", str(start + at))
        self.strike_dead(hosts, pids)
        for host, pid in zip(hosts, pids):
            while self.rig.call("daemon-pid", host, check=False).stdout.strip() == str(pid):
                time.sleep(0.01)
        return 1

    def strike_dead(self, hosts, pids):
        for pid in pids:
            os.kill(pid, signal.SIGKILL)

    def tear(self, at):
        self.sim("reset")
        self.sim("tear-after", str(at))
        self.sim("tap", *CHIPS.values())
        return 1

    def kill_helper(self, at, host):
        pid = self.helper(host)
        if not pid:
            raise Wrong(f"no ehrlink-nfc on {host}")
        self.sim("reset")
        self.sim("tap", *CHIPS.values())
        end = time.monotonic() + PATIENCE
        while self.count_pairs() < at and time.monotonic() < end:
            pass
        os.kill(pid, signal.SIGKILL)
        return 1

    def tap_until_done(self):
        """As a person does: when nothing came of a tap, both devices ask for another."""
        end, taps = time.monotonic() + 2 * PATIENCE, 0
        while not self.ended():
            if time.monotonic() > end:
                raise Wrong("does not end")
            self.sim("untap")
            if self.armed(0.5):
                self.rig.tap()
                taps += 1
        return taps

    # --- a point

    def found(self, files, output):
        """Counts what is not there, and what is there more than once."""
        arrived = []
        for directory in self.rig.sessions(output):
            names = os.listdir(os.path.join(output, directory))
            arrived += [read(os.path.join(output, directory, n)) for n in names if n not in ("session.json", "findings.json")]
        wanted = [read(name) for name in files]
        lost = sum(1 for data in wanted if data not in arrived)
        return lost, max(len(arrived) - (len(wanted) - lost), len(self.rig.sessions(output)) - 1, 0)

    def judge(self, files, output, had):
        """One session has ended; as it must?"""
        lost, doubled = self.found(files, output)
        receipts = [now - before for now, before in zip(self.receipts(), had)]
        self.tally.lost += lost
        self.tally.doubled += doubled + sum(max(n - 1, 0) for n in receipts)
        if lost or doubled or receipts != [1, 1]:
            raise Wrong(f"lost {lost}, doubled {doubled}, receipts {receipts}")
        for program in self.programs:
            program.ends(0)

    def session(self, load, strike, *words):
        """One session, struck so; returns how often, and the bytes the patient sent."""
        self.number += 1
        output, files = f"got-{self.number}", self.loads[load]
        had, sent = self.receipts(), self.bytes()[0]
        self.sim("untap")
        self.programs = self.rig.receive(output=output), self.rig.send(*files)
        try:
            if not self.armed(PATIENCE):
                raise Wrong("not armed")
            blows = strike(*words)
            if strike in (self.tear, self.kill_helper):
                self.tally.tapped += self.tap_until_done() > 0
            for program in self.programs:
                program.process.wait(2 * PATIENCE)
            self.judge(files, output, had)
            self.tally.resumed += any(p.find("state", state="suspended") is not None for p in self.programs)
            return blows, self.bytes()[0] - sent
        finally:
            for program in self.programs:
                program.process.kill()
            shutil.rmtree(output, ignore_errors=True)

    def measure(self, load):
        """What an undisturbed session takes."""
        def tap():
            self.sim("reset")
            self.rig.tap()
            self.pairs = self.count_pairs()
            return 0
        _, self.calm[load] = self.session(load, tap)

    def point(self, name, load, strike, *words):
        print(f"point {self.number}: {name} {load} {words}", file=sys.stderr, flush=True)
        self.tally.points += 1
        try:
            blows, sent = self.session(load, strike, *words)
            again = max(sent - self.calm[load], 0)
            self.tally.blows += blows
            self.tally.sent_again(load, blows, again)
            if again > blows * (WINDOW + REATTACH):
                raise Wrong(f"{again} bytes again, {blows} blows")
        except Exception as e:  # the next point is tried all the same
            said = "\n".join(p.said() for p in self.programs)
            self.tally.wrong.append(f"{name} {load} {words}: {type(e).__name__}: {e}\n{said}")

    def links(self, load, points):
        """So many points of each kind, spread over the bytes of the patient's stream."""
        for name, strike, hosts in (("link cut", self.cut, ()), ("each link cut", self.cut_each, ()), ("sender killed", self.kill, ("patient",)),
                                    ("receiver killed", self.kill, ("clinic",)), ("both killed", self.kill, ("patient", "clinic"))):
            for i in range(points):
                self.point(name, load, strike, int((i + self.lot.random()) / points * (self.calm[load] - 1)), *hosts)
        # between the last segment and the word that its item is done, or about there
        self.point("link cut", load, self.cut, self.calm[load] - self.lot.randrange(1000, 5000))

    def taps(self, each):
        """Every APDU of the tap when `each`, else one of each kind: torn before and after it, and a helper killed at it."""
        kinds = (("torn tap", self.tear, (), 2 * self.pairs), ("card's helper killed", self.kill_helper, ("patient",), self.pairs),
                 ("reader's helper killed", self.kill_helper, ("clinic",), self.pairs))
        for name, strike, hosts, steps in kinds:
            for at in range(1, steps) if each else [self.lot.randrange(1, steps)]:
                self.point(name, "1 MB", strike, at, *hosts)


def seed():
    """The lot of this run, which is printed."""
    chosen = os.environ.get("KILL_MATRIX_SEED") or str(random.SystemRandom().randrange(10 ** 6))
    print(f"figure: seed {chosen}", flush=True)
    return chosen


def matrix(rig, links, windows, each_apdu):
    m = Matrix(rig, seed())
    for load in m.loads:
        m.measure(load)
    m.links("1 MB", links)
    m.links("12 MB", windows)
    m.taps(each_apdu)
    m.tally.report()
    assert not m.tally.wrong, "\n".join(m.tally.wrong)
    return m.tally.points


@case(seconds=400)
def sample(rig):
    """A sample of the kill matrix: each kind of blow, a few points"""
    matrix(rig, 2, 1, False)


@case(seconds=2400)
def every(rig):
    """The kill matrix on real daemons: two hundred points and more, and every APDU of the tap"""
    assert matrix(rig, 34, 4, True) >= 200


if __name__ == "__main__":
    main()
