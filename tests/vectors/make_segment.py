#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Makes tests/vectors/segment.json: zstd frames written by hand from RFC 8878. See make.py."""
import struct
import sys

from common import HERE, SEGMENT_MAX, sha256, write

DICTIONARY = HERE.parent.parent / "proto" / "dictionary" / "ehr1.txt"
ZSTD_MAGIC = bytes.fromhex("28b52ffd")


def frame_header(size=None, window=None, dictionary=None, reserved=False):
    """RFC 8878 section 3.1.1.1. With window: no single segment; size may then be absent."""
    descriptor = 0x08 if reserved else 0
    fields = b""
    if window is None:
        descriptor |= 0x20
    else:
        fields += bytes([window])
    if dictionary is not None:
        descriptor |= 1
        fields += bytes([dictionary])
    if size is not None:
        descriptor |= 0x80
        fields += struct.pack("<I", size)
    return ZSTD_MAGIC + bytes([descriptor]) + fields


def block(kind, size, content, last):
    return struct.pack("<I", size << 3 | {"raw": 0, "rle": 1}[kind] << 1 | last)[:3] + content


def rle_frame(byte, length):
    """A frame that repeats one byte, in blocks of at most 128 KiB."""
    blocks, left = b"", length
    while True:
        step = min(left, 128 * 1024)
        left -= step
        blocks += block("rle", step, bytes([byte]), left == 0)
        if left == 0:
            break
    return frame_header(length) + blocks


def mixed_frame(parts, **header):
    """parts: bytes are a raw block, (byte, n) an RLE block. Gives the frame and what it holds."""
    plain = b"".join(p if isinstance(p, bytes) else bytes([p[0]]) * p[1] for p in parts)
    out = frame_header(header.pop("size", len(plain)), **header)
    for i, p in enumerate(parts):
        last = i == len(parts) - 1
        out += block("raw", len(p), p, last) if isinstance(p, bytes) else block("rle", p[1], bytes([p[0]]), last)
    return out, plain


def match_frame(literals, offset, length, **header):
    """A frame of one compressed block: the literals, then length bytes from offset bytes back (RFC 8878 section 3.1.1.3; every
    table in RLE mode, so that the bit stream holds the extra bits of offset and length and nothing else)."""
    assert len(literals) < 16 and 131 <= length <= 258  # the lengths of code 43, with 7 extra bits
    code = (offset + 3).bit_length() - 1
    bits = (1 << code | (offset + 3 - (1 << code))) << 7 | length - 131  # the marker bit, then the extra bits of both
    stream = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    content = bytes([len(literals) << 3]) + literals + bytes([1, 0b01010100, len(literals), code, 43]) + stream
    out = frame_header(len(literals) + length, **header)
    return out + struct.pack("<I", len(content) << 3 | 2 << 1 | 1)[:3] + content


TEXT = b"health record, "
EHR1 = DICTIONARY.read_bytes()
NEAR, FAR = match_frame(b"", 200, 200), match_frame(b"[", len(EHR1) + 1, 150)
MIXED, MIXED_PLAIN = mixed_frame([TEXT, (0x20, 1000), TEXT])


def good_segments():
    """(what, encoding, encoded, what it holds)"""
    windowed, windowed_plain = mixed_frame([TEXT, (0x41, 5000)], window=(18 - 10) << 3)
    unknown, unknown_plain = mixed_frame([TEXT, (0x42, 600)], window=0, size=None)
    return [
        ("raw, one byte", 0, b"\0", b"\0"),
        ("raw", 0, TEXT, TEXT),
        ("zstd, blocks raw and repeated", 1, MIXED, MIXED_PLAIN),
        ("zstd, window of 2^18", 1, windowed, windowed_plain),
        ("zstd, size not stored in the frame", 1, unknown, unknown_plain),
        ("zstd, whole segment of one byte", 1, rle_frame(7, SEGMENT_MAX), bytes([7]) * SEGMENT_MAX),
        ("zstd, referring back in itself", 1, match_frame(b"ab", 2, 200), b"ab" * 101),
        ("zstd with EHR1, referring to nothing", 2, MIXED, MIXED_PLAIN),
        ("zstd with EHR1, its last 200 bytes", 2, NEAR, EHR1[-200:]),
        ("zstd with EHR1, its first 150 bytes", 2, FAR, b"[" + EHR1[:150]),
        ("zstd with EHR1, from its end on into the segment", 2, match_frame(b"[", 3, 150), b"[" + (EHR1[-2:] + b"[") * 50),
        ("zstd with EHR1, whole segment of one byte", 2, rle_frame(7, SEGMENT_MAX), bytes([7]) * SEGMENT_MAX),
    ]


