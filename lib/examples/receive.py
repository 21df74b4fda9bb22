#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""receive.py DIRECTORY: arms the reader, stores in DIRECTORY what a patient sends, says where, and files it."""
import sys
import gi
gi.require_version("Ehrlink", "1.0")
from gi.repository import Ehrlink, Gio, GLib

loop, problems = GLib.MainLoop(), []
sys.excepthook = lambda kind, error, trace: (problems.append(str(error)), loop.quit())  # also of a callback

def received(client, result):
    session = client.receive_finish(result)
    session.connect("items-arrived", lambda *_: session.collect_async(Gio.File.new_for_path(sys.argv[1]), None, collected))
    session.wait_async(None, lambda session, result: session.wait_finish(result) and loop.quit())

def collected(session, result):
    print(*[item.get_path() for item in session.collect_finish(result)], sep="\n")
    session.file_async(None, lambda session, result: session.file_finish(result))

Ehrlink.Client.new_async(None, lambda _, result: Ehrlink.Client.new_finish(result).receive_async(None, None, received))
loop.run()
sys.exit(*problems[:1])
