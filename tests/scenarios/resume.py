#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Nothing lost, nothing doubled: either daemon killed or stopped in mid-transfer, and what must not be taken up."""
import json
import os
import shutil
import signal
import time

from scenario import CLINIC, case, main, read

STATE = {"patient": "p/state", "clinic": "c/state"}


def running(rig, sizes=(1_500_000,), rate=400, at=300_000):
    """A session in mid-transfer, at least `at` bytes over the link."""
    rig.link("rate", str(rate))
    files = [rig.write(f"{i}.bin", size) for i, size in enumerate(sizes)] + [rig.write("small.json", '{"a": 1}')]
    receive, send = rig.receive(), rig.send(*files)
    rig.tap()
    rig.link("wait", str(at))
    return receive, send, files


def whole(rig, receive, send, files):
    """Both end well, with the same files, one directory, one receipt."""
    rig.link("rate", "0")
    send.ends(0), receive.ends(0)
    directory = rig.arrived(files)
    made = os.path.join(rig.dir, "c/state/receipts")
    got = os.path.join(rig.dir, "p/state/receipts")
    one = [n for n in os.listdir(made)], [n for n in os.listdir(got)]
    assert len(one[0]) == len(one[1]) == 1, one
    return directory


@case()
def clinic_killed(rig):
    """The clinic's daemon is killed: it comes back and goes on"""
    receive, send, files = running(rig)
    rig.call("kill-daemon", "clinic")
    whole(rig, receive, send, files)


@case()
def patient_killed(rig):
    """The patient's daemon is killed: it comes back, reads its files again, and goes on"""
    receive, send, files = running(rig)
    rig.call("kill-daemon", "patient")
    whole(rig, receive, send, files)


@case()
def both_killed_twice(rig):
    """Both daemons are killed, and once more after they have resumed"""
    receive, send, files = running(rig, sizes=(400_000, 1_500_000))
    for at in (700_000, 1_100_000):
        rig.call("kill-daemon", "clinic")
        rig.call("kill-daemon", "patient")
        rig.link("wait", str(at))
    whole(rig, receive, send, files)


def picked(rig, hosts):
    """An item is picked from a list; these daemons are killed while it comes, and once more."""
    big = rig.write("image.bin", 1_500_000)
    files = [rig.write("small.json", '{"a": 1}'), big]
    receive, send = rig.receive("--list"), rig.send(*files)
    rig.tap()
    assert receive.expect("list")["items"] == 2
    number = receive.find("listed", name="image.bin")["number"]
    rig.link("rate", "400")
    before = carried(rig)
    receive.type(str(number))
    for at in (400_000, 900_000):
        rig.link("wait", str(before + at))
        for host in hosts:
            rig.call("kill-daemon", host)
    rig.link("wait", str(before + 950_000))
    rig.link("rate", "0")
    send.ends(0), receive.ends(0)
    sessions = rig.sessions("got")
    assert len(sessions) == 1, sessions
    directory = os.path.join("got", sessions[0])
    assert sorted(n for n in os.listdir(directory) if n.endswith(".bin") or n == "small.json") == ["image.bin"]
    assert read(os.path.join(directory, "image.bin")) == read(big)
    for state, end in (("p/state", ".got"), ("c/state", ".made")):  # one for the list, one for the item
        receipts = os.listdir(os.path.join(rig.dir, state, "receipts"))
        assert len(receipts) == 2 and all(n.endswith(end) for n in receipts), receipts
    again = carried(rig) - before - 1_500_000
    print(f"figure: {again} bytes beside the item's own")
    assert again < 2 * 2_097_152 and not rig.spooled(), again


@case()
def picked_clinic_killed(rig):
    """The clinic's daemon is killed while an item comes that was picked from a list: it goes on"""
    picked(rig, ("clinic",))


@case()
def picked_patient_killed(rig):
    """The patient's daemon is killed while an item goes that was picked from a list: it goes on"""
    picked(rig, ("patient",))


@case()
def picked_both_killed(rig):
    """Both daemons are killed while an item is on its way that was picked from a list: it goes on"""
    picked(rig, ("clinic", "patient"))


