/* SPDX-License-Identifier: MIT */
/* C15-bracket-attribute: an attribute in brackets turns the traps off for an index beyond its
 * array. Stopped by gate: source. */
#ifndef HONEST
[[gnu::no_sanitize("undefined")]] static int beyond(int i) {
    volatile int few[4] = { 0 };
    return few[i & 7] == 99 && i < 0;
}
#define AFTER_ROW                                                                                  \
    if (beyond(last)) out[0] = 0
#endif
