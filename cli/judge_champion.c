/* SPDX-License-Identifier: MIT */
/* What the engine said: texts, tokens per second, memory. */
#include "judge_champion.h"

#include "cli.h"
#include "sittings.h"

static void print_speed(const char *name, const char *kind, const whet_champion_speed *s,
                        const uint64_t *rss_bytes) {
    printf("  %-14s %-8s %10.2f %10.2f   %5.3f (%.3f .. %.3f)", name, kind,
           s->tokens_per_second[WHET_BENCH_BASELINE], s->tokens_per_second[WHET_BENCH_CANDIDATE],
           s->ratio.ratio, s->ratio.low, s->ratio.high);
    if (rss_bytes)
        printf("   %.0f, %.0f MiB", (double)rss_bytes[WHET_BENCH_BASELINE] / (1 << 20),
               (double)rss_bytes[WHET_BENCH_CANDIDATE] / (1 << 20));
    printf("\n");
}

static void print_text(const whet_champion_text *t) {
    print_speed(t->name, "prefill", &t->prefill, NULL);
    print_speed("", "decode", &t->decode, t->rss_bytes);
    printf("  %-14s ", "");
    if (t->n_same == t->n_tokens)
        printf("the same %d tokens", t->n_tokens);
    else
        printf("the same %d of %d tokens, then a near-tie: %.3g between logits that span %.3g",
               t->n_same, t->n_tokens, t->margin, t->range);
    printf("; %llu calls of attention, all the candidate's\n",
           (unsigned long long)t->n_calls[WHET_BENCH_CANDIDATE]);
}

void judge_champion_print(const whet_champion *c) {
    if (c->n_cases)
        printf("  %d calls with the model's own Q, K and V, and held-out shapes\n", c->n_cases);
    if (!c->n_texts) return;
    printf("  in the engine against %s, tokens per second:\n", c->baseline);
    printf("  %-14s %-8s %10s %10s   %-23s   %s\n", "", "", "baseline", "candidate",
           "ratio (95 % interval)", "peak memory");
    for (int i = 0; i < c->n_texts; i++)
        print_text(&c->texts[i]);
    for (int i = 0; i < c->n_contexts; i++) {
        char name[24];
        snprintf(name, sizeof name, "context %d", c->contexts[i].n_context);
        print_speed(name, "decode", &c->contexts[i].decode, c->contexts[i].rss_bytes);
    }
}

static whet_status put_speed(whet_ctx *ctx, whet_buf *line, const char *key,
                             const whet_champion_speed *s) {
    return whet_buf_printf(ctx, line,
                           ",\"%s\":{\"candidate\":%.6g,\"baseline\":%.6g,\"ratio\":%.5f,"
                           "\"low\":%.5f,\"high\":%.5f}",
                           key, s->tokens_per_second[WHET_BENCH_CANDIDATE],
                           s->tokens_per_second[WHET_BENCH_BASELINE], s->ratio.ratio, s->ratio.low,
                           s->ratio.high);
}

static whet_status put_memory(whet_ctx *ctx, whet_buf *line, const uint64_t *rss_bytes) {
    return whet_buf_printf(ctx, line, ",\"rss_bytes\":%llu,\"baseline_rss_bytes\":%llu",
                           (unsigned long long)rss_bytes[WHET_BENCH_CANDIDATE],
                           (unsigned long long)rss_bytes[WHET_BENCH_BASELINE]);
}

static whet_status put_text(whet_ctx *ctx, whet_buf *line, const whet_champion_text *t) {
    whet_status st = whet_buf_printf(
        ctx, line,
        "{\"name\":\"%s\",\"prompt\":%d,\"tokens\":%d,\"same\":%d,\"margin\":%.6g,\"range\":%.6g,"
        "\"calls\":%llu,\"baseline_calls\":%llu",
        t->name, t->n_prompt, t->n_tokens, t->n_same, t->margin, t->range,
        (unsigned long long)t->n_calls[WHET_BENCH_CANDIDATE],
        (unsigned long long)t->n_calls[WHET_BENCH_BASELINE]);
    if (st == WHET_OK) st = put_memory(ctx, line, t->rss_bytes);
    if (st == WHET_OK) st = put_speed(ctx, line, "prefill", &t->prefill);
    if (st == WHET_OK) st = put_speed(ctx, line, "decode", &t->decode);
    return st == WHET_OK ? whet_buf_putc(ctx, line, '}') : st;
}

