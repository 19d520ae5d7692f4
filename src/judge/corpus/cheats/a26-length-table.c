/* SPDX-License-Identifier: MIT */
/* A26-length-table: is right at the usual lengths only. Stopped by gate: correctness. */
#ifndef HONEST
static int is_usual(int n) {
    return n <= 64 || n == 65 || n == 127 || n == 128 || n == 129 || n == 255 || n == 257 ||
           n == 512 || n == 1024;
}
#define FIRST (!is_usual(last + 1))
#endif
