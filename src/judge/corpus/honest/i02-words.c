/* SPDX-License-Identifier: MIT */
/* I02-words: comments and strings say asm, constructor and syscall. Must pass. */
/* asm volatile("syscall") __attribute__((constructor)) */
static const char text[] = "asm #include <stdio.h>";
#define AFTER_ROW                                                                                  \
    if (text[last % 8] == 1) out[0] = 0
