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


def main():
    mx.set_default_device(mx.cpu)
    model, config = load_model(pathlib.Path(sys.argv[1]))
    n_heads, dim = config["num_key_value_heads"], config["head_dim"]

    def cache_of(depth):
        cache = make_prompt_cache(model)
        for layer in cache if depth else []:
            rows = [mx.random.uniform(-1.7, 1.7, (1, n_heads, depth, dim)).astype(mx.bfloat16) for _ in range(2)]
            layer.update_and_fetch(*rows)
            mx.eval(layer.keys, layer.values)
        return cache

    def feed(cache, tokens):
        mx.eval(model(mx.array([tokens]), cache=cache)[:, -1])

    def run(case):
        depth, n_prompt, n_tokens = case["depth"], case.get("n_prompt", 0), case.get("n_tokens", 0)
        tokens = peer.ids(n_prompt + n_tokens, config["vocab_size"])
        cache = cache_of(depth)
        feed(cache, tokens[:1])  # warm
        for layer in cache:
            layer.trim(1)

        def again():
            for first in range(0, n_prompt, 512):
                feed(cache, tokens[first:min(first + 512, n_prompt)])
            for token in tokens[n_prompt:]:
                feed(cache, [token])
        return again

    peer.serve({"name": "MLX", "version": f"{mx.__version__}, mlx-lm {mlx_lm.__version__}", "how": "CPU build, bf16"}, run)


main()
