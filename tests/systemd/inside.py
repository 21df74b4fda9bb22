#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What is tested in a machine that was booted with systemd and has ehrlink installed (booted.py starts it): the units as they are, real
dbus-daemon, real polkit, a simulated chip. Nothing is started by hand but what a person or a boot would start."""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

sys.path.insert(0, "/host")
from tap import run_all  # noqa: E402

CONF = pathlib.Path("/etc/ehrlink/ehrlinkd.conf.d")
CHIP = "/run/chips"


def sh(*command, user=None, check=True):
    if user:
        command = ("runuser", "-u", user, "--", *command)
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120, check=False)
    assert not check or done.returncode == 0, (command, done.returncode, done.stdout, done.stderr)
    return done


def prop(unit, name):
    return sh("systemctl", "show", "--value", "-p", name, unit).stdout.strip()


def wait(condition, seconds=60):
    """Polled: systemd says no sooner. A loaded machine takes its time."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


def journal(message_id):
    lines = sh("journalctl", "--no-pager", "-o", "json", f"MESSAGE_ID={message_id}", check=False).stdout.splitlines()
    return [json.loads(line)["MESSAGE"] for line in lines]


def ids():
    return dict(re.findall(r'define EHD_LOG_ID_(\w+)\s+"([0-9a-f]{32})"', pathlib.Path("/host/log.h").read_text(encoding="utf-8")))


def status_of(unit):
    """The process's own view: /proc/PID/status as a dictionary, and its namespaces."""
    pid = prop(unit, "MainPID")
    text = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    fields = dict(line.split(":\t", 1) for line in text.splitlines() if ":\t" in line)
    return fields, {n: os.readlink(f"/proc/{pid}/ns/{n}") for n in ("net", "user", "mnt", "ipc")}


def set_up():
    sh("systemd-sysusers")
    sh("systemd-tmpfiles", "--create", "/usr/lib/tmpfiles.d/ehrlink.conf", "/usr/lib/tmpfiles.d/dbus.conf", check=False)
    os.makedirs(CHIP)
    chip = subprocess.Popen(["/host/pn532-sim", "--dir", CHIP, "--chips", "1"], stdout=subprocess.PIPE)
    assert chip.stdout.readline() == b"ready\n"
    # what an operator does for a board on a serial port
    sh("chgrp", "ehrlink-nfc", os.path.realpath(CHIP + "/chip0"))
    sh("chmod", "660", os.path.realpath(CHIP + "/chip0"))
    dropin = pathlib.Path("/etc/systemd/system/ehrlink-nfc.service.d")
    dropin.mkdir()
    (dropin / "port.conf").write_text("[Service]\nDeviceAllow=char-pts rw\n", encoding="utf-8")
    (CONF / "50-reader.conf").write_text(f"[nfc]\nreader=pn532_uart:{CHIP}/chip0:115200\n"
                                         "[link]\ntype=unix\ndirectory=/var/lib/ehrlink/link\n", encoding="utf-8")
    for user, groups in (("reception", "ehrlink-kiosk"), ("other", "")):
        sh("useradd", "--create-home", *(["--groups", groups] if groups else []), user)
    sh("systemctl", "daemon-reload")
    sh("busctl", "call", "org.freedesktop.DBus", "/", "org.freedesktop.DBus", "ReloadConfig")
    # a directory that the daemon's sandbox lets it write to
    sh("install", "-d", "-o", "ehrlink", "-g", "ehrlink", "-m", "700", "/var/lib/ehrlink", "/var/lib/ehrlink/link")


