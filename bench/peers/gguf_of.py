#!/usr/bin/env python3
"""Writes the GGUF file of a bf16 Qwen3 checkpoint folder, for llama.cpp: the same weights, no vocabulary.

usage: gguf_of.py FOLDER FILE.gguf
"""
import json
import pathlib
import sys

import gguf
import numpy as np
from safetensors import safe_open

LAYER = {
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
}
OUTSIDE = {"model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output"}


def name_of(name):
    """llama.cpp's name of a tensor."""
    stem = name.removesuffix(".weight")
    if stem in OUTSIDE:
        return OUTSIDE[stem] + ".weight"
    _, _, layer, part = stem.split(".", 3)
    return f"blk.{layer}.{LAYER[part]}.weight"


def add_config(writer, c):
    rope = c.get("rope_parameters") or c
    writer.add_vocab_size(c["vocab_size"])
    writer.add_context_length(c["max_position_embeddings"])
    writer.add_embedding_length(c["hidden_size"])
    writer.add_block_count(c["num_hidden_layers"])
    writer.add_feed_forward_length(c["intermediate_size"])
    writer.add_head_count(c["num_attention_heads"])
    writer.add_head_count_kv(c["num_key_value_heads"])
    writer.add_key_length(c["head_dim"])
    writer.add_value_length(c["head_dim"])
    writer.add_layer_norm_rms_eps(c["rms_norm_eps"])
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)
    writer.add_tokenizer_model("no_vocab")


def add_tensor(writer, name, tensor):
    """Matrices stay bf16, bit for bit; vectors become f32, as llama.cpp's own converter has them."""
    if tensor.ndim == 1:
        writer.add_tensor(name_of(name), tensor.float().numpy())
        return
    import torch
    bits = np.ascontiguousarray(tensor.view(torch.uint16).numpy())
    writer.add_tensor(name_of(name), bits.view(np.uint8), raw_dtype=gguf.GGMLQuantizationType.BF16)


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    folder = pathlib.Path(sys.argv[1])
    config = json.loads((folder / "config.json").read_text())
    writer = gguf.GGUFWriter(sys.argv[2], "qwen3")
    add_config(writer, config)
    for path in sorted(folder.glob("*.safetensors")):
        with safe_open(path, "pt") as file:
            for name in file.keys():
                add_tensor(writer, name, file.get_tensor(name))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


main()
