/* SPDX-License-Identifier: MIT */
/* I24-innocent-bytes: constants whose bytes are a system call, an interrupt, a clock and a jump
 * through a register, if one began in the middle of an instruction: accepted also by gate 6. */
#define AFTER_ROW                                                                                  \
    volatile uint32_t bits = 0x310f050fu ^ (uint32_t)last, more = 0x80cde0ffu ^ (uint32_t)h;       \
    (void)bits, (void)more
