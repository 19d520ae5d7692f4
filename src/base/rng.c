/* SPDX-License-Identifier: MIT */
/* xoshiro256** and splitmix64. */
#include "base/rng.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *state) {
    uint64_t z = (*state += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotate(uint64_t x, int k) {
    return (x << k) | (x >> (64 - k));
}

void whet_rng_init(whet_rng *rng, uint64_t seed) {
    for (int i = 0; i < 4; i++)
        rng->s[i] = splitmix64(&seed);
}

uint64_t whet_rng_u64(whet_rng *rng) {
    uint64_t *s = rng->s;
    const uint64_t result = rotate(s[1] * 5, 7) * 9;
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotate(s[3], 45);
    return result;
}

double whet_rng_uniform(whet_rng *rng) {
    return (double)(whet_rng_u64(rng) >> 11) * 0x1p-53;
}

double whet_rng_normal(whet_rng *rng) {
    const double u = 1.0 - whet_rng_uniform(rng); /* (0, 1]: the logarithm is finite */
    const double angle = 2.0 * 3.14159265358979323846 * whet_rng_uniform(rng);
    return sqrt(-2.0 * log(u)) * cos(angle);
}

double whet_rng_bell(whet_rng *rng) {
    static const double unit = 1.8688123647942946e-05; /* sqrt(12 / 8) / 65536 */
    int64_t sum = -4 * 65535;
    for (int i = 0; i < 2; i++)
        for (uint64_t bits = whet_rng_u64(rng), j = 0; j < 4; j++, bits >>= 16)
            sum += (int64_t)(bits & 65535);
    return unit * (double)sum;
}

uint64_t whet_rng_below(whet_rng *rng, uint64_t n) {
    const uint64_t limit = UINT64_MAX - UINT64_MAX % n; /* a multiple of n */
    uint64_t x;
    do {
        x = whet_rng_u64(rng);
    } while (x >= limit);
    return x % n;
}

uint64_t whet_rng_derive(uint64_t seed, uint64_t index) {
    uint64_t state = seed ^ (index * 0xd1342543de82ef95u);
    splitmix64(&state);
    return splitmix64(&state);
}
