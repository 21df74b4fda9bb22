# SPDX-License-Identifier: Apache-2.0
"""Two hosts that are emulated machines. `two-hosts --link bluetooth` uses this instead of its own hosts; README.md beside this file
says how the parts fit together."""
import fcntl
import json
import os
import re
import select
import shutil
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
TOP = os.path.dirname(os.path.dirname(os.path.dirname(HERE)))
DIRS = {"patient": "p", "clinic": "c"}
CHIPS = {"patient": 0, "clinic": 1}
# adapters of a machine that are not plugged in until asked for: as many peers as a piconet has, on one machine
MORE_ADAPTERS = {"patient": range(2, 8), "clinic": range(2, 3)}
PROGRAMS = ("radio", "rig-guest", "btvirt-shim.so")
# the flags without which an emulated processor is ten times slower: one processor, one whose clock the kernel trusts
EMULATED = ["-accel", "tcg,thread=multi,tb-size=256", "-cpu", "max,vendor=GenuineIntel,family=6,model=94"]
HARDWARE = ["-accel", "kvm", "-cpu", "host"]
KERNEL = ("console=ttyS0 quiet loglevel=4 panic=-1 mitigations=off tsc=reliable clocksource=tsc no_timer_check nokaslr "
          "cryptomgr.notests=1 random.trust_cpu=on")
SKIP = 77
# a loaded machine takes its time; nothing here is a measurement
BOOT_SECONDS = 300
AGENT_UNIT = """[Unit]
Description=the rig's agent
After=dbus.service systemd-tmpfiles-setup.service systemd-udevd.service
[Service]
ExecStartPre=/usr/sbin/rig-machine prepare
ExecStart=/usr/sbin/rig-guest agent
KillMode=process
[Install]
WantedBy=multi-user.target
"""
# of no use to a machine that lives for minutes
MASKED = ("systemd-timesyncd.service", "apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer",
          "fstrim.timer", "e2scrub_reap.service", "getty.target", "serial-getty@ttyS0.service", "systemd-update-utmp.service",
          "serial-getty@ttyS1.service", "systemd-tmpfiles-clean.timer", "systemd-networkd.service", "systemd-resolved.service")


def why_not():
    """Why there can be no such machines on this one, "" if there can: asked, and their root system made, before anything is built."""
    done = subprocess.run([os.path.join(HERE, "make-root")], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                          text=True, check=False)
    return done.stderr.strip() if done.returncode == SKIP else ""


