#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Writes laboratory-report.pdf: one page, PDF 1.4, a standard font, no producer, nothing that runs. The same run gives the same bytes."""
import os
import sys

TITLE = "Laboratory report"
HEAD = ["Sampleton Laboratory", "Invented for the ehrlink project: no such patient, no such laboratory", "",
        "Patient: Mira Musterova, born 21 April 1968", "Taken: 24 February 2026, 07:50    Reported: 24 February 2026, 14:05",
        "Asked for by: Dr Otto Beispiel, Sampleton Family Practice"]
ROWS = [("Test", "Value", "Unit", "Reference", ""), ("HbA1c (IFCC)", "53", "mmol/mol", "20 - 42", "high"),
        ("Creatinine", "71", "\xb5mol/L", "45 - 84", ""), ("Potassium", "4.2", "mmol/L", "3.5 - 5.1", ""),
        ("LDL cholesterol", "3.4", "mmol/L", "0.5 - 3.0", "high")]
FOOT = "HbA1c above the target that was agreed on; next test in three months."
COLUMNS = (72, 220, 280, 360, 460)


def text(x, y, size, words, font="F1"):
    safe = words.replace("\\", "\\\\").replace("(", "\\(").replace(")", "\\)")
    return f"BT /{font} {size} Tf {x} {y} Td ({safe}) Tj ET\n"


def page():
    out = text(72, 770, 20, TITLE, "F2")
    y = 740
    for line in HEAD:
        out += text(72, y, 11, line)
        y -= 16
    y -= 14
    for i, row in enumerate(ROWS):
        for x, cell in zip(COLUMNS, row):
            out += text(x, y, 11, cell, "F2" if i == 0 or cell == "high" else "F1")
        out += f"0.6 w 72 {y - 6} m 523 {y - 6} l S\n"
        y -= 22
    return out + text(72, y - 20, 11, FOOT)


def pdf():
    stream = page().encode("cp1252")
    font = "<< /Type /Font /Subtype /Type1 /BaseFont /{} /Encoding /WinAnsiEncoding >>"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R /Lang (en) >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Resources << /Font << /F1 4 0 R /F2 5 0 R >> >> /Contents 6 0 R >>",
        font.format("Helvetica").encode(), font.format("Helvetica-Bold").encode(),
        b"<< /Length %d >>\nstream\n%sendstream" % (len(stream), stream),
        f"<< /Title ({TITLE}) /CreationDate (D:20260224140500+01'00') >>".encode(),
    ]
    out = bytearray(b"%PDF-1.4\n%\xe2\xe3\xcf\xd3\n")
    offsets = []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    out += b"".join(b"%010d 00000 n \n" % o for o in offsets)
    return bytes(out + b"trailer\n<< /Size %d /Root 1 0 R /Info 7 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))


if __name__ == "__main__":
    path = sys.argv[1] if len(sys.argv) > 1 else os.path.join(os.path.dirname(os.path.abspath(__file__)), "laboratory-report.pdf")
    with open(path, "wb") as f:
        f.write(pdf())
