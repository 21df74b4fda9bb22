#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A patient's device that authenticates and then breaks the rules: 76 and a named error at the clinic, nothing stored, no crash."""
import os
import subprocess

from scenario import case, main

# what it does: how it ends at the clinic. Several names where which check is first is no promise.
MISCHIEF = {
    "bad-hash": "BadHash",
    "bad-data": ("BadHash", "BadCompression"),
    "wrong-length": ("BadMessage", "BadCompression", "OutOfOrder", "TooLarge"),
    "huge-length": ("BadMessage", "TooLarge"),
    "missing-segment": ("OutOfOrder", "BadMessage"),
    "twice": ("OutOfOrder", "BadMessage"),
    "other-item": ("OutOfOrder", "BadMessage"),
    "no-consent": "OutOfOrder",
    "consent-signature": "BadSignature",
    "manifest-signature": "BadSignature",
    "manifest-count": "BadManifest",
    "manifest-bytes": "BadManifest",
    "lying-size": ("BadMessage", "BadManifest", "BadHash", "OutOfOrder"),
    "evil-name": "BadManifest",
    "id-gap": "BadManifest",
    "enormous-item": ("BadManifest", "TooLarge"),
    "garbage": "BadMessage",
    "bomb": ("BadMessage", "TooLarge"),
    "receipt-of-its-own": ("OutOfOrder", "BadMessage"),
    "early-data": ("OutOfOrder", "BadMessage"),
}


def play(rig, mischief, output="got"):
    """One session with a rogue; returns the clinic's program and how the rogue's side ended."""
    receive = rig.receive(output=output)
    receive.state("ready")
    rig.call("simctl", os.path.join(rig.dir, "nfc"), "tap", "1")  # the clinic's reader, and whatever comes by the card socket
    rogue = subprocess.Popen(["rogue-patient", os.path.join(rig.dir, "nfc/card"), os.path.join(rig.dir, "p/link"), mischief],
                             stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    out, err = rogue.communicate(timeout=60)
    return receive, out.strip(), err


@case()
def plays_by_the_rules(rig):
    """Without mischief it is a patient's device like any other: else the rest would prove nothing."""
    receive, ended, err = play(rig, "nothing")
    receive.ends(0)
    assert ended == "ended Ok", (ended, err)
    assert len(rig.sessions()) == 1


@case(seconds=400)
def breaks_the_rules(rig):
    """Each mischief in turn, on one daemon that goes on serving."""
    known = set(rig.call("rogue-patient", "--list").split())
    assert known == set(MISCHIEF) | {"nothing"}, known ^ set(MISCHIEF)
    pid = None
    for mischief, error in MISCHIEF.items():
        receive, ended, err = play(rig, mischief)
        try:
            receive.ends(76, error)
        except AssertionError as e:
            raise AssertionError(f"{mischief} (its side: {ended} {err}): {e}") from e
        assert ended == "ended PeerProtocol", (mischief, ended, err)
        rig.nothing_arrived()
        now = rig.call("daemon-pid", "clinic")
        assert pid in (None, now), f"the daemon died of {mischief}"
        pid = now
    receive, ended, err = play(rig, "nothing", "good")
    receive.ends(0)
    assert ended == "ended Ok", (ended, err)


if __name__ == "__main__":
    main()