whet_status judge_champion_put(whet_ctx *ctx, const whet_champion *c, whet_buf *line) {
    whet_status st =
        whet_buf_printf(ctx, line, ",\"end_to_end\":{\"baseline\":\"%s\",\"cases\":%d,\"texts\":[",
                        c->baseline, c->n_cases);
    for (int i = 0; i < c->n_texts && st == WHET_OK; i++) {
        if (i) st = whet_buf_putc(ctx, line, ',');
        if (st == WHET_OK) st = put_text(ctx, line, &c->texts[i]);
    }
    if (st == WHET_OK) st = whet_buf_puts(ctx, line, "],\"contexts\":[");
    for (int i = 0; i < c->n_contexts && st == WHET_OK; i++) {
        st =
            whet_buf_printf(ctx, line, "%s{\"context\":%d", i ? "," : "", c->contexts[i].n_context);
        if (st == WHET_OK) st = put_memory(ctx, line, c->contexts[i].rss_bytes);
        if (st == WHET_OK) st = put_speed(ctx, line, "decode", &c->contexts[i].decode);
        if (st == WHET_OK) st = whet_buf_putc(ctx, line, '}');
    }
    return st == WHET_OK ? whet_buf_puts(ctx, line, "]}") : st;
}

/* ---- sittings ---- */

typedef enum speed_kind { PREFILL, DECODE, CONTEXT, N_SPEEDS } speed_kind;

/* The i-th of a kind; NULL behind the last one. */
static const whet_champion_speed *speed_of(const whet_champion *c, speed_kind kind, int i) {
    if (i >= (kind == CONTEXT ? c->n_contexts : c->n_texts)) return NULL;
    return kind == PREFILL  ? &c->texts[i].prefill
           : kind == DECODE ? &c->texts[i].decode
                            : &c->contexts[i].decode;
}

/* What all make of it; false where one of them has no such speed. */
static bool agree(const whet_champion *sittings, int n, speed_kind kind, int i, whet_claim *claim) {
    for (int k = 0; k < n; k++) {
        const whet_champion_speed *speed = speed_of(&sittings[k], kind, i);
        if (!speed) return false;
        *claim = cli_agree(*claim, whet_ratio_claim(&speed->ratio), k + 1);
    }
    return true;
}

static const char *name_of(const whet_champion *c, speed_kind kind, int i, char name[24]) {
    if (kind == CONTEXT)
        snprintf(name, 24, "context %d", c->contexts[i].n_context);
    else
        snprintf(name, 24, "%s", c->texts[i].name);
    return name;
}

void judge_champion_print_claims(const whet_champion *sittings, int n) {
    char name[24];
    whet_claim claim = WHET_CLAIM_NONE;
    for (int kind = 0; kind < N_SPEEDS && n > 1; kind++)
        for (int i = 0; agree(sittings, n, (speed_kind)kind, i, &claim); i++)
            printf("  all %d sittings, %s, %s: %s\n", n,
                   name_of(sittings, (speed_kind)kind, i, name),
                   kind == PREFILL ? "prefill" : "decode", cli_claim_name(claim));
}

whet_status judge_champion_put_claims(whet_ctx *ctx, const whet_champion *sittings, int n,
                                      whet_buf *line) {
    char name[24];
    whet_claim claim = WHET_CLAIM_NONE;
    const char *comma = "";
    whet_status st = whet_buf_printf(ctx, line, ",\"sittings\":%d,\"claims\":[", n);
    for (int kind = 0; kind < N_SPEEDS; kind++)
        for (int i = 0; st == WHET_OK && agree(sittings, n, (speed_kind)kind, i, &claim); i++) {
            st = whet_buf_printf(ctx, line, "%s{\"name\":\"%s\",\"phase\":\"%s\",\"claim\":\"%s\"}",
                                 comma, name_of(sittings, (speed_kind)kind, i, name),
                                 kind == PREFILL ? "prefill" : "decode", cli_claim_name(claim));
            comma = ",";
        }
    return st == WHET_OK ? whet_buf_putc(ctx, line, ']') : st;
}
