#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Daemons that are killed while the clinic sends something back: one pair of hosts, session after session, each struck at a point of the
reply drawn by lot, from before its offer to its last word.

Every session ends well: what came first is filed, what came back is there once, the same bytes, vouched for; two receipts on each side.
The seed is printed; KILL_MATRIX_SEED gives it again. tests/proto/session_later_killed_unit.c tries every event, in virtual time.
"""
import os
import shutil
import sys
import time

from scenario import CLINIC, PATIENCE, case, main, read

from kill_matrix import Matrix, Wrong, seed

HOSTS = {"patient killed": ("patient",), "clinic killed": ("clinic",), "both killed": ("patient", "clinic")}


class Replies(Matrix):
    """Sessions in which three files go back."""
    largest = {"back": 2_500_000}

    def __init__(self, rig, lot):
        super().__init__(rig, lot)
        self.sent = [rig.write("record.json", "{" + " " * 4_000 + "}")]
        self.span = 0

    def start(self, back):
        words = [w for name in self.loads["back"] for w in ("--reply", name)]
        return (self.rig.receive(*words, output=f"got-{self.number}"),
                self.rig.send(*self.sent, options=("--yes", "--to", CLINIC, "--replies", back)))

    def verify(self, back):
        """What came back is there once, and its origin holds."""
        lost, doubled = self.found(self.loads["back"], back)
        self.tally.lost, self.tally.doubled = self.tally.lost + lost, self.tally.doubled + doubled
        left = [n for n in os.listdir(back) if n.startswith(".")]
        if lost or doubled or left:
            raise Wrong(f"back: lost {lost}, doubled {doubled}, left {left}")
        directory = os.path.join(back, self.rig.sessions(back)[0])
        self.rig.call("on-patient", "ehrctl", "receipt", "verify", "--files", directory)

    def judge_both(self, back, had):
        receive, send = self.programs
        send.ends(0), receive.ends(0)
        if not (receive.find("reply") or {}).get("accepted") or len([e for e in send.events if e["event"] == "replied"]) != 3:
            raise Wrong("not accepted, or not told once each")
        if [read(os.path.join(f"got-{self.number}", d, "record.json")) for d in self.rig.sessions(f"got-{self.number}")] != [read(self.sent[0])]:
            raise Wrong("the record is not there once")
        receipts = [now - before for now, before in zip(self.receipts(), had)]
        if receipts != [2, 2]:
            raise Wrong(f"receipts {receipts}")
        self.verify(back)

    def reply(self, at, *hosts):
        """One session; these are struck when so many bytes have passed since the offer, or, below 0, before it."""
        self.number += 1
        back, had = f"back-{self.number}", self.receipts()
        self.sim("untap")
        self.programs = self.start(back)
        try:
            if not self.armed(PATIENCE):
                raise Wrong("not armed")
            pids = [self.daemon(host) for host in hosts]
            self.rig.tap()
            if at < 0:  # so many milliseconds after the records are there: it is being asked for, kept, offered
                self.programs[0].expect("arrived")
                time.sleep(-at / 1000)
                self.strike_dead(hosts, pids)
            self.programs[1].expect("offered")
            start = sum(self.bytes())
            if hosts and at >= 0:
                self.rig.link("wait", str(start + at))
                self.strike_dead(hosts, pids)
            for program in self.programs:
                program.process.wait(2 * PATIENCE)
            self.judge_both(back, had)
            return sum(self.bytes()) - start
        finally:
            for program in self.programs:
                program.process.kill()
            shutil.rmtree(back, ignore_errors=True)
            shutil.rmtree(f"got-{self.number}", ignore_errors=True)

    def strike(self, name, at):
        print(f"point {self.number}: {name} {at}", file=sys.stderr, flush=True)
        self.tally.points += 1
        try:
            self.reply(at, *HOSTS[name])
            self.tally.blows += 1
            self.tally.resumed += any(p.find("state", state="suspended") is not None for p in self.programs)
        except Exception as e:  # the next point is tried all the same
            said = "\n".join(p.said() for p in self.programs)
            self.tally.wrong.append(f"{name} {at}: {type(e).__name__}: {e}\n{said}")

    def kills(self, points):
        """So many of each kind, spread over the bytes of a reply."""
        self.span = self.reply(0)
        for name in HOSTS:
            for i in range(points):
                self.strike(name, int((i + self.lot.random()) / points * (self.span - 1)))
            self.strike(name, self.span - self.lot.randrange(200, 5000))  # the last words, or about there
            for _ in range(points):
                self.strike(name, -self.lot.randrange(1, 60))


def replies(rig, points):
    r = Replies(rig, seed())
    r.kills(points)
    r.tally.report()
    assert not r.tally.wrong, "\n".join(r.tally.wrong)
    return r.tally.points


@case(seconds=500)
def sample(rig):
    """A few of the points at which either daemon is killed while something goes back"""
    replies(rig, 1)


@case(seconds=2400)
def every(rig):
    """Either daemon is killed at a hundred points while something goes back"""
    assert replies(rig, 20) >= 100


if __name__ == "__main__":
    main()
