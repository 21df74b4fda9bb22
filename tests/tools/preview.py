#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Previews in the page of ehr-view --html: of a PDF, a DICOM, a TIFF, a large PNG; what the decoder may see; a decoder that went wrong.

usage: preview.py EHR_VIEW PDF DICOM
"""
import base64
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

VIEW, PDF, DICOM = sys.argv[1:4]
count = failed = 0
here = Path(tempfile.mkdtemp(prefix="ehrlink-preview-"))
NONE = "No preview of it could be made here."


def check(ok, name, note=""):
    global count, failed
    count += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {count} - {name}", flush=True)
    if not ok:
        print("# " + re.sub(r"\s+", " ", str(note))[:500])


def skip(name, why):
    global count
    count += 1
    print(f"ok {count} - {name} # SKIP {why}", flush=True)


def page(*files, path=None):
    out = here / "out.html"
    env = {**os.environ, "LC_ALL": "C.UTF-8", **({"PATH": path} if path else {})}
    done = subprocess.run([VIEW, "--html", out, *files], env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120)
    check(done.returncode == 0, f"a page of {Path(files[0]).name}", done.stderr)
    return out.read_text(encoding="utf-8")


def pictures(text):
    return [base64.b64decode(p) for p in re.findall(r'src="data:image/[a-z]+;base64,([^"]*)"', text)]


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(path, width, height):
    """Noise, so that it is as large as it looks."""
    raw = b"".join(b"\0" + os.urandom(width * 3) for _ in range(height))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)) +
                     chunk(b"IDAT", zlib.compress(raw, 0)) + chunk(b"IEND", b""))


def tiff(path):
    width = height = 64
    tags = [(256, 4, 1, width), (257, 4, 1, height), (258, 3, 1, 8), (259, 3, 1, 1), (262, 3, 1, 1), (273, 4, 1, 8),
            (277, 3, 1, 1), (278, 4, 1, height), (279, 4, 1, width * height)]
    data = bytes(range(64)) * height
    path.write_bytes(b"II*\0" + struct.pack("<I", 8 + len(data)) + data + struct.pack("<H", len(tags)) +
                     b"".join(struct.pack("<HHII", *tag) for tag in tags) + b"\0\0\0\0")


def with_bwrap(name, script):
    """A directory with another bwrap in it."""
    place = here / name
    place.mkdir()
    (place / "bwrap").write_text("#!/bin/sh\n" + script, encoding="utf-8")
    (place / "bwrap").chmod(0o755)
    return f"{place}:/usr/bin:/bin"


large, picture = here / "large.png", here / "scan.tif"
png(large, 1000, 1000)
tiff(picture)
arguments = here / "arguments"
spy = with_bwrap("spy", f'printf "%s\\0" "$@" > "{arguments}"; exit 1\n')
check(NONE in page(PDF, path=spy), "a decoder that fails: it is said that there is no preview")
told = arguments.read_bytes().decode().split("\0")[:-1]
cut = told.index("--")
check("--unshare-all" in told and told[cut + 1] == "pdftocairo", "the decoder runs in a sandbox", told)

for name, script in {"junk": "echo junk", "endless": "printf '\\211PNG\\r\\n\\032\\n'; exec cat /dev/zero", "silent": "exit 0",
                     "killed": "printf '\\211PNG\\r\\n\\032\\nxxxxxxxx'; kill -9 $$"}.items():
    text = page(PDF, path=with_bwrap(name, script + "\n"))
    check(NONE in text and not pictures(text), f"a decoder that went wrong: {name}", text[-500:])
(here / "empty").mkdir()
check(NONE in page(PDF, path=str(here / "empty")), "no bubblewrap: no preview")

probe = None
if shutil.which("bwrap"):
    probe = subprocess.run(["bwrap", *told[:cut], "--", "true"], capture_output=True, text=True, check=False)
if probe is None or probe.returncode != 0:
    skip("what is real", "bubblewrap is not here" if probe is None else "bubblewrap cannot make a sandbox here: " + probe.stderr.strip())
else:
    seen = subprocess.run(["bwrap", *told[:cut], "--", "sh", "-c", "cat /proc/net/dev; echo @; ls /; echo @; ls /etc; echo @; head -c 5 /in; echo @; "
                           "(echo x > /in) 2>/dev/null || echo readonly; env"], capture_output=True, text=True, check=True).stdout.split("@\n")
    net = [line.split(":")[0].strip() for line in seen[0].splitlines()[2:]]
    check(net in (["lo"], []), "no network in it", net)
    check(set(seen[1].split()) <= {"bin", "dev", "etc", "in", "lib", "lib64", "proc", "tmp", "usr"}, "nothing else of the machine", seen[1])
    check(set(seen[2].split()) <= {"fonts", "ld.so.cache", "dcmtk"}, "nothing else of /etc", seen[2])
    check(seen[3].startswith("%PDF-") and "readonly" in seen[4], "the file itself, which it cannot change", seen[3:])
    check("HOME=/tmp" in seen[4] and "LC_ALL=C.UTF-8" in seen[4] and "DBUS" not in seen[4] and "EHRLINK" not in seen[4], "no environment of ours")
    # a decoder that is taken over fills no memory by way of files: what it may write is bounded, everywhere
    fill = "for i in $(seq 40); do head -c 1048576 /dev/zero > /tmp/$i 2>/dev/null || break; done; du -sk /tmp | cut -f1"
    used = int(subprocess.run(["bwrap", *told[:cut], "--", "sh", "-c", fill], capture_output=True, text=True, check=True).stdout)
    check(1024 <= used <= 16 << 10, "a bound on its temporary files", f"{used} KiB")
    places = "for i in /x /dev/x /dev/shm/x /usr/x /etc/x; do (echo x > $i) 2>/dev/null && echo $i; done; echo all; echo x > /dev/null"
    wrote = subprocess.run(["bwrap", *told[:cut], "--", "sh", "-c", places], capture_output=True, text=True, check=True).stdout
    check(wrote == "all\n", "which it can write nowhere else", wrote)
    for file, tool in ((PDF, "pdftocairo"), (DICOM, "dcm2pnm"), (large, "gdk-pixbuf-thumbnailer"), (picture, "gdk-pixbuf-thumbnailer")):
        if not shutil.which(tool):
            skip(f"a preview of {Path(file).name}", f"{tool} is not here")
            continue
        got = pictures(page(file))
        sized = struct.unpack(">II", got[0][16:24]) if got else (0, 0)
        check(len(got) == 1 and 0 < max(sized) <= 640 and len(got[0]) <= 768 << 10, f"a small preview of {Path(file).name}", sized)
    broken = here / "broken.pdf"
    broken.write_bytes(b"%PDF-1.4\n" + b"1 0 obj << /Length 99999999 >> stream\n" * 2000 + b"%%EOF\n")
    check(not pictures(page(broken)), "a PDF that is none has no preview")

shutil.rmtree(here)
print(f"1..{count}")
sys.exit(failed > 0)
