# SPDX-License-Identifier: MIT
"""Held-out loss, of the network and of a trigram model, over the very same tokens."""

import math

import numpy as np
import torch
import torch.nn.functional as F

WINDOW, STRIDE = 2048, 1024


def windows(ids):
    """(start, end, first scored) of windows over one text: every token but the text's first is scored once, and after
    the first window with at least WINDOW - STRIDE tokens before it."""
    end = 1
    while end < len(ids):
        start = 0 if end == 1 else end - (WINDOW - STRIDE)
        first, end = end, min(start + WINDOW, len(ids))
        yield start, end, first


@torch.no_grad()
def network_nats(model, texts, device, autocast=True):
    """Sum of -ln p, the number of tokens scored, and [sum, count] for each 256 positions of the window."""
    model.eval()
    by_position = np.zeros((WINDOW // 256, 2))
    for ids in texts:
        for start, end, first in windows(ids):
            x = torch.tensor(ids[start:end], device=device)
            with torch.autocast(device, torch.bfloat16, enabled=autocast and device == "cuda"):
                logits = model(x[None, :-1])[0]
            nats = F.cross_entropy(logits.float(), x[1:], reduction="none").cpu().double().numpy()
            for i in range(first - start - 1, len(nats)):
                by_position[i // 256] += nats[i], 1
    model.train()
    return by_position[:, 0].sum(), int(by_position[:, 1].sum()), by_position


class Trigram:
    """Interpolated modified Kneser-Ney (Chen and Goodman 1999), orders 3, 2, 1, over a uniform floor."""

    def __init__(self, texts, vocab):
        self.vocab = vocab
        grams = {n: {} for n in (1, 2, 3)}
        for ids in texts:
            for i in range(2, len(ids)):
                g = tuple(ids[i - 2 : i + 1])
                grams[3][g] = grams[3].get(g, 0) + 1
        for n in (2, 1):  # lower orders count the different words before a gram, not its occurrences
            for g in grams[n + 1]:
                grams[n][g[1:]] = grams[n].get(g[1:], 0) + 1
        self.levels = {n: self._level(g) for n, g in grams.items()}

    @staticmethod
    def _level(grams):
        n = [0, 0, 0, 0, 0]
        totals = {}  # context -> [sum of counts, grams seen once, twice, three times or more]
        for g, c in grams.items():
            if c <= 4:
                n[c] += 1
            t = totals.setdefault(g[:-1], [0, 0, 0, 0])
            t[0] += c
            t[min(c, 3)] += 1
        y = n[1] / (n[1] + 2 * n[2])
        discount = [0.0] + [c - (c + 1) * y * n[c + 1] / n[c] if n[c] else y for c in (1, 2, 3)]
        return grams, totals, discount

    def probability(self, context, token):
        p = 1.0 / self.vocab
        for n in (1, 2, 3):
            grams, totals, discount = self.levels[n]
            ctx = tuple(context[len(context) - n + 1 :]) if n > 1 else ()
            t = totals.get(ctx) if len(ctx) == n - 1 else None
            if t is None:
                continue
            c = grams.get(ctx + (token,), 0)
            free = discount[1] * t[1] + discount[2] * t[2] + discount[3] * t[3]
            p = (max(c - discount[min(c, 3)], 0.0) + free * p) / t[0]
        return p

    def nats(self, texts):
        total, n = 0.0, 0
        for ids in texts:
            for i in range(1, len(ids)):
                total -= math.log(self.probability(ids[max(0, i - 2) : i], ids[i]))
                n += 1
        return total, n


def scored_bytes(texts, tok):
    """Bytes of the text that the scored tokens (all but each text's first) stand for."""
    return sum(len(tok.decode(ids, skip_special_tokens=False).encode()) -
               len(tok.decode(ids[:1], skip_special_tokens=False).encode()) for ids in texts)
