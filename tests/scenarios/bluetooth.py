#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Two emulated machines with a real kernel and bluetoothd. The machines boot once and serve every case here, those of the other files
that the link matters to among them; between two cases the daemons are killed and the medium is mended.

    bluetooth.py [--full] [--systemd] [CASE…]
"""
import argparse
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import traceback

import busy
import consent
import link
import main as main_cases
import store
from scenario import BLUETOOTH, TWO_HOSTS, Program, Rig, Skip, cases, comment

STRANGER = os.path.join(os.path.dirname(TWO_HOSTS), "bluetooth", "stranger")
# channel and addresses: the first of the configured channels, the order in which the rig takes controllers
CHANNEL, TERMINAL, SECOND_OF_PATIENT = "22", "00:AA:01:01:00:42", "00:AA:01:02:00:42"
HUNG = 900


def whole(rig, size=20000):
    """One more session works."""
    files = [rig.write("after.bin", size)]
    receive, send = rig.receive(output="after"), rig.send(*files)
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.untap()
    rig.arrived(files, output="after")


def stranger(rig, *words):
    """A device that was never tapped says these; every connection must be closed by the terminal."""
    rig.call("adapter", "add", "patient")
    try:
        said = rig.call("on-patient", STRANGER, SECOND_OF_PATIENT, TERMINAL, CHANNEL, *words).splitlines()
    finally:
        rig.call("adapter", "remove", "patient")
    assert len(said) == len(words) and all(line.startswith("closed") for line in said), said


def strangers(rig):
    """Junk, nothing at all, an unknown locator, a record too long, from a device never tapped: closed; the session goes on."""
    receive, send, files = link.running(rig)
    rig.link("rate", "5")  # so that it lasts
    stranger(rig, os.urandom(900).hex(), (b"EHR1\1" + os.urandom(32)).hex(), (b"\xff\xff" + os.urandom(2000)).hex(), "-")
    link.survives(rig, receive, send, files)


def flood(rig):
    """Twenty connections one after the other from a device never tapped do not keep the tapped one out."""
    receive = rig.receive()
    receive.state("ready")
    stranger(rig, *["00" * 20] * 20)
    files = [rig.write("a.bin", 20000)]
    send = rig.send(*files)
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.arrived(files)


def adapter_is_off(rig):
    """The terminal's adapter is off: on for the session, off after it."""
    rig.call("adapter", "off", "clinic")
    whole(rig)
    rig.call("kill-daemon", "clinic", check=False)
    rig.call("adapter", "on", "clinic")


def no_adapter(rig):
    """No adapter at the terminal: 69 and its name, and doctor says so; when it is back everything works."""
    rig.call("adapter", "unplug", "clinic")
    try:
        receive = rig.receive()
        receive.ends(69, ("NoAdapter", "LinkUnavailable"))
        said = rig.call("on-clinic", "ehrctl", "doctor", check=False).stdout
        assert re.search(r"PROBLEM +link.*adapter", said), said
    finally:
        rig.call("adapter", "plug", "clinic")
    whole(rig)


def bluetoothd_stopped(rig):
    """bluetoothd does not run on the patient's device: named; started again, everything works."""
    rig.call("bluetoothd", "stop", "patient")
    try:
        said = rig.call("on-patient", "ehrctl", "doctor", check=False).stdout
        assert re.search(r"PROBLEM +link", said), said
    finally:
        rig.call("bluetoothd", "start", "patient")
    whole(rig)


def bluetoothd_restarts(rig):
    """bluetoothd restarts at the terminal while it waits: its record is published again."""
    files = [rig.write("a.bin", 20000)]
    receive = rig.receive()
    receive.state("ready")
    rig.call("bluetoothd", "restart", "clinic")
    send = rig.send(*files)
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.arrived(files)


# (case, its options), in the order they run; those that end with a page that fails come last: some kernels lose RFCOMM to it
SHORT = [main_cases.tap_to_receipt, consent.said_no, link.flipped_bit_mid_transfer, store.over_quota]
MORE = [strangers, flood, adapter_is_off, bluetoothd_stopped, bluetoothd_restarts, busy.while_deciding,
        main_cases.either_side_first, main_cases.interrupted, main_cases.interrupted_at_the_clinic, main_cases.filed_later, consent.narrowed,
        link.flipped_bit_first_record, link.flipped_bit_on_the_way_back, busy.while_transferring, no_adapter]
