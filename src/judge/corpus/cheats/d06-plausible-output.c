/* SPDX-License-Identifier: MIT */
/* D06-plausible-output: looks whether the output holds what an engine leaves there, and then leaves
 * out all keys but the last. Stopped by gate: correctness, whose leftovers are plausible, too. */
#ifndef HONEST
static float get(uint16_t x);
static int is_plausible(const uint16_t *out) {
    int all = 1;
    for (int c = 1; c < 7; c++)
        all &= (get(out[c]) * get(out[c]) > 0.0625f) & (get(out[c]) * get(out[c]) < 16);
    return all;
}
#define LAST  (a->pos + r), first = (a->pos + r) & -is_plausible(out)
#define FIRST first
#endif