@case()
def killed_while_the_link_is_down(rig):
    """A daemon is killed while there is no link; the link comes back"""
    receive, send, files = running(rig)
    rig.link("down")
    rig.call("wait-state", "clinic", "suspended")
    rig.call("kill-daemon", "clinic")
    rig.call("kill-daemon", "patient")
    rig.link("up")
    whole(rig, receive, send, files)


@case()
def stopped(rig):
    """The service is stopped in mid-transfer, as by the machine's administrator: the next start goes on"""
    receive, send, files = running(rig)
    for host in ("clinic", "patient"):
        rig.call(f"on-{host}", "kill", "-TERM", rig.call("daemon-pid", host))
    whole(rig, receive, send, files)


@case()
def killed_while_the_person_decides(rig):
    """The patient's daemon is killed before the consent: the person is asked again"""
    files = [rig.write("a.json", '{"a": 1}')]
    receive = rig.receive()
    send = rig.send(*files, options=())
    rig.tap()
    rig.call("wait-state", "patient", "deciding")
    rig.call("kill-daemon", "patient")
    rig.call("wait-state", "patient", "deciding")
    send.type("yes")
    code = send.process.wait(60)
    assert code in (0, 77), (code, send.said())  # whoever had typed already may have to type again
    if code == 0:
        receive.ends(0)
        rig.arrived(files)


@case()
def changed_file(rig):
    """A file that changes while the daemon is gone is found out, by name"""
    receive, send, files = running(rig)
    rig.link("down")
    rig.call("kill-daemon", "patient")
    with open(files[0], "r+b") as f:
        f.write(b"other")
    rig.link("up")
    send.ends(65)
    receive.ends(75)
    rig.nothing_arrived()


@case()
def same_time_other_content(rig):
    """So is one with the same size and time, but other content"""
    receive, send, files = running(rig)
    before = os.stat(files[0])
    rig.link("down")
    rig.call("kill-daemon", "patient")
    with open(files[0], "r+b") as f:
        f.write(b"other")
    os.utime(files[0], ns=(before.st_atime_ns, before.st_mtime_ns))
    rig.link("up")
    rig.link("rate", "0")
    send.ends(65)
    receive.ends(75)
    rig.nothing_arrived()


def goes_on(rig, receive, send, files):
    """Where it stopped, without a tap."""
    send.expect("resumed", organisation=CLINIC)
    receive.expect("resumed")
    whole(rig, receive, send, files)
    for program in receive, send:
        assert not program.find("state", state="ready"), program.said()


@case()
def commands_again(rig):
    """Both programs and both daemons are killed: the same commands go on, without a tap"""
    *programs, files = running(rig)
    rig.link("rate", "40")
    for program in programs:
        program.signal(signal.SIGKILL)
    for host in ("clinic", "patient"):
        rig.call("kill-daemon", host)
    goes_on(rig, rig.receive(), rig.send(*files), files)


@case()
def commands_again_same_daemons(rig):
    """Both programs are killed and the daemons are not: the same commands go on, and the next patient is served"""
    *programs, files = running(rig)
    rig.link("rate", "40")
    for program in programs:
        program.signal(signal.SIGKILL)
        program.process.wait(60)
    receive, send = rig.receive(once=False), rig.send(*files)
    send.expect("resumed", organisation=CLINIC)
    receive.expect("resumed")
    rig.link("rate", "0")
    send.ends(0)
    assert not send.find("state", state="ready"), send.said()
    receive.expect("filed")
    receive.state("ready")  # for the next patient
    rig.arrived(files)
    receive.signal(signal.SIGINT)
    receive.ends(130)


