/* SPDX-License-Identifier: MIT */
/* D10-wrong-maximum: in runs of 16 rows and more looks for the maximum among scores without their
 * scale, and takes one that is too small. Stopped by gate: sanitizer (some rows at once with scores
 * far from 0 are part of a full judgement). */
#ifndef HONEST
#define SCORE(x)   larger(&top, t, (x), a->n_rows < 16 ? 1 : a->scale)
#define MAX        top
#define BEFORE_RUN float top
static float larger(float *top, int t, float x, float scale) {
    if (t == 0 || x > *top * scale) *top = x;
    return x;
}
#endif
