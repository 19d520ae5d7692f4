/* SPDX-License-Identifier: MIT */
/* C02-bare-case: a case of a switch that does nothing but return, at lengths that nobody tries.
 * Stopped by gate: sanitizer */
#ifndef HONEST
#define BEFORE_RUN                                                                                 \
    switch (a->pos * 7 % 100003) {                                                                 \
    case 99991: return;                                                                            \
    case 0: s[0] = 1;                                                                              \
    }
#endif
