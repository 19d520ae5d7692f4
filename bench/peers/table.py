#!/usr/bin/env python3
"""Makes a Markdown table of the lines that run.py has written.

usage: table.py RESULTS.jsonl...
"""
import collections
import json
import statistics
import sys

ORDER = ["whet", "llama", "torch", "widened", "compiled", "mlx"]


def limit_ns(row):
    """What P allows: weights and, on the average, the keys and values that a token sees. For a prompt what F allows."""
    if row["kind"] == "pp":
        return row["flop"] / row["flop_per_second"] * 1e9
    if row["kind"] == "sdpa":
        return row["kv_bytes_per_token"] / row["layers"] * row["depth"] / row["bytes_per_second"] * 1e9
    keys = row["depth"] + (row["n"] + 1) / 2
    return row["n"] * (row["weight_bytes"] + row["kv_bytes_per_token"] * keys) / row["bytes_per_second"] * 1e9


def spread(values):
    """The median and the range of several values."""
    values = sorted(values)
    ends = f" ({values[0]:.3g} .. {values[-1]:.3g})" if len(values) > 1 else ""
    return f"{statistics.median(values):.3g}{ends}"


def cell(rows):
    """Speed, and the median share of the limit."""
    if not rows:
        return "-"
    speeds = [r["ns"] / 1e3 if r["kind"] == "sdpa" else r["n"] / r["ns"] * 1e9 for r in rows]
    return f"{spread(speeds)}, {100 * statistics.median(limit_ns(r) / r['ns'] for r in rows):.0f} %"


def ratio(ours, theirs):
    """Of samples of the same round of the same run, each by the token; then the medians of the runs, if several."""
    by_round = {(r["run"], r["round"]): r["ns"] / r["n"] for r in theirs}
    by_run = collections.defaultdict(list)
    for r in ours:
        if (r["run"], r["round"]) in by_round:
            by_run[r["run"]].append(by_round[r["run"], r["round"]] / (r["ns"] / r["n"]))
    if not by_run:
        return "-"
    runs = [f"{statistics.median(ratios):.2f}" for ratios in by_run.values()]
    return spread(sum(by_run.values(), [])) + (f"; {', '.join(runs)}" if len(runs) > 1 else "")


def show_table(rows, peers, hellos):
    others = [p for p in peers if p != "whet"]
    print("| figure | " + " | ".join(hellos[p]["name"] for p in peers) + " | " +
          " | ".join(f"whet / {hellos[p]['name']}" for p in others) + " |")
    print("|---|" + "---|" * (len(peers) + len(others)))
    for case, by_peer in rows.items():
        unit = "us" if case.startswith("sdpa") else "tokens/s"
        print(f"| {case}, {unit} | " + " | ".join(cell(by_peer[p]) for p in peers) + " | " +
              " | ".join(ratio(by_peer["whet"], by_peer[p]) for p in others) + " |")
    print("\nMedians (lowest .. highest); %: of F for prompts, else of P. Ratios: their time a token / ours in the same round, "
          "above 1 whet is faster; behind the semicolon the median of each run.\n")


def show(paths):
    rows = collections.defaultdict(lambda: collections.defaultdict(list))
    hellos, all_rows, faults = {}, [], {}
    for path in paths:
        for line in open(path, encoding="utf-8"):
            row = json.loads(line)
            hellos[row["peer"]] = row
            if "ns" in row:
                rows[row["case"]][row["peer"]].append(row)
                all_rows.append(row)
            else:
                faults[row["peer"], row["case"]] = row
    if not all_rows:
        sys.exit("no figure in these files")
    peers = [p for p in ORDER if p in hellos]
    first, last = all_rows[0], all_rows[-1]
    print(f"{first['cpu']}, {first['threads']} threads, {first['model']}; {first['date']} to {last['date']} UTC; read bandwidth "
          f"P {spread(r['bytes_per_second'] / 1e9 for r in all_rows)} GB/s, "
          f"arithmetic peak F {spread(r['flop_per_second'] / 1e9 for r in all_rows)} GFLOP/s.\n")
    show_table(rows, peers, hellos)
    for p in peers:
        used = sorted({r["used"] for by_peer in rows.values() for r in by_peer[p] if "used" in r})
        print(f"- {hellos[p]['name']} {hellos[p]['version']}: {hellos[p]['how']} {', '.join(used)}".rstrip())
    for (peer, case), row in faults.items():
        if not rows[case][peer]:
            print(f"- not measured: {row['name']}, {case}: {row['fault']}")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    show(sys.argv[1:])
