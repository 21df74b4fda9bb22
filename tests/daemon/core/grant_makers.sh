#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# A grant is made in one place: only the gate of the bus (and tests) may include the header that makes one.
set -eu
cd "$1"
found=$(grep -rl 'daemon/core/grant-make\.h' daemon lib tools 2>/dev/null |
    grep -v -e '^daemon/core/grant\.[ch]$' -e '^daemon/core/grant-make\.h$' -e '^daemon/bus/gate\.c$' || true)
if [ -n "$found" ]; then
    printf 'makes grants, and must not:\n%s\n' "$found"
    exit 1
fi
echo "only the gate makes grants"
