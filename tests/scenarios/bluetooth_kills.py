# SPDX-License-Identifier: Apache-2.0
"""Over Bluetooth: a small sample of the kill matrix (kill_matrix.py), one pair of machines for all of its points. Run by bluetooth.py.

KILL_MATRIX_POINTS: of each kind, 3 if not said otherwise."""
import os
import subprocess

import kill_matrix


class Matrix(kill_matrix.Matrix):
    """The same points on machines: processes and state are behind their agents."""
    largest = {"1 MB": 720_000}
    rate = 100  # KB/s: a blow takes tenths of a second to get there
    further = (1, 200, 60_000)

    def receipts(self):
        said = [self.rig.call("on-host", host, "ls", "/var/lib/ehrlink/receipts", check=False).stdout for host in ("patient", "clinic")]
        return [len(s.split()) for s in said]

    def daemon(self, host):
        return int(self.rig.call("daemon-pid", host))

    def strike_dead(self, hosts, pids):
        blows = [subprocess.Popen(["on-host", host, "kill", "-KILL", str(pid)], stdin=subprocess.DEVNULL) for host, pid in zip(hosts, pids)]
        assert not any([blow.wait() for blow in blows]), f"not there any more: {hosts}"

    def session(self, load, strike, *words):
        try:
            return super().session(load, strike, *words)
        except Exception:
            for host in ("patient", "clinic"):  # nothing of it meets the next point
                self.rig.call("kill-daemon", host, check=False)
                self.rig.call("on-host", host, "rig-machine", "fresh", check=False)
            raise


def kill_sample(rig):
    """A sample of the kill matrix: links cut, either daemon and both killed, at points spread over a megabyte of three items"""
    m = Matrix(rig, kill_matrix.seed())
    m.measure("1 MB")
    m.links("1 MB", int(os.environ.get("KILL_MATRIX_POINTS", "3")))
    m.tally.report()
    assert not m.tally.wrong, "\n".join(m.tally.wrong)
