#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""ehrlink-nfc by itself: socket activation, wrong options, and messages that no daemon of ours would send."""
import os
import pathlib
import socket
import struct
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent))
from tap import run_all  # noqa: E402

HELPER = os.environ["EHRLINK_NFC"]
ARM, APDU, PROBE, READER, HELLO, STATE, REFUSED = 1, 5, 4, 6, 16, 17, 23


def message(kind, role=0, data=b""):
    return struct.pack(">BBHII", kind, role, 0, 1, 1) + data


def run(*args):
    return subprocess.run([HELPER, *args], capture_output=True, timeout=20)


def test_wrong_options():
    for args in ([], ["--reader"], ["--reader", ""], ["--bogus"], ["--fd", "x", "--reader", "auto"], ["--reader", "auto"],
                 ["--reader", "auto", "--fd", "77"], ["--reader", "auto", "more"], ["--fd", "9999999999", "--reader", "auto"]):
        done = run(*args)
        assert done.returncode == 64 and done.stderr, (args, done)
    assert run("--help").returncode == 0


def plain(kind, data=b""):
    return struct.pack(">BBHII", kind, 0, 0, 0, 0) + data


def activated(path, listener, *args):
    """What a service manager does: the socket as fd 3, LISTEN_PID our child's own"""
    listener.bind(path)
    listener.listen(4)
    shell = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&%d' % listener.fileno()
    return subprocess.Popen(["sh", "-c", shell, "sh", HELPER, *args], pass_fds=[listener.fileno()])


def asked(path, *datagrams):
    """All that the helper answers to these, up to its state or its hanging up."""
    answers = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as daemon:
        daemon.settimeout(20)
        daemon.connect(path)
        assert daemon.recv(1000)[0] == HELLO
        for datagram in datagrams:
            daemon.send(datagram)
        while True:
            answer = daemon.recv(1000)
            if not answer:
                return answers
            answers.append(answer)
            if answer[0] == STATE and len(answers) == sum(d[0] == PROBE for d in datagrams):
                return answers


def test_the_daemon_names_the_reader():
    with tempfile.TemporaryDirectory(prefix="ehr-nfc-") as directory:
        path = os.path.join(directory, "nfc")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            helper = activated(path, listener)
            for name in ("first", "second"):
                port = f"{directory}/{name}".encode()
                (state,) = asked(path, plain(READER, b"pn532_uart:" + port + b":115200"), plain(PROBE))
                assert port in state, state
            # a worker that runs keeps the one that it has; what is no reader ends the conversation
            assert len(asked(path, plain(READER, b"pn532_uart:/nowhere:115200"), plain(PROBE), plain(READER, b"auto"))) <= 1
            assert asked(path, plain(READER)) == []
            helper.terminate()
            assert helper.wait(20) == 0


def test_the_command_line_names_it_first():
    with tempfile.TemporaryDirectory(prefix="ehr-nfc-") as directory:
        path = os.path.join(directory, "nfc")
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
            helper = activated(path, listener, "--reader", f"pn532_uart:{directory}/mine:115200")
            (state,) = asked(path, plain(READER, b"pn532_uart:/theirs:115200"), plain(PROBE))
            assert b"/mine" in state, state
            helper.terminate()
            assert helper.wait(20) == 0


def test_socket_activation():
    path = os.path.join(tempfile.mkdtemp(prefix="ehr-nfc-"), "nfc")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(path)
        listener.listen(4)
        # what a service manager does: the socket as fd 3, LISTEN_PID our child's own
        shell = 'LISTEN_PID=$$ LISTEN_FDS=1 exec "$@" 3<&%d' % listener.fileno()
        helper = subprocess.Popen(["sh", "-c", shell, "sh", HELPER, "--reader", "auto"], pass_fds=[listener.fileno()])
        for _ in range(3):  # one daemon after another
            with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as daemon:
                daemon.settimeout(20)
                daemon.connect(path)
                assert daemon.recv(1000)[0] == HELLO
                daemon.send(message(PROBE)[:4] + bytes(8))
                assert daemon.recv(1000)[0] == STATE
        helper.terminate()
        assert helper.wait(20) == 0
    os.unlink(path)
    os.rmdir(os.path.dirname(path))


def talk(*datagrams):
    """What the helper answers, until it hangs up or is asked to probe."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.settimeout(20)
    helper = subprocess.Popen([HELPER, "--fd", str(theirs.fileno()), "--reader", "nonsense"], pass_fds=[theirs.fileno()])
    theirs.close()
    answers = []
    assert ours.recv(1000)[0] == HELLO
    for datagram in datagrams:
        ours.send(datagram)
    while True:
        try:
            answer = ours.recv(1000)
        except ConnectionResetError:
            break
        if not answer:
            break
        answers.append(answer[0])
        if answer[0] == STATE:
            break
    ours.close()
    assert helper.wait(20) == 0
    return answers


def test_too_long_an_apdu_is_refused_by_name():
    assert talk(message(APDU, data=bytes(263)), message(PROBE)[:4] + bytes(8)) == [REFUSED, STATE]
    assert talk(message(APDU, data=bytes(5000)), message(PROBE)[:4] + bytes(8)) == [REFUSED, STATE]


def test_nonsense_ends_the_conversation():
    for bad in (b"x", b"\0" * 12, message(ARM, role=9), message(STATE), b"\xff" * 300):
        assert talk(bad) == [], bad


if __name__ == "__main__":
    sys.exit(run_all(globals()))
