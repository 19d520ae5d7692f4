#!/usr/bin/env python3
"""llama.cpp as a peer, by llama-cpp-python: f16 KV cache, flash attention.

usage: peer_llama.py FILE.gguf THREADS
"""
import ctypes
import struct
import sys

import llama_cpp
import numpy as np
from llama_cpp import llama_cpp as c

import peer

SAMPLE_TOKENS = 64  # of the state that shows the cache's format
WARM_TOKENS = 64    # before a prompt


class Llama:
    def __init__(self, path, n_threads):
        c.llama_log_set(QUIET, None)
        c.llama_backend_init()
        self.model = c.llama_model_load_from_file(path.encode(), c.llama_model_default_params())
        if not self.model:
            sys.exit(f"llama.cpp does not load {path}")
        self.n_vocab = c.llama_vocab_n_tokens(c.llama_model_get_vocab(self.model))
        self.n_threads = n_threads
        self.sample = None

    def open(self, n_context):
        p = c.llama_context_default_params()
        p.n_ctx = (n_context + 255) // 256 * 256
        p.n_batch, p.n_ubatch = 2048, 512
        p.n_threads = p.n_threads_batch = self.n_threads
        p.flash_attn_type = c.LLAMA_FLASH_ATTN_TYPE_ENABLED
        p.type_k = p.type_v = 1  # GGML_TYPE_F16
        context = c.llama_init_from_model(self.model, p)
        if not context:
            raise MemoryError(f"no context of {n_context} tokens")
        return context

    def feed(self, context, tokens):
        array = (c.llama_token * len(tokens))(*tokens)  # the batch points to it
        if c.llama_decode(context, c.llama_batch_get_one(array, len(tokens))) != 0:
            raise RuntimeError("llama_decode")
        c.llama_synchronize(context)

    def run(self, case):
        depth, n = case["depth"], case.get("n_prompt") or case["n_tokens"]
        context = self.open(depth + n)
        try:
            if depth:
                self.fill(context, depth)
            self.feed(context, peer.ids(min(case.get("n_prompt", 1), WARM_TOKENS), self.n_vocab))
            c.llama_memory_seq_rm(c.llama_get_memory(context), 0, depth, -1)
            return peer.timed(lambda tokens: self.feed(context, tokens), case, self.n_vocab)
        finally:
            c.llama_free(context)

    def fill(self, context, depth):
        state = forge(self.sample_state(), depth)
        buffer = (ctypes.c_uint8 * len(state)).from_buffer(state)
        if c.llama_state_seq_set_data(context, buffer, len(state), 0) != len(state):
            raise RuntimeError("llama.cpp does not take a made-up state")

    def sample_state(self):
        if self.sample is None:
            context = self.open(SAMPLE_TOKENS)
            self.feed(context, peer.ids(SAMPLE_TOKENS, self.n_vocab))
            n = c.llama_state_seq_get_size(context, 0)
            buffer = (ctypes.c_uint8 * n)()
            c.llama_state_seq_get_data(context, buffer, n, 0)
            c.llama_free(context)
            self.sample = bytes(buffer)
        return self.sample


def forge(sample, n):
    """A sequence state of n tokens, its K and V repeated from that of SAMPLE_TOKENS tokens (llama-kv-cache.cpp, state_write)."""
    at = 0

    def take(form):
        nonlocal at
        values = struct.unpack_from("<" + form, sample, at)
        at += struct.calcsize("<" + form)
        return values

    out = bytearray()
    head = next((k for k in range(0, 32, 4) if struct.unpack_from("<II", sample, k) == (1, SAMPLE_TOKENS)), None)
    if head is None:
        raise RuntimeError("the state's format is not known")
    out += sample[:head + 4] + struct.pack("<I", n)
    at = head + 8
    cell = sample.index(struct.pack("<ii", 1, 1), at + 4) - at  # a cell: position, number of sequences (1), ...
    out += b"".join(struct.pack("<i", i) + sample[at + 4:at + cell] for i in range(n))
    at += cell * SAMPLE_TOKENS
    is_transposed, n_layers = take("II")
    if is_transposed:
        raise RuntimeError("V is transposed: flash attention is off")
    out += struct.pack("<II", is_transposed, n_layers)
    for _ in range(2 * n_layers):  # all K, then all V
        kind, row_bytes = take("iQ")
        rows = np.frombuffer(sample, np.uint8, SAMPLE_TOKENS * row_bytes, at).reshape(SAMPLE_TOKENS, row_bytes)
        at += SAMPLE_TOKENS * row_bytes
        out += struct.pack("<iQ", kind, row_bytes) + rows[np.arange(n) % SAMPLE_TOKENS].tobytes()
    out += sample[at:]
    return out


@c.llama_log_callback
def QUIET(level, text, data):
    pass


def main():
    llama = Llama(sys.argv[1], int(sys.argv[2]))
    features = c.llama_print_system_info().decode()
    used = [w for w in ("AVX2", "AVX512", "AVX512_BF16", "AMX_INT8", "NEON", "LLAMAFILE", "OPENMP") if f"{w} = 1" in features]
    peer.serve({"name": "llama.cpp", "version": f"llama-cpp-python {llama_cpp.__version__}",
                "how": f"bf16 weights, f16 KV, flash attention; built with {', '.join(used)}"}, llama.run)


main()
