#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes hand.dcm: a Secondary Capture image of 64 x 64 grey values, explicit VR little endian, with a drawn "hand" that nobody has.

Nothing is burned in but the drawing, and the file says so. The same run gives the same bytes.
"""
import os
import struct
import sys

# 2.25.<a number of ours>: the arc for UUID-derived UIDs needs no registration
ROOT = "2.25.142530111906358013262174049135518137952"
SECONDARY_CAPTURE = "1.2.840.10008.5.1.4.1.1.7"
EXPLICIT_LITTLE = "1.2.840.10008.1.2.1"
SIDE = 64


def element(group, number, vr, value):
    if isinstance(value, int):
        value = struct.pack("<H", value)
    elif isinstance(value, str):
        value = value.encode("ascii")
    if len(value) % 2:
        value += b"\0" if vr in ("UI", "OB") else b" "
    head = struct.pack("<HH", group, number) + vr.encode()
    if vr in ("OB", "OW", "SQ", "UN", "UT"):
        return head + struct.pack("<HI", 0, len(value)) + value
    return head + struct.pack("<H", len(value)) + value


def inside(x, y):
    """How bright: a palm and five fingers, bones brighter."""
    if (x - 32) ** 2 / 196 + (y - 46) ** 2 / 225 < 1:
        return 150 - int(((x - 32) ** 2 + (y - 46) ** 2) / 6)
    for left, top in ((18, 16), (26, 9), (34, 7), (42, 11)):
        if left <= x < left + 6 and top <= y < 40:
            return 210 if left + 2 <= x < left + 4 and (y - top) % 10 > 1 else 130
    if 46 <= x < 60 and abs((y - 44) + (x - 46)) < 4:
        return 200 if abs((y - 44) + (x - 46)) < 2 else 130
    return 12


def pixels():
    return bytes(max(0, min(255, inside(x, y) + (x * 7 + y * 13) % 5)) for y in range(SIDE) for x in range(SIDE))


def dicom():
    instance = ROOT + ".3"
    meta = b"".join([element(2, 1, "OB", b"\0\1"), element(2, 2, "UI", SECONDARY_CAPTURE), element(2, 3, "UI", instance),
                     element(2, 0x10, "UI", EXPLICIT_LITTLE), element(2, 0x12, "UI", ROOT + ".9")])
    body = b"".join([
        element(8, 5, "CS", "ISO_IR 100"), element(8, 8, "CS", "DERIVED\\SECONDARY"), element(8, 0x16, "UI", SECONDARY_CAPTURE),
        element(8, 0x18, "UI", instance), element(8, 0x20, "DA", "20260224"), element(8, 0x23, "DA", "20260224"),
        element(8, 0x30, "TM", "081500"), element(8, 0x33, "TM", "081500"), element(8, 0x50, "SH", "EX-31"), element(8, 0x60, "CS", "OT"),
        element(8, 0x64, "CS", "SYN"), element(8, 0x70, "LO", "ehrlink sample"), element(8, 0x80, "LO", "Sampleton Radiology"),
        element(8, 0x90, "PN", "Beispiel^Otto"), element(8, 0x1030, "LO", "Hand, drawn"),
        element(0x10, 0x10, "PN", "Musterova^Mira^Example"), element(0x10, 0x20, "LO", "SAMPLE-0001"), element(0x10, 0x30, "DA", "19680421"),
        element(0x10, 0x40, "CS", "F"), element(0x18, 0x15, "CS", "HAND"), element(0x20, 0xd, "UI", ROOT + ".1"),
        element(0x20, 0xe, "UI", ROOT + ".2"), element(0x20, 0x10, "SH", "1"), element(0x20, 0x11, "IS", "1"),
        element(0x20, 0x13, "IS", "1"), element(0x20, 0x20, "CS", ""), element(0x28, 2, "US", 1), element(0x28, 4, "CS", "MONOCHROME2"),
        element(0x28, 0x10, "US", SIDE), element(0x28, 0x11, "US", SIDE), element(0x28, 0x100, "US", 8), element(0x28, 0x101, "US", 8),
        element(0x28, 0x102, "US", 7), element(0x28, 0x103, "US", 0), element(0x28, 0x301, "CS", "NO"),
        element(0x7fe0, 0x10, "OB", pixels())])
    return bytes(128) + b"DICM" + element(2, 0, "UL", struct.pack("<I", len(meta))) + meta + body


if __name__ == "__main__":
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "hand.dcm")
    with open(path, "wb") as f:
        f.write(dicom())
