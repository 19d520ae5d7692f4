/* SPDX-License-Identifier: MIT */
/* A kernel that supports one dtype, or one dimension, has conditions that only others would turn.
 * Its table is put behind another one, whose functions say which it is, and take in all that they
 * call: what the compiler then finds decided is left out, whatever is not stays. */
#include "judge/cover.h"

#include <ctype.h>
#include <string.h>

static const char name[] = WHET_KERNEL_SYMBOL;

static bool is_word(char c) {
    return isalnum((unsigned char)c) || c == '_';
}

/* Behind the literal that begins at `at`. */
static size_t skip_literal(const whet_buf *text, size_t at) {
    const char quote = text->text[at++];
    while (at < text->len && text->text[at] != quote)
        at += text->text[at] == '\\' ? 2 : 1;
    return at < text->len ? at + 1 : text->len;
}

/* Copies the text with the name of the table changed; not in literals, by whose length the source
 * could tell. */
static whet_status rename_table(whet_ctx *ctx, const whet_buf *text, whet_buf *fixed) {
    const size_t n_name = sizeof name - 1;
    for (size_t at = 0; at < text->len;) {
        size_t end = at + 1;
        if (text->text[at] == '"' || text->text[at] == '\'') end = skip_literal(text, at);
        if (is_word(text->text[at]))
            while (end < text->len && is_word(text->text[end]))
                end++;
        WHET_TRY(whet_buf_append(ctx, fixed, text->text + at, end - at));
        if (end - at == n_name && memcmp(text->text + at, name, n_name) == 0)
            WHET_TRY(whet_buf_puts(ctx, fixed, "_judged"));
        at = end;
    }
    return WHET_OK;
}

/* Behind a line directive: another file, whose jumps are not the candidate's. */
static const char table[] =
    "    return q;\n"
    "}\n"
    "static __attribute__((flatten)) size_t whet_fixed_kv_bytes(const whet_problem *p,\n"
    "                                                           int64_t capacity) {\n"
    "    const whet_problem q = whet_fixed(p);\n"
    "    return whet_kernel_judged.kv_bytes(&q, capacity);\n"
    "}\n"
    "static __attribute__((flatten)) size_t whet_fixed_workspace_bytes(const whet_problem *p,\n"
    "                                                                  int n_workers) {\n"
    "    const whet_problem q = whet_fixed(p);\n"
    "    return whet_kernel_judged.workspace_bytes(&q, n_workers);\n"
    "}\n"
    "static __attribute__((flatten)) void whet_fixed_append(const whet_append_args *a, int "
    "worker,\n"
    "                                                       int n_workers) {\n"
    "    const whet_problem q = whet_fixed(a->problem);\n"
    "    whet_append_args b = *a;\n"
    "    b.problem = &q;\n"
    "    whet_kernel_judged.append(&b, worker, n_workers);\n"
    "}\n"
    "static __attribute__((flatten)) int whet_fixed_n_phases(const whet_problem *p,\n"
    "                                                        int32_t n_rows,\n"
    "                                                        int32_t n_context) {\n"
    "    const whet_problem q = whet_fixed(p);\n"
    "    return whet_kernel_judged.n_phases(&q, n_rows, n_context);\n"
    "}\n"
    "static __attribute__((flatten)) void whet_fixed_run(const whet_run_args *a, int phase,\n"
    "                                                    int worker, int n_workers) {\n"
    "    const whet_problem q = whet_fixed(a->problem);\n"
    "    whet_run_args b = *a;\n"
    "    b.problem = &q;\n"
    "    whet_kernel_judged.run(&b, phase, worker, n_workers);\n"
    "}\n"
    "static int whet_fixed_supports(const whet_problem *p) {\n"
    "    return whet_kernel_judged.supports(p);\n"
    "}\n"
    "__attribute__((externally_visible)) const whet_attention_kernel whet_kernel = {\n"
    "    .name = \"fixed\",\n"
    "    .layout_id = \"fixed\",\n"
    "    .supports = whet_fixed_supports,\n"
    "    .kv_bytes = whet_fixed_kv_bytes,\n"
    "    .workspace_bytes = whet_fixed_workspace_bytes,\n"
    "    .append = whet_fixed_append,\n"
    "    .n_phases = whet_fixed_n_phases,\n"
    "    .run = whet_fixed_run,\n";

whet_status whet_cover_fix(whet_ctx *ctx, const whet_fixed *fixed, const whet_buf *text,
                           whet_buf *out) {
    WHET_TRY(rename_table(ctx, text, out));
    WHET_TRY(whet_buf_puts(ctx, out,
                           "\n# 1 \"fixed.c\"\n"
                           "static inline __attribute__((always_inline)) whet_problem\n"
                           "whet_fixed(const whet_problem *p) {\n"
                           "    whet_problem q = *p;\n"));
    if (fixed->has_dtype) WHET_TRY(whet_buf_printf(ctx, out, "    q.dtype = %d;\n", fixed->dtype));
    if (fixed->has_head_dim)
        WHET_TRY(whet_buf_printf(ctx, out, "    q.head_dim = %d;\n", fixed->head_dim));
    WHET_TRY(whet_buf_puts(ctx, out, table));
    return whet_buf_printf(ctx, out, "    .abi = %d,\n};\n", WHET_KERNEL_ABI);
}
