#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Trains one small Qwen3 on a folder of books and writes the checkpoint of least validation loss."""

import argparse
import copy
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F

import evaluate
import export
import tokens
from model import Qwen3, Shape


def arguments():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("--text", required=True, help="folder of *.txt, one book each")
    p.add_argument("--out", required=True, help="folder for the checkpoint and train.json")
    p.add_argument("--hidden", type=int, default=192)
    p.add_argument("--layers", type=int, default=4)
    p.add_argument("--intermediate", type=int, default=512)
    p.add_argument("--steps", type=int, default=2000)
    p.add_argument("--batch-tokens", type=int, default=16384)
    p.add_argument("--long-every", type=int, default=4, help="every n-th step has rows of 2048 tokens, the others of 512")
    p.add_argument("--lr", type=float, default=2e-3)
    p.add_argument("--weight-decay", type=float, default=1.0)
    p.add_argument("--dropout", type=float, default=0.2)
    p.add_argument("--optimizer", choices=["adamw", "muon"], default="muon")
    p.add_argument("--eval-every", type=int, default=200)
    p.add_argument("--patience", type=int, default=5, help="stop after so many evaluations without a better one")
    p.add_argument("--seconds", type=float, default=1e9, help="the learning rate reaches 0 by then at the latest")
    p.add_argument("--seed", type=int, default=1)
    p.add_argument("--compile", action="store_true")
    return p.parse_args()


def optimizers(model, a):
    """Matrices decay; norm weights and the embedding do not. Muon takes the layers' matrices only."""
    matrices = [p for name, p in model.named_parameters() if p.dim() == 2 and "embed" not in name]
    rest = [p for name, p in model.named_parameters() if p.dim() != 2 or "embed" in name]
    groups = [{"params": rest, "weight_decay": 0.0}]
    if a.optimizer == "adamw":
        groups.append({"params": matrices, "weight_decay": a.weight_decay})
    opts = [torch.optim.AdamW(groups, lr=a.lr, betas=(0.9, 0.95))]
    if a.optimizer == "muon":  # its steps scaled to AdamW's size, so that one --lr serves both
        opts.append(torch.optim.Muon(matrices, lr=a.lr, weight_decay=a.weight_decay, adjust_lr_fn="match_rms_adamw"))
    return opts


def lr_factor(progress):
    """Linear warm-up over 3 %, then linear to 0."""
    return min(progress / 0.03, max(0.0, (1 - progress) / 0.97))


def batches(stream, a, rng, device):
    """Endless rows from random places of the token stream: 512 long, every a.long_every-th time 2048."""
    data = torch.tensor(stream, dtype=torch.int64, device=device)
    step = 0
    while True:
        length = 2048 if step % a.long_every == a.long_every - 1 else 512
        start = rng.integers(0, len(stream) - length - 1, size=max(1, a.batch_tokens // length))
        rows = torch.as_tensor(start, device=device)[:, None] + torch.arange(length + 1, device=device)
        yield data[rows]
        step += 1


def loss_of(model, rows, device):
    with torch.autocast(device, torch.bfloat16, enabled=device == "cuda"):
        logits = model(rows[:, :-1])
    return F.cross_entropy(logits.flatten(0, 1).float(), rows[:, 1:].flatten())


def train(model, stream, valid, a, device):
    """Returns the best state (by validation loss), and the log as [step, epochs, seconds, train, valid] rows."""
    rng = np.random.default_rng(a.seed)
    opts = optimizers(model, a)
    step_model = torch.compile(model, dynamic=False) if a.compile else model
    best, best_state, since_best, log, seen = math.inf, None, 0, [], 0
    recent = torch.zeros((), device=device)
    source = batches(stream, a, rng, device)
    for _ in range(a.long_every):  # both row lengths once, so that compilation is not on the clock
        loss_of(step_model, next(source), device).backward()
    model.zero_grad(set_to_none=True)
    began = time.monotonic()
    for step in range(1, a.steps + 1):
        elapsed = time.monotonic() - began
        progress = max(step / a.steps, elapsed / a.seconds)
        if progress > 1:
            break
        for opt in opts:
            for group in opt.param_groups:
                group["lr"] = a.lr * lr_factor(progress)
        rows = next(source)
        loss = loss_of(step_model, rows, device)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        for opt in opts:
            opt.step()
            opt.zero_grad(set_to_none=True)
        recent += loss.detach()
        seen += rows.numel() - len(rows)
        if step % a.eval_every == 0 or step == a.steps:
            nats, n, _ = evaluate.network_nats(model, valid, device)
            n_recent = (step - 1) % a.eval_every + 1
            log.append([step, round(seen / len(stream), 2), round(time.monotonic() - began, 1),
                        round(recent.item() / n_recent, 4), round(nats / n, 4)])
            print("step %d epochs %.2f seconds %.1f train %.4f valid %.4f" % tuple(log[-1]), flush=True)
            recent.zero_()
            since_best += 1
            if nats / n < best:
                best, best_state, since_best = nats / n, copy.deepcopy(model.state_dict()), 0
            if since_best >= a.patience:
                break
    return best_state or model.state_dict(), log


def measure(model, parts, tok, device):
    """Loss of the stored (bf16) weights on both held-out parts, beside the trigram model's."""
    trigram = evaluate.Trigram(parts["train"], model.shape.vocab)
    result = {}
    for part in ("valid", "test"):
        n_bytes = evaluate.scored_bytes(parts[part], tok)
        nats, n, by_position = evaluate.network_nats(model, parts[part], device, autocast=False)
        t_nats, _ = trigram.nats(parts[part])
        result[part] = {
            "tokens": n, "bytes": n_bytes,
            "network": {"nats_per_token": round(nats / n, 4), "bits_per_byte": round(nats / math.log(2) / n_bytes, 4)},
            "trigram": {"nats_per_token": round(t_nats / n, 4), "bits_per_byte": round(t_nats / math.log(2) / n_bytes, 4)},
            "network_nats_per_256_positions": [round(s / c, 3) if c else None for s, c in by_position],
        }
    return result


def main():
    a = arguments()
    torch.manual_seed(a.seed)
    torch._dynamo.config.suppress_errors = True  # no working compiler: train uncompiled
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tokenizer_json = tokens.train_tokenizer(tokens.split_books(a.text)["train"])
    parts, tok = tokens.load_tokens(a.text, tokenizer_json)
    end = tok.token_to_id("<|endoftext|>")
    stream = [i for ids in parts["train"] for i in [end, *ids]]

    model = Qwen3(Shape(hidden=a.hidden, layers=a.layers, intermediate=a.intermediate), a.dropout).to(device)
    n_params = sum(p.numel() for p in model.parameters())
    print(f"{n_params} parameters, {len(stream)} training tokens, device {device}", flush=True)
    state, log = train(model, stream, parts["valid"], a, device)
    model.load_state_dict(state)
    for p in model.parameters():  # measure what is written
        p.data = p.data.to(torch.bfloat16).to(p.dtype)

    export.write_checkpoint(model, tokenizer_json, a.out)
    best = min(log, key=lambda row: row[4]) if log else None
    report = {"arguments": {k: v for k, v in vars(a).items() if k not in ("text", "out")}, "parameters": n_params,
              "training_tokens": len(stream), "torch": torch.__version__, "best": best, "log": log,
              "held_out": measure(model, parts, tok, device)}
    (Path(a.out) / "train.json").write_text(json.dumps(report) + "\n")
    print(json.dumps(report["held_out"]), flush=True)


if __name__ == "__main__":
    main()
