#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Turns text files into a C source of byte arrays: embed.py NAME FILE... -> whet_NAME_texts[].

Each entry of the table has the file's path as it was given after an optional PATH= prefix
("segments/softmax/one-pass.c=/abs/one-pass.c") and its text, NUL-terminated.
"""
import argparse


def literal(data: bytes) -> str:
    rows = [data[i : i + 24] for i in range(0, len(data), 24)]
    return "\n".join("    " + "".join(f"{b}," for b in row) for row in rows)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("name")
    parser.add_argument("out")
    parser.add_argument("files", nargs="*")
    args = parser.parse_args()
    lines = [
        "/* Made by tools/embed.py */",
        '#include "kernels/text.h"',
        "",
    ]
    rows = []
    for i, entry in enumerate(args.files):
        path, _, file = entry.rpartition("=")
        with open(file, "rb") as f:
            data = f.read()
        lines += [f"static const char text_{i}[] = {{", literal(data + b"\0"), "};", ""]
        rows.append(f'    {{ "{path or file}", text_{i}, {len(data)} }},')
    lines += [
        f"const whet_text whet_{args.name}_texts[] = {{",
        *rows,
        "    { 0, 0, 0 },",
        "};",
        "",
    ]
    with open(args.out, "w") as f:
        f.write("\n".join(lines))


main()
