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

# Every source of these is read: whatever it says may reach people, as a finding or as the detail of an error.
FOLDERS = ["daemon", "lib"]
# ... but for these: what they say stands in the log, which is English as a whole, or on the screen of who starts a service by hand.
SILENT = {
    "daemon/app.c": "the service's start and stop are for the log",
    "daemon/arguments.c": "ehrlinkd's own command line, which systemd gives it",
    "daemon/config-files.c": "a configuration that does not hold is told to the log: the service does not start, or stays as it was",
    "daemon/config.c": "likewise",
    "daemon/main.c": "why the service does not start is for the log",
    "daemon/nfc/main.c": "ehrlink-nfc's own command line, which the service gives it",
    "daemon/radio/main.c": "ehrlink-bt's own command line, which the service gives it",
    "lib/examples/": "programs to be copied, in English as code is",
}
# Of these only the details of errors: their tables have keywords of their own (tools/po/meson.build), the rest is formats of records;
# the tools mark with _(), and much of what they have is output for machines.
DETAILS_ONLY = ("lib/record/", "tools/")
# Literals with a space that nobody reads, or that are no words of ours.
UNREAD = {
    "Host is down": "what bluetoothd's words are searched for",
    "ermission denied": "likewise",
    "bluetoothd: %s": "the name of a program, and its own words",
    "ehrlink-seal 1": "what a key is derived for",
    "ehrlink stream": "the name of a GSource",
    "%s cannot be started": "each helper's name stands in front: checked below",
    "socket: %s": "the names of system calls, and the C library's words",
    "connect: %s": "likewise",
    "operator": "names of arguments, as the interface has them",
    "rule": "likewise",
    "marks": "likewise",
    "open": "the name of a system call",
    "audit/": "the name of a folder",
    "too deep": "stops a parser; what reaches people is the fault in the record",
}
# What is given to these is the detail of an error, be it one word.
CALLS = re.compile(r"\b(ehd_error_set(?:_errno)?|ehd_error_prefix|g_set_error(?:_literal)?|g_error_new(?:_literal)?|g_prefix_error(?:_literal)?|"
                   r"g_propagate_prefixed_error|g_task_return_new_error(?:_literal)?|g_dbus_method_invocation_return_error(?:_literal)?|"
                   r"set_errno_error|no_input)\(")
# What is given to these is for the log, or for whoever compiles or debugs.
LOGS = re.compile(r"\b(g_warning|g_message|g_info|g_debug|g_critical|g_error|g_log_structured|g_printerr|ehd_log|ehd_nfc_note|note|fprintf|fputs|"
                  r"_Static_assert|G_STATIC_ASSERT|g_dbus_method_invocation_return_dbus_error)\s*\(")
LITERAL = r'"(?:[^"\\\n]|\\.)*"'
DIRECTIVE = re.compile(r"%[-.*0-9]*(?:ll|l|z)?[a-z]")
WORDLESS = re.compile(r"%[-.*0-9a-z]*|\{\d\}|MiB|[^A-Za-z]")
# An option of the interface, before the colon.
OPTION = re.compile(r"[a-z]+(?:\[%zu\]|\[%u\])?")


def end_of_call(text, at):
    """Behind the bracket that closes what is open at `at`."""
    depth = 1
    for token in re.compile(rf"{LITERAL}|'(?:[^'\\]|\\.)'|[()]", re.S).finditer(text, at):
        depth += {"(": 1, ")": -1}.get(token[0], 0)
        if depth == 0:
            return token.end()
    raise ValueError(text[at:at + 60])


def arguments(text, names):
    return [text[found.end():end_of_call(text, found.end())] for found in names.finditer(text)]


def without(text, names):
    """The text without those calls."""
    kept, at = [], 0
    for found in names.finditer(text):
        if found.start() >= at:
            kept.append(text[at:found.start()])
            at = end_of_call(text, found.end())
    return "".join(kept) + text[at:]


def literals(text):
    """The string literals, joined as the compiler does."""
    for run in re.findall(rf"{LITERAL}(?:\s*{LITERAL})*", text):
        yield "".join(ast.literal_eval(part) for part in re.findall(LITERAL, run))


