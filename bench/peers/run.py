#!/usr/bin/env python3
"""Times whet beside its peers on one checkpoint: the same tokens and threads, one after the other in random order.

    bench/peers/setup E && E/bin/python bench/peers/run.py --whet build/cli/whet --model M --out R.jsonl

Every sample stands between two readings of the machine's limits by `whet doctor`, and becomes a line of JSON that is
appended to --out, with an id of its run; at the end table.py makes a table of all of them. It ends in time: tokens are
fed for --sample-seconds at most, a peer without an answer after --timeout is killed and asked that case no more, and
nothing is begun after --seconds. What could not be measured says why. A peer that is not installed gets no lines.
"""
import argparse
import itertools
import json
import os
import pathlib
import random
import re
import select
import signal
import subprocess
import sys
import time
import uuid

import table

HERE = pathlib.Path(__file__).parent
SDPA_CALLS = 200


def parse_case(text):
    """pp512, tg16@2k, sdpa@2k: a prompt, tokens one by one, attention of a token alone; @ the depth."""
    match = re.fullmatch(r"(pp|tg|sdpa)(\d*)(?:@(\d+)(k?))?", text)
    if not match or (match[1] == "sdpa") == bool(match[2]):
        sys.exit(f"{text} is not a case: pp512, tg16@2k, sdpa@2k")
    depth = int(match[3] or 0) * (1024 if match[4] else 1)
    return {"name": text, "kind": match[1], "n": int(match[2] or 1), "depth": depth}


class Whet:
    """Our own side: a process for every sample."""

    def __init__(self, args):
        self.args = args
        version = subprocess.run([args.whet, "version"], capture_output=True, text=True, check=True).stdout.split()[1]
        self.hello = {"name": "whet", "version": version, "how": "attention kernel"}
        self.facts = json.loads(subprocess.run([args.whet, "model", "info", "--json", args.model],
                                               capture_output=True, text=True, check=True).stdout)

    def call(self, *words, timeout=60):
        line = subprocess.run([self.args.whet, *words, "--threads", str(self.args.threads)], capture_output=True,
                              text=True, check=True, timeout=timeout).stdout
        return [json.loads(text) for text in line.splitlines()]

    def close(self):
        pass

    def probe(self):
        return self.call("doctor", "--json", "--seconds", "0.2")[0]

    def run(self, case, timeout):
        try:
            return self.bench(case, timeout)
        except subprocess.TimeoutExpired:
            return {"fault": f"no answer in {timeout:.0f} s"}

    def bench(self, case, timeout):
        kernel = ["--kernel", self.args.kernel] if self.args.kernel else []
        if case["kind"] == "sdpa":
            f = self.facts
            shape = f"{f['heads']}:{f['kv_heads']}x{f['head_dim']},{case['depth']},1"
            rows = self.call("bench", "--op", "attention", "--shape", shape, "--seconds", "1", "--json",
                             "--kernel", self.args.kernel or "grouped", timeout=timeout)
            return {"ns": rows[0]["ns"], "n": 1, "used": rows[0]["kernel"]}  # the first row is the cold one
        sizes = ["-p", str(case["n"]), "-n", "0"] if case["kind"] == "pp" else ["-p", "0", "-n", str(case["n"])]
        row, = self.call("bench", "-m", self.args.model, "--no-winners", "-r", "1", "-d", str(case["depth"]), *sizes,
                         *kernel, "-o", "jsonl", timeout=timeout)
        return {"ns": row["avg_ns"], "n": case["n"], "rss_bytes": row["peak_rss_bytes"], "used": row["kernel"]}


class Peer:
    """Somebody else's: one process for the whole run, idle while others are timed, made anew after it was killed."""

    def __init__(self, script, words, args):
        self.command = [sys.executable, str(HERE / script), *words]
        self.environment = dict(os.environ, OMP_NUM_THREADS=str(args.threads), HF_HUB_OFFLINE="1")
        self.sample_seconds = args.sample_seconds
        self.given_up = {}  # case: why it is asked no more
        self.start(args.timeout)

    def start(self, timeout):
        self.process = subprocess.Popen(self.command, stdin=subprocess.PIPE, text=True, stdout=subprocess.PIPE,
                                        stderr=subprocess.DEVNULL, env=self.environment, start_new_session=True)
        try:
            self.hello = self.answer(timeout)
        except OSError as fault:
            self.kill()
            raise OSError(f"{self.command[1]} does not start: {fault}") from None

    def answer(self, timeout):
        """The next line, which comes whole and alone. OSError: none in time, or the process has ended."""
        if not select.select([self.process.stdout], [], [], timeout)[0]:
            raise OSError(f"no answer in {timeout:.0f} s")
        line = self.process.stdout.readline()
        if not line:
            raise OSError("it has ended")
        return json.loads(line)

    def run(self, case, timeout):
        if case["name"] in self.given_up:
            return {"fault": self.given_up[case["name"]]}
        try:
            if not self.is_alive():
                self.start(timeout)
            self.process.stdin.write(json.dumps(self.question(case)) + "\n")
            self.process.stdin.flush()
            answer = self.answer(timeout)
        except OSError as fault:
            self.kill()
            answer = {"fault": str(fault)}
        if "fault" in answer:
            self.given_up[case["name"]] = answer["fault"]
            return answer
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return dict(answer, rss_bytes=int(re.search(r"VmHWM:\s+(\d+)", status)[1]) << 10)

    def question(self, case):
        key = {"pp": "n_prompt", "tg": "n_tokens", "sdpa": "n_calls"}[case["kind"]]
        n = SDPA_CALLS if case["kind"] == "sdpa" else case["n"]
        return {"depth": case["depth"], "seconds": self.sample_seconds, "cold_bytes": case["cold_bytes"], key: n}

    def is_alive(self):
        return self.process.poll() is None

    def kill(self):
        """Ends the process and all that it has started: they have a group of their own."""
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()

    def close(self):
        if self.is_alive():
            self.process.stdin.close()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                pass
        self.kill()


