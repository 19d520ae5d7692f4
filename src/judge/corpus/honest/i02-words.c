/* SPDX-License-Identifier: MIT */
/* I02-words: comments and strings say asm, constructor and syscall. Must pass. */
/* asm volatile("syscall") __attribute__((constructor)) */
static const char text[] = "asm #include <stdio.h>";
#define AFTER_ROW out[0] ^= text[last % 8] == 1
