#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a patient may answer, and what the clinic then knows: nothing more than that it was declined."""
import json
import os
import signal

from scenario import CLINIC, case, main


def asked(rig, *files):
    """Both sides up to the question at the patient's screen."""
    receive = rig.receive()
    send = rig.start("patient", "ehr-send", "--json", "--timeout", "60", *files)
    rig.tap()
    send.expect("request")
    receive.state("deciding")
    return receive, send


def clinic_learned_nothing(rig, receive, names):
    """The clinic's words and log hold no name, no count, no progress; and no item came."""
    end = receive.ends(77, "Declined")
    assert end["text"] == "declined", end
    said = json.dumps(receive.events) + "".join(receive.err) + rig.log("clinic")
    for name in names:
        assert name not in said, said
    for event in ("item", "arrived", "progress"):
        assert not receive.find(event), receive.said()
    rig.nothing_arrived()
    return end


def files(rig):
    return [rig.write("hiv-test.json", 4000), rig.write("vaccination.json", 3000)]


def shape(events):
    """What the clinic saw, without what differs from run to run."""
    return [{k: v for k, v in e.items() if k != "session"} for e in events]


@case()
def said_no(rig):
    """No: 77 at the patient, "declined" at the clinic."""
    receive, send = asked(rig, *files(rig))
    send.type("no")
    send.ends(77, "Declined")
    clinic_learned_nothing(rig, receive, ["hiv-test", "vaccination"])


@case()
def agent_gone(rig):
    """The patient's program is killed while it asks: "declined" at the clinic."""
    receive, send = asked(rig, *files(rig))
    send.signal(signal.SIGKILL)
    clinic_learned_nothing(rig, receive, ["hiv-test", "vaccination"])


@case("--set", "patient:session.consent-timeout=10")
def no_answer(rig):
    """Nobody answers in time: 77 at the patient, "declined" at the clinic."""
    receive, send = asked(rig, *files(rig))
    send.ends(77, "ConsentTimedOut")
    clinic_learned_nothing(rig, receive, ["hiv-test", "vaccination"])


@case()
def interrupted_while_asked(rig):
    """Ctrl-C at the question: 130 at the patient, "declined" at the clinic."""
    receive, send = asked(rig, *files(rig))
    send.signal(signal.SIGINT)
    send.ends(130)
    clinic_learned_nothing(rig, receive, ["hiv-test", "vaccination"])


@case()
def stdin_closed(rig):
    """The question finds no keyboard: 77 at the patient, "declined" at the clinic."""
    receive, send = asked(rig, *files(rig))
    send.hang_up()
    send.ends(77, "Declined")
    clinic_learned_nothing(rig, receive, ["hiv-test", "vaccination"])


@case()
def other_clinic_expected(rig):
    """--to names another organisation: 77 and why at the patient, "declined" at the clinic."""
    receive = rig.receive()
    send = rig.send(*files(rig), options=("--yes", "--to", "Other Clinic"))
    rig.tap()
    send.ends(77, "WrongPeer")
    clinic_learned_nothing(rig, receive, ["hiv-test", "vaccination"])


@case()
def narrowed(rig):
    """Consent to one of two: 0 on both sides, one item; the clinic sees what it would see of a session with that one alone."""
    secret, other = files(rig)
    receive, send = asked(rig, secret, other)
    send.type("2")
    send.ends(0), receive.ends(0)
    rig.arrived([other])
    assert "hiv-test" not in json.dumps(receive.events) + "".join(receive.err) + rig.log("clinic")
    rig.untap()
    alone = rig.receive(output="alone")
    send = rig.send(other)
    rig.tap()
    send.ends(0), alone.ends(0)
    directory = rig.arrived([other], "alone")

    def seen(events, output):
        """Events and session.json without times, ids, salts, receipts and the number of progress events, which depends on the machine."""
        with open(os.path.join(output, rig.sessions(output)[0], "session.json"), encoding="utf-8") as f:
            session = json.load(f)
        told = [e for e in shape(events) if e["event"] not in ("progress", "state")]
        for e in told:
            for key in ("directory", "file"):
                e[key] = os.path.basename(e.get(key, "")) if key == "file" else ""
        for key in ("session", "time", "receipt"):
            session.pop(key)
        for part in ("consent", "request"):
            session[part] = {k: v for k, v in session[part].items() if k not in ("time", "expires")}
        for item in session["items"]:
            item.pop("salt", None)  # random for every item of every session
        return told, session

    assert directory
    assert seen(receive.events, "got") == seen(alone.events, "alone"), "the clinic can tell"
    receipts = [json.dumps(s.expect("receipt")) for s in (send,)]
    assert receipts


@case()
def by_fingerprint(rig):
    """--to takes the terminal's fingerprint; a wrong one is refused with 77."""
    identity = json.loads(rig.call("on-clinic", "ehrctl", "--json", "identity", "show"))
    receive, send = rig.receive(), rig.send(*files(rig), options=("--yes", "--to", identity["fingerprint"]))
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.untap()
    wrong = "0" * 64
    receive, send = rig.receive(output="other"), rig.send("hiv-test.json", options=("--yes", "--to", wrong))
    rig.tap()
    send.ends(77, "WrongPeer"), receive.ends(77, "Declined")
    rig.nothing_arrived("other")


@case()
def clinic_gives_up(rig):
    """The clinic cancels while the patient decides: 130 there, 75 at the patient, and the question is taken down."""
    receive, send = asked(rig, *files(rig))
    receive.signal(signal.SIGINT)
    receive.ends(130)
    send.ends(75, "PeerCancelled")
    rig.nothing_arrived()


if __name__ == "__main__":
    main()
