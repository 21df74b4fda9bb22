# SPDX-License-Identifier: Apache-2.0
"""The table of faults.h from a test: a file that the processes under it map, and see every change of."""
import errno
import mmap
import os
import struct

CALLS = ["open", "read", "write", "sync", "rename", "link", "unlink", "mkdir", "size", "stat", "room", "send", "receive", "connect",
         "random", "clock"]
SHORT = -1
HEAD = struct.Struct("=IIiiII")
SEEN = struct.Struct(f"={len(CALLS)}I")
PATTERN = 256
SIZE = HEAD.size + SEEN.size + 2 * PATTERN


class Faults:
    """One table. `environment` is what a process needs that is to come under it."""

    def __init__(self, path, module):
        self.path = path
        self.environment = {"LD_PRELOAD": module, "FAULTS": path, "ASAN_OPTIONS": "verify_asan_link_order=0"}
        with open(path, "a+b") as f:
            f.truncate(SIZE)
            self.map = mmap.mmap(f.fileno(), SIZE)

    def arm(self, call, pattern, at, how, sticky=False):
        """The at-th such call fails; how: an errno's name, "short", or seconds of the clock. at 0: only counts."""
        number = how if isinstance(how, int) else SHORT if how == "short" else getattr(errno, how)
        self.disarm()
        self.map[HEAD.size:] = SEEN.pack(*[0] * len(CALLS)) + pattern.encode().ljust(PATTERN, b"\0") + bytes(PATTERN)
        self.map[4:HEAD.size] = HEAD.pack(0, CALLS.index(call), at, number, sticky, 0)[4:]
        self.map[0:4] = struct.pack("=I", 1)

    def disarm(self):
        self.map[0:4] = bytes(4)

    @property
    def hits(self):
        return HEAD.unpack(self.map[:HEAD.size])[5]

    @property
    def seen(self):
        return dict(zip(CALLS, SEEN.unpack(self.map[HEAD.size:HEAD.size + SEEN.size])))

    @property
    def where(self):
        return self.map[-PATTERN:].split(b"\0")[0].decode(errors="replace")


def of(base, host):
    """The table of a daemon that two-hosts started with --faults HOST; base is RIG_DIR."""
    return Faults(os.path.join(base, f"faults-{host}"), os.path.join(base, "faults.so"))
