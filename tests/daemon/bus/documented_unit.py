#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""documented_unit.py PROTO: every interface, method, signal, property, argument and error of the bus interface is described in its XML,
and what is described is there."""
import re
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

from tap import run_all

PROTO = Path(sys.argv[1])
FILES = sorted((PROTO / "dbus").glob("org.ehrlink1.*.xml"))


class WithComments(ElementTree.TreeBuilder):
    """Comments become elements, so that the one before an element can be found."""

    def __init__(self):
        super().__init__(insert_comments=True)


def interfaces():
    for path in FILES:
        root = ElementTree.parse(path, ElementTree.XMLParser(target=WithComments())).getroot()
        before = None
        for child in root:
            if child.tag == "interface":
                yield child, before
            before = child


def described(element, comment):
    """The prose of the comment before an element; it must be that element's."""
    name = element.get("name")
    assert comment is not None and comment.tag is ElementTree.Comment, f"{name}: nothing stands before it"
    first, _, rest = comment.text.strip().partition(":")
    assert first == name, f"{name}: what stands before it is about {first}"
    prose = " ".join(line.strip() for line in rest.splitlines() if not line.strip().startswith("@"))
    assert len(prose) > 10 or "@" in rest, f"{name}: nothing is said about it"
    return comment.text


def members():
    for interface, _ in interfaces():
        before = None
        for child in interface:
            if child.tag in ("method", "signal", "property"):
                yield interface, child, before
            before = child


def test_interfaces():
    assert len(FILES) == 4
    for interface, comment in interfaces():
        assert "@short_description:" in described(interface, comment)


def test_members():
    found = list(members())
    assert len(found) > 40, len(found)
    for _, member, comment in found:
        described(member, comment)


def test_arguments():
    """Each is described, in the order it comes, and no other is."""
    for interface, member, comment in members():
        told = re.findall(r"^\s*@([a-z-]+):\s+\S", comment.text, re.M)
        there = [argument.get("name") for argument in member.findall("arg")]
        assert told == there, f"{interface.get('name')}.{member.get('name')}: {told} are described, {there} are there"


def table():
    rows = re.findall(r'^X\(\w+, (\w+), (\d+), \w+, "(.*)"\)$', (PROTO / "errors.def").read_text(), re.M)
    assert len(rows) > 70, len(rows)
    return rows


def test_errors():
    """The Manager's page has every row of errors.def."""
    page = next(comment.text for interface, comment in interfaces() if interface.get("name").endswith(".Manager"))
    told = re.findall(r"^    (\w+) \((\d+)\): (.+)$", page, re.M)
    assert told == table(), sorted(set(told) ^ set(table()))


def test_named_errors_exist():
    """Each method of the service says what it may answer, and there are such errors."""
    names = {name for name, _, _ in table()}
    for interface, member, comment in members():
        where = f"{interface.get('name')}.{member.get('name')}"
        said = re.search(r"Errors: (.*?)\.\s", comment.text + " ", re.S)
        if member.tag == "method" and not where.startswith("org.ehrlink1.Agent."):
            assert said, f"{where}: which errors?"
        if said:
            told = re.findall(r"\w+", re.sub(r"\(.*?\)", "", said.group(1), flags=re.S))
            assert told and set(told) <= names, f"{where}: {set(told) - names}"


sys.exit(run_all(globals()))
