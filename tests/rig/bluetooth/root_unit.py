#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make-root with an mmdebstrap that only pretends: when a root system is made, kept, made again, removed."""
import fcntl
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

from tap import Skip, run_all

HERE = pathlib.Path(__file__).resolve().parent
MMDEBSTRAP = """#!/bin/sh
echo made >>"$COUNT"
[ -z "${FAIL-}" ] || exit 1
for root; do :; done
mkdir -p "$root/bin" "$root/boot" "$root/etc/tmpfiles.d" "$root/lib/modules/6.1.0-1"
printf '#!/bin/sh\\ncat >/dev/null\\n' >"$root/bin/busybox"
chmod 755 "$root/bin/busybox"
echo kernel >"$root/boot/vmlinuz-6.1.0-1"
"""


class Place:
    """make-root, its list and a cache of their own."""

    def __init__(self, directory):
        self.here, self.cache = directory / "bluetooth", directory / "cache" / "ehrlink" / "rig"
        self.count, self.stubs = directory / "count", directory / "stubs"
        self.here.mkdir()
        self.stubs.mkdir()
        self.count.touch()
        for name in ("make-root", "init", "packages"):
            shutil.copy(HERE / name, self.here)
        for name, text in (("mmdebstrap", MMDEBSTRAP), ("qemu-system-x86_64", "#!/bin/sh\n"), ("btvirt", "#!/bin/sh\n")):
            (self.stubs / name).write_text(text, encoding="utf-8")
            (self.stubs / name).chmod(0o755)

    def run(self, **more):
        env = dict(os.environ, PATH=f"{self.stubs}:{os.environ['PATH']}", XDG_CACHE_HOME=str(self.cache.parent.parent), COUNT=str(self.count),
                   **more)
        return subprocess.run([self.here / "make-root"], stdin=subprocess.DEVNULL, capture_output=True, text=True, env=env, check=False)

    def made(self):
        done = self.run()
        if done.returncode == 77:
            raise Skip(done.stderr.strip().partition("skipped: ")[2])
        assert done.returncode == 0, (done.returncode, done.stderr)
        root = pathlib.Path(done.stdout.strip())
        assert (root / "kernel").exists() and (root / "initrd").exists() and (root / "root").is_dir()
        return root

    def times(self):
        return len(self.count.read_text(encoding="utf-8").splitlines())

    def add(self, line):
        with open(self.here / "packages", "a", encoding="utf-8") as f:
            f.write(line + "\n")


def place(function):
    def run():
        with tempfile.TemporaryDirectory(prefix="make-root.") as directory:
            function(Place(pathlib.Path(directory)))
    run.__name__, run.__doc__ = function.__name__, function.__doc__
    return run


@place
def test_made_once(here):
    """Made once, outside of the project; a comment in the list changes nothing."""
    root = here.made()
    assert root.parent == here.cache
    here.add("# a comment")
    assert here.made() == root and here.times() == 1


@place
def test_list_changes(here):
    """Another list is another root system, and the old one goes."""
    old = here.made()
    here.add("hello")
    new = here.made()
    assert new != old and here.times() == 2
    here.add("sl")
    here.made()
    assert not old.exists() and not new.exists()


@place
def test_in_use(here):
    """One that a machine runs from stays."""
    old = here.made()
    lock = os.open(old, os.O_RDONLY | os.O_DIRECTORY)
    fcntl.flock(lock, fcntl.LOCK_SH)
    here.add("hello")
    assert here.made() != old and old.exists()
    os.close(lock)
    here.add("sl")
    here.made()
    assert not old.exists()


@place
def test_cannot(here):
    """No network, or a program is missing: skipped, with the reason, and nothing is left."""
    here.made()
    here.add("hello")
    done = here.run(FAIL="yes")
    assert done.returncode == 77 and "skipped: the root system could not be made" in done.stderr, done
    assert not [p for p in here.cache.iterdir() if p.is_dir()]
    (here.stubs / "btvirt").unlink()
    if not shutil.which("btvirt"):
        assert "skipped: btvirt" in here.run().stderr


if __name__ == "__main__":
    sys.exit(run_all(globals()))
