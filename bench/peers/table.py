#!/usr/bin/env python3
"""Makes a Markdown table of the lines that run.py has written.

usage: table.py RESULTS.jsonl...
"""
import collections
import json
import statistics
import sys

ORDER = ["whet", "llama", "torch", "compiled", "mlx"]


def limit_ns(row):
    """What memory allows: weights and, on the average, the keys and values that a token sees; None for a prompt."""
    if row["kind"] == "sdpa":
        return row["kv_bytes_per_token"] / row["layers"] * row["depth"] / row["bytes_per_second"] * 1e9
    keys = row["depth"] + (row["n"] + 1) / 2
    size = row["n"] * (row["weight_bytes"] + row["kv_bytes_per_token"] * keys)
    return size / row["bytes_per_second"] * 1e9 if row["kind"] == "tg" else None


def cell(rows):
    """The median, its range, and the median share of the limit."""
    if not rows:
        return "-"
    values = sorted(r["ns"] / 1e3 if r["kind"] == "sdpa" else r["n"] / r["ns"] * 1e9 for r in rows)
    text = f"{statistics.median(values):.4g} ({values[0]:.4g} .. {values[-1]:.4g})"
    if limit_ns(rows[0]):
        text += f", {100 * statistics.median(limit_ns(r) / r['ns'] for r in rows):.0f} %"
    return text


def ratio(ours, theirs):
    """The median and the range of the ratios of samples of the same round of the same run."""
    by_round = {(r["run"], r["round"]): r["ns"] for r in theirs}
    ratios = sorted(by_round[r["run"], r["round"]] / r["ns"] for r in ours if (r["run"], r["round"]) in by_round)
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} .. {ratios[-1]:.2f})" if ratios else "-"


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    rows = collections.defaultdict(lambda: collections.defaultdict(list))
    hellos, all_rows = {}, []
    for path in sys.argv[1:]:
        for line in open(path, encoding="utf-8"):
            row = json.loads(line)
            if "ns" not in row:
                continue
            rows[row["case"]][row["peer"]].append(row)
            hellos[row["peer"]] = row
            all_rows.append(row)
    if not all_rows:
        sys.exit("no figure in these files")
    peers = [p for p in ORDER if p in hellos]
    first, last = all_rows[0], all_rows[-1]
    probes = sorted(r["bytes_per_second"] / 1e9 for r in all_rows)
    print(f"{first['cpu']}, {first['threads']} threads, {first['model']}; {first['date']} to {last['date']} UTC; "
          f"read bandwidth P {statistics.median(probes):.1f} GB/s ({probes[0]:.1f} .. {probes[-1]:.1f}).\n")
    others = [p for p in peers if p != "whet"]
    print("| figure | " + " | ".join(hellos[p]["name"] for p in peers) + " | " +
          " | ".join(f"whet / {hellos[p]['name']}" for p in others) + " |")
    print("|---|" + "---|" * (len(peers) + len(others)))
    for case, by_peer in rows.items():
        unit = "us" if by_peer["whet"] and by_peer["whet"][0]["kind"] == "sdpa" else "tokens/s"
        print(f"| {case}, {unit} | " + " | ".join(cell(by_peer[p]) for p in peers) + " | " +
              " | ".join(ratio(by_peer["whet"], by_peer[p]) for p in others) + " |")
    print("\nMedians (lowest .. highest); %: of P. Ratios: their time / ours in the same round, above 1 whet is faster.\n")
    for p in peers:
        used = sorted({r["used"] for by_peer in rows.values() for r in by_peer[p] if "used" in r})
        print(f"- {hellos[p]['name']} {hellos[p]['version']}: {hellos[p]['how']} {', '.join(used)}".rstrip())


main()
