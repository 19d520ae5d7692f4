#!/usr/bin/env python3
"""Transformers on PyTorch as a peer: bf16, SDPA, a decode loop of our own over its model.

With "compiled", a token goes through torch.compile and a static cache; a prompt stays eager.

usage: peer_torch.py FOLDER THREADS [compiled]
"""
import sys

import torch
import transformers
from transformers import AutoModelForCausalLM, DynamicCache, StaticCache

import peer

STATIC_FROM = 1024

def random_rows(config, n):
    shape = 1, config.num_key_value_heads, n, config.head_dim
    return (torch.rand(shape) * 3.4 - 1.7).to(torch.bfloat16)


class Model:
    def __init__(self, folder, n_threads, is_compiled):
        torch.set_num_threads(n_threads)
        torch.set_grad_enabled(False)
        transformers.logging.set_verbosity_error()
        self.model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.bfloat16, attn_implementation="sdpa").eval()
        self.config = self.model.config
        self.is_compiled = is_compiled
        self.step = torch.compile(self.model.forward, dynamic=False) if is_compiled else self.model

    def cache(self, depth, n):
        """The faster one of its two: a dynamic cache is copied for every token, which tells as it grows."""
        is_static = self.is_compiled or depth >= STATIC_FROM
        cache = StaticCache(config=self.config, max_cache_len=depth + n) if is_static else DynamicCache(config=self.config)
        for layer in range(self.config.num_hidden_layers if depth else 0):
            cache.update(random_rows(self.config, depth), random_rows(self.config, depth), layer,
                         {"cache_position": torch.arange(depth)})
        return cache

    def feed(self, cache, tokens, at):
        positions = torch.arange(at, at + len(tokens))
        call = self.step if len(tokens) == 1 else self.model
        call(input_ids=torch.tensor([tokens]), past_key_values=cache, use_cache=True, logits_to_keep=1,
             cache_position=positions, position_ids=positions[None])

    def run(self, case):
        depth, n_prompt, n_tokens = case["depth"], case.get("n_prompt", 0), case.get("n_tokens", 0)
        tokens = peer.ids(n_prompt + n_tokens, self.config.vocab_size)
        cache = self.cache(depth, n_prompt + n_tokens)
        for _ in range(1 if n_prompt else 2):  # warm; what is compiled fits this size of the cache alone
            self.feed(cache, tokens[:max(1, min(n_prompt, 64))], depth)
        cache = self.cache(depth, n_prompt + n_tokens)

        def again():
            if n_prompt:
                self.feed(cache, tokens, depth)
            for i, token in enumerate(tokens[n_prompt:]):
                self.feed(cache, [token], depth + n_prompt + i)
        return again

    def attend(self, case):
        """SDPA alone, on copies of K and V that are together more than twice a cache of cold_bytes / 2."""
        c, depth = self.config, case["depth"]
        q = torch.rand(1, c.num_attention_heads, 1, c.head_dim).to(torch.bfloat16)
        n = case["cold_bytes"] // (4 * depth * c.num_key_value_heads * c.head_dim) + 2
        pairs = [(random_rows(c, depth), random_rows(c, depth)) for _ in range(n)]

        def again():
            for i in range(case["n_calls"]):
                k, v = pairs[i % n]
                torch.nn.functional.scaled_dot_product_attention(q, k, v, enable_gqa=True)
        again()
        return again


def main():
    is_compiled = sys.argv[3:] == ["compiled"]
    model = Model(sys.argv[1], int(sys.argv[2]), is_compiled)
    peer.serve({"name": "Transformers" + " compiled" * is_compiled,
                "version": f"{transformers.__version__} on PyTorch {torch.__version__}",
                "how": "bf16, SDPA, torch.compile for tokens, static cache" if is_compiled else
                       f"bf16, SDPA, eager, static cache from {STATIC_FROM} tokens on"},
               lambda case: model.attend(case) if "n_calls" in case else model.run(case))


main()
