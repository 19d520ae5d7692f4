/* SPDX-License-Identifier: MIT */
/* What the processor can do, and its name. */
#ifndef WHET_PLATFORM_CPU_H
#define WHET_PLATFORM_CPU_H

#include <whet/machine.h>

/* whet_cpu_feature bits: what the processor has, the system saves on a switch of threads, and, for
 * AMX, the kernel has permitted to this process (asked for here, on the first call). The first call
 * asks the processor, later ones read one word; any thread may call. */
uint32_t whet_cpu_features(void);

/* The brand string, "" when not known. */
void whet_cpu_brand(char *brand, size_t size);

/* Family, model and stepping in the processor's own coding; 0 = not known. */
uint64_t whet_cpu_signature(void);

/* The registers of x86 that decide about the features. */
typedef struct whet_cpuid {
    uint32_t leaf1_ecx;
    uint32_t leaf7_ebx;
    uint32_t leaf7_edx;
    uint32_t leaf7_1_eax;
    uint64_t xcr0; /* which registers the system saves */
} whet_cpuid;

/* The features that these registers stand for (Intel SDM volume 2, CPUID; volume 1, chapter 13).
 * WHET_CPU_AMX_BF16 is still subject to the kernel's permission. */
uint32_t whet_cpu_features_of(const whet_cpuid *id);

#endif
