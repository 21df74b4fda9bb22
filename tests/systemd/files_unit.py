#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""What we install for the machine, judged by the tools that will read it: argv[1] is the build's systemd room, argv[2] the daemon."""
import configparser
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

from tap import Skip, run_all

BUILT, DAEMON = sys.argv[1:3]
TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..")
POLKIT_DTD = "/usr/share/polkit-1/policyconfig-1.dtd"


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def need(program):
    if shutil.which(program) is None:
        raise Skip(f"no {program} is installed")


def source(*names):
    return os.path.join(TOP, *names)


def in_code():
    """action ids as the gate asks for them"""
    return set(re.findall(r'"(org\.ehrlink1\.[a-z-]+)"', read(source("daemon", "core", "grant.c"))))


def test_no_placeholder_is_left():
    for name in os.listdir(BUILT):
        path = os.path.join(BUILT, name)
        if os.path.isfile(path):
            left = re.findall(r"@[a-z_]+@", read(path))
            assert not left, (name, left)


def test_polkit_actions():
    root = ElementTree.parse(os.path.join(BUILT, "org.ehrlink1.policy")).getroot()
    user = settings("ehrlinkd.service")["User"][0]
    actions = {a.get("id") for a in root.iter("action")}
    assert actions == in_code() == {"org.ehrlink1.send", "org.ehrlink1.receive", "org.ehrlink1.manage-identity",
                                    "org.ehrlink1.manage-trust"}, (actions, in_code())
    for action in root.iter("action"):
        # polkit answers nobody but root and an action's owner about somebody else's process
        owner = [a.text for a in action.iter("annotate") if a.get("key") == "org.freedesktop.policykit.owner"]
        assert owner == [f"unix-user:{user}"], (action.get("id"), owner)
        for level in ("allow_any", "allow_inactive", "allow_active"):
            value = action.find(f"defaults/{level}").text
            assert value in ("no", "yes", "auth_self", "auth_admin", "auth_self_keep", "auth_admin_keep"), value
            # whom nobody sees at the machine never passes without a password; nor does anyone who would change trust
            assert value != "yes" or (level == "allow_active" and "manage" not in action.get("id")), action.get("id")


def test_polkit_dtd():
    need("xmllint")
    if not os.path.exists(POLKIT_DTD):
        raise Skip("polkit's DTD is not installed")
    subprocess.run(["xmllint", "--noout", "--nonet", "--dtdvalid", POLKIT_DTD, os.path.join(BUILT, "org.ehrlink1.policy")], check=True,
                   capture_output=True)


def test_interfaces():
    """Every interface, method, argument, property and signal is described, in the form that the generators read."""
    for path in glob.glob(source("proto", "dbus", "*.xml")):
        text = read(path)
        for interface in ElementTree.fromstring(text).iter("interface"):
            assert interface.get("name") == os.path.basename(path)[:-4]
            for member in interface:
                if member.tag in ("method", "signal", "property"):
                    name = member.get("name")
                    comment = re.search(rf"\b{name}:(?:(?!-->).)*-->\s*<{member.tag} name=\"{name}\"", text, re.S)
                    assert comment, (path, name)
                    for argument in member.iter("arg"):
                        assert f"@{argument.get('name')}:" in comment.group(0) or f"@{argument.get('name')}" in comment.group(0), (
                            path, name, argument.get("name"))
                if member.tag == "method":
                    kinds = [(a.get("type"), a.get("direction")) for a in member.iter("arg")]
                    inward = [k for k, d in kinds if d == "in"]
                    assert inward[-1] == "a{sv}" or interface.get("name").endswith("Agent"), (path, member.get("name"))


def test_errors_are_known():
    known = set(re.findall(r"^X\([A-Z_]+, (\w+),", read(source("proto", "errors.def")), re.M))
    for path in glob.glob(source("proto", "dbus", "*.xml")):
        for names in re.findall(r"Errors: ((?:\w+(?: \([^)]*\))?(?:,\s+)?)+)\.", read(path)):
            for name in re.sub(r"\([^)]*\)", "", names).split(","):
                assert name.strip() in known, (path, name)