def build_for_installing(given, quiet_run):
    """A build that is for /usr, as a package's is: the given one if it is, else build-guest."""
    if given:
        listed = subprocess.run(["meson", "introspect", "--buildoptions", given], stdout=subprocess.PIPE, text=True, check=False).stdout
        if any(o["name"] == "prefix" and o["value"] == "/usr" for o in json.loads(listed or "[]")):
            return given
    build = os.path.join(TOP, "build-guest")
    os.makedirs(build, exist_ok=True)
    with open(os.path.join(build, ".two-hosts.lock"), "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not os.path.exists(os.path.join(build, "build.ninja")):
            quiet_run(["meson", "setup", build, TOP, "--prefix=/usr", "-Dintrospection=false", "-Dman=false"])
        quiet_run(["ninja", "-C", build])
    return build


def make(base_class, rig_error):
    """The class of keepers whose hosts are machines."""

    class Machines(base_class):
        machines = ("patient", "clinic")

        def environment(self):
            return {**super().environment(), "RIG_LINK": "bluetooth"}

        def rig_program(self, name):
            path = os.path.join(self.build, "tests/rig/bluetooth", name)
            if not os.path.exists(path):
                raise rig_error(f"{name} is not built (looked for {path})")
            return path

        # --- what the machines have on their disks

        def root_system(self):
            done = subprocess.run([os.path.join(HERE, "make-root")], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False,
                                  stderr=subprocess.PIPE)
            if done.returncode != 0:
                raise rig_error(done.stderr.strip(), SKIP if done.returncode == SKIP else 70)
            root = done.stdout.strip()
            # nobody removes it while this is open
            self.root_lock = os.open(root, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self.root_lock, fcntl.LOCK_SH)
            return root

        def layer(self):
            """What is installed over the root system: ehrlink, as a package would be, and the rig's own programs."""
            layer = self.path("layer")
            done = subprocess.run(["meson", "install", "-C", self.build, "--no-rebuild", "--destdir", layer], stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
            if done.returncode != 0:
                raise rig_error("the installation failed:\n" + done.stdout[-2000:])
            for directory in ("usr/sbin", "etc/ehrlink/ehrlinkd.conf.d", "etc/systemd/system/multi-user.target.wants", "etc/udev/rules.d",
                              "etc/systemd/system/ehrlink-nfc.service.d"):
                os.makedirs(os.path.join(layer, directory), exist_ok=True)
            for source, name in ((self.rig_program("rig-guest"), "rig-guest"), (os.path.join(HERE, "rig-machine"), "rig-machine"),
                                 (os.path.join(HERE, "boot"), "rig-boot")):
                shutil.copy(source, os.path.join(layer, "usr/sbin", name))
            if os.environ.get("RIG_VERBOSE"):
                for name in ("usr/share/dbus-1/system-services/org.ehrlink1.service", "usr/lib/systemd/system/ehrlinkd.service"):
                    with open(os.path.join(layer, name), encoding="utf-8") as f:
                        text = f.read()
                    self.write(layer, name, re.sub(r"^(Exec(Start)?=.*)$", r"\1 --verbose", text, flags=re.MULTILINE))
            self.write(layer, "etc/rig-shares", "".join(d + "\n" for d in self.shares))
            self.write(layer, "etc/ehrlink/ehrlinkd.conf.d/10-machine.conf",
                       "[nfc]\nreader=pn532_uart:/dev/ttyS1:115200\n[link]\ntype=bluetooth\n")
            self.write(layer, "etc/udev/rules.d/95-reader.rules", 'KERNEL=="ttyS1", GROUP="ehrlink-nfc", MODE="0660"\n')
            # what an operator does for a board on a serial port, systemd/README.md
            self.write(layer, "etc/systemd/system/ehrlink-nfc.service.d/port.conf", "[Service]\nDeviceAllow=/dev/ttyS1 rw\n")
            self.write(layer, "etc/systemd/system/rig-agent.service", AGENT_UNIT)
            units = os.path.join(layer, "etc/systemd/system")
            os.symlink("../rig-agent.service", os.path.join(units, "multi-user.target.wants/rig-agent.service"))
            for unit in MASKED:
                os.symlink("/dev/null", os.path.join(units, unit))

        @staticmethod
        def write(layer, name, text):
            with open(os.path.join(layer, name), "w", encoding="utf-8") as f:
                f.write(text)

        def shared(self):
            """The directories of this machine that the others have too, none of them inside another."""
            wanted, found = [os.path.realpath(d) for d in (self.base, os.getcwd(), TOP, self.build)], []
            for directory in sorted(wanted, key=len):
                if not any(directory == f or directory.startswith(f + "/") for f in found):
                    found.append(directory)
            if "/" in found or any("\n" in d for d in found):
                raise rig_error("the machines cannot share the root directory: run this from another")
            return found

        # --- the machines

        def accelerator(self):
            """KVM where a machine really boots with it, which a /dev/kvm does not tell; asked once per boot of this machine."""
            if not os.access("/dev/kvm", os.R_OK | os.W_OK):
                return EMULATED
            with open("/proc/sys/kernel/random/boot_id", encoding="ascii") as f:
                boot = f.read().strip()
            known = os.path.join(os.path.dirname(self.root), "kvm")
            try:
                with open(known, encoding="ascii") as f:
                    asked, answer = f.read().split()
            except (OSError, ValueError):
                asked, answer = "", ""
            if asked != boot:
                answer = "yes" if self.boots_with_kvm() else "no"
                with open(known, "w", encoding="ascii") as f:
                    f.write(f"{boot} {answer}\n")
            return HARDWARE if answer == "yes" else EMULATED

        def boots_with_kvm(self):
            command = ["qemu-system-x86_64", *HARDWARE, "-M", "pc", "-m", "256", "-nodefaults", "-display", "none", "-no-reboot", "-serial", "stdio",
                       "-kernel", f"{self.root}/kernel", "-initrd", f"{self.root}/initrd", "-append", KERNEL + " rig.probe"]
            try:
                done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, timeout=20, check=False)
                return b"rig: alive" in done.stdout
            except subprocess.TimeoutExpired:
                return False

        def clock(self, accelerator):
            """How fast the machines' clock counts: told, where the kernel would measure it while it has half a processor at best."""
            if accelerator is HARDWARE:
                return ""
            khz = subprocess.run([self.rig_program("rig-guest"), "tsc"], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()
            return f" tsc_early_khz={khz}" if khz.isdigit() and int(khz) > 0 else ""

        def machine(self, host, accelerator):
            where = DIRS[host]
            init = "/sbin/init" if self.args.systemd else "/usr/sbin/rig-boot"
            command = ["qemu-system-x86_64", "-name", f"ehrlink-{host}", *accelerator, "-M", "pc", "-smp", "1", "-nodefaults", "-no-user-config",
                       "-m", "640" if self.args.systemd else "448", "-display", "none", "-no-reboot", "-device", "virtio-rng-pci",
                       "-chardev", f"file,id=console,path={self.path('log', host)}.console", "-device", "isa-serial,chardev=console,index=0",
                       "-chardev", f"serial,id=nfc,path={self.path('nfc')}/chip{CHIPS[host]}", "-device", "isa-serial,chardev=nfc,index=1",
                       "-device", "virtio-serial-pci"]
            for name, socket in (("command", "port"), ("radio", "radio"), *[(f"radio{n}", f"radio{n}") for n in MORE_ADAPTERS[host]]):
                command += ["-chardev", f"socket,id={name},path={self.path(where, socket)}", "-device",
                            f"virtserialport,chardev={name},name=rig.{name}"]
            shares = [("root", f"{self.root}/root", True), ("layer", self.path("layer"), True)]
            shares += [(f"share{i}", d, False) for i, d in enumerate(self.shares)]
            for tag, directory, read_only in shares:
                command += ["-virtfs", f"local,path={directory.replace(',', ',,')},mount_tag={tag},security_model=none,multidevs=remap"
                            + (",readonly=on" if read_only else "")]
            return command + ["-kernel", f"{self.root}/kernel", "-initrd", f"{self.root}/initrd", "-append",
                              f"{KERNEL}{self.clock(accelerator)} rig.init={init} rig.host={host}"]

        def start_parts(self):
            for option in ("direct", "small", "clock", "slow_disk", "idle"):
                if getattr(self.args, option):
                    raise rig_error(f"skipped: --{option.replace('_', '-')} is not for emulated machines", SKIP)
            for directory in ("bin", "log", "nfc", "link", "bt", *[DIRS[h] for h in self.machines]):
                os.makedirs(self.path(directory), mode=0o711)
            for name, program in self.programs.items():
                os.symlink(program, self.path("bin", name))
            self.root, self.shares = self.root_system(), self.shared()
            self.layer()
            chips = len(self.hosts)
            pipes = {"nfc": (self.start("nfc", [self.programs["pn532-sim"], "--dir", self.path("nfc"), "--chips", str(chips)]
                                        + (["--realistic"] if self.args.realistic else []), True), "ready")}
            self.start_radio(pipes)
            if "patient2" in self.hosts:
                self.start_bystander(pipes)
            self.wait_ready(pipes)
            accelerator = self.accelerator()
            began = time.monotonic()
            switch = self.start("switch", [os.path.join(HERE, "switch"), *[f"{h}={self.path(DIRS[h], 'port')}={self.path(DIRS[h], 'door')}"
                                                                          for h in self.machines]], True)
            self.wait_lines(switch, {"listening"}, 60)
            for host in self.machines:
                self.start(host, self.machine(host, accelerator))
            self.wait_lines(switch, {f"{h} up" for h in self.machines}, BOOT_SECONDS)
            booted = time.monotonic()
            self.on_all("rig-machine", "start")
            print(f"two-hosts: two machines, {'KVM' if accelerator is HARDWARE else 'emulated processors (TCG)'}, "
                  f"{'systemd' if self.args.systemd else 'no systemd'}; up in {booted - began:.0f} s, with Bluetooth in "
                  f"{time.monotonic() - began:.0f} s", flush=True)
            for host in self.machines:
                settings = [s.partition(":")[2] for s in self.args.set if s.startswith(host + ":")]
                if settings:
                    self.on(host, "rig-machine", "config", *settings).wait()

        def start_radio(self, pipes):
            # its name in LD_PRELOAD must have no space, which the build's path may have
            shutil.copy(self.rig_program("btvirt-shim.so"), self.path("btvirt-shim.so"))
            self.start("btvirt", ["btvirt", "-s"], LD_PRELOAD=self.path("btvirt-shim.so"), RIG_BTVIRT_DIR=self.path("bt"))
            end = time.monotonic() + 60
            while not os.path.exists(self.path("bt/bredrle")):
                if time.monotonic() > end:
                    raise rig_error(f"btvirt did not start: {self.log_tail('btvirt')}")
                time.sleep(0.02)
            radio = [self.rig_program("radio"), "--btvirt", self.path("bt/bredrle"), "--control", self.path("air"), "--rate", str(self.args.rate),
                     "--delay", str(self.args.delay)]
            radio += [f"{h}={self.path(DIRS[h], 'radio')}" for h in self.machines]
            radio += [f"{h}-{n}={self.path(DIRS[h], f'radio{n}')}" for n in range(2, 8) for h in self.machines if n in MORE_ADAPTERS[h]]
            pipes["air"] = (self.start("air", radio, True), "ready")

        def start_bystander(self, pipes):
            """The second patient only taps: a host like those of the unix link does for it."""
            self.make_host("patient2")
            command = ["dbus-daemon", f"--config-file={self.path('q', 'bus.conf')}", "--nofork", "--nopidfile", "--print-address=1"]
            pipes["patient2"] = (self.start("patient2", command, True, DBUS_SYSTEM_BUS_ADDRESS=f"unix:path={self.path('q', 'bus')}"), "unix:")
            self.wait_ready({"patient2": pipes.pop("patient2")})
            mock = [os.path.join(os.path.dirname(HERE), "polkit-mock/polkit-mock"), "--control", self.path("polkit"),
                    f"patient2=unix:path={self.path('q', 'bus')}"]
            pipes["polkit"] = (self.start("polkit", mock, True), "ready")

        def wait_lines(self, pipe, wanted, seconds):
            """Waits until the part behind `pipe` has said each of the wanted lines."""
            end, text = time.monotonic() + seconds, ""
            while wanted - set(text.splitlines()):
                self.watch_parts()
                if time.monotonic() > end:
                    raise rig_error(f"the machines did not start: {self.consoles()}")
                if select.select([pipe], [], [], 0.5)[0]:
                    text += os.read(pipe.fileno(), 4096).decode(errors="replace")

        def watch_parts(self):
            for pid, name in self.parts.items():
                if os.waitpid(pid, os.WNOHANG)[0]:
                    self.parts.pop(pid)
                    raise rig_error(f"{name} ended: {self.log_tail(name)} {self.consoles()}")

        def consoles(self):
            return "\n".join(f"--- {h}\n{self.log_tail(h + '.console', 25)}" for h in self.machines)

        def on(self, host, *command, **more):
            process = subprocess.Popen([os.path.join(os.path.dirname(HERE), "bin/on-host"), host, *command], env=self.env,
                                       stdin=subprocess.DEVNULL, start_new_session=True, **more)
            return process

        def on_all(self, *command):
            running = {h: self.on(h, *command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) for h in self.machines}
            for host, process in running.items():
                said, _ = process.communicate()
                if process.returncode != 0:
                    raise rig_error(f"{host}: {' '.join(command)}: {said.strip()}\n{self.log_tail(host)}\n{self.consoles()}")

        def end(self):
            if self.args.systemd and self.args.keep:
                for host in self.machines:
                    with open(self.path("log", host), "a", encoding="utf-8") as log:
                        try:
                            self.on(host, "journalctl", "-b", "--no-pager", "-o", "short-monotonic", stdout=log,
                                    stderr=subprocess.DEVNULL).wait(60)
                        except (OSError, subprocess.TimeoutExpired):
                            pass
            super().end()

    return Machines
