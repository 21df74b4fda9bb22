#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the bench of two emulated machines promises: adapters that go off and on, a rate and a delay of the air, a link that is cut, and
what it prints. Starts the machines once and runs itself between them. Environment: EHRLINK_BUILD."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time

from tap import run_all

HERE = pathlib.Path(__file__).resolve().parent
TERMINAL = "00:AA:01:01:00:42"
RATE, DELAY = 50, 60


def call(*command, check=True, **more):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False, **more)
    assert not check or done.returncode == 0, (command, done.returncode, done.stdout)
    return done.stdout


def settings(host):
    return re.search(r"current settings: (.*)", call("on-" + host, "timeout", "60", "btmgmt", "--index", "0", "info")).group(1).split()


def ping():
    """Milliseconds of an echo over L2CAP."""
    said = call("on-patient", "timeout", "120", "l2ping", "-c", "2", TERMINAL)
    return float(re.findall(r"time ([\d.]+)ms", said)[-1])


def answers():
    """Whether the terminal is there when it is paged. By HCI alone: where nobody answers, this kernel can stumble over an L2CAP socket that is
    closed meanwhile, and whoever closed it never ends (hci_chan_del, see README)."""
    said = call("on-patient", "timeout", "60", "hcitool", "cc", TERMINAL, check=False)
    assert not said or "Input/output error" in said or "Connection timed out" in said, said
    return not said


def count(name, which=0):
    # a name may have a digit in it
    return int(re.search(name + r"((?: \d+)+)", call("link", "count")).group(1).split()[which])


def test_1_addresses():
    """The order of the controllers, on which tests rely; both can be paged once they are told to."""
    for host, address in (("patient", "00:AA:01:00:00:42"), ("clinic", TERMINAL)):
        assert address in call("on-" + host, "hciconfig", "hci0")
    call("on-clinic", "hciconfig", "hci0", "pscan")


def test_2_delay():
    """What one says arrives no sooner than --delay after it, each way."""
    assert ping() >= 2 * DELAY
    call("link", "delay", "0")


def test_3_rate():
    """Never faster than --rate; and the radio counts what passes."""
    size, program = 60_000, os.path.join(os.environ["EHRLINK_BUILD"], "tests/measure/rfcomm_plain")
    for host in ("patient", "clinic"):
        # one that is on asks the other to pair, and its people are not there to answer
        call("on-" + host, "timeout", "60", "btmgmt", "--index", "0", "ssp", "off")
    listener = subprocess.Popen(["on-clinic", program, "listen", "5"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert listener.stdout.readline() == "listening\n"
    users, frames, wire = count("p2c"), count("frames"), count("bytes")
    words = call("on-patient", program, "send", TERMINAL, "5", str(size)).split()
    assert float(words[3]) >= 0.9 * size / (RATE * 1000), words
    assert count("p2c") - users == size + 8
    assert 0 < count("frames") - frames < count("bytes") - wire
    call("link", "rate", "0")
    listener.terminate()
    listener.wait()


def test_4_adapter():
    for host in ("patient", "clinic"):
        call("adapter", "off", host)
        assert "powered" not in settings(host)
        call("adapter", "on", host)
        assert "powered" in settings(host)
    call("on-clinic", "hciconfig", "hci0", "pscan")


def test_5_link():
    """Down: whoever is connected is not any more, and nobody answers; up: everybody does."""
    ping()
    call("link", "down")
    assert "open 0" in call("link", "count")
    assert not answers()
    call("link", "up")
    assert answers()


def test_6_systemd_is_not_there():
    """Without --systemd process 1 is the rig's own."""
    assert call("on-clinic", "cat", "/proc/1/comm").strip() != "systemd"


def outside():
    with tempfile.TemporaryDirectory(prefix="bt.") as here:
        done = subprocess.run([HERE.parent / "two-hosts", "--link", "bluetooth", "--no-provision", "--rate", str(RATE), "--delay", str(DELAY), "--",
                               sys.executable, HERE / "bench_unit.py"], cwd=here, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode == 77:
        print("1..0 # SKIP " + done.stdout.rpartition("skipped: ")[2].strip())
        return 0
    lines = done.stdout.splitlines()
    print("\n".join(l if re.match(r"(not )?ok |1\.\.|#", l) else "# " + l for l in lines))
    # what they ran on must be told
    told = any(re.match(r"two-hosts: two machines, (KVM|emulated processors \(TCG\)), no systemd; up in ", l) for l in lines)
    return 0 if done.returncode == 0 and told else 1


if __name__ == "__main__":
    sys.exit(run_all(globals()) if os.environ.get("RIG_LINK") == "bluetooth" else outside())
