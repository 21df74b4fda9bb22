#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A folder of records: what of it answers a request, what the patient leaves out of it, and out of a summary."""
import json
import os
import stat

from scenario import CLINIC, case, main, read

YES = ("--yes", "--to", CLINIC)
PREAMBLE, SHORT_RECORD = 37, 48
SECRET = ("gout", "Gout", "90560007", "urn:uuid:00000000-0000-4000-8000-000000000003")


def resource(rig, name, kind, **more):
    return rig.write(f"records/{name}", json.dumps({"resourceType": kind, **more}))


def summary(rig, name):
    """A patient summary with a problem, a medication because of it, and a plan in words."""
    url = "urn:uuid:00000000-0000-4000-8000-00000000000"
    patient = {"reference": url + "2"}

    def section(title, code, words, *entries):
        return {"title": title, "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                "text": {"status": "generated", "div": f"<div xmlns=\"http://www.w3.org/1999/xhtml\">{words}</div>"},
                **({"entry": [{"reference": url + e} for e in entries]} if entries else {})}

    resources = [
        {"resourceType": "Composition", "status": "final", "date": "2026-02-01", "title": "Patient summary", "subject": patient,
         "type": {"coding": [{"system": "http://loinc.org", "code": "60591-5"}]}, "author": [{"reference": url + "6"}],
         "section": [section("Problems", "11450-4", "gout and asthma", "3", "4"), section("Allergies", "48765-2", "pollen", "7"),
                     section("Medication", "10160-0", "allopurinol for gout", "5"), section("Plan", "18776-5", "less beer")]},
        {"resourceType": "Patient", "name": [{"family": "Muster"}], "birthDate": "1960-01-02"},
        {"resourceType": "Condition", "subject": patient, "code": {"coding": [{"code": "90560007", "display": "Gout"}]}},
        {"resourceType": "Condition", "subject": patient, "code": {"text": "Asthma"}},
        {"resourceType": "MedicationStatement", "status": "active", "subject": patient, "effectiveDateTime": "2025",
         "medicationCodeableConcept": {"text": "Allopurinol"}, "reasonReference": [{"reference": url + "3"}]},
        {"resourceType": "Organization", "name": "Practice"},
        {"resourceType": "AllergyIntolerance", "patient": patient, "code": {"text": "Pollen"}},
    ]
    return rig.write(f"records/{name}", json.dumps({
        "resourceType": "Bundle", "type": "document", "timestamp": "2026-02-01T10:00:00Z",
        "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:10000000-0000-4000-8000-000000000000"},
        "entry": [{"fullUrl": f"{url}{i + 1}", "resource": r} for i, r in enumerate(resources)]}))


def folder(rig):
    summary(rig, "summary.json")
    resource(rig, "old.json", "Immunization", status="completed", occurrenceDateTime="2019-05-01", vaccineCode={"text": "Tetanus"})
    resource(rig, "new.json", "Immunization", status="completed", occurrenceDateTime="2025-05-01", vaccineCode={"text": "Influenza"})
    resource(rig, "skin.json", "Condition", recordedDate="2024-03-01", code={"text": "Psoriasis"})


def offer(rig, *options):
    return rig.start("patient", "ehr-send", "--json", "--timeout", "60", *YES, "--from", "records", *options)


def names(rig):
    sessions = rig.sessions()
    assert len(sessions) == 1, sessions
    return sorted(n for n in os.listdir(os.path.join("got", sessions[0])) if n not in ("session.json", "findings.json"))


def got(rig, name):
    return read(os.path.join("got", rig.sessions()[0], name)).decode()


@case()
def answers(rig):
    """Of a folder goes what the clinic asks for, and nothing else."""
    folder(rig)
    receive = rig.receive("--request", "Immunization", "--since", "2020")
    send = offer(rig)
    rig.tap()
    send.ends(0), receive.ends(0)
    assert names(rig) == ["new.json"], names(rig)


@case()
def newest(rig):
    """The patient's own choice comes before the clinic's: the newest so many are counted in what is offered."""
    folder(rig)
    receive = rig.receive("--last", "1")
    send = offer(rig, "--only", "Immunization", "--only", "Condition", "--until", "2024")
    rig.tap()
    send.ends(0), receive.ends(0)
    assert names(rig) == ["skin.json"], names(rig)


@case()
def nothing_answers(rig):
    """Nothing in the folder fits: to the clinic that reads as a no."""
    folder(rig)
    receive = rig.receive("--request", "Electronic-Dispensations")
    send = offer(rig)
    rig.tap()
    send.ends(77, "Declined"), receive.ends(77, "Declined")
    rig.nothing_arrived()


