#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""validators.py EHR_VIEW SAMPLE: seeded faults, judged by ehr-view --check and by two public FHIR validators (npm: fhir,
@asymmetrik/fhir-json-schema-validator). What either of them takes for an error must be an error for us too, but for what is marked as
beyond a structural subset. Skipped unless Node is here and EHRLINK_FHIR_VALIDATORS names a directory with both packages installed.
"""
import copy
import json
import os
import shutil
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
VIEW, SAMPLE = sys.argv[1:3]
PACKAGES = os.environ.get("EHRLINK_FHIR_VALIDATORS")


def find(record, kind):
    return next(e["resource"] for e in record["entry"] if e["resource"]["resourceType"] == kind)


def without(kind, *keys):
    def change(record):
        for key in keys:
            find(record, kind).pop(key, None)
    return change


def having(kind, **values):
    return lambda record: find(record, kind).update(values)


def swapped(record):
    record["entry"][0], record["entry"][1] = record["entry"][1], record["entry"][0]


# name, what is done to the sample, whether it is ours to find
FAULTS = [
    ("sound", lambda record: None, False),
    ("no timestamp", lambda record: record.pop("timestamp"), True),
    ("no identifier", lambda record: record.pop("identifier"), True),
    ("no type", lambda record: record.pop("type"), True),
    ("the Composition is not first", swapped, True),
    ("the same fullUrl twice", lambda record: record["entry"][-1].update(fullUrl=record["entry"][1]["fullUrl"]), True),
    ("Composition without status", without("Composition", "status"), True),
    ("Composition without date", without("Composition", "date"), True),
    ("Composition without title", without("Composition", "title"), True),
    ("Composition without author", without("Composition", "author"), True),
    ("Condition without subject", without("Condition", "subject"), True),
    ("AllergyIntolerance without patient", without("AllergyIntolerance", "patient"), True),
    ("MedicationStatement without status", without("MedicationStatement", "status"), True),
    ("MedicationStatement without medication",
     without("MedicationStatement", "medicationReference", "medicationCodeableConcept"), True),
    ("two onsets", having("Condition", onsetDateTime="2020", onsetString="then"), True),
    ("a date that is none", having("Patient", birthDate="1970-13-41"), True),
    ("a resource without a type", lambda record: find(record, "Condition").pop("resourceType"), True),
    ("a status that FHIR does not know", having("Composition", status="banana"), False),
    ("a gender that FHIR does not know", having("Patient", gender="banana"), False),
    ("a member that FHIR does not know", having("Patient", banana=1), False),
    ("a number where a text must be", having("Composition", title=5), False),
]


def judge(files):
    ours = {}
    done = subprocess.run([VIEW, "--check", "--json", *files], capture_output=True, text=True, check=False)
    for line in done.stdout.splitlines():
        told = json.loads(line)
        ours[told["file"]] = [f["rule"] for f in told["findings"] if f["severity"] == "error"]
    env = dict(os.environ, NODE_PATH=os.path.join(PACKAGES, "node_modules"))
    done = subprocess.run(["node", os.path.join(HERE, "validators.js"), *files], capture_output=True, text=True, check=True, env=env)
    return ours, {told["file"]: told for told in map(json.loads, done.stdout.splitlines())}


def main():
    if not shutil.which("node"):
        print("1..0 # SKIP Node is not here")
        return 0
    if not PACKAGES or not all(os.path.isdir(os.path.join(PACKAGES, "node_modules", n)) for n in ("fhir", "@asymmetrik")):
        print("1..0 # SKIP EHRLINK_FHIR_VALIDATORS names no directory with the packages fhir and @asymmetrik/fhir-json-schema-validator")
        return 0
    with open(SAMPLE, encoding="utf-8") as f:
        sample = json.load(f)
    failed = 0
    with tempfile.TemporaryDirectory() as here:
        files = []
        for i, (_, change, _) in enumerate(FAULTS):
            record = copy.deepcopy(sample)
            change(record)
            files.append(os.path.join(here, f"{i}.json"))
            with open(files[-1], "w", encoding="utf-8") as f:
                json.dump(record, f)
        ours, theirs = judge(files)
    print(f"1..{len(FAULTS)}")
    for i, ((name, _, is_ours), file) in enumerate(zip(FAULTS, files)):
        other = theirs[file]
        ok = bool(ours[file]) == is_ours and (i > 0 or other["fhir"] + other["schema"] == 0)
        failed += not ok
        print(f"{'ok' if ok else 'not ok'} {i + 1} - {name}")
        print(f"# ours {','.join(ours[file]) or 'nothing'}; fhir {other['fhir']} errors, schema {other['schema']}")
    return failed > 0


sys.exit(main())
