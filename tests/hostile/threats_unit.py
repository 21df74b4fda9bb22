#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What proto/THREATS.md and README.md promise names tests: each adversary's row has one, each that is named exists, and
meson runs it."""
import os
import re
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(ROOT, "tests"))

import tap  # noqa: E402

NAME = re.compile(r"`(?:tests/)?([a-z_]+(?:/[a-z_]+)*/[a-z_]+(?:\.c|\.py)?)`")
# said in the row itself: there can be no test of it
NONE = "nothing can"


def text(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def rows(document, header):
    """The rows of the table that begins with this header line."""
    lines = document[document.index(header):].splitlines()[2:]
    for line in lines:
        if not line.startswith("|"):
            return
        yield [cell.strip() for cell in line.strip().strip("|").split("|")]


def is_run(name):
    """A file under tests/, and a meson.build beside or above it names it."""
    path = os.path.join(ROOT, "tests", name)
    if not os.path.exists(path):
        return False
    stem = os.path.splitext(os.path.basename(path))[0]
    folder = os.path.dirname(path)
    while len(folder) >= len(os.path.join(ROOT, "tests")):
        build = os.path.join(folder, "meson.build")
        if os.path.exists(build):
            words = set(re.findall(r"[\w/]+", text(build)))
            last = {word.rsplit("/", 1)[-1] for word in words}
            return bool({stem, stem.removesuffix("_unit")} & last)
        folder = os.path.dirname(folder)
    return False


def harnesses(cell):
    """Names behind the word fuzz, up to what is no name."""
    found = re.search(r"fuzz ((?:`[a-z_]+`(?:, )?)+)", cell)
    return re.findall(r"`([a-z_]+)`", found[1]) if found else []


def test_each_adversary_has_a_test():
    """Each row of THREATS.md names tests that exist and are run."""
    listed = list(rows(text("proto", "THREATS.md"), "| who | can | is stopped by |"))
    assert len(listed) >= 12, len(listed)
    for row in listed:
        who, shown = row[0], row[-1]
        assert len(row) == 5, f"{who}: {len(row)} cells"
        names = NAME.findall(shown)
        assert names or shown.startswith(NONE), f"{who}: no test is named"
        for name in names:
            assert is_run(name), f"{who}: {name} is not a test that is run"
        for name in harnesses(shown):
            assert is_run(f"fuzz/{name}.c"), f"{who}: there is no harness {name}"


def test_each_promise_has_a_test():
    """Each promise of README.md names something under tests/ or tools/ that exists."""
    listed = list(rows(text("README.md"), "| | shown by |"))
    assert len(listed) == 4, len(listed)
    for promise, shown in listed:
        names = re.findall(r"`((?:tests|tools)/[^`]+)`", shown)
        assert names, promise
        for name in names:
            name = name.rstrip("*")
            folder, start = os.path.split(os.path.join(ROOT, name))
            assert any(entry.startswith(start) for entry in os.listdir(folder)), f"{promise}: {name}"


if __name__ == "__main__":
    sys.exit(tap.run_all(globals()))
