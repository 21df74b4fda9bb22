#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the command lines answer to wrong use, without any service: exit status, words, and that they say it at once.

usage: usage.py EHR_SEND EHR_RECEIVE EHRCTL EHR_VIEW
"""
import json
import os
import subprocess
import sys
import tempfile

send, receive, ctl, view = sys.argv[1:5]
here = tempfile.mkdtemp(prefix="ehrlink-usage-")
record = os.path.join(here, "record.json")
empty = os.path.join(here, "empty")
fifo = os.path.join(here, "fifo")
old_receipt = os.path.join(here, "old-receipt.json")
with open(record, "w") as f:
    f.write("{}")
open(empty, "w").close()
open(old_receipt, "w").close()
os.mkfifo(fifo)

CASES = [
    # program, arguments, exit status, a word that must be on stderr
    (send, [], 64, "no file"),
    (send, ["--bogus"], 64, "--bogus"),
    (send, ["--timeout", "x", record], 64, "timeout"),
    (send, ["--timeout", "99999", record], 64, "--timeout"),
    (send, ["--timeout", "-1", record], 64, "--timeout"),
    (send, ["--timeout", "0", record], 64, "--timeout"),
    (send, ["--timeout", "1", record], 69, "service"),
    (send, ["--yes", record], 64, "--to"),
    (send, ["--yes", "--to", "", record], 64, "--to"),
    (send, ["--acting-as", "friend", record], 64, "--acting-as"),
    (send, ["--receipt", old_receipt, record], 73, "old-receipt"),
    (send, ["--receipt", os.path.join(here, "none", "r"), record], 73, "none"),
    (send, [record], 69, "service"),
    (receive, ["--bogus"], 64, "--bogus"),
    (receive, ["word"], 64, "no arguments"),
    (receive, ["--file", "never"], 64, "--file"),
    (receive, ["--timeout", "-5"], 64, "--timeout"),
    (receive, ["--timeout", "-1"], 64, "--timeout"),
    (receive, ["--output", here, "--timeout", "0"], 69, "service"),
    (receive, ["--period-days", "-1"], 64, "days"),
    (receive, ["--operator-role", "a|b"], 64, "--operator"),
    (receive, ["--operator", "x", "--operator-assurance", "sure"], 64, "assurance"),
    (receive, ["--output", os.path.join(here, "none", "deeper")], 73, "deeper"),
    (receive, ["--output", record], 73, "record.json"),
    (receive, ["--output", here, "--once"], 69, "service"),
    # found out before anybody taps, not at the first filing
    (receive, ["--output", here, "--on-filed", os.path.join(here, "none")], 66, "none: no such program"),
    (receive, ["--output", here, "--on-filed", "ehrlink-no-such-program"], 66, "ehrlink-no-such-program: no such program"),
    (receive, ["--output", here, "--on-filed", ""], 66, "no such program"),
    (receive, ["--output", here, "--on-filed", record], 66, "record.json: it cannot be executed"),
    (receive, ["--output", here, "--on-filed", here], 66, "it cannot be executed"),
    (receive, ["--output", here, "--on-filed", "true"], 69, "service"),
    (receive, ["--output", here, "--on-filed", "/usr/bin/true"], 69, "service"),
    (receive, ["--last", "-1"], 64, "--last"),
    (receive, ["--policy", "maybe"], 64, "--policy"),
    (receive, ["--type", "x"], 64, "--type"),
    (receive, ["--since", "yesterday"], 64, "yesterday"),
    (receive, ["--until", "2026-13"], 64, "2026-13"),
    (receive, ["--request", "Gossip"], 64, "Gossip"),
    (receive, ["--pick", "1"], 64, "--list"),
    (receive, ["--list", "--pick", "first"], 64, "--pick"),
    (receive, ["--list", "--pick", "2-1"], 64, "--pick"),
    (receive, ["--reply", os.path.join(here, "none")], 66, "none"),
    (receive, ["--expect-patient", os.path.join(here, "none")], 66, "none"),
    (receive, ["--expect-patient", record], 64, "record.json"),
    (receive, ["--expect-patient", "birthdate=1970-01-01"], 64, "birthdate"),
    (receive, ["--expect-patient", "family="], 64, "family"),
    (receive, ["--once", "--output", here, "--expect-patient", "family=Berg", "--list", "--pick", "1,3-4"], 69, "service"),
    (send, ["--from", os.path.join(here, "none")], 66, "none"),
    (send, ["--from", here, record], 64, "--from"),
    (send, ["--from", here, "--only", "Gossip"], 64, "Gossip"),
    (send, ["--from", here, "--since", "yesterday"], 64, "yesterday"),
    (send, ["--from", here, "--until", "2026-13"], 64, "2026-13"),
    (send, ["--from", here, "--last", "-1"], 64, "--last"),
    (send, ["--from", here, "--type", "x"], 64, "--type"),
    (send, ["--only", "Laboratory-Reports", record], 64, "--from"),
    (send, ["--exclude", "x", record], 64, "--exclude"),
    (send, ["--include", "x", record], 64, "--include"),
    (send, ["--replies", os.path.join(here, "none", "r"), record], 73, "none"),
    (view, [], 64, "no file"),
    (view, ["--bogus"], 64, "--bogus"),
    (view, [os.path.join(here, "none")], 66, "none"),
    (view, ["--check", os.path.join(here, "none")], 66, "none"),
    (view, ["--json", record], 64, "--check"),
    (view, ["--check", "--narrative", record], 64, "--narrative"),
    (ctl, [], 64, "no command"),
    (ctl, ["bogus"], 64, "bogus"),
    (ctl, ["identity"], 64, "identity"),
    (ctl, ["identity", "bogus"], 64, "identity"),
    (ctl, ["identity", "init", "--organisation", "X"], 64, "--terminal"),
    (ctl, ["identity", "import"], 64, "nothing to import"),
    (ctl, ["identity", "import", os.path.join(here, "none")], 66, "none"),
    (ctl, ["identity", "import", os.path.join(here, "none")], 66, "No such file"),
    (ctl, ["identity", "import", here], 66, "regular"),
    (ctl, ["trust", "add"], 64, "missing"),
    (ctl, ["trust", "add", fifo], 66, "fifo"),
    (ctl, ["trust", "remove", "a", "b"], 64, "too many"),
    (ctl, ["session", "file"], 64, "missing"),
    (ctl, ["receipt", "verify", os.path.join(here, "none")], 66, "none"),
    (ctl, ["session", "list", "x"], 64, "too many"),
    (ctl, ["session", "discard"], 64, "missing"),
    (ctl, ["session", "cancel"], 64, "missing"),
    (ctl, ["receipt", "verify"], 64, "--files"),
    (ctl, ["receipt", "verify", record, "--crl", record], 64, "--files"),
    (ctl, ["receipt", "verify", "--files", here], 66, "no received session"),
    (ctl, ["receipt", "verify", empty], 65, "empty"),
    (ctl, ["receipt", "verify", record], 65, "record.json"),
    (ctl, ["status"], 69, "service"),
    (ctl, ["--json", "status"], 69, "service"),
]

failed = 0
env = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={here}/no-bus", LC_ALL="C.UTF-8", LANGUAGE="",
           XDG_STATE_HOME=here)
for number, (program, arguments, status, word) in enumerate(CASES, 1):
    run = subprocess.run([program, *arguments], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=60)
    ok = run.returncode == status and word in run.stderr
    failed += not ok
    shown = " ".join(argument.replace(here, "DIR") for argument in arguments)
    print(f"{'ok' if ok else 'not ok'} {number} - {os.path.basename(program)} {shown} gives {status}")
    if not ok:
        print(f"# exit {run.returncode}: {run.stderr.strip()}")
# with --json what ended a run is the last line, one object
ENDS = [(send, [record], 69, "DaemonUnavailable"), (send, ["--from", os.path.join(here, "none")], 66, "NoInput"),
        (send, ["--exclude", "x", record], 64, "InvalidArgument"), (receive, ["--output", os.path.join(here, "none", "x")], 73, "StoreFailed"),
        (receive, ["--once", "--output", here], 69, "DaemonUnavailable"), (ctl, ["status"], 69, "DaemonUnavailable"),
        (send, [], 64, "InvalidArgument"), (send, ["--yes", record], 64, "InvalidArgument"),
        (receive, ["--timeout", "x"], 64, "InvalidArgument"), (receive, ["--file", "never"], 64, "InvalidArgument"),
        (ctl, ["session", "list", "--bogus"], 64, "InvalidArgument"),
        (view, ["--check", "--bogus"], 64, "InvalidArgument"),
        (ctl, ["session", "list"], 69, "DaemonUnavailable"), (ctl, ["receipt", "verify", os.path.join(here, "none")], 66, "NoInput"),
        # a wrong command line too, wherever --json stands in it
        (send, ["--bogus"], 64, "InvalidArgument"), (send, ["--timeout", "x", record], 64, "InvalidArgument"),
        (send, ["--only", "Laboratory-Reports", record], 64, "InvalidArgument"), (receive, ["word"], 64, "InvalidArgument"),
        (receive, ["--pick", "1"], 64, "InvalidArgument"), (receive, ["--bogus"], 64, "InvalidArgument"),
        (receive, ["--reply", os.path.join(here, "none")], 66, "NoInput"),
        (receive, ["--on-filed", os.path.join(here, "none")], 66, "NoInput"),
        (receive, ["--expect-patient", os.path.join(here, "none")], 66, "NoInput"),
        (view, ["--check", os.path.join(here, "none")], 66, "NoInput"), (view, ["--check", os.path.join(here, "none"), record], 66, "NoInput"),
        (view, [record], 64, "InvalidArgument"), (view, ["--bogus"], 64, "InvalidArgument"), (ctl, ["bogus"], 64, "InvalidArgument"),
        (ctl, ["session", "file"], 64, "InvalidArgument")]
for number, (program, arguments, status, name) in enumerate(ENDS, len(CASES) + 1):
    where = number % 2 * len(arguments)
    run = subprocess.run([program, *arguments[:where], "--json", *arguments[where:]], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    ok = run.returncode == status and [line["event"] for line in lines].count("end") == 1 and (lines[-1]["event"], lines[-1]["exit"], lines[-1]["error"]) == ("end", status, name)
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {number} - {os.path.basename(program)} --json {' '.join(arguments[:2]).replace(here, 'DIR')} ends with {name}")
    if not ok:
        print(f"# exit {run.returncode}: {run.stdout.strip()}")
# a file's name need not be UTF-8, JSON must be
odd = os.path.join(os.fsencode(here), b"odd-\xff\xfe.json")
with open(odd, "w") as f:
    f.write('{"resourceType":"Patient"}')
run = subprocess.run([os.fsencode(view), b"--check", b"--json", odd], env=env, stdin=subprocess.DEVNULL, capture_output=True, timeout=60)
try:
    told = json.loads(run.stdout.decode("utf-8"))
    ok = told["event"] == "checked" and told["file"].endswith("odd-\ufffd\ufffd.json")
except ValueError:
    ok = False
failed += not ok
print(f"{'ok' if ok else 'not ok'} {len(CASES) + len(ENDS) + 1} - a file whose name is not UTF-8 is told of in UTF-8")
if not ok:
    print(f"# exit {run.returncode}: {run.stdout!r} {run.stderr!r}")
print(f"1..{len(CASES) + len(ENDS) + 1}")
leftovers = [name for name in os.listdir(here) if name.startswith(".old") or "XXXX" in name]
if leftovers:
    print(f"# left behind: {leftovers}")
subprocess.run(["rm", "-rf", here], check=True)
sys.exit(failed > 0 or bool(leftovers))
