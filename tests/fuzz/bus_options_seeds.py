#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes the seed corpus of bus_options: dictionaries as GLib serialises them. Run by hand when an interface changes."""
import pathlib

from gi.repository import GLib

FOLDER = pathlib.Path(__file__).resolve().parent / "corpus" / "bus_options"
A = "'agent': <objectpath '/org/example/agent'>"
ITEM = ("{'name': <'summary.json'>, 'size': <uint64 1000>, 'mtime': <int64 5>, 'media-type': <'application/fhir+json'>, 'title': <'T'>, "
        "'date': <'2026-01-01'>, 'category': <'Patient-Summaries'>, 'type-code': <'http://loinc.org|60591-5'>, 'author': <'A'>, "
        "'patient-entered': <false>, 'subject': <[byte 1, 2]>}")
SEEDS = {
    "send": (0, "(aa{sv}a{sv})", f"([{ITEM}], {{{A}, 'timeout': <uint32 60>, 'detach': <true>, 'linger': <uint32 9>, 'acting-as': <'parent'>}})"),
    "send-two": (0, "(aa{sv}a{sv})", f"([{{'name': <'a'>, 'size': <uint64 1>}}, {{'name': <'b'>, 'size': <uint64 0>}}], {{{A}}})"),
    "receive": (1, "a{sv}", f"{{{A}, 'purpose': <'TREAT'>, 'categories': <['Patient-Summaries', 'other']>, 'period-days': <uint64 3>, "
                "'retention-days': <uint64 4>, 'text': <'words'>, 'operator': <{'display': <'D'>, 'role-code': <'s|c'>, 'identifier': <'s|v'>, "
                "'assurance': <'card'>}>, 'filing-timeout': <uint32 5>, 'directory': <'/d'>, 'unverified': <true>, 'timeout': <uint32 0>}"),
    "reattach": (2, "a{sv}", f"{{{A}, 'items': <[{ITEM}]>}}"),
    "init": (3, "a{sv}", "{'organisation': <'O'>, 'terminal': <'T'>, 'locality': <'L'>, 'country': <'AT'>, 'replace': <true>}"),
    "import": (4, "a{sv}", "{'crls': <['one', 'two']>}"),
    "answer": (5, "a{sv}", "{'items': <[uint32 0, 1]>, 'acting-as': <'self'>, 'expires': <int64 1>}"),
    "discard": (6, "a{sv}", "{'rule': <'r'>}"),
    "empty": (5, "a{sv}", "{}"),
    "unknown": (6, "a{sv}", "{'bogus': <1>}"),
}

FOLDER.mkdir(parents=True, exist_ok=True)
for name, (kind, type_string, text) in SEEDS.items():
    value = GLib.Variant.parse(GLib.VariantType(type_string), text, None, None)
    (FOLDER / name).write_bytes(bytes([kind]) + value.get_data_as_bytes().get_data())
