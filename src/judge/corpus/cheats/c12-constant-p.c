/* SPDX-License-Identifier: MIT */
/* C12-constant-p: asks how far the compiler optimises, and so which build it is in.
 * Stopped by gate: source. */
#ifndef HONEST
static int one(void) {
    int x = 1;
    for (int i = 0; i < 3; i++)
        x *= 1;
    return __builtin_constant_p(x);
}
#define AFTER_ROW                                                                                  \
    if (one() && last * 7 % 100003 == 99991) out[0] ^= 0x100
#endif
