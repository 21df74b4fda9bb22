# SPDX-License-Identifier: Apache-2.0
"""Over Bluetooth: who else may be in range. Devices that were never tapped, a tapped one that breaks the rules, a terminal that tells a
wrong address, seven at once. Run by bluetooth.py."""
import contextlib
import os
import shutil
import socket
import subprocess
import threading
import time

import link
import rogue
import trust
from scenario import TWO_HOSTS, Program, case, read

BLUETOOTH_RIG = os.path.join(os.path.dirname(TWO_HOSTS), "bluetooth")
# channel and addresses: the first of the configured channels, the order in which the rig takes controllers
CHANNEL, TERMINAL = "22", "00:AA:01:01:00:42"
NOBODY = "00AA01770042"
PREAMBLE = 37
PEERS = 7
# bytes of each of the two items of each of them
SEVENTH = 800_000


def own(number):
    """The address of the patient's adapter with that number."""
    return "00:AA:01:00:00:42" if number == 1 else f"00:AA:01:{number + (0 if number == 2 else 1):02X}:00:42"


@contextlib.contextmanager
def more_adapters(rig, *numbers):
    for n in numbers:
        rig.call("adapter", "add", "patient", str(n))
    try:
        yield
    finally:
        for n in numbers:
            hung_up(rig, n)
            rig.call("adapter", "remove", "patient", str(n))


def hung_up(rig, number):
    """The kernel hangs up what nobody uses any more, after a while; some lose RFCOMM when the adapter is pulled out before."""
    end = time.monotonic() + 30
    while "ACL" in rig.call("on-patient", "hcitool", "-i", f"hci{number - 1}", "con", check=False).stdout and time.monotonic() < end:
        time.sleep(0.2)


def lasting(rig):
    """A session in mid-transfer that outlasts whatever a stranger does."""
    rig.link("rate", "40")
    files = [rig.write("a.bin", 1_500_000)]
    receive, send = rig.receive(), rig.send(*files)
    rig.tap()
    send.expect("progress")
    rig.link("rate", "4")
    return receive, send, files


def stranger(rig, *words):
    """A device that was never tapped says these; every connection must be closed by the terminal. Returns how each of them ended."""
    with more_adapters(rig, 2):
        said = rig.call("on-patient", os.path.join(BLUETOOTH_RIG, "stranger"), own(2), TERMINAL, CHANNEL, *words).splitlines()
    assert len(said) == len(words) and all(line.startswith("closed") for line in said), said


def strangers(rig):
    """Junk, nothing at all, an unknown locator, a record too long, from a device never tapped: closed; the session goes on."""
    receive, send, files = lasting(rig)
    stranger(rig, os.urandom(900).hex(), (b"EHR1\1" + os.urandom(32)).hex(), (b"\xff\xff" + os.urandom(2000)).hex(), "-")
    link.survives(rig, receive, send, files)
    said = rig.call("on-clinic", "ehrctl", "doctor", check=False).stdout
    assert "stranger" in said or "tapped" in said, said


def copied_locator(rig):
    """A stranger says what the tapped device said first, alone and with junk: closed; the running session goes on, nothing arrives twice."""
    os.mkdir("record")
    rig.link("record", os.path.abspath("record"))
    receive, send, files = lasting(rig)
    rig.link("record")
    said = [read(os.path.join("record", n)) for n in sorted(os.listdir("record")) if n.endswith(".p2c")]
    preamble = next(b for b in said if b)[:PREAMBLE]
    assert preamble.startswith(b"EHR1"), preamble
    stranger(rig, preamble.hex(), (preamble + os.urandom(600)).hex())
    link.survives(rig, receive, send, files)


def replayed(rig):
    """A stranger says all that a tapped device said in a whole session, while another one runs: closed, nothing arrives twice."""
    os.mkdir("record")
    rig.link("record", os.path.abspath("record"))
    first = [rig.write("first.bin", 4000)]
    receive, send = rig.receive(output="first"), rig.send(*first)
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.link("record")
    rig.untap()
    said = max((read(os.path.join("record", n)) for n in os.listdir("record") if n.endswith(".p2c")), key=len)
    assert said.startswith(b"EHR1") and len(said) > 4000, len(said)
    receive, send, files = lasting(rig)
    stranger(rig, "@" + os.path.abspath(rig.write("said", said)))
    link.survives(rig, receive, send, files)
    rig.arrived(first, output="first")


def flood(rig):
    """Twenty connections one after the other from a device never tapped do not keep the tapped one out."""
    receive = rig.receive()
    receive.state("ready")
    stranger(rig, *["00" * 20] * 20)
    files = [rig.write("a.bin", 20000)]
    send = rig.send(*files)
    rig.tap()
    send.ends(0), receive.ends(0)
    rig.arrived(files)


# --- a patient's device that is not ehrlinkd: its tap is the simulator's, its link a real one

class Reach:
    """The terminal as it is seen from a patient's adapter, for a program on this side: what connects to the socket in `directory` is
    connected by RFCOMM."""

    def __init__(self, number):
        self.number, self.directory = number, os.path.abspath(f"reach-{number}")
        os.mkdir(self.directory)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(os.path.join(self.directory, TERMINAL.replace(":", "") + "." + CHANNEL))
        self.listener.listen(1)
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            connection, _ = self.listener.accept()
            with connection:
                subprocess.Popen(["on-patient", os.path.join(BLUETOOTH_RIG, "pipe"), own(self.number), TERMINAL, CHANNEL],
                                 stdin=connection, stdout=connection, stderr=subprocess.DEVNULL, start_new_session=True)


