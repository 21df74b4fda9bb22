#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""readme.py BUILD README: the example in the README compiles with what pkg-config says, without a warning."""
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import tap  # noqa: E402

BUILD, README = sys.argv[1:]


def test_example():
    code = re.search(r"^```c\n(.*?)^```", Path(README).read_text(), re.S | re.M).group(1)
    env = dict(os.environ, PKG_CONFIG_PATH=f"{BUILD}/meson-uninstalled")
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "ehrlink"], check=True, text=True,
                           env=env, stdout=subprocess.PIPE).stdout
    with tempfile.TemporaryDirectory() as work:
        done = subprocess.run(["cc", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-x",
                               "c", "-", "-o", f"{work}/example", *shlex.split(flags),
                               "-Wl,--allow-shlib-undefined"],
                              input=code, text=True, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr


sys.exit(tap.run_all(globals()))
