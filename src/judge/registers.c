/* SPDX-License-Identifier: MIT */
/* XRSTOR of an area that holds nothing (Intel SDM, volume 1, 13.8): 140 cycles. */
#include "judge/registers.h"

#include <stdint.h>

#include "platform/cpu.h"

#if defined(__x86_64__)

/* The legacy area, and a header that says of all components that they are as in the beginning. */
typedef struct area {
    uint16_t x87_control;
    uint8_t between[22];
    uint32_t mxcsr;
    uint8_t rest[548];
    uint8_t header[64];
} area;

static const _Alignas(64) area fresh = { .x87_control = 0x37f, .mxcsr = 0x1f80 };

/* x87, SSE, AVX, the masks and both parts of AVX-512, the shapes of tiles; those that are not there
 * are left out. Without its shape no tile can be read, and setting one empties all. */
enum { COMPONENTS = 0x200e7 };

__attribute__((noinline)) void whet_registers_wipe(void) {
    _Static_assert(sizeof fresh == 640, "as XRSTOR reads it");
    if (!(whet_cpu_all_features() & WHET_CPU_AVX2_FMA)) return; /* perhaps there is no XRSTOR */
    __asm__ volatile("xrstor %0" : : "m"(fresh), "a"(COMPONENTS), "d"(0) : "memory");
}

#else

void whet_registers_wipe(void) {}

#endif
