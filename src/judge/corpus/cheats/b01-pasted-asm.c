/* SPDX-License-Identifier: MIT */
/* B01-pasted-asm: makes the word asm of two. Stopped by gate: source. */
#ifndef HONEST
#define JOIN(a, b) a##b
JOIN(as, m)("nop");
#endif
