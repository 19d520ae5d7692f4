#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Makes golden.json and logits_f32.bin of a checkpoint by transformers (CPU, eager attention), in the form of golden/models."""

import argparse
import hashlib
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
import transformers
from transformers import AutoModelForCausalLM, AutoTokenizer

import wide
from second import Second, rounded

# Starts of eight continuations, from one token to a paragraph. None is a line of the books that angler was trained on.
PROMPTS = [
    "The",
    "Once upon a time",
    "CHAPTER XII.\n\n",
    "\"My dear Watson,\" said Holmes,",
    "ROMEO:\nWhat light is this, that breaks upon the sea?\n\nJULIET:\n",
    "The captain walked the deck in silence. For three days no whale had been seen, and the men",
    "Elizabeth received the letter on a Tuesday; it was from her sister, and contained, besides the usual news of the weather and of "
    "their neighbours, an account of a ball at which Mr. Darcy had not danced.\n\nShe",
    "VENATOR. Good morrow, Sir! I have walked since four of the clock, and have neither seen a fish nor heard of one.\n\n"
    "PISCATOR. Then, Sir, you have walked too fast. A Trout is a wary creature, and he that would take him must be patient and quiet, "
    "and must know the fly, the hour and the water. Come, sit by me under this willow-tree, and I will shew you how I dress my line.\n\n"
    "VENATOR.",
]


def load(folder, dtype):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype, attn_implementation="eager").eval()


@torch.no_grad()
def all_logits(model, ids):
    return model(torch.tensor([ids])).logits[0].float().numpy()


@torch.no_grad()
def greedy(model, prompt, n):
    """n tokens with a cache, eos ignored: ids, margins (best minus second), ranges (largest minus smallest), first and last row."""
    out, margins, ranges, rows, cache, ids = [], [], [], [], None, torch.tensor([prompt])
    for _ in range(n):
        step = model(ids, past_key_values=cache, use_cache=True)
        row, cache = step.logits[0, -1].float(), step.past_key_values
        best = row.topk(2)
        out.append(int(best.indices[0]))
        margins.append(float(best.values[0] - best.values[1]))
        ranges.append(float(row.max() - row.min()))
        rows.append(row.numpy())
        ids = torch.tensor([out[-1:]])
    return out, margins, ranges, np.stack((rows[0], rows[-1]))


def error(a, b):
    d = np.abs(a.astype(np.float64) - b)
    return {"max": float(d.max()), "mean": float(d.mean())}


def flips(engine, prompts, continuations, margins, ranges):
    """Steps that an imitated engine decides otherwise, the golden tokens given."""
    largest, above = 0.0, 0
    for prompt, tokens, margin, span in zip(prompts, continuations, margins, ranges):
        rows = engine.logits(prompt + tokens[:-1])[len(prompt) - 1 :]
        for i in np.flatnonzero(rows.argmax(-1).numpy() != np.array(tokens)):
            largest = max(largest, margin[i])
            above += margin[i] > 1e-3 * span[i]
    return {"largest_flipped_margin": largest, "flips_above_1e-3_of_range": int(above)}


def short(x):
    """Six significant digits, as in the other golden files."""
    if isinstance(x, float):
        return float(f"{x:.6g}")
    if isinstance(x, dict):
        return {k: short(v) for k, v in x.items()}
    return [short(v) for v in x] if isinstance(x, list) else x


def write_json(path, golden):
    """One key a line; lists of lists, one list a line."""
    lines = []
    for key, value in short(golden).items():
        if isinstance(value, list) and value and isinstance(value[0], (list, str)):
            text = "[\n    " + ",\n    ".join(json.dumps(v) for v in value) + "\n  ]"
        else:
            text = json.dumps(value)
        lines.append(f"  {json.dumps(key)}: {text}")
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n")


