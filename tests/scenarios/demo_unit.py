#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""tools/demo, as somebody runs it who has just cloned the project. TAP output."""
import os
import pty
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from tap import run_all  # noqa: E402

DEMO = os.path.join(HERE, "..", "..", "tools", "demo")


def demo(*options, answer=""):
    done = subprocess.run([DEMO, *options], input=answer, capture_output=True, text=True, check=False, timeout=120)
    return done.returncode, (done.stdout + done.stderr).replace("\xa0", " ")  # sizes do not break


def says(text, *words):
    for w in words:
        assert w in text, f"{w!r} is not in: {text[-3000:]}"


def test_by_itself():
    code, text = demo()
    assert code == 0, text[-3000:]
    says(text, "Test Clinic", "Test Authority", "treatment", "Send all of them?", "46.1 kB / 46.1 kB", "Receipt: 3 items", "Filed")
    assert text.count("the same bytes") == 3, text


def test_ask_yes():
    code, text = demo("--ask", answer="yes\n")
    assert code == 0 and text.count("the same bytes") == 3, text[-3000:]


def test_ask_some():
    code, text = demo("--ask", answer="2\n")
    assert code == 0 and text.count("the same bytes") == 1, text[-3000:]
    says(text, "Receipt: 1 item")


def test_ask_no():
    code, text = demo("--ask", answer="no\n")
    assert code == 0, text[-3000:]
    says(text, "Declined", "declined")
    assert "Receipt:" not in text, text


def test_on_a_terminal():
    """On a terminal the progress bar grows in place."""
    master, slave = pty.openpty()
    process = subprocess.Popen([DEMO], stdin=slave, stdout=slave, stderr=slave, start_new_session=True)
    os.close(slave)
    output = bytearray()
    while True:
        try:
            data = os.read(master, 65536)
        except OSError:  # how Linux tells the end of a terminal
            break
        output += data
    text = output.decode(errors="replace")
    assert process.wait() == 0, text[-3000:]
    says(text, "\r", "\x1b[", "Receipt: 3 items")


def test_usage():
    assert demo("--bogus")[0] == 64


sys.exit(run_all(globals()))
