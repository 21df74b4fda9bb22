#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""obex_push.py ADDRESS FILE: for each line on standard input pushes FILE to that device by the session bus's obexd (object push, as desktops
do), and prints the seconds of the session's set-up and of the push; or "failed" and why. Runs under dbus-run-session in a machine."""
import sys
import time

import gi

gi.require_version("Gio", "2.0")
from gi.repository import Gio, GLib  # noqa: E402

OBEX, ROOT = "org.bluez.obex", "/org/bluez/obex"
LONG = 600_000


class Push:
    def __init__(self, bus):
        self.bus, self.loop = bus, GLib.MainLoop()
        self.transfer, self.status, self.ended = None, {}, 0.0
        bus.signal_subscribe(OBEX, "org.freedesktop.DBus.Properties", "PropertiesChanged", None, None, Gio.DBusSignalFlags.NONE, self.on_changed)

    def on_changed(self, _bus, _sender, path, _interface, _signal, parameters):
        status = parameters.unpack()[1].get("Status")
        if status in ("complete", "error"):
            self.status[path] = (status, time.monotonic())
            if path == self.transfer:
                self.loop.quit()

    def call(self, path, interface, method, parameters):
        return self.bus.call_sync(OBEX, path, interface, method, parameters, None, Gio.DBusCallFlags.NONE, LONG, None)

    def run(self, address, path):
        began = time.monotonic()
        session = self.call(ROOT, OBEX + ".Client1", "CreateSession",
                            GLib.Variant("(sa{sv})", (address, {"Target": GLib.Variant("s", "opp")}))).unpack()[0]
        connected = time.monotonic()
        self.transfer = self.call(session, OBEX + ".ObjectPush1", "SendFile", GLib.Variant("(s)", (path,))).unpack()[0]
        if self.transfer not in self.status:
            self.loop.run()
        status, ended = self.status.pop(self.transfer)
        self.call(ROOT, OBEX + ".Client1", "RemoveSession", GLib.Variant("(o)", (session,)))
        if status != "complete":
            raise RuntimeError(status)
        return connected - began, ended - connected


def main(address, path):
    push = Push(Gio.bus_get_sync(Gio.BusType.SESSION))
    print("ready", flush=True)
    for _ in sys.stdin:
        try:
            print("pushed %.6f %.6f" % push.run(address, path), flush=True)
        except (GLib.Error, RuntimeError) as e:
            print("failed", e, flush=True)


main(*sys.argv[1:])
