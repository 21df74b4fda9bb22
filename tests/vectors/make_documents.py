#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/vectors/{manifest,receipt,origin,take-up}.json: single documents, from PROTOCOL.md and ehrlink.proto. See make.py."""
import sys

from common import data, fixed, hmac256, num, raw_public, sha256, signed, write

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

# ---------------------------------------------------------------------------------- manifest


def full_entry(i, **change):
    e = {"name": "x", "size": 10, "category": 1, "salt": fixed(f"salt {i}"), "id": i}
    e.update(change)
    out = b""
    if e["id"] is not None:
        out += num(1, e["id"])
    if e["name"] is not None:
        out += data(2, e["name"])
    if e["size"] is not None:
        out += num(3, e["size"])
    for field, key in ((4, "media_type"), (5, "title"), (6, "date")):
        if key in e:
            out += data(field, e[key])
    if e["category"] is not None:
        out += num(7, e["category"])
    if "subject" in e:
        out += data(11, e["subject"])
    if e["salt"] is not None:
        out += data(12, e["salt"])
    return out


def page(number, *entries):
    return num(1, number) + b"".join(data(2, e) for e in entries)


def manifest_vectors():
    full = full_entry(0, name="Röntgen 1.dcm", size=2**40, category=4, media_type="application/dicom",
                      title="Röntgen", date="2026-02", subject=b"a")
    good = [
        ("one small item", [page(0, full_entry(0))]),
        ("every field", [page(0, full)]),
        ("two pages", [page(0, full_entry(0), full_entry(1)), page(1, full_entry(2))]),
        ("an empty item", [page(0, full_entry(0, size=0))]),
        ("name of 255 bytes", [page(0, full_entry(0, name="n" * 255))]),
        ("dots, but not only", [page(0, full_entry(0, name="..."), full_entry(1, name=".x"))]),
        ("same subject", [page(0, full_entry(0, subject=b"a"), full_entry(1, subject=b"a"))]),
    ]
    bad = [
        ("no entry", [page(0)], "BadManifest"),
        ("first page is number 1", [page(1, full_entry(0))], "BadManifest"),
        ("page twice", [page(0, full_entry(0)), page(0, full_entry(1))], "BadManifest"),
        ("no number", [data(2, full_entry(0))], "BadManifest"),
        ("id not dense", [page(0, full_entry(0), full_entry(2))], "BadManifest"),
        ("id twice", [page(0, full_entry(0), full_entry(0))], "BadManifest"),
        ("no id", [page(0, full_entry(0, id=None))], "BadManifest"),
        ("no name", [page(0, full_entry(0, name=None))], "BadManifest"),
        ("empty name", [page(0, full_entry(0, name=""))], "BadManifest"),
        ("a path", [page(0, full_entry(0, name="a/b"))], "BadManifest"),
        ("the directory", [page(0, full_entry(0, name="."))], "BadManifest"),
        ("the directory above", [page(0, full_entry(0, name=".."))], "BadManifest"),
        ("name with a NUL", [page(0, full_entry(0, name=b"a\0b"))], "BadMessage"),
        ("name is not UTF-8", [page(0, full_entry(0, name=b"\xc3\x28"))], "BadMessage"),
        ("name of 256 bytes", [page(0, full_entry(0, name="n" * 256))], "TooLarge"),
        ("no size", [page(0, full_entry(0, size=None))], "BadManifest"),
        ("too large", [page(0, full_entry(0, size=2**40 + 1))], "BadManifest"),
        ("too large together", [page(0, *(full_entry(i, size=2**40) for i in range(5)))], "BadManifest"),
        ("no category", [page(0, full_entry(0, category=None))], "BadManifest"),
        ("unknown category", [page(0, full_entry(0, category=9))], "BadManifest"),
        ("no salt", [page(0, full_entry(0, salt=None))], "BadManifest"),
        ("short salt", [page(0, full_entry(0, salt=bytes(31)))], "BadMessage"),
        ("two subjects", [page(0, full_entry(0, subject=b"a"), full_entry(1, subject=b"b"))], "BadManifest"),
        ("one with a subject", [page(0, full_entry(0), full_entry(1, subject=b"b"))], "BadManifest"),
    ]
    return {
        "cases": [{"name": n, "pages": [p.hex() for p in pages], "pages_hash": sha256(b"".join(pages)).hex()}
                  for n, pages in good],
        "must_fail": [{"comment": n, "pages": [p.hex() for p in pages], "error": e} for n, pages, e in bad],
    }


