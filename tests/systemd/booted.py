#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Boots this machine's own system with systemd in namespaces of its own, ehrlink installed over it, and has inside.py run there. No
emulated machine: it takes seconds, and shows what a sandbox breaks. Environment: EHRLINK_BUILD."""
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(HERE))
sys.path.insert(0, os.path.join(TOP, "tests", "rig", "bluetooth"))
from machines import build_for_installing  # noqa: E402

SKIP = 77


def quiet_run(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        sys.exit(f"{' '.join(command)}:\n{done.stdout[-3000:]}")


def skip(reason):
    print(f"1..1\nok 1 booted # SKIP {reason}")
    return 0


def fail(said):
    print("1..1\nnot ok 1 booted\n" + "".join(f"# {line}\n" for line in said.splitlines()), end="")
    return 1


def share(directory, build):
    for source, name in ((os.path.join(HERE, "inside.py"), "inside"), (os.path.join(TOP, "tests", "tap.py"), "tap.py"),
                         (os.path.join(TOP, "daemon", "log.h"), "log.h"),
                         (os.path.join(build, "tests", "rig", "pn532-sim", "pn532-sim"), "pn532-sim")):
        shutil.copy(source, os.path.join(directory, name))
    os.chmod(os.path.join(directory, "inside"), 0o755)


def main():
    if os.geteuid():
        return skip("only root can boot a machine in namespaces")
    build = build_for_installing(os.environ.get("EHRLINK_BUILD"), quiet_run)
    with tempfile.TemporaryDirectory(prefix="ehr-sd-") as directory:
        layer, shared = os.path.join(directory, "layer"), os.path.join(directory, "share")
        os.mkdir(layer)
        os.mkdir(shared)
        os.chmod(directory, 0o755)
        quiet_run(["meson", "install", "-C", build, "--no-rebuild", "--destdir", layer])
        share(shared, build)
        done = subprocess.run([os.path.join(HERE, "machine"), layer, shared], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, errors="replace", timeout=900, check=False)
        out = os.path.join(shared, "out")
        if done.returncode == SKIP or not os.path.exists(out):
            said = done.stdout.strip()
            return skip(said.rsplit("skipped:", 1)[-1].strip()) if done.returncode == SKIP else fail(said)
        with open(out, encoding="utf-8", errors="replace") as f:
            said = f.read()
        print(said, end="")
        return 0 if "not ok" not in said and "\nok " in said else 1


sys.exit(main())
