#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Holds a file to the structure of an International Patient Summary (HL7 IPS 2.0.1 over FHIR R4).

    check_ips.py FILE…      prints "FILE: OK", or one line per rule broken; exit 1 when any file breaks one

A structural subset, not a validator: codes are not looked up, and value sets are not known.
"""
import json
import sys

LOINC = "http://loinc.org"
REQUIRED = {"11450-4": "Problems", "48765-2": "Allergies", "10160-0": "Medications"}
ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
LABORATORY = "http://terminology.hl7.org/CodeSystem/observation-category"


def as_list(value):
    return value if isinstance(value, list) else []


def codes(concept, system):
    concept = concept if isinstance(concept, dict) else {}
    return {c.get("code") for c in as_list(concept.get("coding")) if isinstance(c, dict) and c.get("system") == system}


def has_choice(body, stem):
    return any(k.startswith(stem) and k[len(stem):len(stem) + 1].isupper() for k in body) or \
        any(k.startswith("_" + stem) for k in body)


def reference(body, name):
    value = body.get(name)
    return isinstance(value, dict) and isinstance(value.get("reference"), str)


def narrative(body):
    text = body.get("text")
    return isinstance(text, dict) and isinstance(text.get("div"), str) and "http://www.w3.org/1999/xhtml" in text["div"]


def check_bundle(bundle):
    if bundle.get("resourceType") != "Bundle":
        return ["not a Bundle"]
    wrong = []
    identifier = bundle.get("identifier")
    if bundle.get("type") != "document":
        wrong.append(f"Bundle.type is {bundle.get('type')}")
    if not (isinstance(identifier, dict) and identifier.get("system") and identifier.get("value")):
        wrong.append("bdl-9/identifier")
    if not bundle.get("timestamp"):
        wrong.append("bdl-10/timestamp")
    entries = as_list(bundle.get("entry"))
    bodies = [e.get("resource") if isinstance(e, dict) else None for e in entries]
    urls = [e.get("fullUrl") if isinstance(e, dict) else None for e in entries]
    if not all(isinstance(b, dict) and u for b, u in zip(bodies, urls)):
        return wrong + ["entry without resource or fullUrl"]
    if any(k in e for e in entries for k in ("search", "request", "response")):
        wrong.append("entry with search, request or response")
    if len(set(urls)) != len(urls):
        wrong.append("bdl-7/fullUrl")
    kinds = [b.get("resourceType") for b in bodies]
    if not kinds or kinds[0] != "Composition":
        wrong.append("bdl-11/first entry is no Composition")
    if kinds.count("Composition") != 1:
        wrong.append("bdl-ips-1/one Composition")
    if kinds.count("Patient") != 1:
        wrong.append("one Patient")
    return wrong


def resolves(target, urls, bodies):
    """A literal reference to an entry: by its full URL, or relative to one that ends in Type/id."""
    return target in urls or any(u.endswith("/" + target) for u in urls) or \
        target in {f"{b.get('resourceType')}/{b.get('id')}" for b in bodies}


def check_section(section, urls, bodies):
    wrong, name = [], section.get("title") or "?"
    for field in ("title", "code"):
        if not section.get(field):
            wrong.append(f"section {name}.{field}")
    if not narrative(section):
        wrong.append(f"section {name}.text")
    if "section" in section:
        wrong.append(f"section {name} has sections")
    for entry in as_list(section.get("entry")):
        if not (isinstance(entry, dict) and resolves(entry.get("reference", ""), urls, bodies)):
            wrong.append(f"section {name}: unresolved {entry.get('reference') if isinstance(entry, dict) else entry}")
    return wrong


def check_composition(body, urls, bodies):
    wrong = [f"Composition.{f}" for f in ("status", "date", "title") if not body.get(f)]
    if "60591-5" not in codes(body.get("type"), LOINC):
        wrong.append("Composition.type is not 60591-5")
    if not reference(body, "subject"):
        wrong.append("Composition.subject")
    elif not resolves(body["subject"]["reference"], urls, bodies):
        wrong.append("Composition.subject unresolved")
    if not as_list(body.get("author")):
        wrong.append("Composition.author")
    sections = [s for s in as_list(body.get("section")) if isinstance(s, dict)]
    for section in sections:
        wrong += check_section(section, urls, bodies)
    for code, name in REQUIRED.items():
        found = [s for s in sections if code in codes(s.get("code"), LOINC)]
        if len(found) != 1:
            wrong.append(f"section {name} {code}: {len(found)} of 1")
        elif not as_list(found[0].get("entry")) and not found[0].get("emptyReason"):
            wrong.append(f"ips-comp-1/section {name} has neither entry nor emptyReason")
    return wrong


def check_patient(body):
    wrong = []
    names = as_list(body.get("name"))
    if not names or not all(isinstance(n, dict) and (n.get("family") or n.get("given") or n.get("text")) for n in names):
        wrong.append("ips-pat-1/Patient.name")
    extensions = body.get("_birthDate", {}).get("extension", []) if isinstance(body.get("_birthDate"), dict) else []
    if not body.get("birthDate") and not any(e.get("url") == ABSENT for e in extensions):
        wrong.append("Patient.birthDate")
    return wrong


def check_observation(body):
    if "laboratory" not in {c for x in as_list(body.get("category")) for c in codes(x, LABORATORY)}:
        return []
    wrong = [] if reference(body, "subject") else ["Observation.subject"]
    if not has_choice(body, "effective"):
        wrong.append("Observation.effective[x]")
    if not as_list(body.get("performer")):
        wrong.append("Observation.performer")
    if not (has_choice(body, "value") or any(body.get(f) for f in ("dataAbsentReason", "hasMember", "component"))):
        wrong.append("ips-2/Observation")
    return wrong


# what else a resource of each kind must have: (fields, references, choices)
FIELDS = {
    "AllergyIntolerance": (("code",), ("patient",), ()),
    "Condition": (("code",), ("subject",), ()),
    "MedicationStatement": (("status",), ("subject",), ("medication", "effective")),
    "Immunization": (("vaccineCode", "status"), ("patient",), ("occurrence",)),
    "DiagnosticReport": (("code", "status"), ("subject",), ("effective",)),
    "Procedure": (("status", "code"), ("subject",), ()),
}


def check_resource(body):
    kind = body.get("resourceType")
    if kind == "Observation":
        return check_observation(body)
    if kind == "MedicationRequest":
        return ["MedicationRequest.doNotPerform"] if body.get("doNotPerform") not in (None, False) else []
    fields, references, choices = FIELDS.get(kind, ((), (), ()))
    return [f"{kind}.{f}" for f in fields if not body.get(f)] + \
        [f"{kind}.{r}" for r in references if not reference(body, r)] + \
        [f"{kind}.{c}[x]" for c in choices if not has_choice(body, c)]


def check_document(document):
    """The rules of the document itself: bundle, composition, patient. Returns those that are broken."""
    if not isinstance(document, dict):
        return ["not an object"]
    wrong = check_bundle(document)
    entries = [e for e in as_list(document.get("entry")) if isinstance(e, dict)]
    bodies = [e["resource"] for e in entries if isinstance(e.get("resource"), dict)]
    urls = {e["fullUrl"] for e in entries if isinstance(e.get("fullUrl"), str)}
    for body in bodies:
        if body.get("resourceType") == "Composition":
            wrong += check_composition(body, urls, bodies)
        elif body.get("resourceType") == "Patient":
            wrong += check_patient(body)
    return wrong


def check(document):
    """All rules, those of each clinical resource included."""
    wrong = check_document(document)
    if isinstance(document, dict):
        for entry in as_list(document.get("entry")):
            if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
                wrong += check_resource(entry["resource"])
    return wrong


def check_file(path):
    try:
        with open(path, encoding="utf-8-sig") as f:
            return check(json.load(f))
    except (OSError, ValueError, RecursionError) as e:
        return [f"cannot be read: {e}"]


if __name__ == "__main__":
    bad = False
    for name in sys.argv[1:]:
        broken = check_file(name)
        bad = bad or bool(broken)
        print(f"{name}: OK" if not broken else "\n".join(f"{name}: {b}" for b in broken))
    sys.exit(1 if bad else 0)
