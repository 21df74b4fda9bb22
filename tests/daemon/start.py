#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A configuration that is wrong: ehrlinkd does not start, and its log says file, group, key and what is wanted.

usage: start.py EHRLINKD
"""
import os
import subprocess
import sys
import tempfile

CASES = [
    ("[session]\nkiosk=maybe\n", ("[session]", "kiosk", "true or false")),
    ("[session]\nconsent-timeout=0\n", ("[session]", "consent-timeout", "1 to 3600")),
    ("[session]\narmed-time=3\n", ("[session]", "armed-time", "no such key")),
    ("[sesion]\nkiosk=true\n", ("[sesion]", "no such group")),
    ("[link]\ntype=unix\n", ("[link]", "directory", "needed")),
    ("kiosk\n", ("bad.conf",)),
    (None, ("bad.conf", "No such file")),
]


def main():
    failed = 0
    print(f"1..{len(CASES)}")
    with tempfile.TemporaryDirectory() as here:
        path = os.path.join(here, "bad.conf")
        for number, (text, wanted) in enumerate(CASES, 1):
            if os.path.exists(path):
                os.unlink(path)
            if text is not None:
                with open(path, "w", encoding="utf-8") as f:
                    f.write(text)
            # no bus: it must not come that far
            environment = {**os.environ, "DBUS_SYSTEM_BUS_ADDRESS": f"unix:path={here}/none"}
            done = subprocess.run([sys.argv[1], "--config", path], env=environment, capture_output=True, text=True, timeout=60, check=False)
            good = done.returncode == 69 and "configuration is not valid" in done.stderr and all(w in done.stderr for w in wanted)
            failed += not good
            print(f"{'ok' if good else 'not ok'} {number} {wanted}")
            if not good:
                print(f"# {done}")
    sys.exit(1 if failed else 0)


main()