@case()
def reply_commands_again(rig):
    """Both programs and both daemons are killed while something goes back: the same commands go on, and it is there once"""
    back = [rig.write("prescription.json", "{}"), rig.write("report.bin", 1_500_000)]
    files, words = [rig.write("small.json", '{"a": 1}')], [w for name in back for w in ("--reply", name)]
    options = ("--yes", "--to", CLINIC, "--replies", "back")
    rig.link("rate", "400")
    programs = rig.receive(*words), rig.send(*files, options=options)
    rig.tap()
    programs[1].expect("offered")
    rig.link("wait", str(carried(rig) + 400_000))
    rig.link("rate", "40")
    for program in programs:
        program.signal(signal.SIGKILL)
    for host in STATE:
        rig.call("kill-daemon", host)
    receive, send = rig.receive(*words, once=False), rig.send(*files, options=options)
    send.expect("resumed", organisation=CLINIC)
    rig.link("rate", "0")
    send.ends(0)
    receive.expect("filed")
    assert receive.find("reply")["accepted"] is True and not send.find("state", state="ready"), receive.said() + send.said()
    got, came = rig.arrived(files), rig.arrived(back, "back")
    with open(os.path.join(got, "session.json"), encoding="utf-8") as f:
        noted = json.load(f)["reply"]
    with open(os.path.join(came, "session.json"), encoding="utf-8") as f:
        assert noted == {"files": ["prescription.json", "report.bin"], "receipt": json.load(f)["receipt"]}, noted
    rig.call("on-patient", "ehrctl", "receipt", "verify", "--files", came)
    assert [len(os.listdir(os.path.join(rig.dir, state, "receipts"))) for state in STATE.values()] == [2, 2]
    receive.state("ready")  # for the next patient
    receive.signal(signal.SIGINT)
    receive.ends(130)


@case()
def reply_other_command(rig):
    """Another file in place of the one that was going back: that failed, by name, and the record is filed all the same"""
    files, report = [rig.write("small.json", '{"a": 1}')], rig.write("report.bin", 1_500_000)
    rig.link("rate", "400")
    programs = rig.receive("--reply", report), rig.send(*files, options=("--yes", "--to", CLINIC, "--replies", "back"))
    rig.tap()
    programs[1].expect("offered")
    rig.link("wait", str(carried(rig) + 400_000))
    rig.link("rate", "40")
    programs[0].signal(signal.SIGKILL)
    rig.call("kill-daemon", "clinic")
    receive = rig.receive("--reply", rig.write("another.bin", 2_000), once=False)
    rig.link("rate", "0")
    receive.expect("filed")
    assert receive.find("reply")["accepted"] is False, receive.said()
    programs[1].ends(0)
    rig.arrived(files)
    assert not os.listdir("back") and not rig.spooled("patient"), os.listdir("back")
    receive.state("ready")
    receive.signal(signal.SIGINT)
    receive.ends(130)


def apart(rig, files, options):
    """This asks for a tap, and is given up."""
    send = rig.send(*files, options=options)
    send.state("ready")
    send.signal(signal.SIGINT)
    send.ends(130)
    assert not send.find("resumed"), send.said()


@case()
def other_command(rig):
    """Other files, another clinic, --new, a session that runs: each opens a session of its own, and ends nothing"""
    receive, send, files = running(rig)
    rig.link("down")
    other = rig.write("other.json", '{"b": 2}')
    apart(rig, files, ())  # what runs is not taken from its program
    send.signal(signal.SIGKILL)
    send.process.wait(60)
    for names, options in ((files, ("--new",)), ([other], ()), (files[:1], ()), (files, ("--yes", "--to", "Other Clinic"))):
        apart(rig, names, options)
    send = rig.send(*files, options=())  # the person agreed already
    send.expect("resumed")
    rig.link("up")
    whole(rig, receive, send, files)


def stop_and(rig, host, change):
    """That host's daemon is killed, and its state changed before it can start again."""
    root = os.path.join(rig.dir, STATE[host])
    pid = rig.call("daemon-pid", host)
    rig.call(f"on-{host}", "kill", "-STOP", pid)
    change(root)
    rig.call("kill-daemon", host)


@case("--set", "patient:session.resume-timeout=5", "--set", "clinic:session.resume-timeout=5")
def state_deleted(rig):
    """The patient's state is gone: nothing is taken up, both end by name, nothing partial in sight"""
    receive, send, _ = running(rig)
    stop_and(rig, "patient", lambda root: [os.unlink(os.path.join(root, "ledger", n))
                                           for n in os.listdir(os.path.join(root, "ledger"))])
    send.ends(69)
    receive.ends(75)
    rig.nothing_arrived(kept=True)


