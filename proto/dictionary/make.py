#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""make.py TEXT NAME OUTPUT: writes TEXT, byte for byte, as the C array ehp_dictionary_NAME."""
import sys


def main():
    text, name, output = sys.argv[1:]
    with open(text, "rb") as f:
        data = f.read()
    lines = [", ".join(str(b) for b in data[i:i + 24]) for i in range(0, len(data), 24)]
    with open(output, "w", encoding="ascii") as f:
        f.write('#include "proto/dictionary.h"\n\n')
        f.write(f"const uint8_t ehp_dictionary_{name}[EHP_DICTIONARY_{name.upper()}_LEN] = {{\n    ")
        f.write(",\n    ".join(lines))
        f.write("\n};\n")
        f.write(f"_Static_assert(EHP_DICTIONARY_{name.upper()}_LEN == {len(data)}, \"bounds.h tells another length\");\n")


if __name__ == "__main__":
    sys.exit(main())
