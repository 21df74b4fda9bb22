#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Many sessions on real daemons: a thousand one after the other, and a hundred that are all open until they are filed. What the processes
hold returns to where it was. A terminal has one reader, and so one patient at a time: a hundred transfers at the same moment take a hundred
terminals, which are in one process in tests/daemon/core/load_slow.c; there a session that is stuck holds up no other.
"""
import os
import time

from scenario import CLINIC, PATIENCE, case, main

WARM = 100
# RssAnon may differ by what the allocator keeps; a leak of a kilobyte for each session of a thousand shows
GROWTH_KB = 900


class Load:
    """Two daemons, a terminal that goes on receiving, and what both hold."""

    def __init__(self, rig, filing):
        self.rig = rig
        self.file = rig.write("a.json", "{" + " " * 3000 + "}")
        self.receiving = rig.receive(once=False, file=filing, output="got")
        self.receiving.expect("state", state="ready")
        self.pids = {host: int(rig.call("daemon-pid", host)) for host in ("patient", "clinic")}

    def send(self):
        """Tapped; not waited for. Another session each time, also while an earlier one still runs."""
        send = self.rig.send(self.file, options=("--new", "--yes", "--to", CLINIC))
        self.rig.call("untap")
        tapped = self.rig.call("tap", check=False)
        assert tapped.returncode == 0, f"{tapped.stderr}\n{send.said()}"
        return send

    def use(self, host):
        """RssAnon in KB, and descriptors."""
        pid = self.pids[host]
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            rss = next(int(line.split()[1]) for line in f if line.startswith("RssAnon:"))
        return rss, len(os.listdir(f"/proc/{pid}/fd"))

    def uses(self):
        return {host: self.use(host) for host in self.pids}

    def settled(self, before):
        """A session that ended is forgotten a minute later, and its descriptors with it."""
        end = time.monotonic() + 3 * PATIENCE
        while time.monotonic() < end and any(self.use(h)[1] != before[h][1] for h in before):
            time.sleep(0.5)
        return self.uses()

    def told(self, what, before, after):
        for host in before:
            print(f"figure: {what}, {host}'s ehrlinkd: RssAnon {before[host][0]} KB before, {after[host][0]} KB after; descriptors "
                  f"{before[host][1]} and {after[host][1]}", flush=True)
        for host in before:
            assert after[host][1] == before[host][1], f"{host} keeps descriptors"
            assert after[host][0] <= before[host][0] + GROWTH_KB, f"{host} has grown"


@case(seconds=1800)
def sequence(rig):
    """A thousand sessions one after the other: nothing is kept of them"""
    load = Load(rig, "auto")
    start = load.uses()
    for i in range(1000):
        if i == WARM:
            before = load.settled(start)
        load.send().ends(0)
    assert len(rig.sessions()) == 1000
    load.told(f"{1000 - WARM} sessions in sequence, after {WARM}", before, load.settled(before))


@case("--set", "patient:session.max-sessions=64", "--set", "patient:session.max-sessions-per-user=64", seconds=900)
def hundred(rig):
    """A hundred sessions at once wait to be filed on one daemon; then they are"""
    load = Load(rig, "later")
    start = load.uses()

    def round_of_a_hundred():
        had = set(rig.sessions())
        sends = []
        for i in range(100):
            sends.append(load.send())
            end = time.monotonic() + PATIENCE
            while len(rig.sessions()) < len(had) + i + 1:
                assert time.monotonic() < end, load.receiving.said()
                time.sleep(0.02)
        for send in sends:
            send.ends(0)
        at_most = load.uses()
        for name in set(rig.sessions()) - had:
            rig.call("on-clinic", "ehrctl", "session", "file", name.rsplit("-", 1)[1])
        return at_most

    round_of_a_hundred()
    before = load.settled(start)
    most = round_of_a_hundred()
    print(f"figure: with a hundred open: RssAnon {most['clinic'][0]} KB, {most['clinic'][1]} descriptors", flush=True)
    load.told("a hundred sessions open at once", before, load.settled(before))


main()
