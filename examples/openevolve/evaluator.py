# SPDX-License-Identifier: MIT
"""OpenEvolve evolves a C attention kernel, whet judges it.

    openevolve-run src/kernels/attention/repeat.c examples/openevolve/evaluator.py --config examples/openevolve/config.yaml

$WHET names the program, $WHET_PROBLEM the heads ("16:8:128"), $WHET_CONTEXT what is timed. The score is how many times as fast
as the built-in kernel $WHET_AGAINST (fused) it is, two parts of three in decode and one in prefill, by the lower ends of the 95 % intervals;
a kernel that is not proved right has 0.
"""
import json
import os
import subprocess

from openevolve.evaluation_result import EvaluationResult

WHET = os.environ.get("WHET", "whet")
OPTIONS = ["--problem", os.environ.get("WHET_PROBLEM", "16:8:128"), "--context", os.environ.get("WHET_CONTEXT", "2048"),
           "--against", os.environ.get("WHET_AGAINST", "fused")]


def evaluate(program_path):
    done = subprocess.run([WHET, "judge", "--json", *OPTIONS, program_path], capture_output=True, text=True)
    if done.returncode not in (0, 2):  # the question could not be answered: that is nothing against the program
        raise RuntimeError(done.stderr.strip())
    told = json.loads(done.stdout)
    if told["verdict"] != "PASS":
        words = {"verdict": f"{told['verdict']} at gate {told['gate']}, {told['gate_name']}: {told['reason']}",
                 "compiler": told["compiler"], "evidence": json.dumps(told["evidence"])}
        return EvaluationResult({"combined_score": 0.0, "decode": 0.0, "prefill": 0.0}, {k: v for k, v in words.items() if v})
    decode, prefill = told["timing"]
    words = "\n".join(f"{t['shape']}: {t['ratio']:.2f} [{t['low']:.2f}, {t['high']:.2f}] times as fast as {told['rival']}, "
                      f"{t['ns'] / 1e6:.3f} ms a call" for t in told["timing"])
    score = (decode["low"] ** 2 * prefill["low"]) ** (1 / 3)
    return EvaluationResult({"combined_score": score, "decode": decode["low"], "prefill": prefill["low"]}, {"timing": words})
