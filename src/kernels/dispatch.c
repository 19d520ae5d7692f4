/* SPDX-License-Identifier: MIT */
/* The one place from which a kernel is called in the engine: barriers and the counter. */
#include "kernels/attention.h"

static void wait_for_all(whet_team *team, int worker) {
    if (team) whet_team_barrier(team, worker);
}

void whet_attention_dispatch(whet_attention *attention, const whet_append_args *append,
                             const whet_run_args *run, whet_team *team, int worker, int n_workers) {
    const whet_attention_kernel *kernel = attention->kernel;
    if (append) {
        kernel->append(append, worker, n_workers);
        wait_for_all(team, worker);
    }
    if (!run) return;
    const int n_phases = kernel->n_phases(run->problem, run->n_rows, run->pos + run->n_rows);
    for (int phase = 0; phase < n_phases; phase++) {
        kernel->run(run, phase, worker, n_workers);
        wait_for_all(team, worker);
    }
    if (worker == 0) atomic_fetch_add_explicit(&attention->n_calls, 1, memory_order_relaxed);
}
