#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is below us fails: one call into the system of a daemon or a command, in the middle of a small transfer, on one pair of hosts
that live through all of it. Whatever fails, each program ends well or by a named error, no daemon goes down, nothing partial is in
sight, and once the fault is gone the same two commands pass. Which call is drawn by lot (the seed is printed; FAULTS_SEED gives it again);
tests/daemon/core/sweep_unit.c tries every one, in one process.
"""
import collections
import os
import random
import resource
import shutil
import signal
import sys
import time

from scenario import CLINIC, PATIENCE, case, main, read

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "rig", "faults"))
import faults  # noqa: E402

# what a program may end with: never "the other side broke the protocol" (76), never an internal error (70), never a signal
NAMED = {65, 66, 69, 73, 75, 77}
CHIPS = ("0", "1")
STORE, FILES, OUTPUT, RECEIPT = "{rig}/{d}/state*", "{here}/files/*", "{here}/got*", "{here}/receipt*"
# whose call, which, on what, how; a second "stays" means every one from there on
ROWS = [
    *[(who, "open", STORE, *how) for who in ("clinic", "patient") for how in (("EMFILE",), ("EMFILE", "stays"), ("EACCES", "stays"))],
    *[(who, "write", STORE, *how) for who in ("clinic", "patient")
      for how in (("ENOSPC",), ("ENOSPC", "stays"), ("EIO",), ("EINTR",), ("short", "stays"))],
    *[(who, "sync", STORE, *how) for who in ("clinic", "patient") for how in (("EIO",), ("EIO", "stays"))],
    *[(who, call, STORE, "EIO") for who in ("clinic", "patient") for call in ("rename", "unlink")],
    ("clinic", "mkdir", STORE, "EACCES"), ("clinic", "size", STORE, "ENOSPC"), ("clinic", "room", STORE, "short"),
    *[("patient", "read", FILES, how) for how in ("EIO", "EINTR", "short")],
    *[(who, call, "socket", how) for who in ("clinic", "patient") for call in ("send", "receive") for how in ("EINTR", "short")],
    *[(who, "random", "*", "EINTR") for who in ("clinic", "patient")],
    *[(who, "clock", "*", seconds, *stays) for who in ("clinic", "patient") for seconds in (3600, -3600) for stays in ((), ("stays",))],
    *[("receive", "open", OUTPUT, *how) for how in (("EMFILE",), ("EACCES", "stays"))],
    *[("receive", "write", OUTPUT, *how) for how in (("ENOSPC",), ("ENOSPC", "stays"), ("EIO",), ("EINTR",), ("short", "stays"))],
    *[("receive", call, OUTPUT, "EIO") for call in ("sync", "rename", "link", "unlink", "mkdir")],
    ("receive", "read", STORE.replace("{d}", "c"), "EIO"), ("receive", "read", STORE.replace("{d}", "c"), "short", "stays"),
    *[("send", "open", FILES, how) for how in ("EMFILE", "EACCES")], ("send", "read", FILES, "EIO"), ("send", "stat", FILES, "EIO"),
    *[("send", call, RECEIPT, how) for call, how in (("open", "EACCES"), ("write", "ENOSPC"), ("write", "short"), ("sync", "EIO"), ("link", "EIO"))],
    *[(who, call, "socket", "EINTR") for who in ("receive", "send") for call in ("send", "receive")],
]


class Sweep:
    """The hosts, and what became of the points so far."""

    def __init__(self, rig, seed):
        self.rig, self.lot = rig, random.Random(seed)
        self.files = [rig.write("files/summary.json", "{" + " " * 4000 + "}"), rig.write("files/image.dcm", 300_000)]
        self.wanted = sorted(read(f) for f in self.files)
        self.tables = {who: faults.of(rig.dir, who) for who in ("clinic", "patient", "receive", "send")}
        self.number, self.points, self.ended = 0, 0, collections.Counter()
        self.pids = {}

    def sim(self, *words):
        return self.rig.call("simctl", os.path.join(self.rig.dir, "nfc"), *words, check=False)

    def pattern(self, who, pattern):
        return pattern.format(rig=self.rig.dir, d={"clinic": "c", "patient": "p"}.get(who), here=os.getcwd())

    def start(self, who, host, *command):
        env = [f"{k}={v}" for k, v in self.tables[who].environment.items()]
        return self.rig.start(host, "env", *env, *command)

    def receive(self):
        return self.start("receive", "clinic", "ehr-receive", "--json", "--output", "got", "--timeout", "60", "--once", "--file", "auto")

    def send(self):
        return self.start("send", "patient", "ehr-send", "--json", "--timeout", "60", "--yes", "--to", CLINIC,
                          "--receipt", f"receipt-{self.number}", "--", *self.files)

    def armed(self, seconds):
        return self.sim("wait-armed", *CHIPS, f"{seconds:.1f}").returncode == 0

    def tap(self):
        """If both wait for it; returns when the exchange has ended."""
        self.sim("untap")
        return self.armed(0.3) and self.rig.call("tap", check=False).returncode == 0

    # --- judging

    def whole(self):
        """How many sessions are in sight; each is whole."""
        for session in self.rig.sessions("got"):
            names = [n for n in os.listdir(os.path.join("got", session)) if n not in ("session.json", "findings.json")]
            assert sorted(read(os.path.join("got", session, n)) for n in names) == self.wanted, f"not whole: {session} {names}"
        return len(self.rig.sessions("got"))

    def named(self, program):
        """It ended well or by a named error; which."""
        code = program.process.returncode
        end = program.find("end") or {}
        if code == 0:
            return "well"
        assert code in NAMED, f"exit {code}: {program.said()}"
        assert end.get("error") or program.find("error") or program.err, f"no name: {program.said()}"
        return end.get("error") or str(code)

    def daemons(self):
        return {host: self.rig.call("daemon-pid", host) for host in ("clinic", "patient")}

    # --- a point

    def both(self, seconds):
        """The two commands, and a tap when both wait for one; until they end, or one waits alone. Returns what they ended with."""
        self.number += 1  # a receipt of an earlier try is not written over
        receive, send = self.receive(), self.send()
        end = time.monotonic() + seconds
        tapped = False
        while receive.process.poll() is None or send.process.poll() is None:
            if time.monotonic() > end:
                self.disarm()  # what stays broken for ever, nobody gets through
                end = time.monotonic() + 2 * PATIENCE
                assert seconds, f"hangs:\n{receive.said()}\n{send.said()}"
                seconds = 0
            alone = [p for p in (receive, send) if p.process.poll() is None]
            if len(alone) == 1 and alone[0] is receive and receive.find("state", state="ready") and not tapped:
                receive.signal(signal.SIGINT)
            tapped = self.tap() or tapped
            if len(alone) == 1:
                self.leave(alone[0])
        return receive, send

    def leave(self, program):
        """The other has ended: this one gets some time to notice, then the person gives up."""
        try:
            program.process.wait(8)
        except Exception:
            program.signal(signal.SIGINT)
            program.process.wait(PATIENCE)
            self.ended["given up"] += 1

    def disarm(self):
        for table in self.tables.values():
            table.disarm()

    def again(self):
        """The fault is gone: the same two commands, as often as it takes to take up what is left."""
        for _ in range(4):
            before = self.whole() if os.path.isdir("got") else 0
            receive, send = self.both(PATIENCE)
            if receive.process.returncode == 0 and send.process.returncode == 0 and self.whole() > before:
                return
        raise AssertionError(f"the next transfer does not pass:\n{receive.said()}\n{send.said()}")

    def point(self, row, at):
        who, call, pattern, how, *stays = row
        table, before = self.tables[who], self.daemons()
        print(f"point {self.number}: {row} {at}", file=sys.stderr, flush=True)
        table.arm(call, self.pattern(who, pattern), at, how, bool(stays))
        programs = self.both(20)
        hits, where = table.hits, table.where
        self.disarm()
        for program in programs:
            if program.process.returncode != 130:
                self.ended[self.named(program)] += 1
        if os.path.isdir("got"):
            self.whole()
        assert self.daemons() == before, f"a daemon went down at {where}"
        if hits:
            self.points += 1
            self.again()
        shutil.rmtree("got", ignore_errors=True)
        return hits > 0

    def count(self):
        """How many calls of each kind an undisturbed transfer makes."""
        seen = {}
        for row in {(who, pattern): None for who, _, pattern, *_ in ROWS}:
            who, pattern = row
            self.tables[who].arm("open", self.pattern(who, pattern), 0, "EIO")
            receive, send = self.both(PATIENCE)
            receive.ends(0), send.ends(0)
            seen[row] = self.tables[who].seen
            self.disarm()
            shutil.rmtree("got")
        return seen


def sweep(rig, rows, each):
    seed = os.environ.get("FAULTS_SEED") or str(random.SystemRandom().randrange(10 ** 6))
    print(f"figure: seed {seed}", flush=True)
    s = Sweep(rig, seed)
    seen = s.count()
    wrong = []
    for row in rows(s.lot):
        most = seen[row[0], row[2]][row[1]]
        for at in s.lot.sample(range(1, most + 1), min(each, most)):
            try:
                s.point(row, at)
            except Exception as e:  # the next point is tried all the same
                wrong.append(f"{row} {at}: {type(e).__name__}: {e}")
                s.disarm()
    calls = sum(seen[row[0], row[2]][row[1]] for row in ROWS)
    print(f"figure: {s.points} of {calls} calls of {len(ROWS)} kinds failed in daemons and commands; programs ended: "
          + ", ".join(f"{name} {n}" for name, n in sorted(s.ended.items())) + f"; wrong {len(wrong)}", flush=True)
    assert not wrong, "\n".join(wrong)


OPTIONS = ["--faults", "clinic", "--faults", "patient", "--set", "clinic:session.connect-timeout=3", "--set", "patient:session.connect-timeout=3",
           "--set", "clinic:session.resume-timeout=8", "--set", "patient:session.resume-timeout=8"]


@case(*OPTIONS, seconds=600)
def some(rig):
    """Calls of daemons and commands fail: a drawn sample"""
    sweep(rig, lambda lot: lot.sample(ROWS, 12), 1)


@case(*OPTIONS, seconds=2400)
def many(rig):
    """Calls of daemons and commands fail: every kind of it, twice"""
    sweep(rig, lambda lot: ROWS, 2)


@case("--faults", "clinic", "--faults", "patient")
def order(rig):
    """What ehr-receive stores is on the disk before it has a name, the name before the service is told, all before the session is in sight"""
    s = Sweep(rig, 0)
    s.tables["receive"].environment["FAULTS_LOG"] = os.path.abspath("calls")
    receive, send = s.both(PATIENCE)
    receive.ends(0), send.ends(0)
    with open("calls", encoding="utf-8", errors="replace") as f:
        calls = [(faults.CALLS[int(number)], path) for number, path in (line.rstrip("\n").split(" ", 1) for line in f)]
    incoming = os.path.abspath(next(p for c, p in calls if c == "mkdir" and ".incoming-" in p))

    def after(start, call, path):
        """Where that comes next."""
        found = [i for i in range(start, len(calls)) if calls[i][0] == call and path(calls[i][1])]
        assert found, f"no {call} after {calls[start]}: {calls[start:]}"
        return found[0]

    named = [i for i, (call, path) in enumerate(calls) if call == "link" and os.path.dirname(path) == incoming]
    assert len(named) == len(s.files), calls
    for count, i in enumerate(named, 1):
        last = {path: call for call, path in calls[:i] if path.endswith(".partial") and call != "unlink"}
        synced = sum(call == "sync" for call in last.values())  # the next item may be on its way already
        assert synced >= count, f"named before it was synced: {last}"
        assert after(i, "sync", lambda p: p == incoming) < after(i, "send", lambda p: p == "socket"), calls[i:]
    seen = after(named[-1], "rename", lambda p: os.path.dirname(p) == os.path.abspath("got"))
    assert ("sync", incoming) in calls[named[-1] + 1:seen], calls
    after(seen, "sync", lambda p: p == os.path.abspath("got"))
    print(f"figure: {len(calls)} calls of ehr-receive for {len(named)} items, in the order that is promised", flush=True)


def limited(s, host, limit, soft, crashes):
    """A transfer with a daemon under that limit; then the limit is lifted, and the same two commands pass."""
    pid = s.daemons()[host]
    _, hard = resource.prlimit(int(pid), limit)
    resource.prlimit(int(pid), limit, (soft, hard))
    programs = s.both(20)
    for program in programs:
        if program.process.returncode != 130:
            s.ended[s.named(program)] += 1
    if os.path.isdir("got"):
        s.whole()
    now = s.rig.call("daemon-pid", host, check=False).stdout.strip()
    assert crashes or now == pid, f"{host}'s daemon went down"
    s.ended["daemons down"] += now != pid
    if now == pid:
        resource.prlimit(int(pid), limit, (hard, hard))
    s.points += 1
    s.again()
    shutil.rmtree("got", ignore_errors=True)


@case(*OPTIONS, seconds=900)
def descriptors(rig):
    """A daemon runs out of descriptors: it stays up, says so by name, and the next transfer passes"""
    s = Sweep(rig, 0)
    for host in ("clinic", "patient"):
        s.again()
        shutil.rmtree("got")
        for spare in range(0, 14, 2):
            limited(s, host, resource.RLIMIT_NOFILE, len(os.listdir(f"/proc/{s.daemons()[host]}/fd")) + spare, False)
    print(f"figure: out of descriptors at {s.points} heights; programs ended: "
          + ", ".join(f"{name} {n}" for name, n in sorted(s.ended.items()) if n), flush=True)


@case(*OPTIONS, seconds=900)
def memory(rig):
    """A daemon runs out of memory: GLib ends it, which is a crash, and as after any other the next transfer passes"""
    s = Sweep(rig, 0)
    for host in ("clinic", "patient"):
        s.again()
        shutil.rmtree("got")
        for spare in (0, 64 << 10, 256 << 10, 1 << 20, 4 << 20, 16 << 20):
            with open(f"/proc/{s.daemons()[host]}/statm", encoding="ascii") as f:
                size = int(f.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
            limited(s, host, resource.RLIMIT_AS, size + spare, True)
    print(f"figure: out of memory at {s.points} heights; programs ended: "
          + ", ".join(f"{name} {n}" for name, n in sorted(s.ended.items()) if n), flush=True)


main()