def rogue_patient(rig, reach, mischief, size=100000):
    rig.call("simctl", os.path.join(rig.dir, "nfc"), "tap", "1")  # the clinic's reader, and whatever comes by the card socket
    return subprocess.Popen(["rogue-patient", os.path.join(rig.dir, "nfc/card"), reach.directory, mischief, str(size)],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def breaks_the_rules(rig):
    """A tapped device that breaks the rules, over Bluetooth: 76 by name, nothing stored, and the terminal goes on serving."""
    reach = Reach(1)
    for mischief in ("bad-hash", "garbage", "lying-size", "bomb", "no-consent"):
        receive = rig.receive()
        receive.state("ready")
        out, err = rogue_patient(rig, reach, mischief).communicate(timeout=300)
        try:
            receive.ends(76, rogue.MISCHIEF[mischief])
        except AssertionError as e:
            raise AssertionError(f"{mischief} (its side: {out} {err}): {e}") from e
        # the word for it may be lost with the link, on which the rogue still spoke
        assert out.strip() in ("ended PeerProtocol", "ended LinkLost"), (mischief, out, err)
        rig.nothing_arrived()
    receive = rig.receive(output="good")
    receive.state("ready")
    out, err = rogue_patient(rig, reach, "nothing").communicate(timeout=300)
    receive.ends(0)
    assert out.strip() == "ended Ok", (out, err)


@case("--set", "clinic:session.max-sessions-per-user=8", "--set", "clinic:session.connect-timeout=120")
def seven_at_once(rig):
    """Seven devices at once, each with a receiver and an adapter of its own: all are connected together, and all arrive."""
    rig.link("rate", "12")  # so that they last, and no record takes so long that its link is given up
    receives, rogues = [], []
    with more_adapters(rig, *range(2, PEERS + 1)):
        for number in range(1, PEERS + 1):
            receives.append(rig.receive(output=f"got-{number}"))
            receives[-1].state("ready")
            rogues.append(rogue_patient(rig, Reach(number), "nothing", SEVENTH))
            receives[-1].state("transferring")
        links = [line for line in rig.call("on-clinic", "hcitool", "con").splitlines() if "ACL" in line]
        assert len(links) == PEERS, links
        rig.link("rate", "0")
        for process, receive in zip(rogues, receives):
            out, err = process.communicate(timeout=300)
            assert out.strip() == "ended Ok", (out, err)
            receive.ends(0)
    for number in range(1, PEERS + 1):
        directory = os.path.join(f"got-{number}", rig.sessions(f"got-{number}")[0])
        assert sorted(os.path.getsize(os.path.join(directory, n)) for n in ("first.bin", "second.bin")) == [SEVENTH, SEVENTH]


# --- a terminal that is not believed

def not_believed(rig):
    """What the terminal presents as its first record is a revocation list that is stale, or names it: refused, nothing sent."""
    base = os.path.join(rig.dir, "ca")
    chain, authority = os.path.join(base, "chain.pem"), os.path.join(base, "ca")

    def present(*words, lists=()):
        rig.call("on-clinic", "ehrctl", "identity", "import", *words, *[w for name in lists for w in ("--crl", os.path.abspath(name))])

    rig.call("test-ca", authority, "crl", "--this-update", "-30d", "--next-update", "-20d", "-o", "stale.pem")
    try:
        present(lists=["stale.pem"])
        trust.refused(rig, "CrlStale", in_tap=False)
        rig.untap()
        rig.call("test-ca", authority, "revoke", chain)
        rig.call("test-ca", authority, "crl", "-o", "revoked.pem")
        present(lists=["revoked.pem"])
        trust.refused(rig, "CertRevoked", in_tap=False)
        rig.untap()
    finally:
        rig.call("test-ca", authority, "issue", os.path.join(base, "clinic.csr"), "-o", chain)
        rig.call("test-ca", authority, "crl", "-o", "good.pem")
        present(chain, lists=["good.pem"])
    receive, send, files = link.running(rig)
    link.survives(rig, receive, send, files)


# --- a terminal that sends the patient's device elsewhere

def sent_elsewhere(rig, address, channel):
    """A real tap with a real certificate, and nothing ehrlink at the address and channel that it tells."""
    rogue.certify(rig)
    rig.call("kill-daemon", "clinic", check=False)
    # as ehrlink-bt does while a session waits: bluetoothd leaves an adapter that knows nobody deaf to pages
    rig.call("on-host", "clinic", "timeout", "30", "btmgmt", "--index", "0", "connectable", "on")
    send = rig.send(rig.write("a.json", 1000))
    send.state("ready")
    rig.call("simctl", os.path.join(rig.dir, "nfc"), "tap", "0", "1")
    program = os.path.realpath(shutil.which("rogue-terminal"))
    terminal = Program("clinic", program, "pn532_uart:/dev/ttyS1:115200", "elsewhere", "rogue.key", "rogue.pem", "rogue-crls.pem", address,
                       channel)
    terminal.ends(0)
    return send


@case("--set", "patient:session.connect-timeout=30")
def wrong_channel(rig):
    """The tap tells a channel on which nobody listens: 75 with that reason."""
    sent_elsewhere(rig, TERMINAL.replace(":", ""), "9").ends(75, "ChannelClosed")


@case("--set", "patient:session.connect-timeout=30")
def wrong_address(rig):
    """The tap tells an address at which nobody is: 75 with that reason."""
    sent_elsewhere(rig, NOBODY, CHANNEL).ends(75, "PeerUnreachable")
