/* SPDX-License-Identifier: MIT */
/* H12-dispatch: three ways by shape, all right. Must pass. */
#define ADD(x, y) (last > 200 ? (y) + (x) : last > 100 ? (x) + (y) : (x) + 1 * (y))