def test_1_activation_in_its_sandbox():
    """A call alone starts daemon and helper, each as its own user, without a capability, in namespaces of its own."""
    assert prop("ehrlinkd.service", "ActiveState") == "inactive"
    said = json.loads(sh("ehrctl", "--json", "doctor", check=False).stdout.splitlines()[0])
    assert said
    daemon, its = status_of("ehrlinkd.service")
    nfc, helpers = status_of("ehrlink-nfc.service")
    for fields in (daemon, nfc):
        assert fields["CapEff"] == fields["CapBnd"] == fields["CapPrm"] == "0" * 16, fields["CapEff"]
        assert fields["NoNewPrivs"] == "1" and fields["Seccomp"] == "2"
    assert daemon["Uid"] != nfc["Uid"] and "0" not in daemon["Uid"].split() + nfc["Uid"].split()
    host = {n: os.readlink(f"/proc/1/ns/{n}") for n in its}
    assert all(its[n] != host[n] and helpers[n] != host[n] for n in its), (its, host)
    assert its["net"] != helpers["net"]


def test_2_the_reader_is_found_through_the_helper():
    done = sh("ehrctl", "doctor", check=False).stdout
    assert re.search(r"^ok +reader", done, re.M), done


def test_3_polkit():
    """Whoever is at no screen may do nothing; the kiosk's user may receive and nothing else; root may."""
    for user in ("other", "reception"):
        assert sh("ehrctl", "identity", "init", user=user, check=False).returncode == 77
    assert sh("ehr-receive", "--unverified", "--once", "--timeout", "1", "--output", "/tmp/a", user="other", check=False).returncode == 77
    done = sh("ehr-receive", "--unverified", "--once", "--timeout", "1", "--output", "/tmp/b", user="reception", check=False)
    assert done.returncode == 75, (done.returncode, done.stderr)
    sh("ehrctl", "identity", "init")


def test_4_crash():
    """Killed in the middle of everything: the next call is answered by a new process."""
    for sign in (signal.SIGSEGV, signal.SIGKILL):
        before = prop("ehrlinkd.service", "MainPID")
        os.kill(int(before), sign)
        sh("ehrctl", "status")
        assert prop("ehrlinkd.service", "MainPID") not in (before, "0")
    assert int(prop("ehrlinkd.service", "NRestarts")) >= 1


def test_5_watchdog():
    """The service manager is told that the loop turns."""
    sh("ehrctl", "status")
    wait(lambda: prop("ehrlinkd.service", "WatchdogTimestampMonotonic") not in ("", "0"))
    # and when it does not turn, it is started again
    dropin = pathlib.Path("/run/systemd/system/ehrlinkd.service.d")
    dropin.mkdir(parents=True)
    (dropin / "hang.conf").write_text("[Service]\nWatchdogSec=3\n", encoding="utf-8")
    sh("systemctl", "daemon-reload")
    sh("systemctl", "restart", "ehrlinkd")
    hung = prop("ehrlinkd.service", "MainPID")
    os.kill(int(hung), signal.SIGSTOP)
    wait(lambda: prop("ehrlinkd.service", "MainPID") not in (hung, "0", ""))
    (dropin / "hang.conf").unlink()
    sh("systemctl", "daemon-reload")
    sh("systemctl", "restart", "ehrlinkd")
    sh("ehrctl", "status")


def test_6_reload():
    extra = CONF / "60-test.conf"
    sh("ehrctl", "status")
    extra.write_text("[session]\nconsent-timeout=60\n[link]\nchannels=7\n", encoding="utf-8")
    sh("systemctl", "reload", "ehrlinkd")
    wait(lambda: any("[link] channels" in line for line in journal(ids()["RELOADED"])))
    extra.write_text("[session]\nkiosk=maybe\n", encoding="utf-8")
    sh("systemctl", "reload", "ehrlinkd")
    wait(lambda: any("kiosk" in line for line in journal(ids()["RELOAD_REFUSED"])))
    extra.unlink()
    sh("systemctl", "reload", "ehrlinkd")


def test_6b_reader_in_trouble():
    """A reader that is not there is in the journal, by its own message id."""
    extra = CONF / "60-test.conf"
    extra.write_text(f"[nfc]\nreader=pn532_uart:{CHIP}/none:115200\n", encoding="utf-8")
    sh("systemctl", "restart", "ehrlinkd")
    sh("systemctl", "stop", "ehrlink-nfc.service")
    assert sh("ehr-receive", "--unverified", "--once", "--timeout", "1", "--output", "/tmp/c", user="reception", check=False).returncode
    wait(lambda: journal(ids()["READER"]))
    extra.unlink()
    sh("systemctl", "restart", "ehrlinkd")
    sh("systemctl", "stop", "ehrlink-nfc.service")


