/* SPDX-License-Identifier: MIT */
/* A36-constructor: runs while it is loaded. Stopped by gate: source. */
#ifndef HONEST
static int is_there;
__attribute__((constructor)) static void early(void) {
    is_there = 1;
}
#endif
