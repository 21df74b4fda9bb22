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
    root = ElementTree.parse(source("systemd", "org.ehrlink1.policy")).getroot()
    actions = {a.get("id") for a in root.iter("action")}
    assert actions == in_code() == {"org.ehrlink1.send", "org.ehrlink1.receive", "org.ehrlink1.manage-identity",
                                    "org.ehrlink1.manage-trust"}, (actions, in_code())
    for action in root.iter("action"):
        for level in ("allow_any", "allow_inactive", "allow_active"):
            value = action.find(f"defaults/{level}").text
            assert value in ("no", "yes", "auth_self", "auth_admin", "auth_self_keep", "auth_admin_keep"), value
            # whom nobody sees at the machine never passes without a password; nor does anyone who would change trust
            assert value != "yes" or (level == "allow_active" and "manage" not in action.get("id")), action.get("id")


def test_polkit_dtd():
    need("xmllint")
    if not os.path.exists(POLKIT_DTD):
        raise Skip("polkit's DTD is not installed")
    subprocess.run(["xmllint", "--noout", "--nonet", "--dtdvalid", POLKIT_DTD, source("systemd", "org.ehrlink1.policy")], check=True,
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
                assert policy.get("user") and set(rule.attrib) <= {"own", "send_type", "send_interface"}, rule.attrib
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


def test_unit():
    need("systemd-analyze")
    with tempfile.TemporaryDirectory() as directory:
        # the program is not installed where the unit says: only that line is another
        unit = os.path.join(directory, "ehrlinkd.service")
        text = re.sub(r"^ExecStart=\S+", 'ExecStart="' + os.path.abspath(DAEMON) + '"', read(os.path.join(BUILT, "ehrlinkd.service")), flags=re.M)
        text = re.sub(r"^Documentation=.*\n", "", text, flags=re.M)
        text = re.sub(r"^User=.*", "User=root", text, flags=re.M)
        with open(unit, "w", encoding="utf-8") as f:
            f.write(text)
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", "--recursive-errors=no", unit], capture_output=True, text=True,
                              check=False)
        said = [line for line in done.stderr.splitlines() if "ehrlinkd" in line]
        assert done.returncode == 0 and not said, (done.returncode, done.stderr)


def test_exposure():
    """Far below what comparable services have; the sandbox proper has an issue of its own."""
    need("systemd-analyze")
    done = subprocess.run(["systemd-analyze", "security", "--offline=yes", "--no-pager", "--threshold=25",
                           os.path.abspath(os.path.join(BUILT, "ehrlinkd.service"))], capture_output=True, text=True, check=False)
    overall = [line for line in done.stdout.splitlines() if "Overall exposure" in line]
    print("#", *overall)
    assert done.returncode == 0, done.stdout[-400:] + done.stderr


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