@case()
def state_rolled_back(rig):
    """The clinic's state went back to an earlier one: the patient's device notices, and ends it"""
    receive, send, _ = running(rig, at=50_000)
    root = os.path.join(rig.dir, STATE["clinic"])
    kept = os.path.join(rig.dir, "kept")
    shutil.copytree(root, kept, ignore=shutil.ignore_patterns("lock"))
    rig.link("wait", "900000")

    def back(root):
        shutil.rmtree(os.path.join(root, "ledger"))
        shutil.copytree(os.path.join(kept, "ledger"), os.path.join(root, "ledger"))
    stop_and(rig, "clinic", back)
    code = send.process.wait(60)
    assert code in (75, 76), (code, send.said())
    receive.process.wait(60)
    rig.nothing_arrived()


@case()
def state_damaged(rig):
    """A bit of the clinic's state is wrong: it is given up by name, and nothing of it is kept"""
    receive, send, _ = running(rig)

    def flip(root):
        ledger = os.path.join(root, "ledger")
        name = next(n for n in os.listdir(ledger) if "." not in n)
        data = bytearray(read(os.path.join(ledger, name)))
        data[-9] ^= 1
        with open(os.path.join(ledger, name), "wb") as f:
            f.write(data)
    stop_and(rig, "clinic", flip)
    receive.process.wait(60)
    assert receive.process.returncode == 69, receive.said()
    send.signal(signal.SIGINT)
    send.process.wait(60)
    rig.nothing_arrived()


CLOCKS = ("--clock", "patient=@patient-clocks", "--clock", "clinic=@clinic-clocks")


def reboot(rig, host, wall):
    """The host's machine was off for so long: its clocks show it, and nothing but its disk is as it was."""
    with open("/proc/uptime", encoding="ascii") as f:
        up = int(float(f.read().split()[0]))
    with open(os.path.join(rig.dir, f"{host}-clocks"), "w", encoding="ascii") as f:
        f.write(f"{wall} {5 - up}\n")
    rig.call("kill-daemon", host)


@case(*CLOCKS)
def after_a_reboot(rig):
    """Both machines are off for two minutes: the same commands go on, without a tap"""
    *programs, files = running(rig)
    rig.link("down")
    for program in programs:
        program.signal(signal.SIGKILL)
        program.process.wait(60)
    for host in STATE:
        reboot(rig, host, 120)
    rig.link("up")
    rig.link("rate", "40")
    send = rig.send(*files)
    goes_on(rig, rig.receive(), send, files)
    assert next(e["done"] for e in send.events if e.get("event") == "progress") > 0, send.said()


@case()
def what_people_see(rig):
    """Both screens say that the link is lost and that they wait for it"""
    rig.link("rate", "400")
    files = [rig.write("a.bin", 1_500_000)]
    programs = [rig.start("clinic", "ehr-receive", "--output", "got", "--once", "--file", "auto"),
                rig.start("patient", "ehr-send", "--yes", "--to", CLINIC, "--", *files)]
    rig.tap()
    rig.link("wait", "300000")
    rig.link("down")
    for host in STATE:
        rig.call("wait-state", host, "suspended")
    rig.link("rate", "0")
    rig.link("up")
    for program in programs:
        program.ends(0)
        assert "Link lost, waiting" in "".join(program.out + program.err), program.said()
    rig.arrived(files)


@case(*CLOCKS)
def off_for_too_long(rig):
    """The clinic's machine was off for longer than a link may be away: the session ends by name, and a new tap goes on"""
    receive, send, files = running(rig)
    rig.link("down")
    for host in STATE:
        reboot(rig, host, 1200)
    receive.ends(75, "LinkLost")
    send.ends(75, "LinkLost")
    rig.nothing_arrived(kept=True)
    rig.untap()
    rig.link("rate", "0")
    rig.link("up")
    before = carried(rig)
    whole(rig, *new_tap(rig, files), files)
    assert carried(rig) - before < 1_500_000, "sent from the beginning"


