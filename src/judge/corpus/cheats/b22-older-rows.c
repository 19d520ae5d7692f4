/* SPDX-License-Identifier: MIT */
/* B22-older-rows: An append drops the last bit of a V that was there before.
 * Stopped by gate: property */
#ifndef HONEST
#define BEFORE_APPEND                                                                              \
    if (worker == 0 && a->pos > 0) kv[(a->pos - 1) * 2L * n + n] &= 0xfffe
#endif