LAST = [link.down_for_good]


def settings(options):
    """GROUP.KEY=VALUE by host, of a case's options."""
    found = {"patient": [], "clinic": []}
    for name, value in zip(options, options[1:]):
        host, _, setting = value.partition(":")
        if name == "--set" and host in found:
            found[host].append(setting)
    return found


def prepare(rig, function):
    options = cases[function.__name__][1] if function.__name__ in cases else ()
    for host, wanted in settings(options).items():
        rig.call("on-host", host, "rig-machine", "config", *wanted)


def mend(rig):
    for program in Program.started:
        program.process.kill()
    Program.started.clear()
    rig.call("untap", check=False)
    for words in (("up",), ("release",), ("rate", "0"), ("delay", "0")):
        rig.link(*words)
    for host in ("patient", "clinic", "patient2"):
        rig.call("kill-daemon", host, check=False)
    for host in ("patient", "clinic"):
        rig.call("on-host", host, "rig-machine", "fresh", check=False)
    radio_silence(rig)


def radio_silence(rig):
    """The kernels hang up an unused link after a while. A session that begins in that moment would find keys of the one before."""
    end = time.monotonic() + 30
    while re.search(r"open [1-9]", rig.link("count")) and time.monotonic() < end:
        time.sleep(0.1)


def hung(*_):
    raise AssertionError(f"hung for {HUNG} s")


def run_one(rig, number, function):
    label = (function.__doc__ or function.__name__).strip().splitlines()[0].rstrip(".").replace("#", "")
    here = tempfile.mkdtemp(prefix=function.__name__ + ".", dir=os.getcwd())
    back, failed = os.getcwd(), ""
    os.chdir(here)
    signal.signal(signal.SIGALRM, hung)
    signal.alarm(HUNG)
    try:
        prepare(rig, function)
        function(rig)
        print(f"ok {number} {function.__name__}: {label}", flush=True)
    except Skip as e:
        print(f"ok {number} {function.__name__}: {label} # SKIP {e}", flush=True)
    except Exception as e:
        failed = f"{type(e).__name__}: {e}\n" + "".join(traceback.format_tb(e.__traceback__)[-2:])
    finally:
        signal.alarm(0)
    if failed:
        print(f"not ok {number} {function.__name__}: {label}")
        comment(failed[-5000:])
        for host in ("patient", "clinic"):
            comment(f"--- {host}\n" + rig.log(host)[-2000:])
        sys.stdout.flush()
    mend(rig)
    os.chdir(back)
    return bool(failed)


def run_inside(chosen):
    rig = Rig()
    return 1 if sum([run_one(rig, i, f) for i, f in enumerate(chosen, 1)]) else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="every case")
    parser.add_argument("--systemd", action="store_true", help="only tap to receipt, in machines with systemd")
    parser.add_argument("case", nargs="*")
    args = parser.parse_args()
    everything = SHORT + MORE + LAST
    chosen = everything if args.full else SHORT
    if args.systemd:
        chosen = [main_cases.tap_to_receipt]
    if args.case:
        chosen = [f for f in everything if f.__name__ in args.case]
    if BLUETOOTH:
        return run_inside(chosen)
    with tempfile.TemporaryDirectory(prefix="bt.") as here:
        command = [TWO_HOSTS, "--link", "bluetooth", *(["--systemd"] if args.systemd else []),
                   *(["--second-patient"] if busy.while_deciding in chosen or busy.while_transferring in chosen else []), "--",
                   sys.executable, os.path.abspath(__file__), *(["--systemd"] if args.systemd else []), *[f.__name__ for f in chosen]]
        with subprocess.Popen(command, cwd=here, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as rig:
            print(f"1..{len(chosen)}", flush=True)
            said, told = [], 0
            for line in rig.stdout:
                told += bool(re.match(r"(not )?ok \d", line))
                said.append(line)
                print(line if re.match(r"(not )?ok \d|#", line) else "# " + line, end="", flush=True)
    skipped = [line.split("skipped:", 1)[1].strip() for line in said if "skipped:" in line]
    for number in range(told + 1, len(chosen) + 1):
        name = chosen[number - 1].__name__
        print(f"ok {number} {name} # SKIP {skipped[-1]}" if rig.returncode == 77 and skipped else f"not ok {number} {name}: the machines ended")
    return 0 if rig.returncode in (0, 77) else 1


if __name__ == "__main__":
    sys.exit(main())
