# SPDX-License-Identifier: MIT
"""Qwen3 in plain PyTorch, for training: parameter names are those of the checkpoint."""

import dataclasses
import math

import torch
import torch.nn.functional as F
from torch import nn


@dataclasses.dataclass
class Shape:
    vocab: int = 4096
    hidden: int = 192
    layers: int = 4
    intermediate: int = 512
    heads: int = 16
    kv_heads: int = 8
    head_dim: int = 128
    context: int = 2048
    theta: float = 10000.0
    eps: float = 1e-6


def rope_table(shape):
    """cos and sin, each [context, head_dim]: the half-split form, both halves alike."""
    inv_freq = shape.theta ** (-torch.arange(0, shape.head_dim, 2, dtype=torch.float64) / shape.head_dim)
    angle = torch.outer(torch.arange(shape.context, dtype=torch.float64), inv_freq).repeat(1, 2)
    return angle.cos().float(), angle.sin().float()


def rotate(x, cos, sin):
    """RoPE of x [batch, heads, tokens, head_dim]."""
    low, high = x.chunk(2, dim=-1)
    return x * cos + torch.cat((-high, low), dim=-1) * sin


class Attention(nn.Module):
    def __init__(self, s, dropout):
        super().__init__()
        self.s, self.dropout = s, dropout
        self.q_proj = nn.Linear(s.hidden, s.heads * s.head_dim, bias=False)
        self.k_proj = nn.Linear(s.hidden, s.kv_heads * s.head_dim, bias=False)
        self.v_proj = nn.Linear(s.hidden, s.kv_heads * s.head_dim, bias=False)
        self.o_proj = nn.Linear(s.heads * s.head_dim, s.hidden, bias=False)
        self.q_norm = nn.RMSNorm(s.head_dim, eps=s.eps)
        self.k_norm = nn.RMSNorm(s.head_dim, eps=s.eps)

    def forward(self, x, cos, sin):
        s, (batch, tokens, _) = self.s, x.shape
        split = lambda y, n: y.view(batch, tokens, n, s.head_dim)
        q = rotate(self.q_norm(split(self.q_proj(x), s.heads)).transpose(1, 2), cos, sin)
        k = rotate(self.k_norm(split(self.k_proj(x), s.kv_heads)).transpose(1, 2), cos, sin)
        v = split(self.v_proj(x), s.kv_heads).transpose(1, 2)
        group = s.heads // s.kv_heads
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
        out = F.scaled_dot_product_attention(q.to(v.dtype), k.to(v.dtype), v, is_causal=True,
                                             dropout_p=self.dropout if self.training else 0.0)
        return self.o_proj(out.transpose(1, 2).reshape(batch, tokens, -1))


class Mlp(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.gate_proj = nn.Linear(s.hidden, s.intermediate, bias=False)
        self.up_proj = nn.Linear(s.hidden, s.intermediate, bias=False)
        self.down_proj = nn.Linear(s.intermediate, s.hidden, bias=False)

    def forward(self, x):
        return self.down_proj(F.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, s, dropout):
        super().__init__()
        self.input_layernorm = nn.RMSNorm(s.hidden, eps=s.eps)
        self.self_attn = Attention(s, dropout)
        self.post_attention_layernorm = nn.RMSNorm(s.hidden, eps=s.eps)
        self.mlp = Mlp(s)
        self.drop = nn.Dropout(dropout)

    def forward(self, x, cos, sin):
        x = x + self.drop(self.self_attn(self.input_layernorm(x), cos, sin))
        return x + self.drop(self.mlp(self.post_attention_layernorm(x)))


class Qwen3(nn.Module):
    def __init__(self, shape, dropout=0.0):
        super().__init__()
        self.shape = shape
        self.embed_tokens = nn.Embedding(shape.vocab, shape.hidden)
        self.layers = nn.ModuleList(Layer(shape, dropout) for _ in range(shape.layers))
        self.norm = nn.RMSNorm(shape.hidden, eps=shape.eps)
        self.drop = nn.Dropout(dropout)
        cos, sin = rope_table(shape)
        self.register_buffer("cos", cos, persistent=False)
        self.register_buffer("sin", sin, persistent=False)
        for name, p in self.named_parameters():
            if p.dim() == 2:  # the two writers into the residual stream start smaller, as in GPT-2
                writer = name.endswith(("o_proj.weight", "down_proj.weight"))
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * shape.layers) if writer else 0.02)

    def forward(self, ids):
        """Logits [batch, tokens, vocab] of ids [batch, tokens]; the output matrix is the embedding."""
        x = self.drop(self.embed_tokens(ids))
        cos, sin = self.cos[: ids.shape[1]], self.sin[: ids.shape[1]]
        for layer in self.layers:
            x = layer(x, cos, sin)
        return F.linear(self.norm(x), self.embed_tokens.weight)
