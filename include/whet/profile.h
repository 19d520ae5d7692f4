/* SPDX-License-Identifier: MIT */
/* Which built-in kernels are the fastest on this machine: measured shortly, kept in a file. */
#ifndef WHET_PROFILE_H
#define WHET_PROFILE_H

#include <whet/bench.h>

#ifdef __cplusplus
extern "C" {
#endif

/* A feature flag is not a speed: bf16 dot products run at twice the rate of f32 on one processor
 * and at half of it on another. So flags say what may be tried, and a measurement chooses, as FFTW
 * plans (Frigo and Johnson, "The Design and Implementation of FFTW3", 2005). */

enum { WHET_PROFILE_MAX_FIGURES = 32, WHET_PROFILE_NAME = 48 };

/* The fastest call of one kernel. */
typedef struct whet_profile_figure {
    whet_bench_op op;
    char kernel[WHET_PROFILE_NAME];
    double decode_ns;  /* of one row, on data that is in no cache */
    double prefill_ns; /* of many rows; 0 = was out of the question after decoding */
} whet_profile_figure;

/* Names are those of the built-in kernels. */
typedef struct whet_profile {
    char fingerprint[17]; /* of the machine, as whet_machine has it */
    char date[24];        /* UTC; "" = nothing was measured: these are the static order's first */
    int n_threads;
    char attention[WHET_PROFILE_NAME];
    char linear[WHET_PROFILE_NAME];
    int n_figures; /* 0 in a profile that was read */
    whet_profile_figure figures[WHET_PROFILE_MAX_FIGURES];
} whet_profile;

/* Zero means default: 16:8 heads of 128, 2048 keys in decoding, 512 rows, 2 seconds in all. */
typedef struct whet_profile_opts {
    whet_problem attention; /* one row behind n_context keys, then n_rows rows of n_rows keys */
    double seconds;
} whet_profile_opts;

/* What the static order takes for bf16 on this machine. */
WHET_API whet_status whet_profile_static(whet_ctx *ctx, whet_profile *profile);

/* Times the built-in kernels in turns and chooses, for attention and for linear layers, the one
 * with the largest geometric mean of its speeds, decoding counted 5/6 and prefill 1/6 (one program
 * owns the cache). What the static order takes gives way only to what is 3 % faster. Portable
 * kernels are tried only where there are no others. opts may be NULL. WHET_E_NOMEM,
 * WHET_E_CANCELLED. */
WHET_API whet_status whet_profile_measure(whet_ctx *ctx, whet_team *team,
                                          const whet_profile_opts *opts, whet_profile *profile);

/* Writes it as profile-FINGERPRINT.json into a folder, which is made when missing: whole or not at
 * all, in place of an older one. */
WHET_API whet_status whet_profile_write(whet_ctx *ctx, const char *folder,
                                        const whet_profile *profile);

/* WHET_E_NOT_FOUND: there is none for this fingerprint. WHET_E_FORMAT, with a sentence that names
 * the file: it is of another version or machine, or names a kernel that is not here. */
WHET_API whet_status whet_profile_read(whet_ctx *ctx, const char *folder, const char *fingerprint,
                                       whet_profile *profile);

#ifdef __cplusplus
}
#endif

#endif
