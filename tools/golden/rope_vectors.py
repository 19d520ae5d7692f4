#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints tests/model/rope_vectors.h: inverse frequencies and factor as transformers computes them.

Needs torch and transformers (5.x) from PyPI; run by hand when a case is added:
    tools/golden/rope_vectors.py > tests/model/rope_vectors.h
"""
import json
import logging
import re

import torch
import transformers
from transformers import Qwen3Config
from transformers.models.qwen3.modeling_qwen3 import Qwen3RotaryEmbedding

logging.disable(logging.WARNING)
YARN = {"rope_type": "yarn", "factor": 4.0, "original_max_position_embeddings": 32768}
CASES = [  # name, members of config.json
    ("theta 1e6", {"rope_theta": 1000000}),
    ("no theta", {}),
    ("theta in rope_parameters", {"rope_theta": 5, "rope_parameters": {"rope_type": "default", "rope_theta": 5e5}}),
    ("head_dim 96", {"head_dim": 96, "rope_theta": 1e6}),
    ("Qwen3-32B with yarn", {"rope_theta": 1000000, "rope_scaling": YARN}),
    ("old spelling", {"rope_theta": 1e6, "rope_scaling": {"type": "yarn", "factor": 2.5}}),
    ("null factor", {"rope_theta": 1e6, "rope_scaling": {**YARN, "factor": None, "original_max_position_embeddings": 3000}}),
    ("not truncated", {"rope_theta": 1e6, "rope_scaling": {**YARN, "truncate": False}}),
    ("null truncate", {"rope_theta": 1e6, "rope_scaling": {**YARN, "truncate": None}}),
    ("betas", {"head_dim": 64, "rope_theta": 1e4, "rope_scaling": {**YARN, "beta_fast": 16, "beta_slow": 2.5}}),
    ("zero beta", {"rope_theta": 1e6, "rope_scaling": {**YARN, "beta_fast": 0, "beta_slow": None}}),
    ("equal betas", {"head_dim": 64, "rope_theta": 1e4, "rope_scaling": {**YARN, "beta_fast": 3, "beta_slow": 3, "truncate": False}}),
    ("attention_factor", {"rope_theta": 1e6, "rope_scaling": {**YARN, "attention_factor": 1.25}}),
    ("mscale", {"rope_theta": 1e6, "rope_scaling": {**YARN, "mscale": 1.0, "mscale_all_dim": 0.7}}),
    ("mscale alone", {"rope_theta": 1e6, "rope_scaling": {**YARN, "mscale": 0.5, "mscale_all_dim": 0}}),
    ("factor below one", {"rope_theta": 1e6, "rope_scaling": {**YARN, "factor": 0.5}}),
    ("rope_scaling wins", {"rope_theta": 1e6, "rope_scaling": YARN, "rope_parameters": {"rope_type": "default", "rope_theta": 7e3}}),
    ("empty rope_scaling", {"rope_theta": 1e6, "rope_scaling": {}, "rope_parameters": {"rope_type": "default", "rope_theta": 7e3}}),
    ("yarn in rope_parameters", {"rope_parameters": {**YARN, "rope_theta": 1e6, "factor": 3.7}}),
    ("original at the top level", {"rope_theta": 1e6, "rope_scaling": YARN, "original_max_position_embeddings": 2048}),
]


def main():
    print("/* SPDX-License-Identifier: MIT */")
    print(f"/* Made by tools/golden/rope_vectors.py with transformers {transformers.__version__},")
    print(f" * torch {torch.__version__.split('+')[0]}: what the reference makes of these members of config.json. */")
    print("#ifndef WHET_TESTS_ROPE_VECTORS_H\n#define WHET_TESTS_ROPE_VECTORS_H\n\n/* clang-format off */")
    print("static const struct rope_vector {")
    print("    const char *name, *members;\n    int head_dim;\n    double attention_factor;\n    float inv_freq[64];")
    print("} rope_vectors[] = {")
    for name, members in CASES:
        config = Qwen3Config(**{"max_position_embeddings": 40960, **json.loads(json.dumps(members))})
        rope = Qwen3RotaryEmbedding(config)
        text = json.dumps(members)[1:-1].replace('"', '\\"')
        values = [re.sub(r"0+p", "p", float(x).hex()).replace(".p", "p") + "f" for x in rope.inv_freq]
        print(f'    {{ "{name}", "{text}", {config.head_dim}, {float(rope.attention_scaling).hex()},')
        print("      {", end="")
        for i, v in enumerate(values):
            print(("\n        " if i % 4 == 0 else " ") + v + ",", end="")
        print(" } },")
    print("};\n/* clang-format on */\n\n#endif")


main()
