/* SPDX-License-Identifier: MIT */
/* Machine code, read instruction by instruction. */
#ifndef WHET_JUDGE_CODE_H
#define WHET_JUDGE_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct whet_instruction {
    int length;           /* bytes; 0: not an instruction that is known */
    const char *reason;   /* why no kernel may hold it; NULL = it may */
    bool is_branch;       /* direct; target says where to */
    bool is_through_slot; /* a call or jump through the pointer at `target` */
    int64_t target;       /* address */
    int64_t frame;        /* bytes that it takes from the stack at once */
} whet_instruction;

/* Reads the instruction at code[0 .. n), which will lie at `address`. x86-64. */
whet_instruction whet_instruction_read(const uint8_t *code, size_t n, int64_t address);

#endif
