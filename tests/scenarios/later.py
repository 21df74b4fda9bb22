#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Asking for more than everything, lists and items of them, what the clinic sends back, and whose records they are."""
import base64
import json
import os

from scenario import CLINIC, TIMEOUT, AtTerminal, case, main, read

YES = ("--yes", "--to", CLINIC)
VIEW = os.path.join(os.environ["EHRLINK_BUILD"], "tools", "ehr-view")


def patient(name, birth, number):
    """A record about somebody."""
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {
        "resourceType": "Patient", "name": [{"family": name, "given": ["Anna"]}], "birthDate": birth, "gender": "female",
        "identifier": [{"system": "urn:oid:1.2.3", "value": number}]}}]})


def session_of(directory):
    with open(os.path.join(directory, "session.json"), encoding="utf-8") as f:
        return json.load(f)


def files_in(directory):
    return sorted(n for n in os.listdir(directory) if n not in ("session.json", "findings.json"))


def only_session(rig, output):
    sessions = rig.sessions(output)
    assert len(sessions) == 1, sessions
    return os.path.join(output, sessions[0])


@case()
def list_and_pick(rig):
    """The list first; one of it is picked; nothing else leaves the device."""
    files = rig.sample()
    receive = rig.receive("--list", "--pick", "2")
    send = rig.send(*files)
    rig.tap()
    assert receive.expect("list")["items"] == 3
    send.ends(0), receive.ends(0)
    picked = receive.find("listed", number=2)["name"]
    directory = only_session(rig, "got")
    assert files_in(directory) == [picked], os.listdir(directory)
    assert read(os.path.join(directory, picked)) == read(next(f for f in files if f.endswith(picked)))
    rig.call("on-patient", "ehrctl", "receipt", "verify", "--files", directory)
    assert send.find("request")["list"] is True


@case()
def list_and_nothing(rig):
    """A list of which nothing is taken ends well on both sides."""
    receive = rig.receive("--list", "--pick", "none")
    send = rig.send(*rig.sample())
    rig.tap()
    send.ends(0), receive.ends(0)
    assert files_in(only_session(rig, "got")) == []


@case()
def list_asked_at_the_keyboard(rig):
    """A person, or a script, types what it wants."""
    receive = rig.receive("--list")
    send = rig.send(*rig.sample())
    rig.tap()
    receive.expect("list")
    receive.type("9")
    receive.type("1,3")
    send.ends(0), receive.ends(0)
    assert len(files_in(only_session(rig, "got"))) == 2


@case("--rate", "400")
def opened_while_others_come(rig):
    """The summary is here and can be opened while the image still comes; the session is not complete yet."""
    files = rig.sample()
    image = rig.write("image.bin", 3000000)
    receive = rig.receive()
    send = rig.send(files[0], image)
    rig.tap()
    ready = receive.expect("ready")
    assert not receive.find("arrived") and "/.incoming-" in ready["file"], ready
    assert read(ready["file"]) == read(files[0])
    assert not rig.sessions()
    send.ends(0), receive.ends(0)
    rig.arrived([files[0], image])


@case()
def query(rig):
    """Only what is asked for is sent."""
    files = rig.sample()
    receive = rig.receive("--request", "Medical-Imaging")
    send = rig.send(files[0], files[2])
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.arrived([files[2]])


@case()
def query_that_nothing_fits(rig):
    """Nothing fits: the clinic reads it as any other no."""
    receive = rig.receive("--request", "Electronic-Prescriptions")
    send = rig.send(rig.sample()[0])
    rig.tap()
    send.ends(77, "Declined"), receive.ends(77, "Declined")
    rig.nothing_arrived()


