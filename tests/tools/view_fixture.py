# SPDX-License-Identifier: Apache-2.0
"""A patient summary that was made to mislead and to harm, for view.py and view_browser.py: every entry is seeded."""
import json

CANARY = "canary.example"
HARM = (f'<div xmlns="http://www.w3.org/1999/xhtml"><p onclick="document.title=\'RAN\'">narrative</p>'
        f'<script>document.title="RAN";new Image().src="http://{CANARY}/script"</script>'
        f'<img src="http://{CANARY}/img" onerror="document.title=\'RAN\'"/>'
        f'<a href="javascript:document.title=\'RAN\'">link</a><iframe src="http://{CANARY}/frame"></iframe>'
        f'<link rel="stylesheet" href="http://{CANARY}/css"/><meta http-equiv="refresh" content="0;http://{CANARY}/meta"/>'
        f'<style>@import "http://{CANARY}/import";body{{background:url(http://{CANARY}/bg)}}</style>'
        f'<svg onload="document.title=\'RAN\'"></svg><form action="http://{CANARY}/form"><input autofocus="" onfocus="document.title=\'RAN\'"/></form>'
        f'</div></section></main><h1>Forged heading</h1>')


def concept(text, **more):
    return {"text": text, **more}


def coded(code):
    return {"coding": [{"code": code}]}


def loinc(code):
    return {"coding": [{"system": "http://loinc.org", "code": code}]}


def section(title, code, *entries, **more):
    return {"title": title, "code": loinc(code), "text": {"status": "generated", "div": HARM},
            "entry": [{"reference": f"urn:uuid:{entry}"} for entry in entries], **more}


def medicine(name, status, **more):
    return {"resourceType": "MedicationStatement", "status": status, "medicationCodeableConcept": concept(name),
            "subject": {"reference": "urn:uuid:2"}, "effectiveDateTime": "2020-01-02", **more}


def dose(value, **unit):
    return {"dosage": [{"doseAndRate": [{"doseQuantity": {"value": value, **unit}}]}]}


LONG = "a word after a word " * 40 + "LASTWORD " + "x" * 300 + "ENDOFLONG"


def bundle():
    resources = {
        1: {"resourceType": "Composition", "status": "final", "language": "fr", "type": loinc("60591-5"), "title": "Résumé",
            "subject": {"reference": "urn:uuid:2"}, "date": "2021-02-03T10:00:00Z", "author": [{"display": "Dr A"}],
            "section": [section("Vaccins", "11369-6", 12), section("Problèmes", "11450-4", 7, 8, 13),
                        section("Médicaments", "10160-0", 4, 5, 6, 9, 10, 14),
                        {"title": "Allergies", "code": loinc("48765-2"), "text": {"status": "empty", "div": "<div>rien</div>"},
                         "emptyReason": coded("notasked")}]},
        2: {"resourceType": "Patient", "name": [{"family": "Doe", "given": ["Jo"]}], "birthDate": "1960-01-02", "gender": "female"},
        4: medicine("GOODDRUG", "active", **dose(1.5, unit="mg")),
        5: medicine("OLDDRUG", "stopped"),
        6: medicine("TURNEDDRUG", "active", modifierExtension=[{"url": "http://x/not", "valueBoolean": True}], note=[{"text": "HIDDENFACT"}]),
        7: {"resourceType": "Condition", "code": concept("REFUTEDPROBLEM"), "subject": {"reference": "urn:uuid:2"},
            "verificationStatus": coded("refuted"), "clinicalStatus": coded("active")},
        8: {"resourceType": "Condition", "code": concept("\u202e<script>document.title='RAN'</script>\x1b[31mدواء & \"x\""),
            "clinicalStatus": coded("active"), "verificationStatus": coded("confirmed"), "subject": {"reference": "urn:uuid:2"},
            "note": [{"text": LONG}], "asserter": {"reference": "urn:uuid:2"}},
        9: medicine("NOUNITDRUG", "active", **dose(5)),
        10: medicine("ERRORDRUG", "entered-in-error"),
        12: {"resourceType": "Immunization", "status": "not-done", "vaccineCode": concept("NOVACCINE"), "occurrenceDateTime": "2019",
             "patient": {"reference": "urn:uuid:2"}},
        13: {"resourceType": "Condition", "code": {"coding": [{"system": "http://snomed.info/sct", "code": "123456"}]},
             "subject": {"reference": "urn:uuid:2"}},
        14: medicine("DENIEDDRUG", "not-taken"),
    }
    return {"resourceType": "Bundle", "type": "document", "timestamp": "2022-09-09T00:00:00Z",
            "identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:0"},
            "entry": [{"fullUrl": f"urn:uuid:{n}", "resource": resource} for n, resource in resources.items()]}


def write(path):
    with open(path, "w", encoding="utf-8") as f:
        json.dump(bundle(), f)