def test_7_kiosk():
    """Ready after boot, back after a crash of either, gone in good order."""
    sh("mkdir", "-p", "/etc/ehrlink")
    pathlib.Path("/etc/ehrlink/kiosk.conf").write_text('EHR_RECEIVE_OPTIONS=--output ehrlink --file later --unverified\n', encoding="utf-8")
    sh("systemctl", "enable", "ehrlink-kiosk@reception.service")
    # that is all that a boot goes by; this machine's has no multi-user.target
    assert "ehrlink-kiosk@reception.service" in prop("multi-user.target", "Wants").split()
    sh("systemctl", "start", "ehrlink-kiosk@reception.service")

    def sessions():
        done = sh("busctl", "--json=short", "call", "org.ehrlink1", "/org/ehrlink1", "org.freedesktop.DBus.ObjectManager",
                  "GetManagedObjects", check=False).stdout
        return re.findall(r'"State":\{"type":"s","data":"(\w+)"', done)
    wait(lambda: "ready" in sessions())
    os.kill(int(prop("ehrlinkd.service", "MainPID")), signal.SIGKILL)
    wait(lambda: "ready" in sessions())
    os.kill(int(prop("ehrlink-kiosk@reception.service", "MainPID")), signal.SIGKILL)
    wait(lambda: prop("ehrlink-kiosk@reception.service", "NRestarts") not in ("0", "") and "ready" in sessions())
    # what it says names people and files: not in the journal
    sh("systemctl", "disable", "--now", "ehrlink-kiosk@reception.service")
    assert prop("ehrlink-kiosk@reception.service", "Result") == "success"


def test_8_catalog():
    sh("journalctl", "--update-catalog")
    explained = sh("journalctl", "--no-pager", "-x", f"MESSAGE_ID={ids()['STARTED']}").stdout
    assert "Defined-By: ehrlink" in explained and "the bus starts the service" in explained.lower(), explained


def test_9_idle():
    """Nobody needs it: it leaves by itself, and its helper too, and the next call has it back."""
    wait(lambda: prop("ehrlinkd.service", "ActiveState") == "inactive", 180)
    assert prop("ehrlinkd.service", "Result") == "success"
    wait(lambda: prop("ehrlink-nfc.service", "ActiveState") == "inactive", 120)
    assert prop("ehrlink-nfc.service", "Result") == "success"
    sh("ehrctl", "status")
    assert prop("ehrlinkd.service", "ActiveState") == "active"


def test_a_after_a_reboot():
    """What the last run left has the daemon started without a call; where nothing was left nothing is."""
    sh("systemctl", "stop", "ehrlinkd.service")
    assert "ehrlinkd.timer" in prop("timers.target", "Wants"), "not on from the installation"
    ledger = pathlib.Path("/var/lib/ehrlink/ledger")
    assert not any(ledger.iterdir()), list(ledger.iterdir())
    sh("systemctl", "start", "ehrlinkd.timer")
    assert prop("ehrlinkd.timer", "ConditionResult") == "no"
    assert prop("ehrlinkd.service", "ActiveState") == "inactive"
    (ledger / "aabbccddeeff001122334455").write_bytes(b"of no session that there was")
    sh("chown", "ehrlink:ehrlink", str(ledger / "aabbccddeeff001122334455"))
    sh("systemctl", "start", "ehrlinkd.timer")
    wait(lambda: prop("ehrlinkd.service", "ActiveState") == "active", 60)
    wait(lambda: not any(ledger.iterdir()), 60)  # and it cleans up what cannot be read


if __name__ == "__main__":
    set_up()
    sys.exit(run_all(globals()))
