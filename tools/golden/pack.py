#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Packs a folder of test vectors as tests/data/NAME.tar.xz, the same bytes each time; without the reference's own half-precision logits."""

import argparse
import lzma
import tarfile
from pathlib import Path

# No test reads them: `bar` in golden.json is what they are for.
LEFT_OUT = {"logits_bf16.bin", "logits_f16.bin"}

# Weights and logits: whole words of 2 and 4 bytes, where the byte before says nothing about the next.
NUMBERS = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "lp": 2, "pb": 2}]
TEXT = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME}]


def plain(info):
    info.uid = info.gid = info.mtime = 0
    info.uname = info.gname = ""
    info.mode = 0o755 if info.isdir() else 0o644
    return info


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("folder", type=Path, help="what to pack, for example ../shared/golden/models")
    p.add_argument("inside", help="its path inside the archive, for example golden/models")
    p.add_argument("archive", type=Path, help="for example tests/data/golden-models.tar.xz")
    a = p.parse_args()
    paths = [x for x in sorted(a.folder.rglob("*")) if x.name not in LEFT_OUT]
    filters = NUMBERS if any(x.suffix in (".bin", ".safetensors") for x in paths) else TEXT
    with lzma.open(a.archive, "wb", filters=filters) as out, tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path in paths:
            tar.add(path, f"{a.inside}/{path.relative_to(a.folder).as_posix()}", recursive=False, filter=plain)
    print(f"{a.archive}: {a.archive.stat().st_size} bytes, {len(paths)} entries")


main()