def bad_segments():
    """(what, encoding, length announced, encoded, error)"""
    n = len(MIXED_PLAIN)
    bomb = rle_frame(0, SEGMENT_MAX)
    skippable = bytes.fromhex("502a4d18") + struct.pack("<I", 4) + b"skip"
    two = mixed_frame([(0x41, 500)])[0] + mixed_frame([(0x42, 500)])[0]
    lying = mixed_frame([(0x41, 5000)], size=4000)[0]
    beyond = match_frame(b"[", len(EHR1) + 2, 150)
    return [
        ("raw, lengths differ", 0, 16, TEXT, "BadMessage"),
        ("raw, nothing", 0, 0, b"", "BadMessage"),
        ("zstd, nothing encoded", 1, 10, b"", "BadMessage"),
        ("zstd, nothing announced", 1, 0, MIXED, "BadMessage"),
        ("encoding unknown", 3, n, MIXED, "BadMessage"),
        ("refers to EHR1, encoding says without", 1, 200, NEAR, "BadCompression"),
        ("refers to EHR1 from further in, encoding says without", 1, 151, FAR, "BadCompression"),
        ("refers beyond the beginning of EHR1", 2, 151, beyond, "BadCompression"),
        ("with EHR1, names a dictionary", 2, 200, match_frame(b"", 200, 200, dictionary=1), "BadCompression"),
        ("with EHR1, bomb: holds far more than announced", 2, 1000, bomb, "BadCompression"),
        ("with EHR1, announced one byte less than it holds", 2, 199, NEAR, "BadCompression"),
        ("with EHR1, announced one byte more than it holds", 2, 201, NEAR, "BadCompression"),
        ("with EHR1, window of 2^41", 2, 200, match_frame(b"", 200, 200, window=31 << 3), "BadCompression"),
        ("with EHR1, truncated", 2, 200, NEAR[:-1], "BadCompression"),
        ("with EHR1, trailing byte", 2, 200, NEAR + b"\0", "BadCompression"),
        ("with EHR1, not a frame", 2, n, TEXT, "BadCompression"),
        ("with EHR1, nothing encoded", 2, 10, b"", "BadMessage"),
        ("with EHR1, original above a segment", 2, SEGMENT_MAX + 1, NEAR, "TooLarge"),
        ("encoded longer than the original", 1, 10, MIXED, "BadMessage"),
        ("original above a segment", 1, SEGMENT_MAX + 1, MIXED, "TooLarge"),
        ("original absurd", 1, 2**32 - 1, MIXED, "TooLarge"),
        ("announced one byte less than it holds", 1, n - 1, MIXED, "BadCompression"),
        ("announced one byte more than it holds", 1, n + 1, MIXED, "BadCompression"),
        ("bomb: holds far more than announced", 1, 1000, bomb, "BadCompression"),
        ("not a frame", 1, n, TEXT, "BadCompression"),
        ("truncated", 1, n, MIXED[:-1], "BadCompression"),
        ("only the magic", 1, n, MIXED[:4], "BadCompression"),
        ("trailing byte", 1, n, MIXED + b"\0", "BadCompression"),
        ("two frames", 1, 1000, two, "BadCompression"),
        ("a skippable frame before it", 1, n, skippable + MIXED, "BadCompression"),
        ("a skippable frame after it", 1, n, MIXED + skippable, "BadCompression"),
        ("only a skippable frame", 1, n, skippable, "BadCompression"),
        ("names a dictionary", 1, n, mixed_frame([TEXT, (0x20, 1000), TEXT], dictionary=1)[0], "BadCompression"),
        ("window just above 2^18", 1, 5015, mixed_frame([TEXT, (0x41, 5000)], window=((18 - 10) << 3) + 1)[0],
         "BadCompression"),
        ("window of 2^41", 1, 5015, mixed_frame([TEXT, (0x41, 5000)], window=31 << 3)[0], "BadCompression"),
        ("reserved bit", 1, n, mixed_frame([TEXT, (0x20, 1000), TEXT], reserved=True)[0], "BadCompression"),
        ("frame size lies", 1, 5000, lying, "BadCompression"),
        ("legacy magic", 1, n, bytes.fromhex("27b52ffd") + MIXED[4:], "BadCompression"),
    ]


def segment_vectors():
    return {
        "dictionary": {"encoding": 2, "length": len(EHR1), "sha256": sha256(EHR1).hex()},
        "cases": [{"comment": c, "encoding": e, "encoded": d.hex(), "original_length": len(p),
                   "original_sha256": sha256(p).hex()} for c, e, d, p in good_segments()],
        "must_fail": [{"comment": c, "encoding": e, "original_length": n, "encoded": d.hex(), "error": err}
                      for c, e, n, d, err in bad_segments()],
    }


if __name__ == "__main__":
    sys.exit(write({"segment": segment_vectors}))
