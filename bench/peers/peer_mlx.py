#!/usr/bin/env python3
"""MLX's CPU build as a peer, by mlx-lm: bf16.

usage: peer_mlx.py FOLDER
"""
import pathlib
import sys

import mlx.core as mx
import mlx_lm
from mlx_lm.models.cache import make_prompt_cache
from mlx_lm.utils import load_model

import peer

PIECE = 512  # of a prompt


def main():
    mx.set_default_device(mx.cpu)
    model, config = load_model(pathlib.Path(sys.argv[1]))
    n_heads, dim = config["num_key_value_heads"], config["head_dim"]

    def cache_of(depth):
        cache = make_prompt_cache(model)
        rows = [mx.random.uniform(-1.7, 1.7, (1, n_heads, depth, dim)).astype(mx.bfloat16) for _ in range(2)]
        for layer in cache if depth else []:
            layer.update_and_fetch(*rows)
            mx.eval(layer.keys, layer.values)
        return cache

    def run(case):
        cache = cache_of(case["depth"])

        def feed(tokens):
            for first in range(0, len(tokens), PIECE):
                mx.eval(model(mx.array([tokens[first:first + PIECE]]), cache=cache)[:, -1])

        feed([0])  # warm
        for layer in cache:
            layer.trim(1)
        return peer.timed(feed, case, config["vocab_size"])

    peer.serve({"name": "MLX", "version": f"{mx.__version__}, mlx-lm {mlx_lm.__version__}", "how": "CPU build, bf16"}, run)


main()
