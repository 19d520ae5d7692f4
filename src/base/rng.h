/* SPDX-License-Identifier: MIT */
/* Seeded random numbers, the same on every machine. */
#ifndef WHET_BASE_RNG_H
#define WHET_BASE_RNG_H

#include <stdint.h>

/* xoshiro256** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2018),
 * seeded by splitmix64. Plain data: a copy continues where the original stood. */
typedef struct whet_rng {
    uint64_t s[4];
} whet_rng;

void whet_rng_init(whet_rng *rng, uint64_t seed);
uint64_t whet_rng_u64(whet_rng *rng);
double whet_rng_uniform(whet_rng *rng); /* [0, 1), 53 bits */
double whet_rng_normal(whet_rng *rng);  /* mean 0, variance 1 (Box-Muller) */
double whet_rng_bell(whet_rng *rng); /* nearly that, ten times quicker, none beyond 4.9: the sum of
                                        eight uniform numbers (Irwin; Hall, 1927) */
uint64_t whet_rng_below(whet_rng *rng, uint64_t n); /* 0 .. n - 1 without bias; n > 0 */

/* A seed of its own for the index-th stream of a seed. */
uint64_t whet_rng_derive(uint64_t seed, uint64_t index);

#endif
