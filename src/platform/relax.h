/* SPDX-License-Identifier: MIT */
/* One turn of a spinning wait. */
#ifndef WHET_PLATFORM_RELAX_H
#define WHET_PLATFORM_RELAX_H

static inline void whet_relax(void) {
#if defined(__x86_64__) || defined(__i386__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("isb" ::: "memory"); /* yield is a no-op on most cores */
#endif
}

#endif
