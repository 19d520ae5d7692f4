/* SPDX-License-Identifier: MIT */
/* I21-last-key-first: Takes the keys from the last to the first: another order of sums. */
#define FIRST     0
#define ADD(x, y) ((x) + s[last - t] * get(kv[(last - t) * 2L * n + n + g * d + c]))
