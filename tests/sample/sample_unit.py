#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The sample patient's files are what they say; and the checker of summaries finds what is wrong. TAP output."""
import copy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
from tap import Skip, run_all  # noqa: E402
import check_ips  # noqa: E402

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
SAMPLE = os.path.join(TOP, "tools", "sample")
CORPUS = os.path.join(TOP, "..", "shared", "corpus")
FILES = {"patient-summary.json": "make-ips.py", "laboratory-report.pdf": "make-pdf.py", "hand.dcm": "make-dicom.py"}


def sample(name):
    return os.path.join(SAMPLE, name)


def summary():
    with open(sample("patient-summary.json"), encoding="utf-8") as f:
        return json.load(f)


def need(program):
    if not shutil.which(program):
        raise Skip(f"{program} is not installed")


def run(*command):
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_made_by_their_generators():
    """What is committed is what the generators write."""
    with tempfile.TemporaryDirectory() as directory:
        for name, generator in FILES.items():
            fresh = os.path.join(directory, name)
            subprocess.run([sys.executable, sample(generator), fresh], check=True)
            with open(fresh, "rb") as a, open(sample(name), "rb") as b:
                assert a.read() == b.read(), name


def test_summary():
    document = summary()
    assert check_ips.check(document) == []
    assert 25_000 <= os.path.getsize(sample("patient-summary.json")) <= 45_000
    composition = document["entry"][0]["resource"]
    sections = {next(iter(check_ips.codes(s["code"], check_ips.LOINC))) for s in composition["section"]}
    assert sections == {"11450-4", "48765-2", "10160-0", "11369-6", "30954-2", "47519-4"}
    assert all(s["entry"] for s in composition["section"])


def references(node):
    if isinstance(node, dict):
        if isinstance(node.get("reference"), str):
            yield node["reference"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_no_reference_dangles():
    document = summary()
    assert set(references(document)) <= {e["fullUrl"] for e in document["entry"]}
    assert all(e["fullUrl"] == "urn:uuid:" + e["resource"]["id"] for e in document["entry"])


def test_clearly_invented():
    document = summary()
    assert "HTEST" in [t["code"] for t in document["meta"]["tag"]]
    for system in re.findall(r"urn:oid:[0-9.]+", json.dumps(document)):
        assert system.startswith("urn:oid:2.16.840.1.113883.19."), system


def mutate(path, value):
    """A copy of the summary with one place changed; value None removes it."""
    document = copy.deepcopy(summary())
    node = document
    for step in path[:-1]:
        node = node[step]
    if value is None:
        del node[path[-1]]
    else:
        node[path[-1]] = value
    return document


def of_kind(kind):
    return next(i for i, e in enumerate(summary()["entry"]) if e["resource"]["resourceType"] == kind)


MUTATIONS = [
    (("type",), "searchset", "Bundle.type"), (("timestamp",), None, "bdl-10"), (("identifier", "value"), None, "bdl-9"),
    (("entry", 1, "fullUrl"), None, "entry without"), (("entry", 1, "search"), {}, "entry with search"),
    (("entry", 2, "fullUrl"), summary()["entry"][1]["fullUrl"], "bdl-7"), (("entry", 0), summary()["entry"][1], "bdl-11"),
    (("entry", 1), summary()["entry"][0], "bdl-ips-1"), (("entry", 2), summary()["entry"][1], "one Patient"),
    (("entry", 0, "resource", "status"), None, "Composition.status"), (("entry", 0, "resource", "author"), [], "Composition.author"),
    (("entry", 0, "resource", "type"), {}, "Composition.type"), (("entry", 0, "resource", "subject"), {}, "Composition.subject"),
    (("entry", 0, "resource", "section", 0, "entry"), [], "ips-comp-1"),
    (("entry", 0, "resource", "section", 0), None, "section Problems"),
    (("entry", 0, "resource", "section", 3, "text"), None, "section Immunizations.text"),
    (("entry", 0, "resource", "section", 3, "section"), [], "has sections"),
    (("entry", 0, "resource", "section", 1, "entry", 0, "reference"), "urn:uuid:nobody", "unresolved"),
    (("entry", of_kind("Patient"), "resource", "name"), [{}], "ips-pat-1"),
    (("entry", of_kind("Patient"), "resource", "birthDate"), None, "Patient.birthDate"),
    (("entry", of_kind("Observation"), "resource", "valueQuantity"), None, "ips-2"),
    (("entry", of_kind("Observation"), "resource", "performer"), [], "Observation.performer"),
    (("entry", of_kind("MedicationStatement"), "resource", "effectivePeriod"), None, "MedicationStatement.effective"),
    (("entry", of_kind("Immunization"), "resource", "occurrenceDateTime"), None, "Immunization.occurrence"),
    (("entry", of_kind("Condition"), "resource", "subject"), None, "Condition.subject"),
    (("entry", of_kind("AllergyIntolerance"), "resource", "code"), None, "AllergyIntolerance.code"),
]


def test_checker_finds():
    for path, value, expected in MUTATIONS:
        found = check_ips.check(mutate(path, value))
        assert any(f.startswith(expected) or expected in f for f in found), (path, expected, found)


def test_checker_on_the_corpus():
    table = os.path.join(CORPUS, "EXPECTED-ips-structure.tsv")
    if not os.path.exists(table):
        raise Skip("no corpus beside the project")
    seen = 0
    for line in open(table, encoding="utf-8"):
        if line.startswith("#") or not line.strip():
            continue
        name, _bytes, _entries, verdict = line.rstrip("\n").split("\t")
        path = next(p for p in (os.path.join(CORPUS, d, name) for d in ("ips", "ips-negative")) if os.path.exists(p))
        with open(path, encoding="utf-8-sig") as f:
            found = check_ips.check_document(json.load(f))
        assert bool(found) == (verdict != "OK"), (name, verdict, found[:3])
        seen += 1
    assert seen


def test_pdf():
    need("pdfinfo")
    need("pdftotext")
    info = run("pdfinfo", sample("laboratory-report.pdf"))
    assert info.returncode == 0 and not info.stderr, info.stderr
    facts = dict(re.split(r":\s+", line, maxsplit=1) for line in info.stdout.splitlines() if re.search(r":\s", line))
    assert (facts["Pages"], facts["Encrypted"], facts["JavaScript"]) == ("1", "no", "no")
    words = run("pdftotext", sample("laboratory-report.pdf"), "-").stdout
    assert "Mira Musterova" in words and "HbA1c" in words and "\u00b5mol/L" in words


def test_pdf_syntax():
    need("qpdf")
    assert run("qpdf", "--check", sample("laboratory-report.pdf")).returncode == 0


def test_dicom():
    need("dcmftest")
    assert run("dcmftest", sample("hand.dcm")).returncode == 0
    dump = run("dcmdump", "--quote-nonascii", sample("hand.dcm")).stdout
    for words in ("LittleEndianExplicit", "BurnedInAnnotation", "Musterova^Mira"):
        assert words in dump, words
    assert re.search(r"\(0028,0301\) CS \[NO\]", dump)


def test_dicom_picture():
    need("dcm2pnm")
    with tempfile.TemporaryDirectory() as directory:
        assert run("dcm2pnm", "+op", sample("hand.dcm"), f"{directory}/hand.pgm").returncode == 0
        with open(f"{directory}/hand.pgm", "rb") as f:
            assert f.read().split()[1:3] == [b"64", b"64"]


if __name__ == "__main__":
    sys.exit(run_all(globals()))
