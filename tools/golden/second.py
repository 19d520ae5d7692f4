# SPDX-License-Identifier: MIT
"""Qwen3 a second time, independent of transformers: in float64, or imitating an engine that rounds to bf16 in places."""

import json
from pathlib import Path

import torch
from safetensors import safe_open


def rounded(x):
    return x.to(torch.bfloat16).to(x.dtype)


def unchanged(x):
    return x


class Second:
    def __init__(self, folder, dtype, kv=unchanged, inputs=unchanged):
        """kv rounds q, k, v and the attention weights; inputs rounds the inputs of every matrix product."""
        self.c = json.loads((Path(folder) / "config.json").read_text())
        self.dtype, self.kv, self.inputs, self.w = dtype, kv, inputs, {}
        for file in sorted(Path(folder).glob("*.safetensors")):
            with safe_open(file, "pt") as f:
                self.w.update({name: f.get_tensor(name).to(dtype) for name in f.keys()})

    def linear(self, x, name):
        return self.inputs(x) @ self.w[name + ".weight"].T

    def norm(self, x, name):
        return x * torch.rsqrt((x * x).mean(-1, keepdim=True) + self.c["rms_norm_eps"]) * self.w[name + ".weight"]

    def rope(self, x):
        """x [tokens, heads, dim]; angles are the float32 products that the reference forms."""
        dim = self.c["head_dim"]
        inv_freq = (1.0 / self.c["rope_theta"] ** (torch.arange(0, dim, 2).float() / dim)).float()
        angle = (torch.arange(len(x)).float()[:, None] * inv_freq).to(torch.float64)[:, None, :]
        cos, sin = angle.cos().to(self.dtype), angle.sin().to(self.dtype)
        a, b = x[..., : dim // 2], x[..., dim // 2 :]
        return torch.cat((a * cos - b * sin, b * cos + a * sin), -1)

    def attention(self, x, p):
        c, n = self.c, len(x)
        group = c["num_attention_heads"] // c["num_key_value_heads"]
        q = self.linear(x, p + "q_proj").view(n, -1, c["head_dim"])
        k = self.linear(x, p + "k_proj").view(n, -1, c["head_dim"])
        v = self.kv(self.linear(x, p + "v_proj").view(n, -1, c["head_dim"]))
        q = self.kv(self.rope(self.norm(q, p + "q_norm")))
        k = self.kv(self.rope(self.norm(k, p + "k_norm")))
        future = torch.ones(n, n, dtype=torch.bool).triu(1)
        out = torch.empty_like(q)
        for h in range(c["num_attention_heads"]):
            scores = (q[:, h] @ k[:, h // group].T * c["head_dim"] ** -0.5).masked_fill(future, -torch.inf)
            out[:, h] = self.kv(scores.softmax(-1)) @ v[:, h // group]
        return self.linear(out.reshape(n, -1), p + "o_proj")

    @torch.no_grad()
    def logits(self, ids):
        x = self.w["model.embed_tokens.weight"][torch.tensor(ids)]
        for i in range(self.c["num_hidden_layers"]):
            p = f"model.layers.{i}."
            x = x + self.attention(self.norm(x, p + "input_layernorm"), p + "self_attn.")
            y = self.norm(x, p + "post_attention_layernorm")
            y = torch.nn.functional.silu(self.linear(y, p + "mlp.gate_proj")) * self.linear(y, p + "mlp.up_proj")
            x = x + self.linear(y, p + "mlp.down_proj")
        head = "model.embed_tokens" if self.c["tie_word_embeddings"] else "lm_head"
        return self.linear(self.norm(x, "model.norm"), head)