@case("--link", "unix")
def reply(rig):
    """A report and a prescription go back, with their origin; the receipts verify; a change is noticed."""
    report = rig.write("report.pdf", b"%PDF-1.4\n" + os.urandom(400000))
    prescription = rig.write("prescription.json", json.dumps({
        "resourceType": "Bundle", "type": "document", "timestamp": "2026-03-01T10:00:00Z",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"},
        "entry": [{"fullUrl": "urn:uuid:1", "resource": {
            "resourceType": "Composition", "status": "final", "date": "2026-03-01", "title": "Prescription",
            "type": {"coding": [{"system": "http://loinc.org", "code": "57833-6"}]}}}]}))
    receive = rig.receive("--operator", "Dr Muster", "--reply", report, "--reply", prescription)
    send = rig.send(*rig.sample(), options=(*YES, "--replies", "back"))
    receive.state("ready")  # before the tap: after it the program may come too late to see it
    rig.tap()
    warned = {os.path.basename(e["file"]): e["verdict"] for e in receive.events if e["event"] == "checked"}
    assert set(warned) == {"report.pdf", "prescription.json"} and warned["prescription.json"] == "error", warned
    send.ends(0), receive.ends(0)
    assert receive.find("reply")["accepted"] is True
    directory = only_session(rig, "back")
    session = session_of(directory)
    assert session["direction"] == "to-patient" and session["from"]["organisation"] == CLINIC, session
    assert session["from"]["verified"] is True and session["request"]["operator"]["display"] == "Dr Muster", session
    by_file = {i["file"]: i for i in session["items"]}
    assert read(os.path.join(directory, "report.pdf")) == read(report)
    assert read(os.path.join(directory, "prescription.json")) == read(prescription)
    assert by_file["prescription.json"].get("note") == "copy for information", by_file
    said = rig.call("on-patient", "ehrctl", "receipt", "verify", "--files", directory)
    assert "an authority you trust vouched for the sender when it was made" in said and "Dr Muster" in said, said
    facts = json.loads(rig.call("on-patient", "ehrctl", "--json", "receipt", "verify", "--files", directory))
    assert facts["origin"]["verified"] is True and facts["origin"]["organisation"] == CLINIC and "since" not in facts["origin"], facts
    seen = rig.call("on-patient", VIEW, directory)
    assert "Origin: verified: sent, and signed for, by" in seen and "not verified" not in seen and "Dr Muster" in seen, seen
    assert seen.count("A prescription: copy for information") == 1, seen
    # another device has no note of it: the clinic's signature is there, and only whoever asks the service calls it verified
    alone = rig.call("env", "XDG_STATE_HOME=/nonexistent", VIEW, directory)
    assert "verified" not in alone.replace("not verified", ""), alone
    stranger = rig.call("on-clinic", "ehrctl", "receipt", "verify", "--files", directory, check=False)
    assert stranger.returncode == 77 and "no trusted authority vouches" in stranger.stdout, stranger
    rig.call("on-clinic", "ehrctl", "trust", "add", os.path.join(os.environ["RIG_DIR"], "ca", "ca", "root.pem"))
    rig.call("on-clinic", "ehrctl", "receipt", "verify", "--files", directory)
    got = only_session(rig, "got")
    assert "verified" not in rig.call(VIEW, got).replace("not verified", "")
    assert session_of(got)["reply"]["receipt"] == session["receipt"]
    rig.call("on-patient", "ehrctl", "receipt", "verify", "--files", got)
    with open(os.path.join(directory, "report.pdf"), "r+b") as f:
        f.seek(1000)
        f.write(b"!")
    changed = rig.call("on-patient", "ehrctl", "receipt", "verify", "--files", directory, check=False)
    assert changed.returncode == 65, changed
    seen = rig.call("on-patient", VIEW, directory)
    assert "ALTERED SINCE IT WAS RECEIVED" in seen and "Origin: verified" not in seen, seen
    assert rig.call("on-patient", VIEW, "--check", os.path.join(directory, "report.pdf"), check=False).returncode == 65


def reply_asked_at_terminal(rig, *answers):
    """The patient's device shows at a terminal what the clinic sends back, and asks; returns receiver and sender."""
    receive = rig.receive("--reply", rig.write("report.pdf", b"%PDF-1.4\n" + os.urandom(2000)))
    send = AtTerminal("patient", "ehr-send", "--to", CLINIC, "--replies", "back", "--timeout", TIMEOUT, "--", rig.write("a.bin", 1000))
    rig.tap()
    send.hears(CLINIC, "a.bin")
    send.type("yes")
    send.hears(f"{CLINIC} would send you:", "report.pdf", "Take it? yes or no:")
    assert not rig.sessions("back") and not receive.find("reply"), send.said()
    for answer in answers:
        send.type(answer)
    return receive, send


@case()
def reply_taken(rig):
    """Asked before anything is stored; an answer that is neither is asked for again; yes stores it, with its origin and a receipt."""
    receive, send = reply_asked_at_terminal(rig, "hm", "yes")
    send.ends(0), receive.ends(0)
    assert "".join(send.out).count("Take it?") == 2, send.said()
    assert receive.find("reply")["accepted"] is True
    directory = only_session(rig, "back")
    assert read(os.path.join(directory, "report.pdf")) == read("report.pdf")
    assert session_of(directory)["from"]["verified"] is True
    rig.call("on-patient", "ehrctl", "receipt", "verify", "--files", directory)


@case()
def reply_not_taken(rig):
    """No: nothing is stored at the patient, and the clinic files the records all the same."""
    receive, send = reply_asked_at_terminal(rig, "no")
    send.ends(0), receive.ends(0)
    assert receive.find("reply")["accepted"] is False and receive.find("filed"), receive.said()
    assert not os.listdir("back"), os.listdir("back")
    assert "reply" not in session_of(only_session(rig, "got"))
    assert not rig.spooled("patient")


