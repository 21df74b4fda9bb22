#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""covers.py LIB DBUS: the library knows every method, signal and property of the bus interface, so that nobody needs the bus itself."""
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

LIB, DBUS = map(Path, sys.argv[1:])
# what a broadcast says to everybody; the session's owner, who alone uses the library, is told the same in the details
IN_DETAILS = {"Session.State": "state", "Session.Role": "role"}
# which of the two a transfer is stands in its path, and its state in that of the session
NOT_NEEDED = {"Transfer.State", "Transfer.Direction"}


def source():
    return "".join(path.read_text() for path in sorted(LIB.glob("*.c")))


def members(*kinds):
    for path in sorted(DBUS.glob("org.ehrlink1.*.xml")):
        interface = ElementTree.parse(path).getroot().find("interface")
        for kind in kinds:
            for element in interface.findall(kind):
                yield interface.get("name").rsplit(".", 1)[1], element.get("name")


def lacking(*kinds):
    text, found = source(), list(members(*kinds))
    assert len(found) >= 4, found
    names = {(i, m): IN_DETAILS.get(f"{i}.{m}", m) for i, m in found if f"{i}.{m}" not in NOT_NEEDED}
    return [f"{i}.{m}" for (i, m), word in names.items() if not re.search(rf'"{word}"', text)]


def test_methods():
    """Those of the Agent are the ones it answers."""
    assert not lacking("method"), lacking("method")


def test_signals_and_properties():
    assert not lacking("signal", "property"), lacking("signal", "property")


sys.exit(tap.run_all(globals()))
