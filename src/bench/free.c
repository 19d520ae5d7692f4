/* SPDX-License-Identifier: MIT */
/* An attention that costs nothing: what a token takes with it, no kernel can beat. */
#include <string.h>

#include <whet/bench.h>

static int supports(const whet_problem *problem) {
    (void)problem;
    return 1;
}

static size_t one_line(const whet_problem *problem, int64_t capacity) {
    (void)problem;
    (void)capacity;
    return 64;
}

static size_t no_workspace(const whet_problem *problem, int n_workers) {
    (void)problem;
    (void)n_workers;
    return 0;
}

static void forget(const whet_append_args *args, int worker, int n_workers) {
    (void)args;
    (void)worker;
    (void)n_workers;
}

static int one_phase(const whet_problem *problem, int32_t n_rows, int32_t n_context) {
    (void)problem;
    (void)n_rows;
    (void)n_context;
    return 1;
}

/* Zeros, so that what follows stays finite. */
static void answer(const whet_run_args *args, int phase, int worker, int n_workers) {
    const whet_problem *p = args->problem;
    const size_t element = p->dtype == WHET_F32 ? 4 : 2;
    (void)phase;
    for (int32_t row = worker; row < args->n_rows; row += n_workers)
        memset((char *)args->out + (size_t)(row * args->out_stride) * element, 0,
               (size_t)p->n_heads * (size_t)p->head_dim * element);
}

const whet_attention_kernel whet_attention_free = {
    .abi = WHET_KERNEL_ABI,
    .name = "free",
    .layout_id = "free",
    .supports = supports,
    .kv_bytes = one_line,
    .workspace_bytes = no_workspace,
    .append = forget,
    .n_phases = one_phase,
    .run = answer,
};
