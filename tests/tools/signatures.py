#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Signatures inside records: which verdict each gets, what is said of it, and that nothing else ever reads as verified.

usage: signatures.py EHR_VIEW SAMPLE
"""
import base64
import copy
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

try:
    import sign
except ImportError as missing:
    print(f"1..0 # SKIP {missing}")
    sys.exit(0)

VIEW, SAMPLE = sys.argv[1:3]
count = failed = 0
here = Path(tempfile.mkdtemp(prefix="ehrlink-signatures-"))
config = here / "config"
signers = config / "ehrlink" / "signers.d"
signers.mkdir(parents=True)
sample = json.loads(Path(SAMPLE).read_text(encoding="utf-8"))
sample.pop("signature", None)
sample["entry"] = [e for e in sample["entry"] if e["resource"]["resourceType"] != "Provenance"]


def check(ok, name, note=""):
    global count, failed
    count += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {count} - {name}", flush=True)
    if not ok:
        print("# " + re.sub(r"\s+", " ", note)[:700])


def run(*arguments):
    env = {**os.environ, "LC_ALL": "C.UTF-8", "XDG_CONFIG_HOME": str(config)}
    return subprocess.run([VIEW, *map(str, arguments)], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)


def found(record):
    """The rules about signatures, with their details."""
    path = here / "record.json"
    path.write_bytes(record if isinstance(record, bytes) else json.dumps(record, ensure_ascii=False, indent=1).encode())
    told = json.loads(run("--check", "--json", path).stdout.splitlines()[0])
    return {f["rule"]: f.get("detail") for f in told["findings"] if f["rule"].startswith("signature-")}


def page():
    html = here / "out.html"
    run("--html", html, here / "record.json")
    return re.sub(r"<[^>]*>", "", html.read_text(encoding="utf-8")), re.sub("[\u2066-\u2069\\s]+", " ", run(here / "record.json").stdout)


def judge(name, record, rule, detail=None, verified=False):
    rules = found(record)
    check(list(rules) == [rule] and (detail is None or rules[rule] == detail), f"{name}: {rule}", str(rules))
    for text in page():
        check(("Origin: verified" in text) == verified, f"{name}: {'verified' if verified else 'never verified'}", text[:400])
        bad = rule in ("signature-invalid", "signature-malformed", "signature-revoked")
        check(("SIGNATURE" in text) == bad, f"{name}: {'warned of' if bad else 'no alarm'}", text[:400])


def whole(signer, record=None, drop=(), target_format=None, **more):
    """The sample, signed as a whole."""
    record = copy.deepcopy(record or sample)
    data = sign.jws(signer, sign.canonical(record, drop), **more)
    record["signature"] = sign.signature(data, target_format)
    return record


def entry_of(record, kind):
    return next(e for e in record["entry"] if e["resource"]["resourceType"] == kind)


def with_provenance(element, targets):
    record = copy.deepcopy(sample)
    record["entry"].append({"fullUrl": "urn:uuid:5f1c2a35-7a4e-4ac6-8b47-0d1c9d6f0a11", "resource": {
        "resourceType": "Provenance", "target": [{"reference": t} for t in targets], "recorded": "2026-03-01T10:00:00Z",
        "agent": [{"who": {"display": "a clinic"}}], "signature": [element]}})
    return record


root = sign.Identity("Test Authority", ca=True)
middle = sign.Identity("Test Middle", issuer=root, ca=True)
hospital = sign.Identity("Test Hospital", issuer=root)
stranger = sign.Identity("Strange Hospital", issuer=sign.Identity("Strange Authority", ca=True))
(signers / "authority.pem").write_bytes(root.pem())

# --- the whole ---------------------------------------------------------------------------------
check(list(found(sample)) == ["signature-missing"], "no signature is marked")
for alg in ("RS256", "RS512", "PS256", "ES256", "ES384", "ES512", "EdDSA"):
    signer = sign.Identity("Test Hospital", alg, issuer=root)
    rules = found(whole(signer))
    check(rules == {"signature-verified": "Test Hospital"}, f"{alg} is verified", str(rules))
judge("a trusted signature", whole(hospital), "signature-verified", "Test Hospital", verified=True)
check("Test Hospital" in page()[1], "who signed is shown")
judge("a chain of three", whole(sign.Identity("Ward", issuer=middle), chain=None), "signature-signer-unknown")
ward = sign.Identity("Ward", issuer=middle)
judge("a chain with its middle", whole(ward, chain=[ward, middle]), "signature-verified", "Ward", verified=True)
judge("a chain with its root too", whole(ward, chain=[ward, middle, root]), "signature-verified", "Ward", verified=True)
judge("a payload that is carried", whole(hospital, detached=False), "signature-verified", verified=True)
judge("as a document", whole(hospital, drop=("id", "meta"), target_format=f"application/fhir+json;canonicalization={sign.CANONICAL}#document"),
      "signature-verified", verified=True)
moved = whole(hospital, drop=("id", "meta"), target_format=f"application/fhir+json;canonicalization={sign.CANONICAL}#document")
moved.update(id="elsewhere", meta={"tag": [{"code": "x"}]})
judge("a document that was moved", moved, "signature-verified", verified=True)
spaced = copy.deepcopy(sample)
spaced["entry"][0]["resource"]["title"] = "Two  spaces\n"
data = copy.deepcopy(spaced)
data["entry"][0]["resource"]["title"] = "Two spaces "
data = json.loads(json.dumps(data), parse_constant=str)


def collapse(value):
    if isinstance(value, dict):
        return {k: collapse(v) for k, v in value.items()}
    if isinstance(value, list):
        return [collapse(v) for v in value]
    return re.sub("[ \t\r\n]+", " ", value) if isinstance(value, str) else value


spaced["signature"] = sign.signature(sign.jws(hospital, json.dumps(collapse(data), sort_keys=True, separators=(",", ":"),
                                                                   ensure_ascii=False).encode()))
judge("white space as R4 has it", spaced, "signature-verified", verified=True)

# --- who signed --------------------------------------------------------------------------------
judge("a stranger", whole(stranger), "signature-signer-unknown")
judge("one who vouches for himself", whole(sign.Identity("Test Hospital")), "signature-signer-unknown")
judge("a certificate that is over", whole(sign.Identity("Past", issuer=root, since=-30 * sign.DAY, until=-sign.DAY)),
      "signature-signer-unknown", "expired")
judge("a certificate to come", whole(sign.Identity("Soon", issuer=root, since=3 * sign.DAY)), "signature-signer-unknown", "expired")
judge("a web server's certificate", whole(sign.Identity("Web", issuer=root, purpose="web")), "signature-signer-unknown")
judge("a certificate for documents", whole(sign.Identity("Doc", issuer=root, purpose="documents")), "signature-verified", verified=True)
judge("a key that may not sign", whole(sign.Identity("Enc", issuer=root, may_sign=False)), "signature-signer-unknown")
pinned = sign.Identity("Pinned Practice")
(signers / "practice.crt").write_bytes(pinned.pem())
judge("one signer who is trusted himself", whole(pinned), "signature-verified", "Pinned Practice", verified=True)
child = sign.Identity("Child", issuer=pinned)
judge("whom that one, no authority, vouches for", whole(child, chain=[child, pinned]), "signature-signer-unknown")
unfit = sign.Identity("Unfit", issuer=hospital)
judge("whom a hospital, no authority, vouches for", whole(unfit, chain=[unfit, hospital]), "signature-signer-unknown")
judge("the chain of another", whole(stranger, chain=[stranger, hospital, root]), "signature-signer-unknown")
gone = sign.Identity("Gone Hospital", issuer=root)
(signers / "authority.crl").write_bytes(root.revoke(gone))
judge("a revoked certificate", whole(gone), "signature-revoked")
judge("another of the same authority", whole(hospital), "signature-verified", verified=True)
open_file = signers / "open.pem"
open_file.write_bytes(stranger.issuer.pem())
open_file.chmod(0o666)
judge("an authority that others may write", whole(stranger), "signature-signer-unknown")
open_file.unlink()

# --- what does not hold ------------------------------------------------------------------------
for name, change in {
        "a status": lambda r: r["entry"][0]["resource"].update(status="amended"),
        "an entry less": lambda r: r["entry"].pop(),
        "entries in another order": lambda r: r["entry"].insert(1, r["entry"].pop()),
        "the timestamp": lambda r: r.update(timestamp="2020-01-01T00:00:00Z"),
        "a member more": lambda r: r.update(total=1),
        "its id": lambda r: r.update(id="other")}.items():
    record = whole(hospital, target_format=f"application/fhir+json;canonicalization={sign.CANONICAL}")
    change(record)
    judge(f"{name} was changed", record, "signature-invalid")
good = sign.jws(hospital, sign.canonical(sample))
head, _, tail = good.split(".")


def carrying(data, **more):
    record = copy.deepcopy(sample)
    record["signature"] = sign.signature(data, **more)
    return record


judge("a flipped bit", carrying(f"{head}..{('A' if tail[5] != 'A' else 'B').join((tail[:5], tail[6:]))}"), "signature-invalid")
judge("the key of another", carrying(sign.jws(stranger, sign.canonical(sample), chain=[hospital])), "signature-invalid")
judge("what another payload says", carrying(sign.jws(hospital, b'{"resourceType":"Bundle"}', detached=False)), "signature-invalid")
judge("1,024 bits", whole(sign.Identity("Small", "RSA1024", issuer=root)), "signature-invalid")
judge("an algorithm that its key is not for", carrying(sign.jws(hospital, sign.canonical(sample), alg="RS256")), "signature-invalid")
judge("an algorithm of another length", carrying(sign.jws(hospital, sign.canonical(sample), alg="ES512")), "signature-malformed")
judge("no algorithm", carrying(sign.jws(hospital, sign.canonical(sample), alg="none")), "signature-malformed")
judge("junk", carrying("empty"), "signature-malformed")
judge("two parts", carrying(f"{head}.{tail}"), "signature-malformed")
judge("a header that is none", carrying(f"{sign.b64url(b'[]')}..{tail}"), "signature-malformed")
judge("a header with two algorithms", carrying(f"{sign.b64url(b'{' + chr(34).encode() + b'alg' + chr(34).encode() + b':1,' + b'%calg%c:2}' % (34, 34))}..{tail}"),
      "signature-malformed")
judge("a certificate that is none", carrying(sign.jws(hospital, sign.canonical(sample), x5c=["AAAA"])), "signature-malformed")
nothing = carrying(good)
nothing["signature"].pop("data")
judge("a signature without data", nothing, "signature-malformed")

# --- what nobody here can tell -----------------------------------------------------------------
judge("a shared secret", carrying(sign.jws(hospital, sign.canonical(sample), alg="HS256")), "signature-not-checked", "algorithm")
judge("a key that is only named", carrying(sign.jws(hospital, sign.canonical(sample), x5c=None, kid="1")), "signature-not-checked", "x5c")
judge("a header that must be understood", carrying(sign.jws(hospital, sign.canonical(sample), crit=["b64"], b64=False)),
      "signature-not-checked", "crit")
judge("an XML signature", carrying(good, sigFormat="application/signature+xml"), "signature-not-checked", "sigFormat")
judge("a picture of ink", carrying(good, sigFormat="image/png"), "signature-not-checked", "sigFormat")
judge("over XML", carrying(good, target_format="application/fhir+xml"), "signature-not-checked", "targetFormat")
judge("a canonical form that we do not know", carrying(good, target_format=f"application/fhir+json;canonicalization={sign.CANONICAL}#x"),
      "signature-not-checked", "targetFormat")
judge("as many certificates as nobody has", carrying(sign.jws(hospital, sign.canonical(sample), chain=[hospital] * 6)),
      "signature-not-checked", "x5c")

# --- one entry ---------------------------------------------------------------------------------
target = next(e for e in sample["entry"] if e["resource"]["resourceType"] == "AllergyIntolerance")
url, allergy = target["fullUrl"], target["resource"]
element = sign.signature(sign.jws(hospital, sign.canonical(allergy)), "application/fhir+json")
judge("a signed entry", with_provenance(element, [url]), "signature-verified", "Test Hospital")
for text in page():
    check(text.count("Test Hospital") >= 1 and "its signature holds for this entry" in text, "the entry that is signed says so", text)
changed = with_provenance(element, [url])
next(e for e in changed["entry"] if e["fullUrl"] == url)["resource"]["criticality"] = "low" if allergy.get("criticality") != "low" else "high"
judge("a signed entry that was changed", changed, "signature-invalid")
check(all("its signature holds" not in text for text in page()), "and nothing there reads as signed")
judge("the signature of another entry", with_provenance(element, [entry_of(sample, "Condition")["fullUrl"]]), "signature-invalid")
judge("a signature of something elsewhere", with_provenance(element, ["urn:uuid:00000000-0000-0000-0000-000000000001"]),
      "signature-not-checked", "target")
judge("a signature of two things", with_provenance(element, [url, entry_of(sample, "Condition")["fullUrl"]]), "signature-not-checked", "target")
data_only = sign.signature(sign.jws(hospital, sign.canonical(allergy, ("text", "meta"))),
                           f"application/fhir+json;canonicalization={sign.CANONICAL}#static")
judge("a signature that leaves the narrative open", with_provenance(data_only, [url]), "signature-data-only")
bare = with_provenance(element, [url])
exact = json.dumps(allergy, ensure_ascii=False)
marked = json.dumps(bare, ensure_ascii=False)
exact_element = json.dumps(sign.signature(sign.jws(hospital, exact.encode())), ensure_ascii=False)
judge("the exact bytes", marked.replace(json.dumps(element, ensure_ascii=False), exact_element).encode(), "signature-verified")

# --- many --------------------------------------------------------------------------------------
crowd = whole(hospital)
crowd["entry"][0]["resource"]["status"] = "amended"
crowd["entry"] += [{"fullUrl": "urn:x"} for _ in range(600)]
path = here / "record.json"
path.write_text(json.dumps(crowd), encoding="utf-8")
done = run("--check", path)
check("A SIGNATURE IN THIS RECORD DOES NOT HOLD" in done.stdout and done.returncode == 65, "faults without number hide no bad signature")
check("Origin: verified" not in run(path).stdout, "nor make it a good one")
bad = with_provenance(sign.signature(sign.jws(stranger, b"x", chain=[stranger])), [url])
bad["signature"] = sign.signature(sign.jws(hospital, sign.canonical(bad)))
path.write_text(json.dumps(bad), encoding="utf-8")
check("Origin: verified" not in run(path).stdout, "one bad signature in it: the whole is not shown as verified")

# --- work for nothing --------------------------------------------------------------------------
burden = copy.deepcopy(sample)
next(e for e in burden["entry"] if e["fullUrl"] == url)["resource"]["note"] = [{"text": "x" * 2_000_000}]
idle = sign.signature(sign.jws(stranger, b"{}"))
burden["entry"] += [{"fullUrl": f"urn:uuid:5f1c2a35-7a4e-4ac6-8b47-{i:012x}", "resource": {
    "resourceType": "Provenance", "target": [{"reference": url}], "recorded": "2026-03-01T10:00:00Z", "agent": [{"who": {"display": "x"}}],
    "signature": [idle]}} for i in range(60)]
rules = found(burden)
check(set(rules) == {"signature-invalid", "signature-not-checked"} and rules["signature-not-checked"] == "too large",
      "who looks at signatures does so much and no more", str(rules))

print(f"1..{count}")
sys.exit(failed > 0)
