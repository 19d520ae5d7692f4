# SPDX-License-Identifier: MIT
"""The wide model: a Qwen3 of hidden 1024 whose 67 MB of weights follow from a formula, so that nobody carries them.

tests/model/wide_model.c writes the very same bytes; keep the two together.

  key of a tensor      FNV-1a (64 bits) of its name, xor SEED
  word i of a tensor   splitmix64's output i (counted from 1) from that key
  matrices, embedding  ((sum of the word's four 16-bit fields) - 131070) * m * 2^-25, m by kind of tensor
  norm weights         (32768 + low 16 bits) * m * 2^-17, m = 2 (0.5 to 1.5) or, for q_norm and k_norm, 3 (0.75 to 2.25)

Each product is exact in float32, then rounded to bf16, nearest even. The sum has a standard deviation of 37837, so m makes the
matrices about normal / sqrt(fan_in), x 3 for o_proj and down_proj, as in ../shared/golden/models/README.md. The embedding's is
0.1, not 0.4: a tied embedding four times the size at sixteen times the width lets every token predict itself.
"""

import json
from pathlib import Path

import numpy as np

SEED = 6
CONFIG = {
    "architectures": ["Qwen3ForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": 2047,
    "eos_token_id": 2046, "head_dim": 128, "hidden_act": "silu", "hidden_size": 1024, "initializer_range": 0.02,
    "intermediate_size": 3072, "max_position_embeddings": 4096, "max_window_layers": 2, "model_type": "qwen3",
    "num_attention_heads": 16, "num_hidden_layers": 2, "num_key_value_heads": 8, "rms_norm_eps": 1e-06,
    "rope_scaling": None, "rope_theta": 1000000, "sliding_window": None, "tie_word_embeddings": True,
    "torch_dtype": "bfloat16", "transformers_version": "4.51.0", "use_cache": True, "use_sliding_window": False,
    "vocab_size": 2048,
}

# name, rows, columns (0: one dimension), m
LAYER = [
    ("input_layernorm", 1024, 0, 2), ("mlp.down_proj", 1024, 3072, 48), ("mlp.gate_proj", 3072, 1024, 28),
    ("mlp.up_proj", 3072, 1024, 28), ("post_attention_layernorm", 1024, 0, 2), ("self_attn.k_norm", 128, 0, 3),
    ("self_attn.k_proj", 1024, 1024, 28), ("self_attn.o_proj", 1024, 2048, 59), ("self_attn.q_norm", 128, 0, 3),
    ("self_attn.q_proj", 2048, 1024, 28), ("self_attn.v_proj", 1024, 1024, 28),
]
TENSORS = [("model.embed_tokens.weight", 2048, 1024, 88)]
TENSORS += [(f"model.layers.{i}.{name}.weight", rows, columns, m) for i in (0, 1) for name, rows, columns, m in LAYER]
TENSORS += [("model.norm.weight", 1024, 0, 2)]


def splitmix64(key, n):
    z = np.uint64(key) + np.arange(1, n + 1, dtype=np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def values(name, n, m, is_norm, seed):
    """bf16 bits, as uint16."""
    key = 0xCBF29CE484222325
    for byte in name.encode():
        key = (key ^ byte) * 0x100000001B3 % 2**64
    words = splitmix64(key ^ seed, n)
    fields = [(words >> np.uint64(s) & np.uint64(0xFFFF)).astype(np.int64) for s in (0, 16, 32, 48)]
    if is_norm:
        exact = (32768 + fields[0]) * m * 2.0**-17
    else:
        exact = (sum(fields) - 131070) * m * 2.0**-25
    bits = exact.astype(np.float32).view(np.uint32)
    assert (exact.astype(np.float32) == exact).all()
    return ((bits + np.uint32(0x7FFF) + (bits >> np.uint32(16) & np.uint32(1))) >> np.uint32(16)).astype(np.uint16)


def write(folder, seed=SEED):
    """Writes config.json and model.safetensors."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    header, at = {"__metadata__": {"format": "pt"}}, 0
    for name, rows, columns, _ in TENSORS:
        n_bytes = 2 * rows * (columns or 1)
        header[name] = {"dtype": "BF16", "shape": [rows, columns] if columns else [rows], "data_offsets": [at, at + n_bytes]}
        at += n_bytes
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(folder / "model.safetensors", "wb") as f:
        f.write(len(text).to_bytes(8, "little") + text)
        for name, rows, columns, m in TENSORS:
            f.write(values(name, rows * (columns or 1), m, not columns, seed).astype("<u2").tobytes())
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=2) + "\n")