def sentences(text, details_only):
    """What a source says: each literal of more than one word, and each that has a word and is the detail of an error."""
    text = re.sub(r"/\*.*?\*/|^#[^\n]*$", "", text, flags=re.S | re.M)
    text = re.sub(r"\bG_GU?INT64_FORMAT\b|\bPRI[iudx]64\b", '"llu"', text)
    text = without(text, LOGS)
    said = [s for call in arguments(text, CALLS) for s in literals(call) if not details_only or " " in s]
    if not details_only:
        said += [s for s in literals(text) if " " in s]
    return [s for s in said if WORDLESS.sub("", s) and s not in UNREAD and s[0] not in "/<{" and s[-1] != "\n"]


def form_of(part):
    """The sentence with places instead of printf's directives."""
    number = 0

    def place(_):
        nonlocal number
        number += 1
        return f"{{{number}}}"
    return DIRECTIVE.sub(place, part)


def known(literal):
    """Whole, or as parts that a colon separates, which is how a detail is put together and how whoever shows it takes it apart."""
    if literal in msgids:
        return True
    *before, last = literal.split(": ")
    return all(OPTION.fullmatch(part) or known_part(part) for part in before) and known_part(last)


def known_part(part):
    return part in msgids or not WORDLESS.sub("", part) or form_of(part) in forms


def unmarked(text, details_only=False):
    return [s for s in sentences(text, details_only) if not known(s)]


def sources(folder):
    for here, folders, names in os.walk(os.path.join(root, folder)):
        folders.sort()
        for name in sorted(names):
            path = os.path.relpath(os.path.join(here, name), root)
            if path.endswith(".c") and not path.startswith(tuple(SILENT)):
                yield path


def read(path):
    with open(os.path.join(root, path), encoding="utf-8") as f:
        return f.read()


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
forms = set(literals(re.sub(r"/\*.*?\*/|^#[^\n]*$", "", read("tools/common/words-forms.c"), flags=re.S | re.M)))
check(len(forms) > 20 and forms <= set(msgids), "the forms of sentences that are filled in are read", sorted(forms - set(msgids)))
forgotten = unmarked('f(ehd_error_set(e, X, "nothing of %d (this)", 1)); g = N_("worse still"); h = cold ? "%s: rotten" : "discarded";')
check(set(forgotten) == {"nothing of %d (this)", "worse still", "%s: rotten"}, "a sentence that is forgotten is found", forgotten)
forgotten = unmarked('ehd_error_set(e, X, "%s: stale", name); g_warning("for the (log) only %s", "a b"); /* "a b" */ f("at most %d");')
check(forgotten == ["%s: stale", "%s: stale"], "and a detail of one word; what is for the log is not looked at", forgotten)
with open(os.path.join(po, "POTFILES"), encoding="utf-8") as f:
    listed = f.read().split()
everywhere, used, helpers = {}, set(), []
for folder in (*FOLDERS, "tools"):
    for path in sources(folder):
        text, details_only = read(path), path.startswith(DETAILS_ONLY)
        said = sentences(text, details_only)
        used.update(form_of(part) for s in said for part in s.split(": "))
        helpers += re.findall(r'EhdHelperConfig \w+ = \{\.name = N_\("([^"]+)"\)', text)
        if said:
            everywhere[path] = len(said)
            check(not unmarked(text, details_only), f"{path}: all that it says is marked", unmarked(text, details_only))
        if re.search(r'\bN?_\(\s*"', text):
            check(path in listed, f"{path} is listed in POTFILES")
check(len(everywhere) > 70 and sum(everywhere.values()) > 350, "the sources were read", everywhere)
silent = [s for s in SILENT if not os.path.exists(os.path.join(root, s))]
check(not silent, "every exception is there", silent)
starts = {f"{name} cannot be started" for name in helpers}
check(len(starts) == 2 and starts <= forms, "that a helper cannot be started is known of each", starts)
idle = sorted(forms - used - starts)
check(not idle, "every form is said by somebody", idle)
raw = []
for folder in ("common", "ctl", "receive", "send", "view"):
    for name in sorted(os.listdir(os.path.join(root, "tools", folder))):
        with open(os.path.join(root, "tools", folder, name), encoding="utf-8") as f:
            raw += [f"{folder}/{name}: {found}" for found in re.findall(r"output_(?:error|note|line)\([^;]*->message[^;]*;", f.read())]
check(not raw, "no message is printed as it came", raw)
places = {m: re.findall(r"\{\d\}", m) for m in msgids}
lost = [m for m, there in places.items() if sorted(there) != sorted(re.findall(r"\{\d\}", german.get(m) or ""))]
check(not lost, "what is filled in has its place in German too", lost)
print(f"1..{number}")
sys.exit(failed > 0)
