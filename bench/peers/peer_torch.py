#!/usr/bin/env python3
"""Transformers on PyTorch as a peer: SDPA, a decode loop of our own over its model.

bf16; with "widened" f32, which is faster where the processor has no bf16. With "compiled", a token goes through
torch.compile and a static cache; a prompt stays eager.

usage: peer_torch.py FOLDER THREADS [compiled|widened]
"""
import sys
import time

import torch
import transformers
from transformers import AutoModelForCausalLM, DynamicCache, StaticCache

import peer

STATIC_FROM = 1024
WARM_TOKENS = 64  # before a prompt


class Model:
    def __init__(self, folder, n_threads, how):
        torch.set_num_threads(n_threads)
        torch.set_grad_enabled(False)
        transformers.logging.set_verbosity_error()
        self.dtype = torch.float32 if how == "widened" else torch.bfloat16
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=self.dtype, attn_implementation="sdpa").eval()
        self.config = self.model.config
        self.is_compiled = how == "compiled"
        self.step = torch.compile(self.model.forward, dynamic=False) if self.is_compiled else self.model

    def random_rows(self, n):
        shape = 1, self.config.num_key_value_heads, n, self.config.head_dim
        return (torch.rand(shape) * 3.4 - 1.7).to(self.dtype)

    def cache(self, depth, n):
        """The faster one of its two: a dynamic cache is copied for every token, which tells as it grows."""
        is_static = self.is_compiled or depth >= STATIC_FROM
        cache = StaticCache(config=self.config, max_cache_len=depth + n) if is_static else DynamicCache(config=self.config)
        k, v = self.random_rows(depth), self.random_rows(depth)
        for layer in range(self.config.num_hidden_layers if depth else 0):
            cache.update(k, v, layer)  # copies them
        return cache

    def feed(self, cache, tokens):
        call = self.step if len(tokens) == 1 else self.model
        call(input_ids=torch.tensor([tokens]), past_key_values=cache, use_cache=True, logits_to_keep=1)

    def run(self, case):
        if "n_calls" in case:
            return self.attend(case)
        n_warm = min(case.get("n_prompt", 1), WARM_TOKENS)
        cache = self.cache(case["depth"], case.get("n_prompt") or case["n_tokens"])
        for _ in range(2 if self.is_compiled else 1):  # compiled for this size of the cache alone, at the second call
            self.feed(cache, peer.ids(n_warm, self.config.vocab_size))
            cache.crop(-n_warm)
        return peer.timed(lambda tokens: self.feed(cache, tokens), case, self.config.vocab_size)

    def attend(self, case):
        """SDPA alone, on copies of K and V that are together more than twice a cache of cold_bytes / 2."""
        c, depth = self.config, case["depth"]
        q = torch.rand(1, c.num_attention_heads, 1, c.head_dim).to(self.dtype)
        n = case["cold_bytes"] // (4 * depth * c.num_key_value_heads * c.head_dim) + 2
        pairs = [(self.random_rows(depth), self.random_rows(depth)) for _ in range(n)]

        def calls():
            for i in range(case["n_calls"]):
                k, v = pairs[i % n]
                torch.nn.functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)

        calls()
        start = time.perf_counter_ns()
        calls()
        return {"ns": (time.perf_counter_ns() - start) / case["n_calls"], "n": 1}


def main():
    how = sys.argv[3] if len(sys.argv) > 3 else ""
    model = Model(sys.argv[1], int(sys.argv[2]), how)
    peer.serve({"name": f"Transformers {how}".rstrip(),
                "version": f"{transformers.__version__} on PyTorch {torch.__version__}, "
                           f"{torch.backends.cpu.get_cpu_capability()}",
                "how": {"": f"bf16, SDPA, eager, static cache from {STATIC_FROM} tokens on",
                        "compiled": "bf16, SDPA, torch.compile for tokens, static cache",
                        "widened": f"f32, SDPA, eager, static cache from {STATIC_FROM} tokens on"}[how]}, model.run)


main()
