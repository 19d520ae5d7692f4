#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes a C source of the texts that the library carries within itself.

embed.py texts OUT NAME PATH=FILE...  -> whet_text whet_NAME_texts[]
embed.py folder OUT NAME DEPFILE FOLDER  -> the same of every .c file below a folder, in order
embed.py segments OUT PROGRAM ALTERNATIVE...  -> whet_segment_text whet_segment_texts[]

The segments are those of the program itself (between its SEGMENT-START and SEGMENT-END lines) and
the alternatives (whole files after their SPDX line); each begins "/* SEGMENT/NAME: what it does".
"""
import glob
import os
import re
import sys


def array(name: str, data: bytes) -> str:
    rows = [data[i : i + 24] for i in range(0, len(data), 24)]
    body = "\n".join("    " + "".join(f"{b}," for b in row) for row in rows)
    return f"static const char {name}[] = {{\n{body}\n    0,\n}};\n"


def read(path: str) -> bytes:
    with open(path, "rb") as f:
        return f.read()


def texts(name: str, entries: list[str]) -> str:
    arrays, rows = [], []
    for i, (path, file) in enumerate(e.split("=", 1) for e in entries):
        data = read(file)
        arrays.append(array(f"text_{i}", data))
        rows.append(f'    {{ "{path}", text_{i}, {len(data)} }},\n')
    return (
        '#include "kernels/text.h"\n\n'
        + "\n".join(arrays)
        + f"\nconst whet_text whet_{name}_texts[] = {{\n{''.join(rows)}    {{ 0, 0, 0 }},\n}};\n"
    )


def folder(name: str, rest: list[str]) -> str:
    depfile, top = rest
    files = sorted(glob.glob("**/*.c", root_dir=top, recursive=True))
    seen = [os.path.join(top, f) for f in files + [""] + glob.glob("*/", root_dir=top)]
    with open(depfile, "w") as f:  # the folders, too: they change with every file that comes or goes
        f.write(f"{sys.argv[2]}: {' '.join(seen)}\n")
    return texts(name, [f"{f}={os.path.join(top, f)}" for f in files])


def segments(program: str, alternatives: list[str]) -> str:
    marked = re.compile(rb"^// SEGMENT-START .*?\n(.*?)^// SEGMENT-END", re.S | re.M)
    found = [m.group(1) for m in marked.finditer(read(program))]
    found += [read(path).split(b"\n", 1)[1] for path in alternatives]
    arrays, rows = [], []
    for i, data in enumerate(found):
        head = re.match(rb"/\* ([a-z-]+)/([a-z0-9-]+): ", data)
        if not head:
            sys.exit(f"segment without its name: {data[:60]!r}")
        segment, name = (part.decode() for part in head.groups())
        arrays.append(array(f"text_{i}", data))
        rows.append(f'    {{ "{segment}", "{name}", text_{i}, {len(data)} }},\n')
    return (
        '#include "kernels/programs.h"\n\n'
        + "\n".join(arrays)
        + f"\nconst whet_segment_text whet_segment_texts[] = {{\n{''.join(rows)}}};\n"
        + f"const size_t whet_n_segment_texts = {len(rows)};\n"
    )


def main() -> None:
    kind, out, first, *rest = sys.argv[1:]
    text = {"texts": texts, "folder": folder, "segments": segments}[kind](first, rest)
    with open(out, "w") as f:
        f.write(f"/* Made by tools/embed.py */\n{text}")


main()
