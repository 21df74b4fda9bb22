#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""`meson install --destdir`, judged file by file as a packager would: argv[1] is the build."""
import fnmatch
import json
import os
import re
import stat
import subprocess
import sys
import tempfile

from tap import run_all

BUILD = sys.argv[1]
HERE = os.path.dirname(os.path.abspath(__file__))
DIRS = ("bindir", "libdir", "libexecdir", "includedir", "datadir", "mandir", "sysconfdir")


def options():
    listed = subprocess.run(["meson", "introspect", "--buildoptions", BUILD], stdout=subprocess.PIPE, text=True, check=True).stdout
    return {o["name"]: o["value"] for o in json.loads(listed)}


def wanted(values):
    """(mode, pattern of the path) of everything that this build should install"""
    prefix = values["prefix"]
    where = {"prefix": prefix, **{d: os.path.join(prefix, values[d]) for d in DIRS}}
    rows = []
    with open(os.path.join(HERE, "installed"), encoding="utf-8") as f:
        for line in f:
            if line.startswith("#"):
                continue
            path, _, option = line.partition(" | ")
            on = values.get(option.strip(), True)
            if not option or on not in (False, "disabled"):
                mode, path = path.split()
                rows.append((int(mode, 8), re.sub(r"@(\w+)@", lambda m: where[m.group(1)], path)))
    return rows


def found(directory):
    for top, _, names in os.walk(directory):
        for name in names:
            path = os.path.join(top, name)
            yield "/" + os.path.relpath(path, directory), os.lstat(path)


def test_every_file():
    values = options()
    rows = wanted(values)
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", directory], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        matched = set()
        for path, status in found(directory):
            hits = [row for row in rows if fnmatch.fnmatchcase(path, row[1])]
            assert hits, f"{path} is not on the list"
            mode = 0o777 if stat.S_ISLNK(status.st_mode) else stat.S_IMODE(status.st_mode)
            assert mode == hits[0][0], (path, oct(mode))
            matched.update(hits)
        missing = [path for mode, path in rows if (mode, path) not in matched]
        # a feature "auto" is off where its library is missing
        missing = [path for path in missing if not (path.endswith("/ehrlink-bt") and values.get("bluetooth") == "auto")]
        assert not missing, missing


def test_nothing_names_the_build():
    """What is installed as text names neither the build nor the source directory."""
    places = [os.path.abspath(BUILD), os.path.dirname(os.path.dirname(HERE))]
    with tempfile.TemporaryDirectory() as directory:
        subprocess.run(["meson", "install", "-C", BUILD, "--no-rebuild", "--quiet", "--destdir", directory], check=True,
                       stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        for path, status in found(directory):
            if not stat.S_ISREG(status.st_mode):
                continue
            with open(directory + path, "rb") as f:
                data = f.read()
            if data[:4] != b"\x7fELF":
                assert not any(place.encode() in data for place in places), path


if __name__ == "__main__":
    sys.exit(run_all(globals()))
