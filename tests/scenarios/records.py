#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What the two sides say about the records themselves: what the manifest tells, what is wrong in them, and what becomes of that."""
import json
import os

from scenario import case, main

SUMMARY = {
    "resourceType": "Bundle", "type": "document", "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:0"},
    "timestamp": "2026-03-01T10:00:00Z", "entry": [
        {"fullUrl": "urn:uuid:1", "resource": {
            "resourceType": "Composition", "status": "final", "date": "2026-03-01", "title": "Summary for Ottilie",
            "type": {"coding": [{"system": "http://loinc.org", "code": "60591-5", "display": "Patient summary"}]},
            "subject": {"reference": "urn:uuid:2"}, "author": [{"reference": "urn:uuid:3"}],
            "section": [{"title": title, "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
                         "text": {"status": "generated", "div": "<div>none</div>"}, "emptyReason": {"coding": [{"code": "nilknown"}]}}
                        for title, code in (("Problems", "11450-4"), ("Allergies", "48765-2"), ("Medications", "10160-0"))]}},
        {"fullUrl": "urn:uuid:2", "resource": {"resourceType": "Patient", "birthDate": "1960-01-02",
                                               "name": [{"family": "Lüdenscheidt", "given": ["Ottilie"]}]}},
        {"fullUrl": "urn:uuid:3", "resource": {"resourceType": "Organization", "name": "General Hospital"}}]}


def findings(output="got"):
    directory = os.path.join(output, os.listdir(output)[0])
    with open(os.path.join(directory, "findings.json"), encoding="utf-8") as f:
        return {item["file"]: item for item in json.load(f)["items"]}


@case()
def described(rig):
    """The manifest tells what a record is, found in its content, and never the patient's name, which its title and its name hold."""
    files = [rig.write("Ottilie_Luedenscheidt.json", json.dumps(SUMMARY)), rig.write("scan_ottilie.pdf", "%PDF-1.4\n%%EOF\n"),
             rig.write("notes.bin", "nothing known")]
    receive, send = rig.receive(), rig.send(*files)
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.arrived(files)
    items = sorted((e for e in receive.events if e["event"] == "item"), key=lambda e: e["media-type"])
    fhir, opaque, pdf = items
    assert fhir["category"] == "Patient-Summaries" and fhir["media-type"] == "application/fhir+json", fhir
    assert fhir["title"] == "Patient summary" and fhir["date"] == "2026-03-01" and fhir["author"] == "General Hospital", fhir
    assert fhir["type-code"] == "http://loinc.org|60591-5" and fhir["patient-entered"] is False, fhir
    assert opaque["media-type"] == "application/octet-stream" and pdf["media-type"] == "application/pdf", items
    told = json.dumps([e for e in receive.events if e["event"] == "item"], ensure_ascii=False).casefold()
    assert "ottilie" not in told and "denscheidt" not in told, told
    with open(os.path.join("got", os.listdir("got")[0], "session.json"), encoding="utf-8") as f:
        assert "ottilie" not in f.read().casefold()


@case()
def accepted_with_warnings(rig):
    """A record with errors is warned of before the tap, accepted, and its findings lie beside it."""
    broken = json.loads(json.dumps(SUMMARY))
    del broken["timestamp"]
    files = [rig.write("good.json", json.dumps(SUMMARY)), rig.write("broken.json", json.dumps(broken)),
             rig.write("deep.json", '{"resourceType":"Patient","a":' + "[" * 100000)]
    receive = rig.receive()
    send = rig.send(*files)
    send.state("ready")
    warned = {os.path.basename(e["file"]): e["verdict"] for e in send.events if e["event"] == "checked"}
    assert warned == {"good.json": "ok", "broken.json": "error", "deep.json": "error"}, warned
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.arrived(files)
    found = findings()
    rules = {name: {f["rule"] for f in item["findings"] if f["severity"] == "error"} for name, item in found.items()}
    assert rules == {"good.json": set(), "broken.json": {"bdl-10"}, "deep.json": {"json-depth"}}, rules


@case()
def refused_by_policy(rig):
    """--policy refuse: nothing of a session with an error is kept, both sides end with a fault, and the sender hears it."""
    files = [rig.write("good.json", json.dumps(SUMMARY)), rig.write("cut.json", json.dumps(SUMMARY)[:-1])]
    receive, send = rig.receive("--policy", "refuse"), rig.send(*files)
    rig.tap()
    receive.ends(65, "RecordRefused")
    assert send.expect("status")["status"] == "rejected"
    send.ends(75)
    rig.nothing_arrived()


if __name__ == "__main__":
    main()
