/* SPDX-License-Identifier: MIT */
/* D08-f16-keys: takes the keys to f16, which has more bits and fewer powers of two.
 * Stopped by gate: correctness. */
#ifndef HONEST
#define KEY(x) (float)(_Float16)(x)
#endif
