#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The rig itself: statuses, commands, and that nothing outlives it, however it ends. TAP output."""
import glob
import os
import signal
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, ".."))
from tap import run_all  # noqa: E402

TWO_HOSTS = os.path.join(HERE, "two-hosts")
BARE = ("--no-provision",)


def run(*command, options=BARE, **more):
    return subprocess.run([TWO_HOSTS, *options, "--", *command], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
                          **more)


def marked(base):
    """Processes of that rig."""
    found = []
    for path in glob.glob("/proc/[0-9]*/environ"):
        try:
            with open(path, "rb") as f:
                if f"EHRLINK_RIG={base}\0".encode() in f.read() + b"\0":
                    with open(path.replace("environ", "stat"), encoding="utf-8", errors="replace") as s:
                        if s.read().rsplit(")", 1)[1].split()[0] != "Z":
                            found.append(path.split("/")[2])
        except OSError:
            pass
    return found


def gone(base):
    end = time.monotonic() + 20
    while marked(base) or os.path.exists(base):
        assert time.monotonic() < end, f"left behind: {marked(base)} {os.path.exists(base)}"
        time.sleep(0.05)


def test_status():
    for status in (0, 1, 7, 64, 77):
        assert run("sh", "-c", f"exit {status}").returncode == status
    assert run("sh", "-c", "kill -KILL $$").returncode == 137
    assert run("sh", "-c", "kill -INT $$").returncode == 130
    assert run("no-such-command").returncode == 127
    assert subprocess.run([TWO_HOSTS], capture_output=True, check=False).returncode == 2
    assert run("true", options=("--bogus",)).returncode == 2


def test_words_and_files():
    with tempfile.TemporaryDirectory() as directory:
        done = run("sh", "-c", 'echo "$1"; pwd; echo x > file', "sh", "two  words", cwd=directory)
        assert done.stdout.splitlines() == ["two  words", os.path.realpath(directory)], done
        assert os.listdir(directory) == ["file"]


def test_hosts_are_apart():
    script = "on-patient sh -c 'echo $DBUS_SYSTEM_BUS_ADDRESS'; on-clinic sh -c 'echo $DBUS_SYSTEM_BUS_ADDRESS'; on-patient sh -c 'exit 9'"
    done = run("sh", "-c", script)
    assert done.returncode == 9
    first, second = done.stdout.split()
    assert first != second and first.startswith("unix:path=/") and len(second) < 60


def test_bus_denies_what_a_system_bus_denies():
    script = 'on-clinic dbus-send --bus="unix:path=$RIG_DIR/c/bus" --print-reply --dest=org.freedesktop.DBus / ' \
             'org.freedesktop.DBus.RequestName string:org.example uint32:0'
    done = run("sh", "-c", script)
    assert done.returncode != 0 and "AccessDenied" in done.stderr, done


def test_commands():
    done = run("sh", "-c", "link count && link down && link up && reader unplug clinic && reader plug clinic && polkit deny patient && "
               "polkit count patient && untap && daemon-pid clinic")
    assert done.returncode == 69, done  # no daemon was needed, so none runs
    assert "connections 0" in done.stdout and "calls 0" in done.stdout, done
    done = run("tap", env={**os.environ, "RIG_TAP_SECONDS": "1"})
    assert done.returncode == 75 and "not both sides are armed" in done.stderr, done
    for wrong in (["link", "nonsense"], ["reader", "unplug", "nobody"], ["polkit", "perhaps", "patient"], ["kill-daemon", "clinic"]):
        assert run(*wrong).returncode != 0, wrong


def test_nothing_outlives_it():
    """Children in other sessions, with closed descriptors and ignored signals, end with the command."""
    script = "echo $RIG_DIR; trap '' TERM; (trap '' TERM HUP; exec setsid sleep 600) >/dev/null 2>&1 & nohup sleep 601 >/dev/null 2>&1 & exit 3"
    done = run("sh", "-c", script)
    assert done.returncode == 3, done
    gone(done.stdout.strip())


def started(script="echo $RIG_DIR; exec sleep 600", **more):
    process = subprocess.Popen([TWO_HOSTS, *BARE, "--", "sh", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True,
                               start_new_session=True, **more)
    return process, process.stdout.readline().strip()


def test_ended_by_signal():
    for number, status in ((signal.SIGTERM, 143), (signal.SIGHUP, 143)):
        process, base = started()
        process.send_signal(number)
        assert process.wait(30) == status
        gone(base)


def test_ctrl_c():
    """As from a keyboard: the whole foreground group gets it; the command may clean up, and its status counts."""
    process, base = started("trap 'exit 5' INT; echo $RIG_DIR; while :; do sleep 0.1; done")
    os.killpg(process.pid, signal.SIGINT)
    assert process.wait(30) == 5
    gone(base)


def test_killed():
    """SIGKILL of two-hosts itself, and of its keeper."""
    process, base = started()
    process.kill()
    process.wait()
    gone(base)
    process, base = started()
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as f:
        os.kill(int(f.read().split()[0]), signal.SIGKILL)
    assert process.wait(30) == 137
    gone(base)


def test_a_part_dies():
    done = run("sh", "-c", "kill -KILL $(cat /proc/[0-9]*/stat 2>/dev/null | awk '$2 == \"(air)\" { print $1 }' | while read p; do "
               "tr '\\0' '\\n' </proc/$p/environ 2>/dev/null | grep -q \"^RIG_DIR=$RIG_DIR$\" && echo $p; done); sleep 600")
    assert done.returncode == 70 and "air ended in the middle" in done.stderr, done


def test_in_parallel():
    processes = [subprocess.Popen([TWO_HOSTS, *BARE, "--", "sh", "-c", f"echo $RIG_DIR; link count; exit {20 + i}"],
                                  stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True) for i in range(4)]
    outputs = [p.communicate(timeout=60)[0].split()[0] for p in processes]
    assert [p.returncode for p in processes] == [20, 21, 22, 23] and len(set(outputs)) == 4
    for base in outputs:
        gone(base)


def test_small_state():
    done = run("sh", "-c", "df -k --output=size $RIG_DIR/c/state | tail -n 1", options=(*BARE, "--small", "clinic=1M"))
    assert done.returncode == 77 or done.stdout.split() == ["1024"], done


def test_machines_that_cannot_be():
    """Without what emulated machines need they are skipped, at once and with the reason; the scenarios over Bluetooth pass that on."""
    with tempfile.TemporaryDirectory() as directory:
        with open(f"{directory}/id", "w", encoding="ascii") as f:
            f.write("#!/bin/sh\necho 1000\n")
        os.chmod(f"{directory}/id", 0o755)
        env = {**os.environ, "PATH": directory + ":" + os.environ["PATH"]}
        done = run("true", options=("--link", "bluetooth"), env=env)
        assert done.returncode == 77 and "skipped: only root can" in done.stderr, done
        done = subprocess.run([sys.executable, os.path.join(HERE, "../scenarios/bluetooth.py")], stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, env=env, check=False)
        lines = done.stdout.splitlines()
        told = [line for line in lines if line.startswith("ok ")]
        assert done.returncode == 0 and len(told) == int(lines[0].partition("..")[2]) > 0, done
        assert all("# SKIP only root can" in line for line in told), told


def test_keep():
    with tempfile.TemporaryDirectory() as directory:
        assert run("true", options=(*BARE, "--keep", f"{directory}/kept")).returncode == 0
        assert os.path.exists(f"{directory}/kept/log/clinic") and os.path.exists(f"{directory}/kept/c/etc/ehrlinkd.conf")


sys.exit(run_all(globals()))
