# SPDX-License-Identifier: Apache-2.0
"""What the Python tests share: runs the test_* functions of a module and reports them as TAP, each with its reason if it was skipped."""
import traceback


class Skip(Exception):
    """The test is not run because of `str(self)`."""


def run_all(names):
    """Runs every test_* of `names` (a module's globals()), also after one that failed. Returns the exit status."""
    tests = [(n[5:], f) for n, f in sorted(names.items()) if n.startswith("test_")]
    print(f"1..{len(tests)}")
    failed = 0
    for i, (name, run) in enumerate(tests, 1):
        try:
            run()
            print(f"ok {i} {name}", flush=True)
        except Skip as e:
            print(f"ok {i} {name} # SKIP {e}", flush=True)
        except Exception as e:
            failed = 1
            where = traceback.extract_tb(e.__traceback__)[-1]
            print(f"not ok {i} {name}\n# line {where.lineno}: {where.line}: {type(e).__name__}: {e}", flush=True)
    return failed
