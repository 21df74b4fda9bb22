#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the command lines answer to wrong use, without any service: exit status, words, and that they say it at once.

usage: usage.py EHR_SEND EHR_RECEIVE EHRCTL
"""
import os
import subprocess
import sys
import tempfile

send, receive, ctl = sys.argv[1:4]
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
    (receive, ["--period-days", "-1"], 64, "days"),
    (receive, ["--operator-role", "a|b"], 64, "--operator"),
    (receive, ["--operator", "x", "--operator-assurance", "sure"], 64, "assurance"),
    (receive, ["--output", os.path.join(here, "none", "deeper")], 73, "deeper"),
    (receive, ["--output", record], 73, "record.json"),
    (receive, ["--output", here, "--once"], 69, "service"),
    (ctl, [], 64, "no command"),
    (ctl, ["bogus"], 64, "bogus"),
    (ctl, ["identity"], 64, "identity"),
    (ctl, ["identity", "bogus"], 64, "identity"),
    (ctl, ["identity", "init", "--organisation", "X"], 64, "--terminal"),
    (ctl, ["identity", "import"], 64, "nothing to import"),
    (ctl, ["identity", "import", os.path.join(here, "none")], 66, "none"),
    (ctl, ["identity", "import", here], 66, "regular"),
    (ctl, ["trust", "add"], 64, "missing"),
    (ctl, ["trust", "add", fifo], 66, "fifo"),
    (ctl, ["trust", "remove", "a", "b"], 64, "too many"),
    (ctl, ["session", "file"], 64, "missing"),
    (ctl, ["receipt", "verify", os.path.join(here, "none")], 66, "none"),
    (ctl, ["receipt", "verify", empty], 65, "empty"),
    (ctl, ["receipt", "verify", record], 65, "record.json"),
    (ctl, ["status"], 69, "service"),
    (ctl, ["--json", "status"], 69, "service"),
]

failed = 0
env = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={here}/no-bus", LC_ALL="C.UTF-8", LANGUAGE="",
           XDG_STATE_HOME=here)
print(f"1..{len(CASES)}")
for number, (program, arguments, status, word) in enumerate(CASES, 1):
    run = subprocess.run([program, *arguments], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                         timeout=60)
    ok = run.returncode == status and word in run.stderr
    failed += not ok
    shown = " ".join(argument.replace(here, "DIR") for argument in arguments)
    print(f"{'ok' if ok else 'not ok'} {number} - {os.path.basename(program)} {shown} gives {status}")
    if not ok:
        print(f"# exit {run.returncode}: {run.stderr.strip()}")
leftovers = [name for name in os.listdir(here) if name.startswith(".old") or "XXXX" in name]
if leftovers:
    print(f"# left behind: {leftovers}")
subprocess.run(["rm", "-rf", here], check=True)
sys.exit(failed > 0 or bool(leftovers))