# ---------------------------------------------------------------------------------- receipt


def receipt_body(key, **change):
    fields = {1: fixed("h"), 2: 1, 3: fixed("manifest"), 4: fixed("consent"), 5: fixed("request"), 6: fixed("contents"),
              7: 3, 8: 12345, 9: 1, 10: 1700000300, 11: [], 12: 1, 13: fixed("audit"), 14: raw_public(key)}
    fields.update({int(k[1:]): v for k, v in change.items()})
    out = b""
    for field, value in fields.items():
        for v in value if isinstance(value, list) else [value]:
            if v is not None:
                out += num(field, v) if isinstance(v, int) else data(field, v)
    return out


def receipt_vectors():
    key, other = (Ed25519PrivateKey.from_private_bytes(fixed(f"receipt {n}")) for n in ("key", "other"))
    plain = receipt_body(key)
    good = [
        ("bare key", plain), ("with a chain", receipt_body(key, f11=[fixed("der", 500), fixed("der 2", 400)])),
        ("partial", receipt_body(key, f9=0)), ("without CRL state and audit", receipt_body(key, f12=None, f13=None)),
        ("with a field from the future", plain + data(77, b"new")),
    ]
    whole = signed("receipt", key, plain)
    bad = [
        ("changed body", whole.replace(fixed("manifest"), fixed("other"))),
        ("changed signature", whole[:-1] + bytes([whole[-1] ^ 1])),
        ("signed as something else", signed("status", key, plain)),
        ("signed by another key than it names", signed("receipt", other, plain)),
        ("no signer", signed("receipt", key, receipt_body(key, f14=None))),
        ("no time", signed("receipt", key, receipt_body(key, f10=None))),
        ("no manifest hash", signed("receipt", key, receipt_body(key, f3=None))),
        ("short hash", signed("receipt", key, receipt_body(key, f3=bytes(31)))),
        ("no signature", data(1, plain)), ("no body", data(2, bytes(64))), ("empty", b""),
        ("cut", whole[:-10]), ("junk behind", whole + b"\xff"), ("body twice", data(1, plain) + whole),
        ("four certificates", signed("receipt", key, receipt_body(key, f11=[b"0"] * 4))),
        ("above 8,192 bytes", signed("receipt", key, plain + data(77, bytes(8192)))),
    ]
    return {
        "cases": [{"name": n, "receipt": signed("receipt", key, b).hex(), "hash": sha256(b).hex(),
                   "signer": raw_public(key).hex()} for n, b in good],
        "must_fail": [{"comment": n, "receipt": b.hex(), "error": "ReceiptInvalid"} for n, b in bad],
    }


# ---------------------------------------------------------------------------------- origin


def origin_body(request, **change):
    """ItemOrigin."""
    fields = {1: fixed("h"), 2: sha256(request), 3: fixed("manifest"), 4: 1, 5: 0, 6: 12345, 7: fixed("salt"), 8: fixed("root")}
    fields.update({int(k[1:]): v for k, v in change.items()})
    return b"".join(num(f, v) if isinstance(v, int) else data(f, v) for f, v in fields.items() if v is not None)


def proof(key, request, *items, chain=(), crl=(), leaf=None):
    """OriginProof; request and items are Signed already."""
    out = b"".join(data(1, c) for c in chain) + b"".join(data(2, c) for c in crl)
    out += data(3, raw_public(key) if leaf is None else leaf) if leaf != b"" else b""
    return out + (data(4, request) if request else b"") + b"".join(data(5, i) for i in items)


