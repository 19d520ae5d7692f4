# SPDX-License-Identifier: MIT
"""Writes a trained network as a Qwen3 checkpoint: bf16, two shards and their index."""

from pathlib import Path

import torch
from safetensors.torch import save_file

import tokens


def config(shape, eos):
    return {
        "architectures": ["Qwen3ForCausalLM"], "attention_bias": False, "attention_dropout": 0.0, "bos_token_id": eos[0],
        "eos_token_id": eos[0], "head_dim": shape.head_dim, "hidden_act": "silu", "hidden_size": shape.hidden,
        "initializer_range": 0.02, "intermediate_size": shape.intermediate, "max_position_embeddings": shape.context,
        "max_window_layers": shape.layers, "model_type": "qwen3", "num_attention_heads": shape.heads,
        "num_hidden_layers": shape.layers, "num_key_value_heads": shape.kv_heads, "rms_norm_eps": shape.eps,
        "rope_scaling": None, "rope_theta": int(shape.theta), "sliding_window": None, "tie_word_embeddings": True,
        "torch_dtype": "bfloat16", "transformers_version": "4.51.0", "use_cache": True, "use_sliding_window": False,
        "vocab_size": shape.vocab,
    }


def generation_config(eos):
    return {"bos_token_id": eos[0], "do_sample": True, "eos_token_id": eos, "pad_token_id": eos[0],
            "temperature": 0.8, "top_k": 40, "top_p": 0.95, "transformers_version": "4.51.0"}


def write_checkpoint(model, tokenizer_json, folder):
    """The first shard ends where it holds at least half of the bytes; a layer may lie in both."""
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {"model." + name: p.detach().to("cpu", torch.bfloat16).contiguous() for name, p in model.named_parameters()}
    n_bytes = {name: t.numel() * t.element_size() for name, t in tensors.items()}
    shards, total = ({}, {}), 0
    for name in tensors:
        shards[total * 2 >= sum(n_bytes.values())][name] = tensors[name]
        total += n_bytes[name]
    weight_map = {}
    for i, shard in enumerate(shards):
        file = f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors"
        save_file(shard, folder / file, metadata={"format": "pt"})
        weight_map.update(dict.fromkeys(shard, file))
    ids = {t["content"]: t["id"] for t in tokenizer_json["added_tokens"]}
    eos = [ids["<|endoftext|>"], ids["<|im_end|>"]]
    tokens.write_json(folder / "model.safetensors.index.json",
                      {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))})
    tokens.write_json(folder / "config.json", config(model.shape, eos))
    tokens.write_json(folder / "generation_config.json", generation_config(eos))
    tokens.write_json(folder / "tokenizer.json", tokenizer_json)
    tokens.write_json(folder / "tokenizer_config.json", tokens.tokenizer_config(tokenizer_json))