def make(golden, folder, out, prompts, sequence, max_new, long_prompt=None):
    out.mkdir(parents=True, exist_ok=True)
    f32, bf16 = load(folder, torch.float32), load(folder, torch.bfloat16)
    truth, half = all_logits(f32, sequence), all_logits(bf16, sequence)
    truth.astype("<f4").tofile(out / "logits_f32.bin")
    engines = {"kv_bf16": Second(folder, torch.float32, kv=rounded),
               "kv_and_inputs_bf16": Second(folder, torch.float32, kv=rounded, inputs=rounded)}
    runs = [greedy(f32, p, max_new) for p in prompts]
    tokens, margins, ranges = ([r[i] for r in runs] for i in range(3))
    exact = Second(folder, torch.float64)
    golden |= {
        "made_with": {"torch": torch.__version__.split("+")[0], "transformers": transformers.__version__},
        "dtype": "bfloat16", "n_ids": len(sequence), "vocab": truth.shape[1], "bar": error(half, truth),
        "logit_range": float(truth.max() - truth.min()), "logit_std": float(truth.std()),
        "error_f32_run_to_f64": error(truth, exact.logits(sequence).numpy()),
        "error_imitated_engine": {k: error(e.logits(sequence).numpy(), truth) for k, e in engines.items()},
        "greedy_imitated_engine": {k: flips(e, prompts, tokens, margins, ranges) for k, e in engines.items()},
        "sequence": sequence, "max_new": max_new, "prompt_ids": prompts, "greedy": tokens, "margins": margins, "ranges": ranges,
    }
    if long_prompt:
        ids, margin, span, rows = greedy(f32, long_prompt, 16)
        rows.astype("<f4").tofile(out / "long_rows_f32.bin")
        golden["long"] = {
            "prompt_ids": long_prompt, "greedy": ids, "margins": margin, "ranges": span,
            "bar_first_row": error(all_logits(bf16, long_prompt)[-1], rows[0]),
            "error_f32_run_to_f64_first_row": error(rows[0], exact.logits(long_prompt)[-1].numpy()),
            "error_imitated_engine_first_row": {k: error(e.logits(long_prompt)[-1].numpy(), rows[0]) for k, e in engines.items()}}
    write_json(out / "golden.json", golden)
    report(golden)


def report(golden):
    """What the README's rule for a good vector asks: the imitated engines meet the bar, and flip only undecided steps."""
    bar = golden["bar"]
    print(f"bar {bar}, max / mean {bar['max'] / bar['mean']:.1f}, logits std {golden['logit_std']:.2f} range {golden['logit_range']:.2f}")
    print("f32 to f64", golden["error_f32_run_to_f64"])
    for name, e in golden["error_imitated_engine"].items():
        print(name, e, golden["greedy_imitated_engine"][name])
    decided = sum(m > bar["max"] for ms in golden["margins"] for m in ms)
    print(f"{decided} of {sum(map(len, golden['margins']))} steps decided, smallest margins {sorted(m for ms in golden['margins'] for m in ms)[:3]}")
    print("different tokens in each continuation:", [len(set(t)) for t in golden["greedy"]])
    if "long" in golden:
        print({k: v for k, v in golden["long"].items() if "row" in k}, min(golden["long"]["margins"]))


def make_angler(folder, out, text):
    tok = AutoTokenizer.from_pretrained(folder)
    prompts = [tok(p).input_ids for p in PROMPTS]
    book = tok(Path(text).read_text(encoding="utf-8")[-20000:]).input_ids
    golden = {"name": "angler", "note": "the bundled model; prompts and texts are what prompt_ids and greedy say", "prompts": PROMPTS}
    make(golden, folder, out, prompts, book[:64], 64, book[64:1664])
    golden["texts"] = [tok.decode(t) for t in golden["greedy"]]
    write_json(out / "golden.json", golden)


def make_wide(out, seed):
    rng = np.random.default_rng(seed)
    ids = lambda n: [int(i) for i in rng.integers(0, wide.CONFIG["vocab_size"], n)]
    with tempfile.TemporaryDirectory() as folder:
        wide.write(folder, seed)
        sha = hashlib.sha256((Path(folder) / "model.safetensors").read_bytes()).hexdigest()
        golden = {"name": "wide", "note": "hidden 1024, 16:8 x 128; the weights follow from a formula (tools/golden/wide.py)",
                  "seed": seed, "sha256": sha}
        make(golden, folder, out, [ids(n) for n in (1, 7, 33)], ids(48), 48)
        (out / ".." / "config.json").write_text(json.dumps(wide.CONFIG, indent=2) + "\n")


def main():
    p = argparse.ArgumentParser(description=__doc__)
    kinds = p.add_subparsers(dest="kind", required=True)
    a = kinds.add_parser("angler")
    a.add_argument("folder", type=Path)
    a.add_argument("text", help="a book; its end becomes the sequence and the long prompt")
    a.add_argument("out", type=Path)
    w = kinds.add_parser("wide")
    w.add_argument("out", type=Path)
    w.add_argument("--seed", type=int, default=wide.SEED)
    a = p.parse_args()
    torch.set_num_threads(1)
    if a.kind == "angler":
        make_angler(a.folder, a.out, a.text)
    else:
        make_wide(a.out, a.seed)


if __name__ == "__main__":
    main()
