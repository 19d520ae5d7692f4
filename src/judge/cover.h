/* SPDX-License-Identifier: MIT */
/* No code that was never executed: a build that says which basic blocks it takes goes through the
 * cases; blocks that no case took get cases near the constants of the source. */
#ifndef WHET_JUDGE_COVER_H
#define WHET_JUDGE_COVER_H

#include "judge/judge_int.h"

/* A point of the source: its line and which of the blocks on it. Copies of a block (inlined or
 * unrolled) are one point. */
typedef struct whet_point {
    int32_t line, block;
    bool is_taken;
} whet_point;

typedef struct whet_cover {
    whet_object object;
    whet_point *points; /* owned */
    size_t n_points;
    size_t *sites;    /* owned: places in the object */
    size_t *point_of; /* owned: the point of each site */
    size_t n_sites;
} whet_cover;

/* Places of all calls of the counter in the object, "0x12ab" a line each. */
whet_status whet_cover_sites(whet_ctx *ctx, const whet_object *object, whet_buf *addresses);

/* Builds the source so (gate 1's jail and limits). NO_BUILD when it compiles in no other way than
 * one; no points where the tool that knows lines is missing. */
whet_status whet_cover_open(whet_ctx *ctx, const whet_judge *judge, const char *source,
                            size_t n_bytes, whet_cover *cover, whet_verdict *verdict);
void whet_cover_close(whet_ctx *ctx, whet_cover *cover);

/* Marks what the worker of the object has taken so far; returns how many points are left. */
whet_status whet_cover_read(whet_ctx *ctx, whet_cover *cover, whet_link *link, size_t *n_left);

/* Gate 6's first half: UNCOVERED names the line. Cases that reach new code are judged on the
 * object that was judged before. */
whet_status whet_cover_check(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                             const char *source, size_t n_bytes, whet_verdict *verdict);

/* The object with calls of the counter, and the line of each site. */
whet_status whet_build_covered(whet_ctx *ctx, const whet_judge *judge, const char *source,
                               size_t n_bytes, whet_object *object, whet_buf *lines,
                               whet_verdict *verdict);

/* The object with traps at undefined behaviour. */
whet_status whet_build_trapping(whet_ctx *ctx, const whet_judge *judge, const char *source,
                                size_t n_bytes, whet_object *object, whet_verdict *verdict);

/* Gate 6's other half: the cases of the bank on such an object. */
whet_status whet_trap_check(whet_ctx *ctx, const whet_judge *judge, const char *source,
                            size_t n_bytes, whet_verdict *verdict);

#endif
