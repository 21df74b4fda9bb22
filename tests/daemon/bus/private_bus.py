# SPDX-License-Identifier: Apache-2.0
"""A dbus-daemon of one's own for Python tests: tests/rig/bus.conf.in, our shipped policy, and one activatable service."""
import os
import pwd
import shlex
import shutil
import subprocess
import tempfile

from gi.repository import Gio, GLib

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "..")
NAME = "org.ehrlink1"
MANAGER = "org.ehrlink1.Manager"
PATH = "/org/ehrlink1"


def fill(path, **values):
    text = open(os.path.join(ROOT, path), encoding="utf-8").read()
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


class PrivateBus:
    """`with PrivateBus([program, argument…]) as bus:`; the program is what the bus starts for org.ehrlink1."""

    def __init__(self, argv):
        self.argv = argv

    def __enter__(self):
        self.directory = tempfile.mkdtemp(prefix="ehd-bus-")
        user = pwd.getpwuid(os.geteuid()).pw_name
        services = self.path("services")
        os.mkdir(services)
        self.write("policy.conf", fill("systemd/org.ehrlink1.conf.in", user=user))
        self.write("bus.conf", fill("tests/rig/bus.conf.in", user=user, socket=self.path("bus"), services=services,
                                    policy=self.path("policy.conf")))
        self.write("services/org.ehrlink1.service", f"[D-BUS Service]\nName={NAME}\nExec={shlex.join(self.argv)}\n")
        self.process = subprocess.Popen(["dbus-daemon", f"--config-file={self.path('bus.conf')}", "--nofork", "--nopidfile",
                                         "--print-address=1"], stdout=subprocess.PIPE, text=True,
                                        env=dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={self.path('bus')}"))
        self.address = self.process.stdout.readline().strip()
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()
        self.process.stdout.close()
        shutil.rmtree(self.directory)

    def path(self, name):
        return os.path.join(self.directory, name)

    def write(self, name, text):
        with open(self.path(name), "w", encoding="utf-8") as f:
            f.write(text)

    def env(self):
        return dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=self.address)

    def connect(self):
        return Gio.DBusConnection.new_for_address_sync(
            self.address, Gio.DBusConnectionFlags.AUTHENTICATION_CLIENT | Gio.DBusConnectionFlags.MESSAGE_BUS_CONNECTION, None, None)


def ask_bus(connection, method, signature="()", *arguments):
    reply = connection.call_sync("org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus", method,
                                 GLib.Variant(signature, arguments), None, 0, -1, None)
    return reply.unpack()[0] if reply.n_children() else None


def call(connection, method, signature="(a{sv})", arguments=({},), path=PATH, interface=MANAGER):
    return connection.call_sync(NAME, path, interface, method, GLib.Variant(signature, arguments), None, 0, 60000, None).unpack()


def daemon_pid(connection):
    """The process that owns the name, or None."""
    try:
        return ask_bus(connection, "GetConnectionUnixProcessID", "(s)", NAME)
    except GLib.Error:
        return None