@case()
def left_out(rig):
    """One entry of a summary and a whole record are left out: nothing of them is in what arrives; the origin stays here."""
    folder(rig)
    before = read("records/summary.json")
    receive = rig.receive()
    send = offer(rig, "--exclude", "category:Immunization", "--exclude", SECRET[3].replace("urn", "id:urn", 1), "--include", "section:18776-5")
    rig.tap()
    send.ends(0), receive.ends(0)
    assert names(rig) == ["skin.json", "summary.json"], names(rig)
    text = got(rig, "summary.json")
    for word in SECRET:
        assert word not in text, word
    for word in ("Asthma", "Allopurinol", "less beer", "2026-02-01T10:00:00Z", "Practice"):
        assert word in text, word
    assert "10000000-0000-4000-8000-000000000000" not in text
    assert read("records/summary.json") == before
    identifier = json.loads(text)["identifier"]["value"]
    origin = json.loads(read(os.path.join(rig.dir, "p", "user", "ehrlink", "cuts", identifier.removeprefix("urn:uuid:") + ".origin.json")))
    assert origin["resourceType"] == "Provenance" and origin["target"][0]["identifier"]["value"] == identifier, origin
    assert origin["entity"][0]["what"]["identifier"]["value"] == "urn:uuid:10000000-0000-4000-8000-000000000000", origin
    assert not os.path.exists(os.path.join(rig.dir, "c", "user", "ehrlink", "cuts")) and "Provenance" not in text
    checked = rig.call(os.path.join(os.environ["EHRLINK_BUILD"], "tools", "ehr-view"), "--check", os.path.join("got", rig.sessions()[0], "summary.json"), check=False)
    assert checked.returncode == 0, checked


@case()
def words_alone(rig):
    """A section that is words alone is neither kept nor left out unasked; said before the tap."""
    folder(rig)
    offer(rig, "--exclude", "section:11450-4").ends(64, "InvalidArgument")
    offer(rig, "--exclude", "category:Nonsense").ends(64, "InvalidArgument")
    offer(rig, "--only", "Immunization", "--exclude", "category:Immunization").ends(66, "NoInput")


@case()
def mistyped(rig):
    """An address that names nothing is refused before the tap, also beside one that does; a category may be in none."""
    folder(rig)
    real = SECRET[3].replace("urn", "id:urn", 1)
    offer(rig, "--exclude", real + "0").ends(64, "InvalidArgument")
    offer(rig, "--exclude", real, "--exclude", "id:urn:uuid:none", "--include", "section:*").ends(64, "InvalidArgument")
    offer(rig, "--exclude", "section:11450-5", "--include", "section:*").ends(64, "InvalidArgument")
    rig.send(summary(rig, "summary.json"), options=(*YES, "--exclude", "section:none")).ends(64, "InvalidArgument")
    receive = rig.receive()
    send = offer(rig, "--exclude", "category:Encounter", "--exclude", real, "--include", "section:*")
    rig.tap()
    send.ends(0), receive.ends(0)


@case()
def of_a_file(rig):
    """Sections are left out of a single file as well; a required one that is empty then says unavailable."""
    path = summary(rig, "summary.json")
    receive = rig.receive()
    send = rig.send(path, options=(*YES, "--exclude", "section:11450-4", "--exclude", "section:18776-5"))
    rig.tap()
    send.ends(0), receive.ends(0)
    text = got(rig, "summary.json")
    for word in (*SECRET, "Asthma", "less beer", "withheld"):
        assert word not in text, word
    assert json.loads(text)["entry"][0]["resource"]["section"][0]["emptyReason"]["coding"][0]["code"] == "unavailable"


