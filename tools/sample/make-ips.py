#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes patient-summary.json: the sample patient's International Patient Summary (FHIR R4 document, IPS 2.0).

Mira Musterova does not exist; nor do her doctor, her clinic, her numbers or her values. Everything is made here; the same run gives the
same bytes. tests/sample/check_ips.py holds the result to the rules of an IPS document.
"""
import html
import json
import os
import sys
import uuid

IPS = "http://hl7.org/fhir/uv/ips/StructureDefinition/"
LOINC, SNOMED = "http://loinc.org", "http://snomed.info/sct"
ATC, UCUM = "http://www.whocc.no/atc", "http://unitsofmeasure.org"
TERM = "http://terminology.hl7.org/CodeSystem/"
# an arc that HL7 keeps for examples: nobody is ever identified under it
EXAMPLE_OID = "urn:oid:2.16.840.1.113883.19.5"
SPACE = uuid.UUID("6b1f0a54-7c1e-4d5e-9a53-0e4c1a7d2b60")
WHEN = "2026-03-02T09:40:00+01:00"


def url(name):
    return f"urn:uuid:{uuid.uuid5(SPACE, name)}"


def ref(name, display=None):
    return {"reference": url(name), **({"display": display} if display else {})}


def coding(system, code, display):
    return {"system": system, "code": code, "display": display}


def concept(system, code, display, text=None):
    return {"coding": [coding(system, code, display)], "text": text or display}


def narrative(*lines):
    body = "".join(f"<p>{html.escape(line)}</p>" for line in lines)
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml" lang="en" xml:lang="en">{body}</div>'}


def table(head, rows):
    cells = lambda tag, row: "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in row) + "</tr>"
    body = f"<table><thead>{cells('th', head)}</thead><tbody>{''.join(cells('td', r) for r in rows)}</tbody></table>"
    return {"status": "generated", "div": f'<div xmlns="http://www.w3.org/1999/xhtml" lang="en" xml:lang="en">{body}</div>'}


def resource(kind, key, profile, summary, /, **fields):
    return key, {"resourceType": kind, "id": url(key)[9:], "meta": {"profile": [IPS + profile]}, "language": "en",
                  "text": summary, **fields}


def people():
    yield resource(
        "Patient", "patient", "Patient-uv-ips", narrative("Mira Musterova, female, born 21 April 1968. Invented for the ehrlink project."),
        identifier=[{"use": "official", "system": EXAMPLE_OID + ".1", "value": "SAMPLE-0001"}], active=True,
        name=[{"use": "official", "family": "Musterova", "given": ["Mira", "Example"], "text": "Mira Example Musterova"}],
        telecom=[{"system": "email", "value": "mira@patient.example", "use": "home"}], gender="female", birthDate="1968-04-21",
        address=[{"use": "home", "line": ["1 Nowhere Lane"], "city": "Sampleton", "postalCode": "00000", "country": "XX"}],
        communication=[{"language": concept("urn:ietf:bcp:47", "en", "English"), "preferred": True}],
        generalPractitioner=[ref("doctor", "Dr Otto Beispiel")])
    yield resource(
        "Practitioner", "doctor", "Practitioner-uv-ips", narrative("Dr Otto Beispiel, general practitioner"),
        identifier=[{"system": EXAMPLE_OID + ".2", "value": "DOC-77"}],
        name=[{"family": "Beispiel", "given": ["Otto"], "prefix": ["Dr"], "text": "Dr Otto Beispiel"}],
        telecom=[{"system": "phone", "value": "+00 000 0000", "use": "work"}])
    yield resource(
        "Organization", "practice", "Organization-uv-ips", narrative("Sampleton Family Practice"),
        identifier=[{"system": EXAMPLE_OID + ".3", "value": "ORG-12"}], active=True, name="Sampleton Family Practice",
        telecom=[{"system": "phone", "value": "+00 000 0001", "use": "work"}],
        address=[{"line": ["2 Nowhere Lane"], "city": "Sampleton", "postalCode": "00000", "country": "XX"}])
    yield resource(
        "Organization", "laboratory", "Organization-uv-ips", narrative("Sampleton Laboratory"),
        identifier=[{"system": EXAMPLE_OID + ".3", "value": "ORG-31"}], active=True, name="Sampleton Laboratory")


def condition(name, code, since, note):
    return resource(
        "Condition", name, "Condition-uv-ips", narrative(f"{code['text']}, since {since}: {note}"),
        clinicalStatus=concept(TERM + "condition-clinical", "active", "Active"),
        verificationStatus=concept(TERM + "condition-ver-status", "confirmed", "Confirmed"),
        category=[concept(LOINC, "75326-9", "Problem")], code=code, subject=ref("patient"), onsetDateTime=since,
        recordedDate=since, asserter=ref("doctor"), note=[{"text": note}])


def allergy(name, code, category, criticality, reaction, severity):
    return resource(
        "AllergyIntolerance", name, "AllergyIntolerance-uv-ips",
        narrative(f"{code['text']}: {reaction['text']} ({severity}), criticality {criticality}"),
        clinicalStatus=concept(TERM + "allergyintolerance-clinical", "active", "Active"),
        verificationStatus=concept(TERM + "allergyintolerance-verification", "confirmed", "Confirmed"),
        type="allergy", category=[category], criticality=criticality, code=code, patient=ref("patient"), onsetDateTime="1994",
        recorder=ref("doctor"), reaction=[{"manifestation": [reaction], "severity": severity}])


def medication(name, code, since, dose, amount, unit, times):
    return resource(
        "MedicationStatement", name, "MedicationStatement-uv-ips", narrative(f"{code['text']}: {dose}, since {since}"),
        status="active", medicationCodeableConcept=code, subject=ref("patient"), effectivePeriod={"start": since},
        dateAsserted=WHEN, informationSource=ref("doctor"),
        dosage=[{"text": dose, "timing": {"repeat": {"frequency": times, "period": 1, "periodUnit": "d"}},
                 "route": concept("http://standardterms.edqm.eu", "20053000", "Oral use"),
                 "doseAndRate": [{"doseQuantity": {"value": amount, "unit": unit, "system": UCUM, "code": unit}}]}])


def immunization(name, code, when, lot, disease):
    return resource(
        "Immunization", name, "Immunization-uv-ips", narrative(f"{code['text']}, {when}, against {disease['text']}"),
        status="completed", vaccineCode=code, patient=ref("patient"), occurrenceDateTime=when, primarySource=True, lotNumber=lot,
        performer=[{"actor": ref("doctor")}],
        protocolApplied=[{"targetDisease": [disease], "doseNumberPositiveInt": 1}])


def observation(name, code, value, unit, low, high, flag):
    interpretation = {"N": "Normal", "H": "High"}[flag]
    return resource(
        "Observation", name, "Observation-results-laboratory-pathology-uv-ips",
        narrative(f"{code['text']}: {value} {unit} ({interpretation}; reference {low}–{high} {unit})"), status="final",
        category=[concept(TERM + "observation-category", "laboratory", "Laboratory")], code=code, subject=ref("patient"),
        effectiveDateTime="2026-02-24T07:50:00+01:00", issued="2026-02-24T14:05:00+01:00", performer=[ref("laboratory")],
        valueQuantity={"value": value, "unit": unit, "system": UCUM, "code": unit},
        interpretation=[concept(TERM + "v3-ObservationInterpretation", flag, interpretation)],
        referenceRange=[{"low": {"value": low, "unit": unit, "system": UCUM, "code": unit},
                         "high": {"value": high, "unit": unit, "system": UCUM, "code": unit}}])


OBSERVATIONS = [
    ("hba1c", concept(LOINC, "59261-8", "Hemoglobin A1c/Hemoglobin.total in Blood by IFCC", "HbA1c"), 53, "mmol/mol", 20, 42, "H"),
    ("creatinine", concept(LOINC, "14682-9", "Creatinine [Moles/volume] in Serum or Plasma", "Creatinine"), 71, "umol/L", 45, 84, "N"),
    ("potassium", concept(LOINC, "2823-3", "Potassium [Moles/volume] in Serum or Plasma", "Potassium"), 4.2, "mmol/L", 3.5, 5.1, "N"),
    ("ldl", concept(LOINC, "22748-8", "Cholesterol in LDL [Moles/volume] in Serum or Plasma", "LDL cholesterol"), 3.4, "mmol/L", 0.5, 3.0,
     "H"),
]


def clinical():
    yield condition("diabetes", concept(SNOMED, "44054006", "Diabetes mellitus type 2"), "2014-09-10", "Diet and metformin.")
    yield condition("pressure", concept(SNOMED, "38341003", "Hypertensive disorder", "High blood pressure"), "2017-01-23",
                    "Home readings mostly below 140/85.")
    yield allergy("penicillin", concept(SNOMED, "764146007", "Penicillin", "Allergy to penicillin"), "medication", "high",
                  concept(SNOMED, "247472004", "Wheal", "Hives"), "moderate")
    yield allergy("hazelnut", concept(SNOMED, "256353004", "Hazelnut", "Allergy to hazelnut"), "food", "low",
                  concept(SNOMED, "300910009", "Itching of mouth", "Itching of the mouth"), "mild")
    yield medication("metformin", concept(ATC, "A10BA02", "metformin", "Metformin 850 mg tablet"), "2014-09-24",
                     "850 mg twice a day with meals", 850, "mg", 2)
    yield medication("ramipril", concept(ATC, "C09AA05", "ramipril", "Ramipril 5 mg tablet"), "2017-02-06", "5 mg in the morning", 5,
                     "mg", 1)
    yield medication("atorvastatin", concept(ATC, "C10AA05", "atorvastatin", "Atorvastatin 20 mg tablet"), "2021-05-17",
                     "20 mg in the evening", 20, "mg", 1)
    yield immunization("influenza", concept(ATC, "J07BB02", "influenza, inactivated, split virus or surface antigen", "Influenza vaccine"),
                       "2025-10-14", "EX-4711", concept(SNOMED, "6142004", "Influenza"))
    yield immunization("tetanus", concept(ATC, "J07AM51", "tetanus toxoid, combinations with diphtheria toxoid",
                                          "Tetanus and diphtheria vaccine"), "2021-06-02", "EX-0815",
                       concept(SNOMED, "76902006", "Tetanus"))
    for o in OBSERVATIONS:
        yield observation(*o)
    yield resource(
        "DiagnosticReport", "report", "DiagnosticReport-uv-ips", narrative("Laboratory report of 24 February 2026, four results"),
        identifier=[{"system": EXAMPLE_OID + ".4", "value": "LAB-2026-0224"}], status="final",
        category=[concept("http://terminology.hl7.org/CodeSystem/v2-0074", "LAB", "Laboratory")],
        code=concept(LOINC, "11502-2", "Laboratory report"), subject=ref("patient"), effectiveDateTime="2026-02-24T07:50:00+01:00",
        issued="2026-02-24T14:05:00+01:00", performer=[ref("laboratory")], result=[ref(o[0]) for o in OBSERVATIONS])
    yield resource(
        "Procedure", "appendectomy", "Procedure-uv-ips", narrative("Appendectomy, 1983"), status="completed",
        code=concept(SNOMED, "80146002", "Excision of appendix", "Appendectomy"), subject=ref("patient"), performedDateTime="1983-07")


SECTIONS = [
    ("Problems", "11450-4", "Problem list - Reported",
     table(["Problem", "Since", "Note"], [["Diabetes mellitus type 2", "2014", "Diet and metformin"],
                                          ["High blood pressure", "2017", "Home readings mostly below 140/85"]]),
     ["diabetes", "pressure"]),
    ("Allergies and intolerances", "48765-2", "Allergies and adverse reactions Document",
     table(["Substance", "Reaction", "Criticality"], [["Penicillin", "Hives", "High"], ["Hazelnut", "Itching of the mouth", "Low"]]),
     ["penicillin", "hazelnut"]),
    ("Medication summary", "10160-0", "History of Medication use Narrative",
     table(["Medicine", "Dose", "Since"], [["Metformin 850 mg", "twice a day with meals", "2014"], ["Ramipril 5 mg", "in the morning", "2017"],
                                           ["Atorvastatin 20 mg", "in the evening", "2021"]]),
     ["metformin", "ramipril", "atorvastatin"]),
    ("Immunizations", "11369-6", "History of Immunization note",
     table(["Vaccine", "Date"], [["Influenza", "14 October 2025"], ["Tetanus and diphtheria", "2 June 2021"]]), ["influenza", "tetanus"]),
    ("Results", "30954-2", "Relevant diagnostic tests/laboratory data note",
     table(["Test", "Value", "Reference"], [["HbA1c", "53 mmol/mol (high)", "20–42"], ["Creatinine", "71 µmol/L", "45–84"],
                                            ["Potassium", "4.2 mmol/L", "3.5–5.1"], ["LDL cholesterol", "3.4 mmol/L (high)", "0.5–3.0"]]),
     ["hba1c", "creatinine", "potassium", "ldl", "report"]),
    ("History of procedures", "47519-4", "History of Procedures Document", table(["Procedure", "Date"], [["Appendectomy", "1983"]]),
     ["appendectomy"]),
]


def composition():
    return resource(
        "Composition", "composition", "Composition-uv-ips", narrative("Patient summary of Mira Musterova, 2 March 2026"),
        identifier={"system": "urn:ietf:rfc:3986", "value": url("composition-identifier")}, status="final",
        type=concept(LOINC, "60591-5", "Patient summary Document", "Patient summary"), subject=ref("patient", "Mira Musterova"),
        date=WHEN, author=[ref("doctor", "Dr Otto Beispiel")], title="Patient summary", confidentiality="N",
        attester=[{"mode": "professional", "time": WHEN, "party": ref("doctor")}], custodian=ref("practice", "Sampleton Family Practice"),
        event=[{"code": [concept(TERM + "v3-ActClass", "PCPR", "care provision")], "period": {"end": "2026-03-02"}}],
        section=[{"title": title, "code": concept(LOINC, code, display), "text": text, "entry": [ref(n) for n in names]}
                 for title, code, display, text, names in SECTIONS])


def bundle():
    entries = [composition(), *people(), *clinical()]
    return {
        "resourceType": "Bundle", "id": url("bundle")[9:],
        "meta": {"profile": [IPS + "Bundle-uv-ips"], "security": [coding(TERM + "v3-Confidentiality", "N", "normal")],
                 "tag": [coding(TERM + "v3-ActReason", "HTEST", "test health data")]},
        "language": "en", "identifier": {"system": "urn:ietf:rfc:3986", "value": url("document")}, "type": "document", "timestamp": WHEN,
        "entry": [{"fullUrl": url(name), "resource": body} for name, body in entries],
    }


if __name__ == "__main__":
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "patient-summary.json")
    with open(path, "w", encoding="utf-8") as f:
        json.dump(bundle(), f, indent=1, ensure_ascii=False)
        f.write("\n")
