#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""survivor.py DIRECTORY armed|arrived|collecting: a receiver that kills its service at that moment.

One JSON object per event. Exit 0: after armed, when it was reattached or the session has ended with
DaemonUnavailable; else when the items were collected and filed.
"""
import json
import subprocess
import sys

import gi

gi.require_version("Ehrlink", "1.0")
from gi.repository import Ehrlink, Gio, GLib  # noqa: E402

DIRECTORY, MOMENT = sys.argv[1:]
loop, problems = GLib.MainLoop(), []
sys.excepthook = lambda kind, error, trace: (problems.append(str(error)), loop.quit())


def tell(event):
    print(json.dumps({"event": event}), flush=True)


def kill():
    subprocess.run(["kill-daemon", "clinic"], check=True)


def on_client(_, result):
    Ehrlink.Client.new_finish(result).receive_async(None, None, on_received)


def on_received(client, result):
    session = client.receive_finish(result)
    for name in ("detached", "reattached"):
        session.connect(name, lambda session, name=name: tell(name))
    session.connect("items-arrived", on_arrived)
    session.connect("ended", on_ended)
    tell("opened")
    if MOMENT == "armed":
        session.connect("reattached", lambda session: session.cancel_async(None, on_cancelled))
        kill()


def on_cancelled(session, result):
    session.cancel_finish(result)


def on_ended(session):
    error = session.dup_error()
    expected = MOMENT == "armed" and error and Ehrlink.Error(error.code) in (
        Ehrlink.Error.DAEMON_UNAVAILABLE, Ehrlink.Error.CANCELLED)
    if error and not expected:
        problems.append(str(error))
    loop.quit()


def on_arrived(session, items, size):
    if MOMENT == "arrived":
        kill()
    directory = Gio.File.new_for_path(DIRECTORY)
    session.collect_async(directory, None, on_collected)
    if MOMENT == "collecting":
        monitor = directory.monitor_directory(Gio.FileMonitorFlags.NONE, None)
        monitor.connect("changed", on_first_file)
        session.monitor = monitor


def on_first_file(monitor, file, other, event):
    if event == Gio.FileMonitorEvent.CREATED and not file.get_basename().startswith("."):
        monitor.cancel()
        kill()


def on_collected(session, result):
    tell("collected")
    session.collect_finish(result)
    session.file_async(None, lambda session, result: session.file_finish(result))


Ehrlink.Client.new_async(None, on_client)
loop.run()
sys.exit(*problems[:1])