def test_bus_policy():
    """dbus-daemon reads it, and it lets nobody else own the name or call an Agent."""
    root = ElementTree.parse(os.path.join(BUILT, "org.ehrlink1.conf")).getroot()
    for policy in root.iter("policy"):
        for rule in policy:
            if policy.get("context") == "default":
                assert rule.tag == "allow" and rule.get("send_destination") == "org.ehrlink1" and rule.get("send_interface"), rule.attrib
                assert rule.get("send_interface") != "org.ehrlink1.Agent"
            else:
                assert policy.get("user") and (set(rule.attrib) <= {"own", "send_type", "send_interface"} or
                                               rule.attrib == {"send_destination": "org.bluez"}), rule.attrib
    need("dbus-daemon")
    with tempfile.TemporaryDirectory() as directory:
        conf = os.path.join(directory, "bus.conf")
        with open(conf, "w", encoding="utf-8") as f:
            f.write(f"<busconfig><type>session</type><listen>unix:path={directory}/bus</listen>"
                    f"<include>{os.path.abspath(os.path.join(BUILT, 'org.ehrlink1.conf'))}</include></busconfig>")
        daemon = subprocess.Popen(["dbus-daemon", f"--config-file={conf}", "--nofork", "--print-address=1"], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        address = daemon.stdout.readline()
        daemon.terminate()
        _, said = daemon.communicate(timeout=20)
        assert address.startswith("unix:"), said


def test_activation():
    parser = configparser.ConfigParser(interpolation=None, strict=True)
    parser.optionxform = str
    parser.read(os.path.join(BUILT, "org.ehrlink1.service"), encoding="utf-8")
    service = dict(parser["D-BUS Service"])
    assert service["Name"] == "org.ehrlink1" and service["SystemdService"] == "ehrlinkd.service"
    unit = read(os.path.join(BUILT, "ehrlinkd.service"))
    assert f"ExecStart={service['Exec']}\n" in unit and f"User={service['User']}\n" in unit


# What systemd-analyze (252) may say at most, times ten. ehrlinkd's is DESIGN.md's bar; the helpers have what they are there for
# on top of it; the kiosk's runs what its owner tells it to.
BARS = {"ehrlinkd.service": 5, "ehrlink-nfc.service": 5, "ehrlink-bt.service": 14, "ehrlink-kiosk@.service": 30}
SOCKETS = ("ehrlink-nfc.socket", "ehrlink-bt.socket")
TIMERS = ("ehrlinkd.timer",)


def settings(name):
    """key -> values in the order they come, of a unit"""
    found = {}
    for line in read(os.path.join(BUILT, name)).splitlines():
        if "=" in line and not line.startswith(("#", "[")):
            key, value = line.split("=", 1)
            found.setdefault(key, []).append(value)
    return found


def test_every_unit_is_looked_at():
    assert {n for n in os.listdir(BUILT) if n.endswith((".service", ".socket", ".timer"))} == {*BARS, *SOCKETS, *TIMERS,
                                                                                                     "org.ehrlink1.service"}


def test_units():
    """No unknown directive, no bad value. The programs are not installed where the units say, nor are the users there."""
    need("systemd-analyze")
    with tempfile.TemporaryDirectory() as directory:
        units = []
        for name in (*BARS, *SOCKETS, *TIMERS):
            text = re.sub(r"^(Exec\w+)=\S+", r"\1=/bin/true", read(os.path.join(BUILT, name)), flags=re.M)
            text = re.sub(r"^Documentation=.*\n", "", text, flags=re.M)
            text = re.sub(r"^((?:Socket)?(?:User|Group))=.*", r"\1=root", text, flags=re.M)
            units.append(os.path.join(directory, name.replace("@", "@someone")))
            with open(units[-1], "w", encoding="utf-8") as f:
                f.write(text)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", *units], capture_output=True, text=True,
                              check=False)
        said = [line for line in done.stderr.splitlines() if "ehrlink" in line]
        assert done.returncode == 0 and not said, (done.returncode, done.stderr)


def test_exposure():
    need("systemd-analyze")
    for name, bar in BARS.items():
        done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", f"--threshold={bar}",
                               os.path.abspath(os.path.join(BUILT, name))], capture_output=True, text=True, check=False)
        print("#", *[line for line in done.stdout.splitlines() if "Overall exposure" in line], f"(bar {bar / 10})")
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr


