# SPDX-License-Identifier: MIT
"""The books as tokens: the split of each book, and the byte-level BPE trained on its training part."""

import json
import math
from pathlib import Path

import tokenizers
from tokenizers import models, normalizers, pre_tokenizers, trainers

VOCAB_SIZE = 4096

# The last parts of every book are held out: the validation part decides when to stop and which run is kept, the test
# part is only ever measured. The tokenizer and the trigram model see the training part alone, as the network does.
VALID_FRACTION = 0.03
TEST_FRACTION = 0.03

# The pre-tokenizer's pattern and the added tokens of Qwen3, in its order; False: not "special".
PATTERN = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
ADDED_TOKENS = [
    ("<|endoftext|>", True), ("<|im_start|>", True), ("<|im_end|>", True), ("<|object_ref_start|>", True),
    ("<|object_ref_end|>", True), ("<|box_start|>", True), ("<|box_end|>", True), ("<|quad_start|>", True),
    ("<|quad_end|>", True), ("<|vision_start|>", True), ("<|vision_end|>", True), ("<|vision_pad|>", True),
    ("<|image_pad|>", True), ("<|video_pad|>", True), ("<tool_call>", False), ("</tool_call>", False),
    ("<|fim_prefix|>", False), ("<|fim_middle|>", False), ("<|fim_suffix|>", False), ("<|fim_pad|>", False),
    ("<|repo_name|>", False), ("<|file_sep|>", False), ("<tool_response>", False), ("</tool_response>", False),
    ("<think>", False), ("</think>", False),
]
BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}


def split_books(folder):
    """{"train" | "valid" | "test": [text of that part of each book]}, cut at line ends."""
    parts = {"train": [], "valid": [], "test": []}
    for path in sorted(Path(folder).glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        cut = [text.index("\n", math.floor(len(text) * (1 - f))) + 1 for f in (VALID_FRACTION + TEST_FRACTION, TEST_FRACTION)]
        parts["train"].append(text[: cut[0]])
        parts["valid"].append(text[cut[0] : cut[1]])
        parts["test"].append(text[cut[1] :])
    if not parts["train"]:
        raise SystemExit(f"{folder}: no *.txt there")
    return parts


def train_tokenizer(texts):
    """tokenizer.json in the layout of Qwen3's, as a dict."""
    bpe = tokenizers.Tokenizer(models.BPE())
    bpe.normalizer = normalizers.NFC()
    bpe.pre_tokenizer = pre_tokenizers.Sequence([
        pre_tokenizers.Split(tokenizers.Regex(PATTERN), behavior="isolated"),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
    ])
    n_base = VOCAB_SIZE - len(ADDED_TOKENS)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    bpe.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=n_base, initial_alphabet=alphabet, show_progress=False))
    trained = json.loads(bpe.to_str())["model"]
    if len(trained["vocab"]) != n_base:
        raise SystemExit(f"the text yields {len(trained['vocab'])} tokens, {n_base} are wanted")
    added = [
        {"id": n_base + i, "content": content, "single_word": False, "lstrip": False, "rstrip": False,
         "normalized": False, "special": special}
        for i, (content, special) in enumerate(ADDED_TOKENS)
    ]
    split = {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": added, "normalizer": {"type": "NFC"},
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [split, BYTE_LEVEL]}, "post_processor": BYTE_LEVEL,
        "decoder": BYTE_LEVEL,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": "",
                  "end_of_word_suffix": "", "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": trained["vocab"], "merges": trained["merges"]},
    }


def tokenizer_config(tokenizer_json):
    """tokenizer_config.json. No chat template: this is a base model."""
    decoder = {str(t["id"]): {k: t[k] for k in ("content", "lstrip", "normalized", "rstrip", "single_word", "special")}
               for t in tokenizer_json["added_tokens"]}
    return {
        "add_bos_token": False, "add_prefix_space": False, "added_tokens_decoder": decoder, "bos_token": None,
        "clean_up_tokenization_spaces": False, "eos_token": "<|endoftext|>", "errors": "replace",
        "model_max_length": 2048, "pad_token": "<|endoftext|>", "split_special_tokens": False,
        "tokenizer_class": "Qwen2Tokenizer", "unk_token": None,
    }


def write_json(path, value):
    Path(path).write_text(json.dumps(value, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def load_tokens(folder, tokenizer_json):
    """{"train" | "valid" | "test": [ids of that part of each book]} and the tokenizer."""
    tok = tokenizers.Tokenizer.from_str(json.dumps(tokenizer_json))
    return {name: [e.ids for e in tok.encode_batch(texts, add_special_tokens=False)]
            for name, texts in split_books(folder).items()}, tok