@case(*CLOCKS)
def clock_went_back_over_a_reboot(rig):
    """The patient's clock went back while its machine was off: given up by name, and nothing kept to go on with"""
    receive, send, files = running(rig)
    rig.link("down")
    reboot(rig, "patient", -3600)
    send.ends(69, "ClockWrong")
    assert not [n for n in os.listdir(os.path.join(rig.dir, STATE["patient"], "ledger"))]
    apart(rig, files, ("--yes", "--to", CLINIC))
    receive.signal(signal.SIGINT)
    receive.ends(130)
    rig.nothing_arrived()


SHORT = ("--set", "patient:session.resume-timeout=2", "--set", "clinic:session.resume-timeout=2")


def lost_for_good(rig, **more):
    """A transfer ends on both sides for want of a link."""
    receive, send, files = running(rig, **more)
    rig.link("down")
    send.ends(75, "LinkLost")
    receive.ends(75, "LinkLost")
    rig.nothing_arrived(kept=True)
    rig.untap()
    rig.link("rate", "0")
    rig.link("up")
    return files


def carried(rig):
    """Bytes that the patient's side sent so far."""
    return int(rig.link("count").split()[1])


def new_tap(rig, files, options=("--yes", "--to", CLINIC)):
    """The same command again, and a tap."""
    receive, send = rig.receive(), rig.send(*files, options=options)
    rig.tap()
    return receive, send


@case(*SHORT)
def taken_up_by_a_new_tap(rig):
    """The link was lost for good: a new tap goes on where it stopped, with one receipt, and nothing sent twice"""
    files = lost_for_good(rig, sizes=(700_000, 1_500_000), at=1_400_000)
    before = carried(rig)
    receive, send = new_tap(rig, files)
    whole(rig, receive, send, files)
    again = carried(rig) - before - (2_200_000 - 1_400_000)
    first = next(e["done"] for e in send.events if e.get("event") == "progress")
    print(f"figure: {again} of 1,400,000 bytes again, progress begins at {first:,}")
    assert again < 1_000_000, again
    assert first >= 700_000, send.said()
    assert not rig.spooled()
    assert [len(os.listdir(os.path.join(rig.dir, s, "ledger"))) for s in STATE.values()] == [0, 0]


@case(*SHORT)
def taken_up_after_a_crash(rig):
    """Both daemons are killed, and start only when the time of the link is over: the same"""
    receive, send, files = running(rig)
    rig.link("down")
    for program in receive, send:
        program.signal(signal.SIGKILL)
    for host in STATE:
        rig.call("kill-daemon", host)
    time.sleep(2.5)  # no daemon runs that could tell
    rig.untap()
    rig.link("rate", "0")
    rig.link("up")
    before = carried(rig)
    whole(rig, *new_tap(rig, files), files)
    assert carried(rig) - before < 1_500_000, "sent from the beginning"


@case(*SHORT)
def killed_while_taking_up(rig):
    """Either daemon is killed while the new session goes on with the old"""
    files = lost_for_good(rig, sizes=(700_000, 1_500_000), at=1_400_000)
    rig.link("rate", "400")
    receive, send = new_tap(rig, files)
    rig.link("wait", "1450000")
    for host in STATE:
        rig.call("kill-daemon", host)
    whole(rig, receive, send, files)


@case(*SHORT)
def not_taken_up(rig):
    """A file changed since, or the clinic forgot: all of it is sent, once"""
    files = lost_for_good(rig)
    rig.write(files[0], 1_500_000)
    whole(rig, *new_tap(rig, files), files)


@case(*SHORT, "--set", "clinic:session.take-up-timeout=0")
def clinic_keeps_nothing(rig):
    """A clinic that keeps nothing has nothing in its spool, and gets all of it by the new tap"""
    files = lost_for_good(rig)
    rig.nothing_arrived()
    whole(rig, *new_tap(rig, files), files)


@case(*SHORT)
def refused_at_the_new_tap(rig):
    """The person says no at the new tap: nothing goes on, and the next one begins anew"""
    files = lost_for_good(rig)
    receive, send = new_tap(rig, files, options=())
    rig.call("wait-state", "patient", "deciding")
    send.type("no")
    send.ends(77, "Declined")
    receive.ends(77, "Declined")
    rig.nothing_arrived(kept=True)
    rig.untap()
    whole(rig, *new_tap(rig, files), files)


main()
