#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The stages of tests/run: each is built, run, timed and counted. Called by tests/run, from the top of the tree.

Counts come from meson's log of each stage: a program that speaks TAP counts by its subtests, any other as one. A stage whose build
fails counts as one failure.
"""
import argparse
import json
import os
import re
import shlex
import subprocess
import sys
import time

RESULT = re.compile(r"^(not ok|ok)\b[ \t]*\d*[ \t-]*(.*?)(?:[ \t]*#[ \t]*(SKIP|TODO)\b[ \t]*(.*))?$", re.IGNORECASE)
QUICK, NORMAL, FULL = range(3)
# suites that have a stage of their own; whatever is in none of them is a unit test
SPECIAL = ["bus", "rig", "slow", "fuzz", "bench", "bluetooth", "bluetooth-full"]


class Totals:
    def __init__(self):
        self.passed = self.failed = 0
        self.skipped, self.failures = [], []

    def add(self, other):
        self.passed += other.passed
        self.failed += other.failed
        self.skipped += other.skipped
        self.failures += other.failures

    def __str__(self):
        return f"{self.passed} passed, {self.failed} failed, {len(self.skipped)} skipped"


def fail(text):
    totals = Totals()
    totals.failed, totals.failures = 1, [text]
    return totals


def count_test(test):
    """One entry of meson's log."""
    totals, name, result = Totals(), test["name"], test["result"]
    lines = [RESULT.match(line) for line in (test.get("stdout") or "").splitlines()]
    for match in filter(None, lines):
        verdict, what, directive, reason = match.groups()
        if (directive or "").upper() == "SKIP":
            totals.skipped.append(f"{name}: {what}: {reason or 'no reason given'}")
        elif verdict.lower() == "ok" or directive:
            totals.passed += 1
        else:
            totals.failed += 1
            totals.failures.append(f"{name}: {what}")
    if result in ("SKIP", "IGNORED") and not totals.skipped:
        said = [x for x in ((test.get("stdout") or "") + (test.get("stderr") or "")).splitlines() if "skipped:" in x.lower()]
        totals.skipped.append(f"{name}: {said[-1].split(':', 1)[1].strip() if said else 'no reason given'}")
    elif result in ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT", "UNEXPECTEDPASS") and not totals.failed:
        totals.failed, totals.failures = 1, [f"{name}: {result.lower()}"]
    elif result in ("OK", "EXPECTEDFAIL") and not (totals.passed or totals.skipped):
        totals.passed = 1
    return totals


def count_log(path):
    totals = Totals()
    try:
        with open(path, encoding="utf-8") as f:
            for line in f:
                totals.add(count_test(json.loads(line)))
    except FileNotFoundError:
        pass
    return totals


def run(command, show_on_failure=True, **env):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace",
                          env={**os.environ, **env}, check=False)
    if done.returncode != 0 and show_on_failure:
        print("\n".join(done.stdout.splitlines()[-60:]), flush=True)
    return done


def build(directory, *options):
    """Configures and builds; returns the totals: nothing, or one failure."""
    fresh = not os.path.exists(os.path.join(directory, "build.ninja"))
    setup = ["meson", "setup", directory, "-Dwerror=true", *options] + ([] if fresh else ["--reconfigure"])
    for command in (setup, ["ninja", "-C", directory]):
        if run(command).returncode != 0:
            return fail(f"{directory} does not build")
    return Totals()


def failed_output(path):
    """What the tests that failed said, to be read on a build server."""
    with open(path, encoding="utf-8") as f:
        for line in f:
            test = json.loads(line)
            if test["result"] in ("FAIL", "ERROR", "TIMEOUT", "INTERRUPT"):
                text = (test.get("stdout") or "") + (test.get("stderr") or "")
                print(f"--- {test['name']} ({test['result'].lower()}, {test.get('returncode')})")
                print("\n".join(text.splitlines()[-40:]), flush=True)


def meson_test(directory, name, *options, **env):
    # meson adds the wrapper's name
    wrapper = "-" + options[options.index("--wrap") + 1].split()[0] if "--wrap" in options else ""
    log = os.path.join(directory, "meson-logs", f"testlog-{name}{wrapper}.json")
    if os.path.exists(log):
        os.unlink(log)
    done = run(["meson", "test", "-C", directory, "--no-rebuild", "--num-processes", str(min(os.cpu_count() or 1, 4)), "--logbase",
                f"testlog-{name}", *options], show_on_failure=False, **env)
    totals = count_log(log)
    if totals.failed:
        failed_output(log)
    elif done.returncode != 0:
        print("\n".join(done.stdout.splitlines()[-20:]))
        return fail(f"{name}: meson test ended with {done.returncode}")
    return totals


def suites(*names):
    return [x for n in names for x in ("--suite", n)]


def not_special():
    return [x for n in SPECIAL for x in ("--no-suite", n)]


def programs(directory):
    """Names of the unit tests that are compiled programs: what valgrind can judge."""
    listed = json.loads(run(["meson", "introspect", "--tests", directory]).stdout)
    found = []
    for test in listed:
        own = [s.split(":")[-1] for s in test["suite"]]
        # an interpreter is a compiled program too, and not ours
        ours = os.path.realpath(test["cmd"][0]).startswith(os.path.realpath(directory) + os.sep)
        with open(test["cmd"][0], "rb") as f:
            if ours and not set(own) & set(SPECIAL) and f.read(4) == b"\x7fELF":
                found.append(test["name"])
    return found


