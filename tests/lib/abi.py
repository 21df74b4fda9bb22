#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""abi.py LIBRARY HEADER…: what the library exports is what its headers declare and describe, all of it ehrlink_*."""
import re
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

LIBRARY, HEADERS = sys.argv[1], sys.argv[2:]


def exported():
    """name → version of every dynamic symbol that is defined"""
    listing = subprocess.run(["nm", "-D", "--defined-only", LIBRARY], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    found = {}
    for line in listing.splitlines():
        name, _, version = line.split()[-1].partition("@@")
        if line.split()[-2] != "A":
            found[name] = version
    return found


def declared():
    names = set()
    for header in HEADERS:
        text = re.sub(r"/\*.*?\*/", "", Path(header).read_text(), flags=re.S)
        names |= set(re.findall(r"\b(ehrlink_\w+)\(", text))
        names |= {f"{name}_get_type" for name in re.findall(r"G_DECLARE_FINAL_TYPE\(\w+, (\w+)", text)}
    return names


def test_prefix():
    strangers = [name for name in exported() if not name.startswith("ehrlink_")]
    assert not strangers, strangers


def test_version():
    wrong = {name: version for name, version in exported().items() if version != "LIBEHRLINK_0.1"}
    assert not wrong, wrong


def test_exported_is_declared():
    difference = set(exported()) ^ declared()
    assert not difference, sorted(difference)


def test_declared_is_documented():
    text = "".join(Path(header).read_text() for header in HEADERS)
    silent = [name for name in declared() if not name.endswith("_get_type")
              and f"\n * {name}:\n" not in text]
    assert not silent, silent


def test_soname():
    headers = subprocess.run(["objdump", "-p", LIBRARY], check=True, text=True,
                             stdout=subprocess.PIPE).stdout
    assert "libehrlink.so.0\n" in headers
    needed = set(re.findall(r"NEEDED\s+(\S+)", headers))
    allowed = ("libglib-2.0", "libgobject-2.0", "libgio-2.0", "libc.so", "libasan", "libubsan")
    assert all(name.startswith(allowed) for name in needed), needed


sys.exit(tap.run_all(globals()))
