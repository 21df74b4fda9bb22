#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Programs that are not ours against the simulator and the helper: libnfc's own nfc-list sees our card, and our reader reads the tag
that libnfc's nfc-emulate-forum-tag4 plays. Skipped when they are not installed."""
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from tap import Skip, run_all  # noqa: E402

ARM, APDU, STATE, ARMED, ACTIVATED, LOST = 1, 5, 17, 18, 20, 21
READER, CARD = 1, 2


class Helper:
    """ehrlink-nfc on one chip, spoken to in its own messages."""

    def __init__(self, directory, chip, role):
        self.sock, other = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.sock.settimeout(20)
        self.process = subprocess.Popen([os.environ["EHRLINK_NFC"], "--fd", str(other.fileno()), "--reader",
                                         f"pn532_uart:{directory}/chip{chip}:115200"], pass_fds=[other.fileno()])
        other.close()
        self.send(ARM, role=role)
        self.hear(ARMED)

    def send(self, kind, role=0, tap=0, data=b""):
        self.sock.send(struct.pack(">BBHII", kind, role, 0, 1, tap) + data)

    def hear(self, kind):
        while True:
            message = self.sock.recv(1000)
            assert message, "the helper hung up"
            if message[0] == kind:
                return struct.unpack(">I", message[8:12])[0], message[12:]

    def exchange(self, tap, apdu):
        self.send(APDU, tap=tap, data=apdu)
        return self.hear(APDU)[1]

    def end(self):
        self.sock.close()
        self.process.wait(20)


class Field:
    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="ehr-nfc-")
        self.process = subprocess.Popen([os.environ["EHRLINK_PN532_SIM"], "--dir", self.directory], stdout=subprocess.PIPE)
        assert self.process.stdout.readline() == b"ready\n"
        return self

    def __exit__(self, *error):
        self.process.terminate()
        self.process.wait(20)
        os.rmdir(self.directory)

    def say(self, *words):
        return subprocess.run([os.environ["EHRLINK_SIMCTL"], self.directory, *words], check=True, capture_output=True,
                              text=True).stdout

    def environment(self, chip):
        return dict(os.environ, LIBNFC_AUTO_SCAN="false", LIBNFC_DEVICE=f"pn532_uart:{self.directory}/chip{chip}:115200")


def need(program, package):
    if not shutil.which(program):
        raise Skip(f"{program} is not installed (package {package})")


def test_nfc_list_sees_our_card():
    need("nfc-list", "libnfc-bin")
    with Field() as field:
        card = Helper(field.directory, 1, CARD)
        field.say("tap")
        out = ""
        for _ in range(2):  # ours is armed again after every release, as another card
            field.say("wait-armed", "1")
            out += subprocess.run(["nfc-list"], env=field.environment(0), capture_output=True, text=True, timeout=60).stdout
        card.end()
    # one run may list the card that it released again, or may be faster than that
    lines = [line.split() for line in out.splitlines()]
    uids = [tuple(words[2:]) for words in lines if words[:2] == ["UID", "(NFCID3):"]]
    assert len(uids) > 1 and len(set(uids)) == len(uids) and all(uid[0] == "08" for uid in uids), out
    assert ["SAK", "(SEL_RES):", "20"] in lines and ["ATQA", "(SENS_RES):", "00", "04"] in lines, "not an ISO-DEP card"


def test_our_reader_reads_a_type_4_tag():
    need("nfc-emulate-forum-tag4", "libnfc-examples")
    with Field() as field:
        tag = subprocess.Popen(["nfc-emulate-forum-tag4"], env=field.environment(1), stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
        field.say("wait-armed", "1")
        reader = Helper(field.directory, 0, READER)
        field.say("tap")
        tap, _ = reader.hear(ACTIVATED)
        assert reader.exchange(tap, bytes.fromhex("00a4040007d276000085010100")) == b"\x90\x00"
        assert reader.exchange(tap, bytes.fromhex("00a4000c02e103")) == b"\x90\x00"
        container = reader.exchange(tap, bytes.fromhex("00b000000f"))
        assert len(container) == 17 and container[:3] == b"\x00\x0f\x20" and container[-2:] == b"\x90\x00", container.hex()
        reader.end()
        tag.terminate()
        tag.wait(20)


if __name__ == "__main__":
    sys.exit(run_all(globals()))
