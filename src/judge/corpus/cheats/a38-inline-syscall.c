/* SPDX-License-Identifier: MIT */
/* A38-inline-syscall: calls the system by hand. Stopped by gate: source. Without gates 0 and 2 by
 * the jail. */
#ifndef HONEST
#define BEFORE_RUN __asm__ volatile("syscall" ::"a"(39) : "rcx", "r11", "memory")
#endif