def origin_vectors():
    key, other = (Ed25519PrivateKey.from_private_bytes(fixed(f"origin {n}")) for n in ("key", "other"))
    request = data(1, fixed("h")) + num(2, 1) + num(8, 1700000000)
    late = data(1, fixed("h")) + num(2, 1) + num(8, 1700000001)
    asked = signed("consent-request", key, request)
    first, second = origin_body(request), origin_body(request, f5=1, f6=0, f7=fixed("salt 2"), f8=fixed("root 2"))
    one, two = (signed("item-origin", key, b) for b in (first, second))
    good = [
        ("two items", proof(key, asked, one, two), [12345, 0]),
        ("with chain and revocation lists", proof(key, asked, one, chain=[fixed("der", 500), fixed("der 2", 400)], crl=[fixed("crl", 300)]),
         [12345]),
        ("nothing was in it", proof(key, asked), []),
        ("with a field from the future", proof(key, asked, one) + data(77, b"new"), [12345]),
    ]
    forged = one[:-1] + bytes([one[-1] ^ 1])
    bad = [
        ("an item's signature changed", proof(key, asked, two, forged)),
        ("an item of another key", proof(key, asked, signed("item-origin", other, first))),
        ("an item signed as something else", proof(key, asked, signed("receipt", key, first))),
        ("an item of another session", proof(key, asked, signed("item-origin", key, origin_body(request, f1=fixed("h 2"))))),
        ("an item of another request", proof(key, asked, signed("item-origin", key, origin_body(late)))),
        ("the request of another time", proof(key, signed("consent-request", key, late), one)),
        ("an item without its size", proof(key, asked, signed("item-origin", key, origin_body(request, f6=None)))),
        ("an item without its root", proof(key, asked, signed("item-origin", key, origin_body(request, f8=None)))),
        ("an item with a short salt", proof(key, asked, signed("item-origin", key, origin_body(request, f7=bytes(31))))),
        ("the request's signature changed", proof(key, asked[:-1] + bytes([asked[-1] ^ 1]), one)),
        ("the request signed by another key", proof(key, signed("consent-request", other, request), one)),
        ("a request without a session", proof(key, signed("consent-request", key, num(2, 1)), one)),
        ("no request", proof(key, b"", one)), ("no key", proof(key, asked, one, leaf=b"")),
        ("another key", proof(key, asked, one, leaf=raw_public(other))), ("a short key", proof(key, asked, one, leaf=bytes(31))),
        ("four certificates", proof(key, asked, one, chain=[b"0"] * 4)), ("junk behind", proof(key, asked, one) + b"\xff"),
        ("cut", proof(key, asked, one)[:-10]), ("empty", b""),
    ]
    return {
        "cases": [{"name": n, "proof": p.hex(), "leaf_key": raw_public(key).hex(), "request_hash": sha256(request).hex(), "sizes": sizes}
                  for n, p, sizes in good],
        "must_fail": [{"comment": n, "proof": p.hex(), "error": "OriginInvalid"} for n, p in bad],
    }


# ---------------------------------------------------------------------------------- taking up


def take_up_vectors():
    def case(name, export, unfinished, session):
        key = hmac256(export, b"ehrlink1 take-up\0" + unfinished)
        return {"name": name, "export": export.hex(), "unfinished": unfinished.hex(), "session": session.hex(),
                "continues": hmac256(key, session).hex()}

    good = case("two sessions", fixed("export a"), fixed("session a"), fixed("session b"))
    other = case("two others", fixed("export c"), fixed("session c"), fixed("session d"))

    def bad(name, **change):
        return dict(good, name=name, error="NotFound", **change)

    return {
        "cases": [good, other],
        "must_fail": [
            bad("another session is unfinished", unfinished=other["unfinished"]),
            bad("replayed in another session", session=other["session"]),
            bad("another export key", export=other["export"]),
            bad("one bit", continues=good["continues"][:-1] + format(int(good["continues"][-1], 16) ^ 1, "x")),
        ],
    }


if __name__ == "__main__":
    sys.exit(write({"manifest": manifest_vectors, "receipt": receipt_vectors, "origin": origin_vectors, "take-up": take_up_vectors}))
