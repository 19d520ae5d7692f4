"""What the peers have alike: a process that reads cases and answers with times, one JSON object a line.

A case is {"n_prompt": N} or {"n_tokens": N}, with "depth": tokens that the context holds before, made up rather than
computed. The answer is {"ns": T}, or {"fault": "..."}. The first line is {"name": ..., "version": ..., "how": ...}.
"""
import json
import os
import random
import sys
import time


def ids(n, vocab_size):
    """Seeded token ids: which ones does not matter for the time of a dense model."""
    rng = random.Random(1)
    return [rng.randrange(vocab_size) for _ in range(n)]


def serve(hello, run):
    """run(case) does the case and returns a function that does it again and may be timed."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print what they like
    print(json.dumps(hello), file=out, flush=True)
    for line in sys.stdin:
        case = json.loads(line)
        try:
            again = run(case)
            start = time.perf_counter_ns()
            again()
            answer = {"ns": time.perf_counter_ns() - start}
        except Exception as fault:  # a peer that cannot do a case is a row without a figure
            answer = {"fault": f"{type(fault).__name__}: {fault}"[:300]}
        print(json.dumps(answer), file=out, flush=True)