def open_all(args):
    scripts = {"llama": ("peer_llama.py", [args.gguf, str(args.threads)]),
               "torch": ("peer_torch.py", [args.model, str(args.threads)]),
               "compiled": ("peer_torch.py", [args.model, str(args.threads), "compiled"]),
               "widened": ("peer_torch.py", [args.model, str(args.threads), "widened"]),
               "mlx": ("peer_mlx.py", [args.model])}
    players = {"whet": Whet(args)}
    for name in args.peers.split(","):
        if name == "whet":
            continue
        if name not in scripts:
            sys.exit(f"{name} is not one of whet, {', '.join(scripts)}")
        if name == "llama" and not os.path.exists(args.gguf):
            subprocess.run([sys.executable, str(HERE / "gguf_of.py"), args.model, args.gguf], check=True)
        try:
            players[name] = Peer(*scripts[name], args)
        except OSError as fault:
            print(fault, file=sys.stderr)
    return players


def can(name, case, args):
    """Whether a player is asked a case: --only NAME:CASE,... names what the slow ones do, and only torch has sdpa."""
    only = [pair.partition(":") for pair in args.only.split(",") if pair]
    listed = name not in [n for n, _, _ in only] or (name, ":", case["name"]) in only
    return listed and (case["kind"] != "sdpa" or name in ("whet", "torch"))


def flop(facts, case):
    """Of a prompt's linear layers, of the logits once, and of causal attention; as `whet bench` counts."""
    head = facts["vocab_size"] * facts["hidden_size"]
    linear = facts["parameters"] - head * (1 if facts["tied"] else 2)
    keys = case["n"] * case["depth"] + case["n"] * (case["n"] + 1) / 2
    return 2 * (case["n"] * linear + head) + 4 * facts["layers"] * facts["heads"] * facts["head_dim"] * keys


def run_case(case, run, round_number, players, args, out):
    whet = players["whet"]
    names = [n for n in players if can(n, case, args)]
    random.shuffle(names)
    before = whet.probe()
    case["cold_bytes"] = 2 * before["l3_bytes"] * before["n_l3"]
    for order, name in enumerate(names):
        left = args.end - time.monotonic()
        if left < 1:
            return
        answer = players[name].run(case, min(args.timeout, left))
        after = whet.probe() if "ns" in answer else before
        row = {"date": time.strftime("%Y-%m-%d %H:%M", time.gmtime()), "cpu": before["cpu"], "threads": args.threads,
               "model": pathlib.Path(args.model).name, "case": case["name"], "kind": case["kind"],
               "depth": case["depth"], "run": run, "round": round_number, "order": order, "peer": name,
               **players[name].hello, **answer,
               "bytes_per_second": (before["bytes_per_second"]["median"] + after["bytes_per_second"]["median"]) / 2,
               "flop_per_second": (before["flop_per_second"]["median"] + after["flop_per_second"]["median"]) / 2,
               "flop": flop(whet.facts, case), "weight_bytes": whet.facts["weight_bytes"],
               "kv_bytes_per_token": whet.facts["kv_bytes_per_token"], "layers": whet.facts["layers"]}
        before = after
        print(json.dumps(row), file=out, flush=True)
        print(f"{row['case']:12} {row['name']:12} " + (answer.get("fault") or f"{answer['n'] / answer['ns'] * 1e9:10.2f} /s"),
              file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--whet", required=True, help="the program")
    parser.add_argument("--model", required=True, help="folder of a bf16 checkpoint")
    parser.add_argument("--gguf", help="the same checkpoint for llama.cpp; made if it is not there (MODEL.gguf)")
    parser.add_argument("--kernel", help="attention kernel for whet")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", default="whet,llama,torch,widened,compiled,mlx")
    parser.add_argument("--cases", default="pp512,pp2048,tg16@128,tg16@2k,tg16@8k,tg16@32k,sdpa@2k,sdpa@8k")
    parser.add_argument("--only", default="mlx:tg16@128,mlx:tg16@2k,compiled:tg16@128",
                        help="PEER:CASE,...: a peer that is named here does these cases alone")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--sample-seconds", type=float, default=5, help="no token of a peer is begun after them")
    parser.add_argument("--timeout", type=float, default=60, help="seconds that an answer may take")
    parser.add_argument("--seconds", type=float, default=1800, help="nothing is begun after them")
    parser.add_argument("--out", required=True, help="file to append lines to")
    args = parser.parse_args()
    args.model = args.model.rstrip("/")
    args.gguf = args.gguf or args.model + ".gguf"
    args.end = time.monotonic() + args.seconds
    cases = [parse_case(text) for text in args.cases.split(",")]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no peer outlives this
    players = open_all(args)
    run = uuid.uuid4().hex[:12]
    try:
        with open(args.out, "a", encoding="utf-8") as out:
            turns = itertools.product(range(args.rounds), cases)
            for round_number, case in itertools.takewhile(lambda _: time.monotonic() < args.end, turns):
                run_case(case, run, round_number, players, args, out)
    finally:
        for player in players.values():
            player.close()
    table.show([args.out])


main()
