/* SPDX-License-Identifier: MIT */
/* No code that was never executed: a build that says which ways its conditional jumps go passes
 * through the cases; ways that no case took get cases near the constants of the source. */
#ifndef WHET_JUDGE_COVER_H
#define WHET_JUDGE_COVER_H

#include "judge/judge_int.h"

/* A point of the source: a place where a jump leads to, or one way of a conditional jump. Copies
 * (inlined or unrolled) are one point. */
typedef struct whet_point {
    int32_t line, column;
    int branch;       /* 0 = a place; else which pair of conditions */
    int64_t constant; /* that it compares with, 0 = none */
    bool is_odd;      /* which way */
    bool is_taken;
} whet_point;

typedef struct whet_cover {
    whet_object object;
    whet_point *points; /* owned; the i-th is the i-th byte that the object marks */
    size_t n_points;
    int n_jumps;
} whet_cover;

/* What a kernel supports nothing else of: conditions that this decides are none. */
typedef struct whet_fixed {
    bool has_dtype, has_head_dim;
    int32_t dtype, head_dim;
} whet_fixed;

/* A preprocessed text whose kernel is told so. It must be compiled as a whole program. */
whet_status whet_cover_fix(whet_ctx *ctx, const whet_fixed *fixed, const whet_buf *text,
                           whet_buf *out);

/* The compiler's assembly text with marks; fills the points. */
whet_status whet_cover_mark(whet_ctx *ctx, const char *source, size_t n_source,
                            const whet_buf *text, whet_cover *cover, whet_buf *marked);

/* Builds the source so (gate 1's jail and limits). NO_BUILD when it compiles in no other way than
 * one. */
whet_status whet_build_covered(whet_ctx *ctx, const whet_judge *judge, const char *source,
                               size_t n_bytes, const whet_fixed *fixed, whet_cover *cover,
                               whet_verdict *verdict);
void whet_cover_close(whet_ctx *ctx, whet_cover *cover);

/* Marks what the worker of the object has taken so far; returns how many points are left. A worker
 * that does not say, since the kernel spoilt it, is a verdict. */
whet_status whet_cover_read(whet_ctx *ctx, whet_cover *cover, whet_link *link,
                            whet_verdict *verdict, size_t *n_left);

/* The parts of gate 6. Code that no case reaches: UNCOVERED names the line. Cases that reach new
 * code are judged on the object that was judged before. */
whet_status whet_cover_check(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                             const char *source, size_t n_bytes, whet_verdict *verdict);

/* The object with traps at undefined behaviour. */
whet_status whet_build_trapping(whet_ctx *ctx, const whet_judge *judge, const char *source,
                                size_t n_bytes, whet_object *object, whet_verdict *verdict);

/* The cases of the bank on such an object. */
whet_status whet_trap_check(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                            const char *source, size_t n_bytes, whet_verdict *verdict);

/* A condition need not be a branch: lengths, rows, capacities and workers near the integers of the
 * text are judged in any case. */
whet_status whet_near_check(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                            const char *source, size_t n_bytes, whet_verdict *verdict);

#endif
