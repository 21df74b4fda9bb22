#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""receive.py DIRECTORY: arms the reader, stores in DIRECTORY what a patient sends, files it, and says where it is."""
import signal
import sys
import gi
gi.require_version("Ehrlink", "1.0")
from gi.repository import Ehrlink, Gio, GLib

signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C ends the program, and with it the session
try:
    print(*[item.get_path() for item in Ehrlink.receive_to(Gio.File.new_for_path(sys.argv[1]))], sep="\n")
except GLib.Error as error:
    sys.exit(error.message)
