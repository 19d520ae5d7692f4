/* SPDX-License-Identifier: MIT */
/* Element by element; written so that NaN never passes. */
#include "judge/compare.h"

#include <math.h>

#include "kernels/dtype.h"

void whet_compare_reject(const whet_problem *p, int row, int i, double expected, double got,
                         double tolerance, whet_gate gate, whet_verdict *v) {
    v->row = row;
    v->head = i / p->head_dim;
    v->dim = i % p->head_dim;
    v->expected = expected;
    v->got = got;
    v->tolerance = tolerance;
    if (!isfinite(got))
        whet_verdict_reject(v, WHET_V_NOT_A_NUMBER, gate,
                            "row %d, head %d, dimension %d is %g, or was never written (%s, %d "
                            "keys, %d workers)",
                            v->row, v->head, v->dim, got, v->family, v->n_context, v->n_workers);
    else
        whet_verdict_reject(v, WHET_V_WRONG, gate,
                            "row %d, head %d, dimension %d is %.6g, not %.6g +- %.2g (%s, %d "
                            "keys, %d workers)",
                            v->row, v->head, v->dim, got, expected, tolerance, v->family,
                            v->n_context, v->n_workers);
}

bool whet_compare(const whet_problem *p, const void *got, int64_t stride, int n_rows,
                  const whet_truth *truth, whet_gate gate, whet_verdict *v) {
    const int n = p->n_heads * p->head_dim;
    for (int row = 0; row < n_rows; row++) {
        double worst = 0;
        int worst_i = -1;
        for (int i = 0; i < n; i++) {
            const double x = (double)whet_load_f32((whet_dtype)p->dtype, got, row * stride + i);
            const size_t at = (size_t)row * (size_t)n + (size_t)i;
            const double miss = fabs(x - truth->out[at]) / truth->tolerance[at];
            if (miss <= worst) continue; /* NaN goes on */
            worst_i = i;
            worst = miss;
            if (isnan(miss)) break;
        }
        v->n_checked += n;
        if (worst > v->worst) v->worst = worst;
        if (worst <= 1) continue;
        const size_t at = (size_t)row * (size_t)n + (size_t)worst_i;
        whet_compare_reject(
            p, row, worst_i, truth->out[at],
            (double)whet_load_f32((whet_dtype)p->dtype, got, row * stride + worst_i),
            truth->tolerance[at], gate, v);
        return true;
    }
    return false;
}
