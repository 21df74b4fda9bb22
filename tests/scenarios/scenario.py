# SPDX-License-Identifier: Apache-2.0
"""Scenarios over two hosts. A file of cases imports this, decorates each with @case(OPTIONS of two-hosts…) and ends with main().

Run without arguments, the file runs each case in a rig of its own and reports TAP. With a case's name it runs that one; that is what
happens inside the rig, in an empty directory. A case gets a Rig; it asserts, or raises Skip. Lines that begin with "figure:" are shown.
"""
import json
import os
import pty
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import traceback

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Skip  # noqa: E402

HERE = os.path.dirname(os.path.abspath(__file__))
TWO_HOSTS = os.path.join(HERE, "..", "rig", "two-hosts")
SAMPLE = os.path.join(HERE, "..", "..", "tools", "sample")
CLINIC = "Test Clinic"
# how long to wait for what must happen; a machine may be slow, so this is never what a test is about
BLUETOOTH = os.environ.get("RIG_LINK") == "bluetooth"

# what is started in the background has it ignored, and so would the commands that are to be interrupted
signal.signal(signal.SIGINT, signal.default_int_handler)
PATIENCE = 240 if BLUETOOTH else 60
TIMEOUT = "200" if BLUETOOTH else "60"
cases = {}


def case(*options, seconds=150):
    """A case in a rig with these options of two-hosts; `seconds` is when it is taken for hung."""
    def register(function):
        cases[function.__name__] = (function, options, seconds)
        return function
    return register


