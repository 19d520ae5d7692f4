/* SPDX-License-Identifier: MIT */
/* What the processor can do, and its name. */
#ifndef WHET_PLATFORM_CPU_H
#define WHET_PLATFORM_CPU_H

#include <whet/machine.h>

/* whet_cpu_feature bits that code may use: what whet_cpu_all_features gives, within the bound of
 * whet_isa_limit. Two words are read; any thread may call. */
uint32_t whet_cpu_features(void);

/* What the processor has, the system saves on a switch of threads, and, for AMX, the kernel has
 * permitted to this process (asked for here, on the first call). */
uint32_t whet_cpu_all_features(void);

/* From now on whet_cpu_features gives no bit outside the mask: whet_isa_limit's tool. */
void whet_cpu_set_bound(uint32_t mask);

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
