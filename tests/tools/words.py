#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every sentence that people read has a German translation, and every sentence that the service says to them (its findings, and the details
of its errors) is marked for that: the service writes English and translates nothing, whoever shows it does.

usage: words.py SOURCE_ROOT
"""
import ast
import os
import re
import subprocess
import sys
import tempfile

root = sys.argv[1]
po = os.path.join(root, "tools/po")

# Whose sentences reach people by way of Manager.Diagnose; with a name, of that function only.
SAYS = [("daemon/core/doctor.c", None), ("daemon/core/room.c", None), ("daemon/link/bluez-doctor.c", None),
        ("daemon/bus/manager.c", "on_polkit_probed"), ("daemon/nfc/busy.c", "verdict_on"), ("daemon/nfc/busy.c", "ehd_nfc_usb_verdict"),
        ("daemon/nfc/device.c", None), ("daemon/nfc/supervisor-worker.c", "tell_death"), ("daemon/nfc/supervisor.c", "check_time"), ("daemon/tap/tap.c", None)]
# Details of errors that a person at a command line can meet: what is given to these calls.
CALLS = re.compile(r"\b(ehd_error_set|g_set_error(?:_literal)?|g_error_new(?:_literal)?|g_task_return_new_error|no_input)\(")
TELLS = ["daemon/core/admin.c", "daemon/core/open.c", "daemon/store/anchors.c", "daemon/store/certificate.c", "daemon/store/identity.c",
         "lib/session-attach.c", "lib/session-call.c", "lib/session-collect.c", "lib/source.c", "lib/store.c"]
LITERAL = r'"(?:[^"\\\n]|\\.)*"'
WORDLESS = re.compile(r"%[-.*0-9a-z]*|\{\d\}|MiB|[^A-Za-z]")


def calls(text):
    """The arguments of those calls."""
    for found in CALLS.finditer(text):
        depth, end = 1, found.end()
        while depth:
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        yield text[found.end():end]


def sentences(name, function, only_calls=False):
    """The string literals of a source that have more than one word, joined as the compiler does."""
    with open(os.path.join(root, name), encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/|^#include.*?$", "", f.read(), flags=re.S | re.M)
    if function is not None:
        found = re.search(rf"^{function}\(.*?^\}}", text, re.S | re.M)
        assert found, f"{name} has no {function}() any more"
        text = found[0]
    text = re.sub(r"\bg_warning\(.*?\);", "", text, flags=re.S)  # for the log
    if only_calls:
        text = "\n;\n".join(calls(text))
    for run in re.findall(rf"{LITERAL}(?:\s*{LITERAL})*", text):
        literal = "".join(ast.literal_eval(part) for part in re.findall(LITERAL, run))
        if " " in literal and not literal.startswith("/"):
            yield literal


def known(literal, msgids):
    """Whole, or as parts that a colon separates, which is how a detail is put together."""
    return literal in msgids or all(part in msgids or not WORDLESS.sub("", part) for part in literal.split(": "))


def catalogue(path):
    """msgid: msgstr (or None: missing, or not sure) of a file, as gettext's own tools read it."""
    text = subprocess.run(["msgcat", "--no-wrap", path], check=True, capture_output=True, text=True).stdout
    entries = {}
    for block in text.split("\n\n"):
        lines = [line for line in block.splitlines() if not line.startswith("#") or line.startswith("#, ")]
        found = re.findall(rf'^(msgid|msgstr(?:\[\d\])?) ((?:{LITERAL}\s*)+)', "\n".join(lines), re.M)
        words = [(key, "".join(ast.literal_eval(part) for part in re.findall(LITERAL, value))) for key, value in found]
        if words and words[0][0] == "msgid" and words[0][1]:
            sure = not any("fuzzy" in line for line in lines if line.startswith("#, "))
            entries[words[0][1]] = words[1][1] if sure and all(value for _, value in words) else None
    return entries


def marked():
    """What xgettext finds in the files that are listed, with the keywords that the build gives it."""
    with open(os.path.join(po, "meson.build"), encoding="utf-8") as f:
        arguments = re.findall(r"'(--[^']+)'", f.read())
    with tempfile.TemporaryDirectory() as here:
        template = os.path.join(here, "ehrlink.pot")
        subprocess.run(["xgettext", *arguments, "-D", root, "-f", os.path.join(po, "POTFILES"), "-o", template], check=True)
        return catalogue(template)


number = failed = 0


def check(ok, name, why=""):
    global number, failed
    number += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {number} - {name}")
    if not ok:
        print(f"# {why}")


msgids = marked()
check(len(msgids) > 700, "the files that are listed are read", len(msgids))
german = catalogue(os.path.join(po, "de.po"))
check(len(german) > 700, "the German catalogue is read", len(german))
missing = sorted(m for m in msgids if not german.get(m))
check(not missing, "every sentence has a German translation", missing)
for name, function in SAYS:
    said = list(sentences(name, function))
    check(said, f"{name}{' ' + function if function else ''} says something")
    unmarked = [s for s in said if not known(s, msgids)]
    check(not unmarked, f"{name}{' ' + function if function else ''}: all of it is marked", unmarked)
for name in TELLS:
    said = list(sentences(name, None, only_calls=True))
    check(said, f"{name} has details of errors")
    unmarked = [s for s in said if not known(s, msgids)]
    check(not unmarked, f"{name}: all of them are marked", unmarked)
raw = []
for folder in ("common", "ctl", "receive", "send"):
    for name in sorted(os.listdir(os.path.join(root, "tools", folder))):
        with open(os.path.join(root, "tools", folder, name), encoding="utf-8") as f:
            raw += [f"{folder}/{name}: {found}" for found in re.findall(r"output_(?:error|note|line)\([^;]*->message[^;]*;", f.read())]
check(not raw, "no message is printed as it came", raw)
places = {m: re.findall(r"\{\d\}", m) for m in msgids}
lost = [m for m, there in places.items() if sorted(there) != sorted(re.findall(r"\{\d\}", german.get(m) or ""))]
check(not lost, "what is filled in has its place in German too", lost)
print(f"1..{number}")
sys.exit(failed > 0)
