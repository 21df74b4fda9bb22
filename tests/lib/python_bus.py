#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""The library as Python sees it, and the example, against the fake service on a private bus."""
import io
import os
import signal
import subprocess
import sys
import tempfile
import threading
import tokenize
from pathlib import Path

import gi

gi.require_version("Ehrlink", "1.0")
from gi.repository import Ehrlink, Gio, GLib  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests"))
import tap  # noqa: E402

EXAMPLE = ROOT / "lib/examples/receive.py"
LOOP = GLib.MainLoop()


class Bus:
    """A private bus with the fake service activatable on it."""

    def __init__(self):
        self.dir = tempfile.TemporaryDirectory(prefix="ehrlink-python-")
        state = Path(self.dir.name) / "fake"
        state.mkdir()
        os.environ["EHRLINK_FAKE_DIR"] = str(state)
        self.bus = Gio.TestDBus.new(Gio.TestDBusFlags.NONE)
        self.bus.add_service_dir(os.environ["EHRLINK_TEST_SERVICES"])
        self.bus.up()
        os.environ["DBUS_SYSTEM_BUS_ADDRESS"] = self.bus.get_bus_address()
        self.control = Gio.DBusConnection.new_for_address_sync(
            self.bus.get_bus_address(),
            Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT
            | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)

    def call(self, method, signature, *arguments):
        """Runs a method of org.ehrlink1.Fake, with the main loop running: it may ask us in turn."""
        result = wait(self.control.call, "org.ehrlink1", "/org/ehrlink1", "org.ehrlink1.Fake",
                      method, GLib.Variant(f"({signature})", arguments) if signature else None,
                      None, Gio.DBusCallFlags.NONE, -1)
        return self.control.call_finish(result).unpack()

    def down(self):
        self.control.close_sync(None)
        self.bus.stop()
        self.dir.cleanup()


def wait(begin, *arguments):
    """The result of an asynchronous call."""
    results = []

    def on_done(source, result):
        results.append(result)
        LOOP.quit()

    begin(*arguments, None, on_done)
    while not results:
        LOOP.run()
    return results[0]


def new_client():
    BUS.call("Reset", "")
    return Ehrlink.Client.new_finish(wait(Ehrlink.Client.new_async))


def error_of(finish, result):
    try:
        finish(result)
    except GLib.Error as error:
        return error
    raise AssertionError("no error")


def test_errors_match():
    client = new_client()
    BUS.call("FailOn", "ss", "Manager.Receive", "NoReader")
    error = error_of(client.receive_finish, wait(client.receive_async, None))
    assert error.matches(Ehrlink.error_quark(), Ehrlink.Error.NO_READER)
    assert Ehrlink.Error.get_exit_code(error.code) == 69
    assert error.message == "the fake says so", error.message


def test_no_input():
    client = new_client()
    item = Ehrlink.Item.new_for_path("/nonexistent/record.json")
    error = error_of(client.send_finish, wait(client.send_async, [item], None))
    assert error.matches(Ehrlink.error_quark(), Ehrlink.Error.NO_INPUT)
    assert "record.json" in error.message


def test_send():
    client = new_client()
    record = Path(BUS.dir.name) / "record.json"
    record.write_text("{}")
    items = [Ehrlink.Item.new_for_path(str(record)), Ehrlink.Item.new_for_path(str(record))]
    session = client.send_finish(wait(client.send_async, items, None))
    options = GLib.Variant("a{sv}", {"acting-as": GLib.Variant("s", "parent")})
    session.connect("consent-requested", lambda s: s.answer_consent(True, [1], options))
    answer, = BUS.call("Ask", "oa{sv}", session.get_path(), {})
    assert '"items": [1]' in answer and '"acting-as": "parent"' in answer, answer
    assert session.get_state() == Ehrlink.SessionState.DECIDING
    assert session.get_role() == Ehrlink.Role.PATIENT
    session.cancel_finish(wait(session.cancel_async))


def test_names():
    assert Ehrlink.safe_name("../a.json", 2) == "a (2).json"
    assert Ehrlink.safe_text("two\nlines", 0) == "two lines"


class Receiving(threading.Thread):
    """Ehrlink.receive_to() in a thread of its own."""

    def __init__(self, directory, options=None):
        super().__init__()
        self.directory, self.options = Gio.File.new_for_path(str(directory)), options
        self.cancellable, self.items, self.error = Gio.Cancellable(), None, None
        self.start()

    def run(self):
        try:
            self.items = Ehrlink.receive_to(self.directory, self.options, self.cancellable)
        except GLib.Error as error:
            self.error = error
        GLib.idle_add(LOOP.quit)

    def end(self):
        while self.is_alive():
            LOOP.run()
            self.join()