def test_descriptors_suffice():
    """As many sessions as may be configured, each with its connection and all the files that it may have open; half is left for the rest."""
    sessions = int(re.search(r'"max-sessions",[^}]*, (\d+), "', read(source("daemon", "config.c"))).group(1))
    files = int(re.search(r"define EHD_SOURCE_OPEN_MAX +(\d+)", read(source("daemon", "core", "source.h"))).group(1))
    limit = int(settings("ehrlinkd.service")["LimitNOFILE"][0])
    assert limit >= 2 * sessions * (files + 1), (limit, sessions, files)


def test_sandboxes_differ():
    """Each process has what it is there for and nothing of the others': DESIGN section 3."""
    daemon, nfc, bt = settings("ehrlinkd.service"), settings("ehrlink-nfc.service"), settings("ehrlink-bt.service")
    assert len({unit["User"][0] for unit in (daemon, nfc, bt)}) == 3
    assert all("root" not in unit["User"] for unit in (daemon, nfc, bt))
    assert daemon["CapabilityBoundingSet"] == nfc["CapabilityBoundingSet"] == [""] and bt["CapabilityBoundingSet"] == ["CAP_NET_ADMIN"]
    assert daemon["RestrictAddressFamilies"] == nfc["RestrictAddressFamilies"] == ["AF_UNIX"]
    assert bt["RestrictAddressFamilies"] == ["AF_UNIX AF_BLUETOOTH"]
    assert "DeviceAllow" in nfc and "DeviceAllow" not in daemon and "DeviceAllow" not in bt
    assert "StateDirectory" in daemon and "StateDirectory" not in nfc and "StateDirectory" not in bt
    assert "PrivateNetwork" in daemon and "PrivateNetwork" in nfc and "PrivateNetwork" not in bt and "PrivateUsers" not in bt


def test_helper_sockets():
    """By mode alone: root's, and for the daemon's group."""
    user = settings("ehrlinkd.service")["User"]
    for name in SOCKETS:
        socket = settings(name)
        assert socket["SocketUser"] == ["root"] and socket["SocketGroup"] == user and socket["SocketMode"] == ["0660"], socket
        assert socket["ListenSequentialPacket"][0].startswith("/run/ehrlink/"), socket
        assert name in settings("ehrlinkd.service")["Wants"][0]


def test_catalog():
    """Each message id of the daemon is explained, in both languages, and journalctl can read it."""
    ids = set(re.findall(r'define EHD_LOG_ID_\w+\s+"([0-9a-f]{32})"', read(source("daemon", "log.h"))))
    assert len(ids) > 10
    code = "".join(read(os.path.join(at, n)) for at, _, names in os.walk(source("daemon")) for n in names if n.endswith(".c"))
    assert set(re.findall(r"define (EHD_LOG_ID_\w+)", read(source("daemon", "log.h")))) <= set(re.findall(r"EHD_LOG_ID_\w+", code))
    for name in ("ehrlink.catalog", "ehrlink.de.catalog"):
        text = read(source("systemd", name))
        assert set(re.findall(r"^-- ([0-9a-f]{32})$", text, re.M)) == ids, name
        assert all(len(line) <= 100 for line in text.splitlines() if line[:1] != "#")
    need("journalctl")
    with tempfile.TemporaryDirectory() as root:
        for room in ("usr/lib/systemd/catalog", "var/lib/systemd/catalog"):
            os.makedirs(os.path.join(root, room))
        for name in ("ehrlink.catalog", "ehrlink.de.catalog"):
            shutil.copy(source("systemd", name), os.path.join(root, "usr/lib/systemd/catalog"))
        made = subprocess.run(["journalctl", "--update-catalog", f"--root={root}"], capture_output=True, text=True, check=True)
        assert not made.stderr, made.stderr
        listed = subprocess.run(["journalctl", "--list-catalog", f"--root={root}"], capture_output=True, text=True, check=True).stdout
        assert {line.split()[0] for line in listed.splitlines()} == ids, listed


