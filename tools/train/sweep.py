#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs several settings of train.py side by side on one accelerator and keeps the one of least validation loss."""

import argparse
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

# Each row is one arm: options of train.py.
ARMS = [
    "--optimizer muon --dropout 0.3 --weight-decay 1.0 --steps 4000",
    "--optimizer muon --dropout 0.2 --weight-decay 1.0 --steps 2000",
    "--optimizer adamw --dropout 0.2 --weight-decay 0.1 --steps 3000",
    "--optimizer muon --dropout 0.4 --weight-decay 1.0 --steps 6000",
    "--optimizer adamw --dropout 0.3 --weight-decay 1.0 --steps 5000",
    "--optimizer muon --dropout 0.3 --weight-decay 1.0 --steps 4000 --hidden 224 --layers 3 --intermediate 640",
]


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--text", required=True)
    p.add_argument("--out", required=True, help="folder for the best checkpoint and sweep.json")
    p.add_argument("--work", required=True, help="folder for all arms")
    p.add_argument("--jobs", type=int, default=3)
    p.add_argument("--seconds", type=float, default=110, help="of training, for each arm")
    p.add_argument("--extra", default="", help="options added to every arm")
    a = p.parse_args()
    train, began = Path(__file__).with_name("train.py"), time.monotonic()
    waiting, running, done = list(enumerate(ARMS)), {}, []
    while running or waiting:
        while waiting and len(running) < a.jobs:
            i, arm = waiting.pop(0)
            out = Path(a.work) / f"arm{i}"
            out.mkdir(parents=True, exist_ok=True)
            command = [sys.executable, str(train), "--text", a.text, "--out", str(out), "--seconds", str(a.seconds),
                       *arm.split(), *a.extra.split()]
            running[i] = subprocess.Popen(command, stdout=open(out / "log", "w"), stderr=subprocess.STDOUT), out, arm
        time.sleep(0.5)
        for i, (process, out, arm) in list(running.items()):
            if process.poll() is None:
                continue
            del running[i]
            lines = (out / "log").read_text().splitlines()
            print(f"{time.monotonic() - began:.0f} s, arm {i}: {arm}, exit {process.returncode}\n  " + "\n  ".join(lines[-3:]), flush=True)
            if process.returncode == 0:
                done.append((json.loads((out / "train.json").read_text())["held_out"]["valid"]["network"]["nats_per_token"], i, out))
                shutil.copytree(min(done)[2], a.out, dirs_exist_ok=True)  # at once: the machine may go any minute
    if not done:
        raise SystemExit("no arm came through")
    summary = [{"arm": ARMS[i], "valid": valid, "log": json.loads((out / "train.json").read_text())["log"]}
               for valid, i, out in sorted(done)]
    (Path(a.out) / "sweep.json").write_text(json.dumps(summary) + "\n")


if __name__ == "__main__":
    main()
