"""What the peers have alike: a process that reads cases and answers with times, one JSON object a line.

A case is {"n_prompt": N} or {"n_tokens": N}, with "depth": tokens that the context holds before, made up rather than
computed, and "seconds": when they are over, no further token is begun. The answer is {"ns": T, "n": of how many
tokens}, or {"fault": "..."}. The first line is {"name": ..., "version": ..., "how": ...}.
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


def timed(feed, case, vocab_size):
    """Feeds a prompt whole, or tokens one by one while there is time. feed(tokens) puts them behind those before."""
    n = case.get("n_prompt") or case["n_tokens"]
    tokens = ids(n, vocab_size)
    start = time.perf_counter_ns()
    if "n_prompt" in case:
        feed(tokens)
        return {"ns": time.perf_counter_ns() - start, "n": n}
    for done, token in enumerate(tokens, 1):
        feed([token])
        ns = time.perf_counter_ns() - start
        if ns > case["seconds"] * 1e9:
            break
    return {"ns": ns, "n": done}


def serve(hello, run):
    """run(case) does the case and returns the answer."""
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # libraries print what they like
    print(json.dumps(hello), file=out, flush=True)
    for line in sys.stdin:
        try:
            answer = run(json.loads(line))
        except Exception as fault:  # a peer that cannot do a case is a row without a figure
            answer = {"fault": f"{type(fault).__name__}: {fault}"[:300]}
        print(json.dumps(answer), file=out, flush=True)