@case()
def told_to_scripts(rig):
    """What is offered, and what then is asked about, is one JSON line each: the date that counts, which one it is, what is replaced."""
    folder(rig)
    resource(rig, "undated.json", "Immunization", status="completed", vaccineCode={"text": "Cholera"})
    for version, date in (("1", "2025-01-01"), ("2", "2025-06-01")):
        resource(rig, f"blood{version}.json", "DiagnosticReport", id="blood", meta={"versionId": version, "lastUpdated": f"{date}T00:00:00Z"},
                 status="amended" if version == "2" else "final", code={"text": "Blood"}, effectiveDateTime="2025-01-01", issued=f"{date}T10:00:00Z",
                 identifier=[{"system": "urn:oid:1.2", "value": "blood"}])
    receive = rig.receive("--request", "Immunization", "--request", "DiagnosticReport", "--request", "Laboratory-Reports")
    send = offer(rig)
    rig.tap()
    send.ends(0), receive.ends(0)
    assert send.find("folder")["offered"] == 7, send.said()
    told = {e["name"]: e for e in send.events if e["event"] == "choice"}
    assert set(told) >= {"old.json", "new.json", "undated.json"} and "skin.json" not in told, told.keys()
    assert set(told) == set(names(rig)), (told.keys(), names(rig))
    dates = [e.get("date", "9999") for e in send.events if e["event"] == "choice"]
    dated = [d for d in dates if d != "9999"]
    assert dated == sorted(dated, reverse=True), dates
    assert told["new.json"]["date-kind"] == "effective" and told["undated.json"]["date-kind"] == "none", told
    marks = {name: [m for m in ("superseded", "amended", "entered-in-error") if told[name][m]] for name in told}
    assert {name: m for name, m in marks.items() if m} == {"blood1.json": ["superseded"], "blood2.json": ["amended"]}, marks
    assert told["blood2.json"]["number"] < told["blood1.json"]["number"], told  # the newest first
    assert [e["number"] for e in send.events if e["event"] == "choice"] == list(range(1, len(told) + 1))
    assert not [e for e in receive.events if e["event"] == "choice"]


@case()
def shown_to_a_person(rig):
    """On the screen: each date with which one it is, the undated too, newest first; numbers choose; the warning comes once."""
    folder(rig)
    resource(rig, "undated.json", "Immunization", status="completed", vaccineCode={"text": "Cholera"})
    for year, status in ((3, "final"), (4, "amended")):
        resource(rig, f"blood{year}.json", "DiagnosticReport", id="blood", meta={"versionId": str(year)}, status=status,
                 code={"text": "Blood"}, effectiveDateTime=f"202{year}-01-01")
    receive = rig.receive("--request", "Immunization", "--request", "DiagnosticReport")
    send = rig.start("patient", "ehr-send", "--timeout", "60", "--from", "records")
    rig.tap()
    send.hears("2025-05-01: ", "2019-05-01: ", "without a date")
    said = "".join(send.err)
    assert "2023-01-01: when it happened, there is a later version" in said and "2024-01-01: when it happened, amended" in said, said
    assert said.index("2025-05-01: when it happened") < said.index("2019-05-01: when it happened") and "without a date" in said, said
    send.type("nonsense")
    send.type("1")
    send.ends(0), receive.ends(0)
    said = "".join(send.err)
    assert said.count("What you leave out can matter for your care") == 1, said
    assert len(names(rig)) == 1, names(rig)


def lengths(path):
    """Of the records in what one side sent. Short ones (pings, the last word) come as time has it."""
    said, at, found = read(path), PREAMBLE, []
    while at + 2 <= len(said):
        found.append(int.from_bytes(said[at:at + 2], "big"))
        at += 2 + found[-1]
    return [n for n in found if n > SHORT_RECORD]


def weight(rig, name, *options):
    """The records that pass from patient to clinic when the folder is offered so, by their lengths."""
    os.mkdir(name)
    rig.call("link", "record", os.path.abspath(name))
    receive = rig.receive()
    send = offer(rig, *options)
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.untap()
    rig.call("link", "record")
    passed = [lengths(os.path.join(name, f)) for f in sorted(os.listdir(name)) if f.endswith(".p2c")]
    return [p for p in passed if p], [e for e in receive.events if e["event"] in ("item", "offered", "list")]


@case()
def withheld_weighs_nothing(rig):
    """What is withheld has no trace in what passes: not a byte more than had it never been in the folder, and the same is told."""
    folder(rig)
    for i in range(40):
        resource(rig, f"secret{i}.json", "Immunization", status="completed", occurrenceDateTime="2024-01-01", vaccineCode={"text": f"Secret {i}"})
    with_secrets, told = weight(rig, "with", "--exclude", "category:Immunization")
    for i in range(40):
        os.unlink(f"records/secret{i}.json")
    os.unlink("records/old.json"), os.unlink("records/new.json")
    without, told_without = weight(rig, "without")
    assert with_secrets and with_secrets == without, (with_secrets, without)

    def lasting(events):
        return [{k: v for k, v in e.items() if k not in ("session", "salt", "file")} for e in events]
    assert lasting(told) == lasting(told_without), (told, told_without)


@case()
def listed(rig):
    """The list of a folder has what the patient offers; what the clinic then picks of it arrives."""
    folder(rig)
    receive = rig.receive("--list", "--pick", "1")
    send = offer(rig, "--only", "Immunization")
    rig.tap()
    assert receive.expect("list")["items"] == 2
    send.ends(0), receive.ends(0)
    assert names(rig) in (["new.json"], ["old.json"]), names(rig)


if __name__ == "__main__":
    main()
