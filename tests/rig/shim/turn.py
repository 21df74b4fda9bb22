# SPDX-License-Identifier: Apache-2.0
"""Makes time pass for a daemon that two-hosts started with --turn HOST: a file that shim.c maps."""
import mmap
import os
import struct
import time

BOTH = struct.Struct("=qq")
NS = 10 ** 9


class Turn:
    """How far ahead of ours that daemon's time is."""

    def __init__(self, path):
        with open(path, "a+b") as f:
            f.truncate(BOTH.size)
            self.map = mmap.mmap(f.fileno(), BOTH.size)

    def ahead(self, seconds, patience=60):
        """So many seconds pass at once; returns when the daemon has done what was due by then and waits again."""
        now = BOTH.unpack(self.map)[0] + int(seconds * NS)
        self.map[0:8] = struct.pack("=q", now)
        end = time.monotonic() + patience
        while BOTH.unpack(self.map)[1] != now:
            assert time.monotonic() < end, "the daemon does not notice that time was turned"
            time.sleep(0.001)


def of(base, host):
    """The time of that host's daemon; base is RIG_DIR."""
    return Turn(os.path.join(base, f"turn-{host}"))
