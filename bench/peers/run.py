#!/usr/bin/env python3
"""Times whet beside its peers on one checkpoint: the same tokens and threads, one after the other in random order.

Every sample stands between two readings of the memory's bandwidth by `whet doctor`, and becomes a line of JSON that is
appended to --out, with an id of its run; table.py makes a table of them. A peer that is not installed gets no lines; one
that cannot do a case gets a line with its fault; one that takes longer than --timeout is killed and asked no more.
Run it with the Python of the environment that `setup` has made.
"""
import argparse
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

HERE = pathlib.Path(__file__).parent


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

    def call(self, *words):
        line = subprocess.run([self.args.whet, *words, "--threads", str(self.args.threads)], capture_output=True,
                              text=True, check=True, timeout=self.args.timeout).stdout
        return [json.loads(text) for text in line.splitlines()]

    def is_alive(self):
        return True

    def close(self):
        pass

    def probe(self):
        return self.call("doctor", "--json", "--seconds", "0.2")[0]

    def run(self, case):
        kernel = ["--kernel", self.args.kernel] if self.args.kernel else []
        if case["kind"] == "sdpa":
            f = self.facts
            shape = f"{f['heads']}:{f['kv_heads']}x{f['head_dim']},{case['depth']},1"
            rows = self.call("bench", "--op", "attention", "--shape", shape, "--seconds", "1", "--json",
                             "--kernel", self.args.kernel or "grouped")
            return {"ns": rows[0]["ns"], "used": rows[0]["kernel"]}  # the first row is the cold one
        sizes = ["-p", str(case["n"]), "-n", "0"] if case["kind"] == "pp" else ["-p", "0", "-n", str(case["n"])]
        row, = self.call("bench", "-m", self.args.model, "--no-winners", "-r", "1", "-d", str(case["depth"]), *sizes,
                         *kernel, "-o", "jsonl")
        return {"ns": row["avg_ns"], "rss_bytes": row["peak_rss_bytes"], "used": row["kernel"]}


class Peer:
    """Somebody else's: one process for the whole run, idle while others are timed."""

    def __init__(self, script, words, args):
        environment = dict(os.environ, OMP_NUM_THREADS=str(args.threads), HF_HUB_OFFLINE="1")
        self.timeout = args.timeout
        self.process = subprocess.Popen([sys.executable, str(HERE / script), *words], stdin=subprocess.PIPE, text=True,
                                        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment,
                                        start_new_session=True)
        try:
            self.hello = self.answer()
        except OSError as fault:
            self.kill()
            raise OSError(f"{script} does not start: {fault}") from None

    def answer(self):
        """The next line, which comes whole and alone. OSError: none in time, or the process has ended."""
        if not select.select([self.process.stdout], [], [], self.timeout)[0]:
            raise OSError(f"no answer in {self.timeout} s")
        line = self.process.stdout.readline()
        if not line:
            raise OSError("it has ended")
        return json.loads(line)

    def run(self, case):
        question = {"depth": case["depth"], {"pp": "n_prompt", "tg": "n_tokens", "sdpa": "n_calls"}[case["kind"]]: case["n"]}
        if case["kind"] == "sdpa":
            question.update(n_calls=200, cold_bytes=case["cold_bytes"])
        try:
            self.process.stdin.write(json.dumps(question) + "\n")
            self.process.stdin.flush()
            answer = self.answer()
        except OSError as fault:
            self.kill()
            return {"fault": str(fault)}
        if case["kind"] == "sdpa" and "ns" in answer:
            answer["ns"] /= question["n_calls"]
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        answer["rss_bytes"] = int(re.search(r"VmHWM:\s+(\d+)", status)[1]) << 10
        return answer

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
               "mlx": ("peer_mlx.py", [args.model])}
    players = {"whet": Whet(args)}
    for name in args.peers.split(","):
        if name == "whet":
            continue
        if name not in scripts or (name == "llama" and not args.gguf):
            sys.exit(f"{name} is not one of whet, llama (which needs --gguf), torch, compiled and mlx")
        try:
            players[name] = Peer(*scripts[name], args)
        except OSError as fault:
            print(fault, file=sys.stderr)
    return players


def can(name, case, skipped):
    return f"{name}:{case['name']}" not in skipped and (case["kind"] != "sdpa" or name in ("whet", "torch"))


def run_case(case, run, round_number, players, args, out):
    whet = players["whet"]
    names = [n for n, player in players.items() if can(n, case, args.skip.split(",")) and player.is_alive()]
    random.shuffle(names)
    before = whet.probe()
    case["cold_bytes"] = 2 * before["l3_bytes"] * before["n_l3"]
    for order, name in enumerate(names):
        answer = players[name].run(case)
        after = whet.probe()
        row = {"date": time.strftime("%Y-%m-%d %H:%M", time.gmtime()), "cpu": before["cpu"], "threads": args.threads,
               "model": pathlib.Path(args.model).name, "case": case["name"], "kind": case["kind"], "n": case["n"],
               "depth": case["depth"], "run": run, "round": round_number, "order": order, "peer": name, **players[name].hello, **answer,
               "bytes_per_second": (before["bytes_per_second"]["median"] + after["bytes_per_second"]["median"]) / 2,
               "flop_per_second": after["flop_per_second"]["median"], "weight_bytes": whet.facts["weight_bytes"],
               "kv_bytes_per_token": whet.facts["kv_bytes_per_token"], "layers": whet.facts["layers"]}
        before = after
        print(json.dumps(row), file=out, flush=True)
        print(f"{row['case']:12} {row['name']:12} " + (answer.get("fault") or f"{case['n'] / answer['ns'] * 1e9:10.2f} /s"),
              file=sys.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--whet", required=True, help="the program")
    parser.add_argument("--model", required=True, help="folder of a bf16 checkpoint")
    parser.add_argument("--gguf", help="the same checkpoint for llama.cpp, written by gguf_of.py")
    parser.add_argument("--kernel", help="attention kernel for whet")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--peers", default="whet,llama,torch,compiled,mlx")
    parser.add_argument("--cases", default="pp512,pp2048,tg32@128,tg32@2k,tg16@8k,tg8@32k,sdpa@2k,sdpa@8k")
    parser.add_argument("--skip", default="", help="PEER:CASE,... that would take too long")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--timeout", type=float, default=300, help="seconds that an answer may take")
    parser.add_argument("--out", required=True, help="file to append lines to")
    args = parser.parse_args()
    cases = [parse_case(text) for text in args.cases.split(",")]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that no peer outlives this
    players = open_all(args)
    run = uuid.uuid4().hex[:12]
    try:
        with open(args.out, "a", encoding="utf-8") as out:
            for round_number in range(args.rounds):
                for case in cases:
                    run_case(case, run, round_number, players, args, out)
    finally:
        for player in players.values():
            player.close()


main()