def test_kiosk_rules():
    """The one thing that a kiosk may; nothing about sending, identity or trust."""
    rules = read(source("systemd", "50-ehrlink-kiosk.rules"))
    assert set(re.findall(r"org\.ehrlink1\.[a-z-]+", rules)) == {"org.ehrlink1.receive"} <= in_code()
    groups = re.findall(r"^g\s+(\S+)", read(os.path.join(BUILT, "ehrlink.sysusers")), re.M)
    assert set(re.findall(r'isInGroup\("([^"]+)"\)', rules)) <= set(groups)


def test_udev_rules():
    """Every reader that the helper knows, given to its group, and nothing world-accessible."""
    text = read(source("systemd", "94-ehrlink-nfc.rules"))
    known = set(re.findall(r'"([0-9a-f]{4}:[0-9a-f]{4})"', read(source("daemon", "nfc", "busy.c"))))
    lines = [line for line in text.splitlines() if line.startswith("ATTR{idVendor}")]
    ruled = {":".join(re.findall(r'=="([0-9a-f]{4})"', line)) for line in lines}
    assert known and ruled == known, ruled ^ known
    users = read(os.path.join(BUILT, "ehrlink.sysusers"))
    group = settings("ehrlink-nfc.service")["User"][0]
    assert re.search(rf"^u\s+{group}\s", users, re.M)
    assert all(f'GROUP="{group}", MODE="0660"' in line for line in lines), lines
    labels, gotos = set(re.findall(r'LABEL="(\w+)"', text)), set(re.findall(r'GOTO="(\w+)"', text))
    assert labels == gotos and len(labels) == 1
    word = r'[A-Z]+(\{[A-Za-z_]+\})?(==|!=|\+=|:=|=)"[^"]*"'
    for line in text.splitlines():
        assert not line or line[0] == "#" or re.fullmatch(rf"{word}(, {word})*", line), line
    if shutil.which("udevadm") is None:
        print("# no udevadm is installed: rules read by this test alone")
    elif "verify" in subprocess.run(["udevadm", "--help"], capture_output=True, text=True, check=False).stdout:
        subprocess.run(["udevadm", "verify", "--resolve-names=never", source("systemd", "94-ehrlink-nfc.rules")], check=True)


def test_sysusers():
    need("systemd-sysusers")
    done = subprocess.run(["systemd-sysusers", "--dry-run", os.path.abspath(os.path.join(BUILT, "ehrlink.sysusers"))], capture_output=True,
                          text=True, check=False)
    assert done.returncode == 0 and "ignoring" not in done.stderr, done.stderr


def test_tmpfiles():
    """Only directories, each with mode and owner; the state is nobody else's."""
    lines = [line.split() for line in read(os.path.join(BUILT, "ehrlink.tmpfiles")).splitlines() if line and line[0] != "#"]
    assert lines and all(len(line) == 6 and line[0] == "d" for line in lines), lines
    assert lines[0][2] == "0700"


def test_example_configuration():
    """The daemon takes the installed file as it is, and with every default spelled out."""
    text = read(source("systemd", "ehrlinkd.conf"))
    with tempfile.TemporaryDirectory() as directory:
        # what the directories name need not be there for a file to be read
        spelled = re.sub(r"^#([a-z-]+=)", r"\1", text, flags=re.M)
        spelled = re.sub(r"^directory=/run/.*", f"directory={directory}", spelled, flags=re.M)
        spelled = re.sub(r"^state-directory=.*", f"state-directory={directory}/state", spelled, flags=re.M)
        for name, content in (("as-is", text), ("spelled", spelled), ("wrong", spelled + "\nnonsense=1\n")):
            path = os.path.join(directory, name)
            with open(path, "w", encoding="utf-8") as f:
                f.write(content)
            os.chmod(path, 0o600)
            env = dict(os.environ, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={directory}/nobody")
            done = subprocess.run([DAEMON, "--config", path], env=env, capture_output=True, text=True, check=False)
            # the configuration is read before the bus is looked for
            refused = "configuration" in done.stderr
            assert done.returncode == 69 and refused == (name == "wrong"), (name, done.stderr)


if __name__ == "__main__":
    sys.exit(run_all(globals()))
