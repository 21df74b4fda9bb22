#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What a sender may be given: files that cannot be read, that are many, large, alike, or change."""
import os
import threading

from scenario import Program, case, digest_equal, main, read


def refuses(rig, name):
    """ehr-send ends with 66 and the name, before any tap: nobody is tapped here, and the reader is never armed."""
    send = rig.send(name)
    end = send.ends(66)
    assert os.path.basename(name) in end["text"] + "".join(send.err), send.said()
    assert not send.find("state"), send.said()


@case()
def cannot_be_read(rig):
    """Missing, unreadable, empty, a directory, a FIFO: 66 with the name, before any tap."""
    refuses(rig, "missing.json")
    refuses(rig, rig.write("empty.json", b""))
    os.mkdir("directory.json")
    refuses(rig, "directory.json")
    os.mkfifo("fifo.json")
    refuses(rig, "fifo.json")
    os.chmod(rig.write("unreadable.json", b"{}"), 0)
    send = rig.send("unreadable.json", wrap=["unprivileged"])
    end = send.ends(66)
    assert "unreadable.json" in end["text"] + "".join(send.err), send.said()


@case()
def one_bad_among_good(rig):
    """One unreadable file among good ones: 66 with its name, and nothing at all is sent."""
    good = rig.write("good.json", b"{}")
    send = rig.send(good, "missing.json")
    assert "missing.json" in str(send.ends(66)) + "".join(send.err)


@case()
def two_of_one_name(rig):
    """Two files of one name both arrive, their names kept apart."""
    files = [rig.write("one/report.pdf", b"%PDF first"), rig.write("two/report.pdf", b"%PDF second, longer")]
    receive, send = rig.receive(), rig.send(*files)
    rig.tap()
    send.ends(0), receive.ends(0)
    directory = rig.arrived(files)
    assert len(set(os.listdir(directory))) == 4, os.listdir(directory)


@case()
def names_made_safe(rig):
    """Names with control and bidi characters, or that would be hidden, arrive under safe ones."""
    names = ["\u202egnp.exe", "a\x1b[2J.json", ".hidden", "session.json", "findings.json", "two  spaces", "line\nfeed.txt", "caf\u00e9.pdf"]
    files = [rig.write(os.path.join(str(i), n), f"content {i}") for i, n in enumerate(names)]
    receive, send = rig.receive(), rig.send(*files)
    rig.tap()
    send.ends(0), receive.ends(0)
    directory = rig.arrived(files)
    for name in os.listdir(directory):
        assert name.isprintable() and not name.startswith(".") and "\u202e" not in name and "/" not in name, repr(name)
    assert "caf\u00e9.pdf" in os.listdir(directory)


@case(seconds=400)
def one_gigabyte(rig):
    """A 1 GB item goes through in flat memory on both sides."""
    with open("large.bin", "wb") as f:
        block = os.urandom(1 << 20)
        for i in range(1024):
            f.write(i.to_bytes(8, "big"))
            f.write(block[8:] if i % 8 == 0 else bytes((1 << 20) - 8))
    receive, send = rig.receive(), rig.send("large.bin")
    rig.tap()
    send.state("transferring")
    send.ends(0, seconds=300), receive.ends(0, seconds=60)
    directory = os.path.join("got", rig.sessions()[0])
    assert digest_equal("large.bin", os.path.join(directory, "large.bin"))
    for host in ("patient", "clinic"):
        pid = rig.call("daemon-pid", host)
        with open(f"/proc/{pid}/status", encoding="ascii") as f:
            facts = dict(line.split(":", 1) for line in f if ":" in line)
        if "asan" not in os.environ["EHRLINK_BUILD"]:
            assert int(facts["VmHWM"].split()[0]) < 64 * 1024, (host, facts["VmHWM"])


@case(seconds=400)
def ten_thousand_items(rig):
    """Ten thousand items arrive, each whole."""
    files = [rig.write(f"many/{i:05}.json", f'{{"number": {i}}}') for i in range(10000)]
    receive, send = rig.receive(), rig.send(*files)
    rig.tap()
    send.ends(0, seconds=300), receive.ends(0, seconds=120)
    directory = rig.arrived(files)
    assert read(os.path.join(directory, "01234.json")) == b'{"number": 1234}'


def changing(rig, change, size=3_000_000):
    """Sends over a slow link, changes the file when the transfer runs; returns how the sender ended."""
    rig.link("rate", "400")
    name, other = rig.write("changing.bin", size), rig.write("zz-last.bin", size + 1000)
    receive, send = rig.receive(), rig.send(name, other)
    rig.tap()
    send.expect("progress")
    change(other)
    rig.link("rate", "0")
    end = send.ends(65, "ItemChanged")
    assert "zz-last.bin" in str(end) + "".join(send.err), send.said()
    receive.ends(75)
    rig.nothing_arrived()


@case()
def changes_while_read(rig):
    """A file that is overwritten while it is sent: 65 with its name, nothing partial appears."""
    def change(name):
        with open(name, "r+b") as f:
            f.seek(2_900_000)
            f.write(b"other")
    changing(rig, change)


@case()
def shrinks_while_read(rig):
    """A file that is cut short while it is sent: 65 with its name, nothing partial appears."""
    changing(rig, lambda name: os.truncate(name, 1000))


@case()
def grows_while_read(rig):
    """A file that grows while it is sent: 65 with its name, nothing partial appears."""
    def change(name):
        with open(name, "ab") as f:
            f.write(b"more")
    changing(rig, change)


if __name__ == "__main__":
    main()
