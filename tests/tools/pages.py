#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Every option and verb of the command lines is in their --help, manual page and completion, and nothing else is.

usage: pages.py SOURCE_ROOT EHR_SEND EHR_RECEIVE EHRCTL EHR_VIEW
"""
import re
import subprocess
import sys
from pathlib import Path

root = Path(sys.argv[1])
programs = dict(zip(("ehr-send", "ehr-receive", "ehrctl", "ehr-view"), sys.argv[2:6]))
completion = (root / "tools/completion/ehrlink.bash").read_text()
count = 0
failed = 0


def check(ok, name):
    global count, failed
    count += 1
    failed += not ok
    print(f"{'ok' if ok else 'not ok'} {count} - {name}")


def options_in(text):
    return set(re.findall(r"--[a-z][a-z-]*", text))


def help_of(program):
    return subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout


def page_of(name):
    return (root / f"tools/man/{name}.1.scd").read_text().replace("\\", "")


for name in ("ehr-send", "ehr-receive", "ehr-view"):
    told = options_in(help_of(programs[name])) | {"--version", "--help"}
    documented = options_in("\n".join(line for line in page_of(name).splitlines() if line.startswith("*--"))
                            )
    block = re.search(rf"_{name.replace('-', '_')}\(\) \{{(.*?)\n\}}", completion, re.S).group(1)
    completed = options_in(block)
    for option in sorted(told | documented | completed):
        check(option in told, f"{name} knows {option}")
        check(option in documented, f"{name}(1) documents {option}")
        check(option in completed, f"completion of {name} offers {option}")

usage = re.findall(r"^  ehrctl (\S+)(?: ([a-z]+))?", help_of(programs["ehrctl"]), re.M)
page = page_of("ehrctl")
block = re.search(r"_ehrctl\(\) \{(.*?)\n\}", completion, re.S).group(1)
check(len(usage) >= 13, "ehrctl --help lists its verbs")
for group, verb in usage:
    check(f"*{group} {verb}*" in page or f"*{group}*" in page if not verb else f"*{group} {verb}*" in page,
          f"ehrctl(1) documents {group} {verb}")
    check(group in block and verb in block, f"completion of ehrctl offers {group} {verb}")
    for option in options_in(" ".join(line for line in help_of(programs["ehrctl"]).splitlines()
                                      if line.startswith(f"  ehrctl {group} {verb}"))):
        check(option in page, f"ehrctl(1) documents {option} of {group} {verb}")

# the service and its helpers are started by others; their options are few and must be told all the same
for name, source in (("ehrlink-nfc", "daemon/nfc/main.c"), ("ehrlink-bt", "daemon/radio/main.c")):
    told = options_in(re.search(r"^usage\(.*?^\}", (root / source).read_text(), re.S | re.M).group(0))
    documented = options_in((root / f"tools/man/{name}.8.scd").read_text().replace("\\", "")) - {"--help"}
    check(len(told) >= 2 and told == documented, f"{name}(8) documents {sorted(told)}")
told = {f"--{name}" for name in re.findall(r'\{"([a-z-]+)", 0, 0, G_OPTION', (root / "daemon/arguments.c").read_text())}
documented = options_in("\n".join(line for line in (root / "tools/man/ehrlinkd.8.scd").read_text().splitlines() if line.startswith("*--")))
check(len(told) >= 8 and told == documented - {"--help"}, f"ehrlinkd(8) documents {sorted(told)}")

codes = re.findall(r'CATEGORY\("([^"]+)"', (root / "lib/record/categories.def").read_text())
check(len(codes) >= 19, "there are categories")
for code in codes:
    check(re.search(rf"\b{code}\b", page_of("ehr-receive")), f"ehr-receive(1) names the category {code}")

print(f"1..{count}")
sys.exit(failed > 0)