class Program:
    """A program on a host: its JSON events, what it said, how it ended."""
    started = []  # all of them, for whoever runs several cases in one rig

    def __init__(self, host, *command, wrap=()):
        self.started.append(self)
        self.name = f"{host}: {' '.join(command)[:100]}"
        self.process = subprocess.Popen([*wrap, f"on-{host}", *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE, text=True, errors="replace")
        self.events, self.out, self.err = [], [], []
        self.changed = threading.Condition()
        self.readers = [threading.Thread(target=self.read, args=(self.process.stdout, self.out), daemon=True),
                        threading.Thread(target=self.read, args=(self.process.stderr, self.err), daemon=True)]
        for reader in self.readers:
            reader.start()

    def read(self, stream, lines):
        for line in stream:
            with self.changed:
                lines.append(line)
                if lines is self.out and line.startswith("{"):
                    self.events.append(json.loads(line))
                self.changed.notify_all()
        with self.changed:
            lines.append("")
            self.changed.notify_all()

    def said(self):
        return f"{self.name}\n  stdout: {''.join(self.out)[-3000:]}\n  stderr: {''.join(self.err)[-2000:]}"

    def find(self, event, **fields):
        return next((e for e in self.events if e.get("event") == event and all(e.get(k) == v for k, v in fields.items())), None)

    def expect(self, event, seconds=PATIENCE, **fields):
        """Waits for that event."""
        end = time.monotonic() + seconds
        with self.changed:
            while not self.find(event, **fields):
                ended = len(self.out) > 0 and self.out[-1] == ""
                left = end - time.monotonic()
                assert left > 0 and not ended, f"no event {event} {fields or ''} from {self.said()}"
                self.changed.wait(left)
            return self.find(event, **fields)

    def state(self, *states, seconds=PATIENCE):
        """Waits until one of these states was told."""
        end = time.monotonic() + seconds
        with self.changed:
            while not any(self.find("state", state=s) for s in states):
                ended = len(self.out) > 0 and self.out[-1] == ""
                left = end - time.monotonic()
                assert left > 0 and not ended, f"never {' or '.join(states)}: {self.said()}"
                self.changed.wait(left)

    def hears(self, *words, seconds=PATIENCE):
        """Waits until it said all of these, for a person, on whole lines."""
        end = time.monotonic() + seconds
        with self.changed:
            while not all(w in "".join(self.out + self.err) for w in words):
                left = end - time.monotonic()
                assert left > 0, f"never {words}: {self.said()}"
                self.changed.wait(left)

    def type(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def hang_up(self):
        self.process.stdin.close()

    def signal(self, number):
        self.process.send_signal(number)

    def ends(self, code, error=None, seconds=PATIENCE):
        """Waits for the end; it must be with this exit status and, in the event "end", this error name. Returns that event."""
        try:
            got = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"does not end: {self.said()}") from None
        for reader in self.readers:
            reader.join(10)
        assert got == code, f"exit {got}, not {code}: {self.said()}"
        end = self.find("end") or {}
        if "--json" in self.name:
            assert end.get("exit") == code, f"the last event does not say exit {code}: {self.said()}"
            assert code == 0 or (end.get("error") and end.get("text")), f"the last event does not say why: {self.said()}"
        if error:
            names = (error,) if isinstance(error, str) else error
            assert end.get("error") in names, f"error {end.get('error')}, not {error}: {self.said()}"
        return end


class AtTerminal(Program):
    """A program whose input and output are a terminal with a person at it: everything it says is in `out`, prompts too."""

    def __init__(self, host, *command):
        self.started.append(self)
        self.name = f"{host}, at a terminal: {' '.join(command)[:100]}"
        self.master, slave = pty.openpty()
        self.process = subprocess.Popen([f"on-{host}", *command], stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
        os.close(slave)
        self.events, self.out, self.err = [], [], []
        self.changed = threading.Condition()
        self.readers = [threading.Thread(target=self.watch, daemon=True)]
        self.readers[0].start()

    def watch(self):
        text = True
        while text:
            try:
                text = os.read(self.master, 65536).decode(errors="replace")
            except OSError:  # how Linux tells that nobody has it open any more
                text = ""
            with self.changed:
                self.out.append(text)
                self.changed.notify_all()

    def type(self, line):
        os.write(self.master, (line + "\n").encode())


class Rig:
    """What a case has in hand."""

    def __init__(self):
        self.dir = os.environ["RIG_DIR"]

    def call(self, *command, check=True):
        """Runs one of the rig's commands; returns its output."""
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        assert not check or done.returncode == 0, f"{command}: {done.returncode} {done.stdout} {done.stderr}"
        return done.stdout.strip() if check else done

    def tap(self, who="patient"):
        return self.call("env", f"RIG_TAP_SECONDS={PATIENCE}", "tap", who)

    def untap(self):
        self.call("untap")

    def link(self, *words):
        return self.call("link", *words)

    def start(self, host, *command, **more):
        return Program(host, *command, **more)

    def receive(self, *options, output="got", file="auto", once=True, **more):
        base = ["ehr-receive", "--json", "--output", output, "--timeout", TIMEOUT]
        return self.start("clinic", *base, *(["--once"] if once else []), "--file", file, *options, **more)

    def send(self, *files, options=("--yes", "--to", CLINIC), host="patient", **more):
        return self.start(host, "ehr-send", "--json", "--timeout", TIMEOUT, *options, "--", *files, **more)

    def write(self, name, content):
        """A file here: bytes, text, or so many random bytes."""
        data = os.urandom(content) if isinstance(content, int) else content.encode() if isinstance(content, str) else content
        os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
        with open(name, "wb") as f:
            f.write(data)
        return name

    def sample(self):
        return [os.path.join(SAMPLE, n) for n in ("patient-summary.json", "laboratory-report.pdf", "hand.dcm")]

    def sessions(self, output="got"):
        """Directories of finished sessions."""
        return sorted(d for d in (os.listdir(output) if os.path.isdir(output) else []) if not d.startswith("."))

    def arrived(self, files, output="got"):
        """Exactly these files arrived, in one session, byte for byte; returns its directory."""
        sessions = self.sessions(output)
        assert len(sessions) == 1, f"sessions: {sessions}"
        directory = os.path.join(output, sessions[0])
        got = sorted(n for n in os.listdir(directory) if n not in ("session.json", "findings.json"))
        assert len(got) == len(files), f"arrived: {got}"
        contents = sorted(read(os.path.join(directory, n)) for n in got)
        assert contents == sorted(read(f) for f in files), "what arrived is not what was sent"
        with open(os.path.join(directory, "session.json"), encoding="utf-8") as f:
            assert json.load(f)["items"]
        return directory

    def audited(self, host="clinic"):
        """Lines of that host's audit log."""
        with open(os.path.join(self.dir, {"clinic": "c", "patient": "p"}[host], "state", "audit", "000001.jsonl"), encoding="utf-8") as f:
            return [json.loads(line) for line in f if line.endswith("\n")]

    def spooled(self, host="clinic"):
        """Files that the daemon keeps of items."""
        if BLUETOOTH:
            return self.call("on-host", host, "find", "/var/lib/ehrlink/spool", "-type", "f", check=False).stdout.split()
        root = os.path.join(self.dir, {"clinic": "c", "patient": "p"}[host], "state", "spool")
        return [os.path.join(d, f) for d, _, files in os.walk(root) for f in files]

    def nothing_arrived(self, output="got", kept=False):
        """Nothing of an item is in sight: not in the output directory, not hidden in it, and soon not in the spool.

        kept: what is there may stay in the spool, for a new tap to go on with."""
        left = [os.path.join(d, f) for d, _, files in os.walk(output) for f in files]
        assert not left, f"left in sight: {left}"
        assert not self.sessions(output), f"session directories: {self.sessions(output)}"
        end = time.monotonic() + 10
        while not kept and self.spooled():
            assert time.monotonic() < end, f"left in the spool: {self.spooled()}"
            time.sleep(0.05)

    def log(self, name):
        with open(os.path.join(self.dir, "log", name), encoding="utf-8", errors="replace") as f:
            return f.read()


def read(path):
    with open(path, "rb") as f:
        return f.read()


def digest_equal(a, b):
    """The same for files too large to hold."""
    return subprocess.run(["cmp", "-s", a, b], check=False).returncode == 0


# --- the runner -------------------------------------------------------------------------------------------------------------

def run_inside(name):
    try:
        cases[name][0](Rig())
    except Skip as e:
        print(f"skipped: {e}", file=sys.stderr)
        return 77
    except Exception as e:
        trace = traceback.extract_tb(e.__traceback__)
        where = next((t for t in reversed(trace) if t.filename != __file__), trace[-1])
        print(f"line {where.lineno}: {where.line}\n{type(e).__name__}: {e}", file=sys.stderr)
        return 1
    return 0


def tail(path, lines):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            # the bus reports every activation there too
            return "".join([line for line in f if not line.startswith("dbus-daemon")][-lines:])
    except OSError:
        return ""


def comment(text):
    for line in text.splitlines():
        print(f"# {line}")


def run_case(number, name):
    _, options, seconds = cases[name]
    work = tempfile.mkdtemp(prefix="case.")
    os.mkdir(f"{work}/here")
    with open(f"{work}/said", "w+", encoding="utf-8", errors="replace") as said:
        command = [TWO_HOSTS, *options, "--keep", f"{work}/rig", "--", sys.executable, os.path.abspath(sys.argv[0]), name]
        process = subprocess.Popen(command, cwd=f"{work}/here", stdin=subprocess.DEVNULL, stdout=said, stderr=said)
        try:
            code = process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.terminate()
            process.wait()
            code = "hung"
        said.seek(0)
        text = said.read()
    label = (cases[name][0].__doc__ or name).strip().splitlines()[0].rstrip(".").replace("#", "")
    if code == 0:
        print(f"ok {number} {name}: {label}", flush=True)
        comment("\n".join(line for line in text.splitlines() if line.startswith("figure:")))
    elif code == 77:
        reason = [line for line in text.splitlines() if "skipped:" in line]
        print(f"ok {number} {name}: {label} # SKIP {reason[-1].split('skipped:')[1].strip() if reason else 'not possible here'}", flush=True)
    else:
        print(f"not ok {number} {name}: {label}")
        comment(f"{code}: {text[-6000:]}")
        for log in ("patient", "clinic"):
            comment(f"--- log of {log}\n" + tail(f"{work}/rig/log/{log}", 15))
        sys.stdout.flush()
    if not os.environ.get("SCENARIO_KEEP"):
        shutil.rmtree(work, ignore_errors=True)
    return code not in (0, 77)


def main():
    if len(sys.argv) > 1 and sys.argv[1] in cases and os.environ.get("RIG_DIR"):
        sys.exit(run_inside(sys.argv[1]))
    chosen = sys.argv[1:] or list(cases)
    print(f"1..{len(chosen)}", flush=True)
    sys.exit(1 if sum([run_case(i, name) for i, name in enumerate(chosen, 1)]) else 0)