def unit_sanitized():
    totals = build("build-asan", "-Db_sanitize=address,undefined", "-Db_lundef=false", "-Dintrospection=false", "-Dman=false")
    if totals.failed:
        return totals
    return meson_test("build-asan", "unit", *not_special(), "--timeout-multiplier", "4", ASAN_OPTIONS="detect_stack_use_after_return=1",
                      UBSAN_OPTIONS="halt_on_error=1:print_stacktrace=1")


# programs that have threads: the lanes of the daemon's core. The helpers have none
THREADED = ["core-lane_unit", "core-source_unit", "core-inbox_unit", "core-session_unit", "core-link_unit", "core-disk_unit",
            "core-owner_unit", "core-restart_unit", "core-later_unit", "core-reply_unit", "core-expiry_unit", "core-oob_unit", "core-tap_faults_unit",
            "core-sweep"]


def unit_threads():
    where = os.path.abspath("build-tsan")
    fresh = not os.path.exists(os.path.join(where, "build.ninja"))
    setup = ["meson", "setup", where, "-Db_sanitize=thread", "-Db_lundef=false", "-Dintrospection=false", "-Dman=false"]
    if run(setup + ([] if fresh else ["--reconfigure"])).returncode != 0:
        return fail("build-tsan cannot be set up")
    listed = json.loads(run(["meson", "introspect", "--tests", where]).stdout)
    built = [os.path.relpath(t["cmd"][0], where) for t in listed if t["name"] in THREADED]
    told = "tests/rig/tsan/rig-tsan.so"
    if run(["ninja", "-C", where, told, *sorted(set(built))]).returncode != 0:
        return fail("build-tsan does not build")
    # the random places of memory of newer kernels are not known to gcc 12's sanitizer
    wrap = f"setarch -R env LD_PRELOAD={shlex.quote(os.path.join(where, told))}"
    options = f"suppressions={os.path.abspath('tests/rig/tsan/suppressions')} exitcode=66"
    return meson_test(where, "threads", "--wrap", wrap, "--timeout-multiplier", "20", *THREADED, TSAN_OPTIONS=options)


def rig_sanitized():
    return meson_test("build-asan", "rig", *suites("rig"), "--no-suite", "installed", "--timeout-multiplier", "4")


def bluetooth(suite):
    # what is missing after this, the tests name when they skip
    run(["tools/deps", "bluetooth"], show_on_failure=False)
    return meson_test("build", suite, *suites(suite))


def unit_valgrind():
    names = programs("build")
    if not names:
        return Totals()
    wrap = "valgrind --quiet --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite"
    return meson_test("build", "valgrind", "--wrap", wrap, "--timeout-multiplier", "30", *names)


def stages():
    """(name, from which mode on, what to do), in the order they run."""
    return [
        ("build", QUICK, lambda: build("build")),
        ("unit", QUICK, lambda: meson_test("build", "unit", *not_special())),
        ("bus", QUICK, lambda: meson_test("build", "bus", *suites("bus"))),
        ("main scenario", QUICK, lambda: meson_test("build", "main", "scenario main")),
        ("unit, address and undefined-behaviour sanitizers", NORMAL, unit_sanitized),
        ("scenarios over two hosts", NORMAL, lambda: meson_test("build", "rig", *suites("rig"))),
        ("scenarios over Bluetooth, two machines", NORMAL, lambda: bluetooth("bluetooth")),
        ("fuzzing, short", NORMAL, lambda: meson_test("build", "fuzz", *suites("fuzz"))),
        ("long tests", FULL, lambda: meson_test("build", "slow", *suites("slow"))),
        ("every scenario over Bluetooth", FULL, lambda: bluetooth("bluetooth-full")),
        ("scenarios, sanitizers", FULL, rig_sanitized),
        ("unit, thread sanitizer", FULL, unit_threads),
        ("unit, valgrind", FULL, unit_valgrind),
        ("figures", FULL, lambda: meson_test("build", "bench", *suites("bench"))),
    ]


def main():
    parser = argparse.ArgumentParser(prog="tests/run", allow_abbrev=False)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--quick", action="store_const", dest="mode", const=QUICK)
    which.add_argument("--full", action="store_const", dest="mode", const=FULL)
    parser.add_argument("--without", metavar="WORD", help="leave out the stages whose name has WORD in it, and say so")
    parser.set_defaults(mode=NORMAL)
    args = parser.parse_args()
    mode = args.mode
    totals, start = Totals(), time.monotonic()
    for name, least, work in stages():
        # outside --quick the scenarios have a stage of their own, the main one among them
        if mode < least or (name == "main scenario" and mode != QUICK):
            continue
        print(f"== {name}", flush=True)
        if args.without and args.without.lower() in name.lower() and name != "build":
            totals.skipped.append(f"{name}: --without {args.without}")
            print("   left out", flush=True)
            continue
        began = time.monotonic()
        result = work()
        totals.add(result)
        print(f"   {result}   {time.monotonic() - began:.1f} s", flush=True)
        if name == "build" and result.failed:
            break
    for heading, entries in (("skipped", totals.skipped), ("FAILED", totals.failures)):
        for entry in entries:
            print(f"{heading}: {entry}")
    print(f"{time.monotonic() - start:.0f} s in all")
    print(totals, flush=True)
    return 1 if totals.failed else 0


if __name__ == "__main__":
    sys.exit(main())