def test_receive_to():
    BUS.call("Reset", "")
    with tempfile.TemporaryDirectory() as inbox:
        receiving = Receiving(inbox, GLib.Variant("a{sv}", {"purpose": GLib.Variant("s", "TREAT")}))
        session, = BUS.call("Opened", "")
        BUS.call("Arrive", "oa(say)", session, [("a.json", b"{}")])
        receiving.end()
        assert [item.get_path() for item in receiving.items] == [f"{inbox}/a.json"], receiving.error
        assert (Path(inbox) / "a.json").read_bytes() == b"{}"
    seen, = BUS.call("Seen", "")
    assert '["File", ' in seen and '["agent", "purpose"]' in seen, seen


def test_receive_to_declined():
    BUS.call("Reset", "")
    receiving = Receiving(BUS.dir.name)
    session, = BUS.call("Opened", "")
    BUS.call("State", "osa{sv}", session, "failed", {"error": GLib.Variant("s", "Declined")})
    receiving.end()
    assert receiving.error.matches(Ehrlink.error_quark(), Ehrlink.Error.DECLINED), receiving.error


def test_receive_to_cancelled():
    BUS.call("Reset", "")
    receiving = Receiving(BUS.dir.name)
    BUS.call("Opened", "")
    receiving.cancellable.cancel()
    receiving.end()
    assert receiving.error.matches(Gio.io_error_quark(), Gio.IOErrorEnum.CANCELLED), receiving.error
    seen, = BUS.call("Seen", "")
    assert '["Cancel", ' in seen, seen


def run_example(directory):
    return subprocess.Popen([sys.executable, str(EXAMPLE), directory], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def test_example():
    BUS.call("Reset", "")
    with tempfile.TemporaryDirectory() as inbox, run_example(inbox) as example:
        session, = BUS.call("Opened", "")
        BUS.call("Arrive", "oa(say)", session, [("../summary.json", b"{}"), ("scan.pdf", b"%PDF")])
        out, err = example.communicate(timeout=60)
        assert (example.returncode, err) == (0, ""), (example.returncode, err)
        assert sorted(out.split()) == [f"{inbox}/scan.pdf", f"{inbox}/summary.json"], out
        assert (Path(inbox) / "summary.json").read_bytes() == b"{}"
        assert len(list(Path(inbox).iterdir())) == 2


def test_example_fails():
    BUS.call("Reset", "")
    BUS.call("FailOn", "ss", "Manager.Receive", "NoReader")
    with run_example("/nonexistent") as example:
        out, err = example.communicate(timeout=60)
        assert (example.returncode, out) == (1, ""), (example.returncode, out, err)
        assert "the fake says so" in err, err


def test_example_declined():
    BUS.call("Reset", "")
    with tempfile.TemporaryDirectory() as inbox, run_example(inbox) as example:
        session, = BUS.call("Opened", "")
        BUS.call("State", "osa{sv}", session, "failed", {"error": GLib.Variant("s", "Declined")})
        out, err = example.communicate(timeout=60)
        assert (example.returncode, out, err) == (1, "", "declined\n"), (example.returncode, out, err)


def test_example_nowhere():
    BUS.call("Reset", "")
    with run_example("/nonexistent") as example:
        out, err = example.communicate(timeout=60)
        assert (example.returncode, out) == (1, "") and "/nonexistent" in err, (example.returncode, out, err)


def test_example_interrupted():
    """As a shell sees it: 130."""
    BUS.call("Reset", "")
    with tempfile.TemporaryDirectory() as inbox, run_example(inbox) as example:
        BUS.call("Opened", "")
        example.send_signal(signal.SIGINT)
        out, err = example.communicate(timeout=60)
        assert (example.returncode, out, err) == (-signal.SIGINT, "", ""), (example.returncode, out, err)


def test_example_is_short():
    """Ten lines of code at most: comments, blank lines and the line that says what it does are none, nor is a line for two."""
    text = EXAMPLE.read_text()
    nothing = (tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER)
    tokens = [t for t in tokenize.generate_tokens(io.StringIO(text).readline) if t.type not in nothing]
    assert tokens[0].type == tokenize.STRING and ";" not in [t.string for t in tokens]
    lines = {n for t in tokens[1:] for n in range(t.start[0], t.end[0] + 1)}
    assert len(lines) <= 10, sorted(lines)
    assert max(map(len, text.splitlines())) <= 120


BUS = Bus()
status = tap.run_all(globals())
BUS.down()
sys.exit(status)
