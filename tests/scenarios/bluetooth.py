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

import bluetooth_kills as kills
import bluetooth_machine as machine
import bluetooth_peers as peers
import busy
import consent
import input as input_cases
import link
import main as main_cases
import store
from scenario import BLUETOOTH, TWO_HOSTS, Program, Rig, Skip, cases, comment

HUNG = 900
# exit status: there are cases left, for other machines
AGAIN = 3
# in the order they run: the stage that every run has, what --full adds; those that end with a page that fails come last: some kernels lose RFCOMM to it
SHORT = [main_cases.tap_to_receipt, consent.said_no, link.flipped_bit_mid_transfer, store.over_quota, peers.copied_locator,
         machine.mute_agent, machine.no_helper, machine.forgotten]
MORE = [peers.strangers, peers.replayed, peers.flood, peers.breaks_the_rules, peers.not_believed, peers.wrong_channel,
        machine.adapter_is_off, machine.adapter_comes_back, machine.two_adapters, machine.bluetoothd_stopped, machine.bluetoothd_restarts,
        machine.lost_and_resumed, machine.killed_in_mid_transfer, machine.disk_full, machine.put_back_after_a_crash,
        machine.agent_at_the_terminal, machine.old_bond, machine.bond_of_one_side, machine.no_helper_at_the_terminal, machine.no_helper_and_killed,
        machine.doctor_tells_apart, busy.while_deciding, main_cases.either_side_first, main_cases.interrupted,
        main_cases.interrupted_at_the_clinic, main_cases.filed_later, consent.narrowed, consent.agent_gone, consent.no_answer,
        input_cases.changes_while_read, link.silent_peer, link.flipped_bit_first_record,
        link.flipped_bit_on_the_way_back, busy.while_transferring, busy.while_confirming, machine.no_adapter, peers.seven_at_once, kills.kill_sample]
LAST = [link.down_for_good, peers.wrong_address]


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


def run_one(rig, number, function, again):
    """Whether it failed, None if it is to be tried again: its machine's kernel lost RFCOMM in it, for the first time."""
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
    if failed and lost(rig) and not again:
        comment(f"{function.__name__} failed where a kernel has lost RFCOMM, and is tried again: {failed.splitlines()[0]}")
        failed = None
    if failed:
        print(f"not ok {number} {function.__name__}: {label}")
        comment(failed[-5000:])
        for host in ("patient", "clinic"):
            comment(f"--- {host}\n" + rig.log(host)[-2000:])
        sys.stdout.flush()
    mend(rig)
    os.chdir(back)
    return failed if failed is None else bool(failed)


def lost(rig):
    """Which machine's kernel has lost RFCOMM, "" if none: see the trap in ../rig/bluetooth/README.md."""
    return next((h for h in ("patient", "clinic") if "kernel BUG" in rig.log(h + ".console")), "")


def run_inside(chosen, first, again):
    rig, failed = Rig(), 0
    for number, function in enumerate(chosen, first):
        result = run_one(rig, number, function, again and number == first)
        if result is None:
            return AGAIN
        failed += result
        host = lost(rig)
        if host and function is not chosen[-1]:
            comment(f"the kernel of {host} has lost RFCOMM: new machines for the cases that are left")
            return AGAIN
    return 1 if failed else 0


def run_outside(chosen, systemd, first, again):
    """Machines for these cases; returns the exit status and what was said. Every line is passed on."""
    second = ["--second-patient"] if any(f.__module__ == "busy" for f in chosen) else []
    with tempfile.TemporaryDirectory(prefix="bt.") as here:
        command = [TWO_HOSTS, "--link", "bluetooth", *(["--systemd"] if systemd else []), *second, "--", sys.executable, os.path.abspath(__file__),
                   "--first", str(first), *(["--again"] if again else []), *[f.__name__ for f in chosen]]
        said = []
        with subprocess.Popen(command, cwd=here, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as rig:
            for line in rig.stdout:
                said.append(line)
                print(line if re.match(r"(not )?ok \d|#", line) else "# " + line, end="", flush=True)
    return rig.returncode, said


def everything(chosen, systemd):
    """On as many machines as it takes; what was not run is said to be so, or to have failed."""
    print(f"1..{len(chosen)}", flush=True)
    told, failed, again = 0, False, False
    while told < len(chosen):
        code, said = run_outside(chosen[told:], systemd, told + 1, again)
        now = sum(bool(re.match(r"(not )?ok \d", line)) for line in said)
        told += now
        failed = failed or any(line.startswith("not ok") for line in said)
        stuck = now == 0 and again
        again = code == AGAIN and not any("new machines" in line for line in said)
        if code != AGAIN or stuck:
            break
    skipped = [line.split("skipped:", 1)[1].strip() for line in said if "skipped:" in line]
    for number in range(told + 1, len(chosen) + 1):
        name = chosen[number - 1].__name__
        skip = code == 77 and skipped
        failed = failed or not skip
        print(f"ok {number} {name} # SKIP {skipped[-1]}" if skip else f"not ok {number} {name}: the machines ended")
    return 1 if failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--full", action="store_true", help="every case")
    parser.add_argument("--systemd", action="store_true", help="only tap to receipt, in machines with systemd")
    parser.add_argument("--first", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--again", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("case", nargs="*")
    args = parser.parse_args()
    known = SHORT + MORE + LAST
    chosen = [f for f in known if f.__name__ in args.case] if args.case else known if args.full else SHORT
    if args.systemd:
        chosen = [main_cases.tap_to_receipt]
    return run_inside(chosen, args.first, args.again) if BLUETOOTH else everything(chosen, args.systemd)


if __name__ == "__main__":
    sys.exit(main())
