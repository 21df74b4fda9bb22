#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""A receiver that cannot store: 73 there, a named error at the sender, no partial item in sight."""
import os

from scenario import case, main

CANNOT = ("PeerCannotStore",)


def cannot_store(rig, receive, send):
    receive.ends(73, ("NoSpace", "StoreFailed"))
    send.ends(75, CANNOT)
    rig.nothing_arrived()


@case("--small", "clinic=4M", "--set", "clinic:store.min-free=0")
def spool_full(rig):
    """The daemon's file system is full in mid-transfer."""
    receive, send = rig.receive(), rig.send(rig.write("a.bin", 5_000_000))
    rig.tap()
    cannot_store(rig, receive, send)


@case("--small", "clinic=16M")
def no_room_kept_free(rig):
    """Less than what must stay free is free: refused before anybody taps."""
    receive = rig.receive()
    receive.ends(73, "NoSpace")
    rig.nothing_arrived()


@case("--set", "clinic:store.spool-quota=1M")
def over_quota(rig):
    """The items are more than the spool may hold."""
    receive, send = rig.receive(), rig.send(rig.write("a.bin", 3_000_000))
    rig.tap()
    cannot_store(rig, receive, send)


@case()
def directory_read_only(rig):
    """The output directory cannot be written: 73 at once, before any tap."""
    os.mkdir("got", 0o555)
    receive = rig.receive(wrap=["unprivileged"])
    receive.ends(73, ("StoreFailed", "NoSpace"))
    os.chmod("got", 0o755)
    rig.nothing_arrived()


@case()
def directory_becomes_read_only(rig):
    """The output directory becomes read-only after the tap: 73 there, a named error at the sender."""
    os.mkdir("got")
    receive = rig.receive(wrap=["unprivileged"])
    rig.link("rate", "300")
    send = rig.send(rig.write("a.bin", 1_000_000))
    rig.tap()
    send.expect("progress")
    os.chmod("got", 0o555)
    rig.link("rate", "0")
    receive.ends(73, ("StoreFailed", "NoSpace"))
    send.ends(75, CANNOT)
    os.chmod("got", 0o755)
    rig.nothing_arrived()


@case()
def directory_missing_parent(rig):
    """The output directory's parent does not exist: 73 with its name."""
    receive = rig.receive(output="no/such/place")
    assert "no/such/place" in str(receive.ends(73)) + "".join(receive.err)


@case()
def receipt_cannot_be_written(rig):
    """--receipt names a place that cannot be written: 73 before the tap."""
    send = rig.send(rig.write("a.json", 100), options=("--receipt", "no/such/receipt.json"))
    send.ends(73)


if __name__ == "__main__":
    main()