def spoilt(text, at):
    data = bytearray(base64.b64decode(text))
    data[at] ^= 1
    return base64.b64encode(data).decode()


@case()
def reply_changed(rig):
    """What is kept of a reply, changed in every way: never verified again, and said so; put back, it is."""
    files = [rig.write("one.json", patient("Berg", "1970-01-01", "1")), rig.write("two.json", patient("Tal", "1970-01-01", "2"))]
    receive = rig.receive("--reply", files[0], "--reply", files[1])
    send = rig.send(*rig.sample(), options=(*YES, "--replies", "back"))
    rig.tap()
    send.ends(0), receive.ends(0)
    directory = only_session(rig, "back")
    paths = [os.path.join(directory, os.path.basename(f)) for f in files]
    right = session_of(directory)

    def verdict():
        """Of ehrctl and of ehr-view --check, which never differ."""
        ctl = rig.call("on-patient", "ehrctl", "receipt", "verify", "--files", directory, check=False)
        views = [rig.call("on-patient", VIEW, "--json", "--check", path, check=False) for path in paths]
        return ctl.returncode, {json.loads(v.stdout)["received"] for v in views}

    def put(session):
        with open(os.path.join(directory, "session.json"), "w", encoding="utf-8") as f:
            json.dump(session, f)

    def with_proof(text):
        put({**right, "proof": text})
        return verdict()

    assert verdict() == (0, {"verified"})
    for path in paths:
        content = read(path)
        with open(path, "r+b") as f:
            f.seek(len(content) // 2)
            f.write(bytes([content[len(content) // 2] ^ 1]))
        assert verdict() == (65, {"altered"}), path
        with open(path, "wb") as f:
            f.write(content)
    os.rename(paths[0], "x"), os.rename(paths[1], paths[0]), os.rename("x", paths[1])
    assert verdict() == (65, {"altered"})
    os.rename(paths[0], "x"), os.rename(paths[1], paths[0]), os.rename("x", paths[1])
    size = len(base64.b64decode(right["proof"]))
    for at in (size // 3, size - 300, size - 10):
        code, seen = with_proof(spoilt(right["proof"], at))
        assert code != 0 and "verified" not in seen, (at, code, seen)
    put({**right, "receipt": spoilt(right["receipt"], 20)})
    assert verdict() == (65, {"unproven"})
    put({**right, "from": {**right["from"], "organisation": "Another"}})
    assert verdict()[1] == {"unaltered"}
    put(right)
    assert verdict() == (0, {"verified"})


@case()
def reply_sent_on(rig):
    """A reply that is sent to the next clinic: there it is what it says of itself, never verified; here it stays so."""
    report = rig.write("report.json", json.dumps({"resourceType": "DiagnosticReport", "status": "final", "code": {"text": "ECG"},
                                                  "performer": [{"display": CLINIC}], "issued": "2026-03-01T10:00:00Z"}))
    receive = rig.receive("--reply", report)
    send = rig.send(*rig.sample(), options=(*YES, "--replies", "back"))
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.untap()
    directory = only_session(rig, "back")
    receive = rig.receive("--output", "next")
    send = rig.send(os.path.join(directory, "report.json"), os.path.join(directory, "session.json"))
    rig.tap()
    send.ends(0), receive.ends(0)
    arrived = only_session(rig, "next")
    assert read(os.path.join(arrived, "report.json")) == read(report)
    seen = rig.call("on-clinic", VIEW, arrived)
    assert "verified" not in seen.replace("not verified", "") and "not verified" in seen, seen
    # the check says there what it can know: not altered since it arrived, or altered
    passed_on = os.path.join(arrived, "report.json")
    assert json.loads(rig.call("on-clinic", VIEW, "--check", "--json", passed_on))["received"] == "unaltered"
    with open(passed_on, "a", encoding="utf-8") as f:
        f.write(" ")
    assert rig.call("on-clinic", VIEW, "--check", passed_on, check=False).returncode == 65
    # nor when somebody makes a directory of it that looks like the patient's
    rig.call("cp", "-r", directory, "copy")
    seen = rig.call("on-clinic", VIEW, "copy")
    assert "verified" not in seen.replace("not verified", ""), seen


@case("--second-patient", "--clock", f"patient2={40 * 86400}")
def reply_outlives_its_certificate(rig):
    """Verified when it was received stays verified once the certificate has expired or was revoked: said, with that."""
    receive = rig.receive("--reply", rig.write("report.txt", "all is well"))
    send = rig.send(*rig.sample(), options=(*YES, "--replies", "back"))
    rig.tap()
    send.ends(0), receive.ends(0)
    directory = only_session(rig, "back")

    def since(host, *options):
        words = rig.call(f"on-{host}", "ehrctl", "receipt", "verify", "--files", directory, *options)
        assert "an authority you trust vouched for the sender when it was made" in words, words
        facts = json.loads(rig.call(f"on-{host}", "ehrctl", "--json", "receipt", "verify", "--files", directory, *options))
        assert facts["origin"]["verified"] is True, facts
        return facts["origin"].get("since"), words

    assert since("patient")[0] is None
    expired, words = since("patient2")
    assert expired == "CertExpired" and "Since then: " in words, (expired, words)
    ca = os.path.join(os.environ["RIG_DIR"], "ca")
    rig.call("test-ca", os.path.join(ca, "ca"), "revoke", os.path.join(ca, "chain.pem"))
    rig.call("test-ca", os.path.join(ca, "ca"), "crl", "-o", os.path.abspath("newer.pem"))
    revoked, words = since("patient", "--crl", "newer.pem")
    assert revoked == "CertRevoked" and "Since then: " in words, (revoked, words)
    assert "verified: sent" in rig.call("on-patient", VIEW, directory)


@case()
def reply_nobody_takes(rig):
    """Without --replies it is declined politely; the records are filed all the same."""
    receive = rig.receive("--reply", rig.write("report.txt", "all is well"))
    send = rig.send(*rig.sample(), options=(*YES, "--wait-filed"))
    rig.tap()
    send.ends(0), receive.ends(0)
    assert receive.find("reply")["accepted"] is False
    rig.arrived(rig.sample())


@case("--rate", "300")
def reply_over_a_broken_link(rig):
    """The link goes while the report goes back, and comes again."""
    report = rig.write("report.bin", 900000)
    receive = rig.receive("--reply", report)
    send = rig.send(*rig.sample(), options=(*YES, "--replies", "back"))
    rig.tap()
    send.expect("reply")
    rig.link("down")
    rig.link("up")
    send.ends(0), receive.ends(0)
    assert read(os.path.join(only_session(rig, "back"), "report.bin")) == read(report)


@case()
def two_people(rig):
    """Records of two people in one session: refused before anybody taps."""
    send = rig.send(rig.write("a.json", patient("Berg", "1970-01-01", "1")), rig.write("b.json", patient("Tal", "1980-01-01", "2")))
    send.ends(65, "MixedSubjects")


@case()
def expected_person(rig):
    """The person is shown, compared, and filed when it is the expected one."""
    record = rig.write("a.json", patient("Berg", "1970-01-01", "1"))
    receive = rig.receive("--expect-patient", "family=berg", "--expect-patient", "identifier=1")
    send = rig.send(record)
    rig.tap()
    send.ends(0), receive.ends(0)
    person = receive.find("person")
    assert person["birth-date"] == "1970-01-01" and person["differences"] == [], person


@case()
def another_person(rig):
    """Somebody else's records are not filed, and not kept."""
    record = rig.write("a.json", patient("Berg", "1970-01-01", "1"))
    receive = rig.receive("--expect-patient", rig.write("expected.json", patient("Berg", "1971-01-01", "7")))
    send = rig.send(record, options=(*YES, "--wait-filed"))
    rig.tap()
    receive.ends(65), send.ends(75)
    person = receive.find("person")
    assert len(person["differences"]) == 2, person
    assert not rig.sessions("got")


@case()
def perhaps_two_people(rig):
    """What the sender cannot be sure of the receiver is not either: two names are both told, and nothing is filed unseen."""
    files = [rig.write(f"{name}.json", json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [
        {"resource": {"resourceType": "Patient", "name": [{"family": name}]}}]})) for name in ("Berg", "Tal")]
    receive = rig.receive()
    send = rig.send(*files, options=(*YES, "--wait-filed"))
    rig.tap()
    receive.ends(65, "MixedSubjects"), send.ends(75)
    person = receive.find("person")
    assert sorted([person["names"], *(other["names"] for other in person["others"])]) == [["Berg"], ["Tal"]], person
    assert not rig.sessions("got")


@case()
def asked_wrongly(rig):
    """What cannot be asked for is wrong use, by name, before anybody taps."""
    for words in (("--request", "Gossip"), ("--id", ""),
                  ("--purpose", "FUN"), ("--text", "x" * 1025), ("--operator", "")):
        receive = rig.receive(*words)
        receive.ends(64, "InvalidArgument")
        assert not receive.find("state"), receive.said()
    assert not rig.sessions()


if __name__ == "__main__":
    main()
