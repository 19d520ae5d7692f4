/* SPDX-License-Identifier: MIT */
/* CPUID on x86-64, the auxiliary vector or sysctl on aarch64. */
#include "platform/cpu.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "platform/pseudo.h"

#if defined(__x86_64__)
#include <cpuid.h>
#endif
#if defined(__linux__)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(__linux__) && defined(__aarch64__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif
#if defined(__APPLE__)
#include <sys/sysctl.h>
#endif

const char *whet_cpu_feature_name(whet_cpu_feature feature) {
    switch (feature) {
    case WHET_CPU_AVX2_FMA: return "avx2";
    case WHET_CPU_AVX512: return "avx512";
    case WHET_CPU_AVX512_BF16: return "avx512-bf16";
    case WHET_CPU_AMX_BF16: return "amx-bf16";
    case WHET_CPU_NEON: return "neon";
    case WHET_CPU_NEON_BF16: return "neon-bf16";
    case WHET_CPU_SVE: return "sve";
    }
    return NULL;
}

static bool has_all(uint64_t word, uint64_t mask) {
    return (word & mask) == mask;
}

uint32_t whet_cpu_features_of(const whet_cpuid *id) {
    const uint32_t fma = 1u << 12, osxsave = 1u << 27, avx = 1u << 28, f16c = 1u << 29;
    const uint32_t avx2 = 1u << 5;
    const uint32_t avx512 =
        1u << 16 | 1u << 17 | 1u << 28 | 1u << 30 | 1u << 31; /* F DQ CD BW VL */
    const uint32_t amx_bf16 = 1u << 22 | 1u << 24;            /* AMX-BF16, AMX-TILE */
    const uint64_t ymm = 0x6, zmm = 0xe6, tiles = 0x60000;
    uint32_t features = 0;
    if (!has_all(id->leaf1_ecx, osxsave | avx | fma | f16c) || !has_all(id->xcr0, ymm)) return 0;
    if (!has_all(id->leaf7_ebx, avx2)) return 0;
    features |= WHET_CPU_AVX2_FMA;
    if (!has_all(id->leaf7_ebx, avx512) || !has_all(id->xcr0, zmm)) return features;
    features |= WHET_CPU_AVX512;
    if (has_all(id->leaf7_1_eax, 1u << 5)) features |= WHET_CPU_AVX512_BF16;
    if (has_all(id->leaf7_edx, amx_bf16) && has_all(id->xcr0, tiles)) features |= WHET_CPU_AMX_BF16;
    return features;
}

#if defined(__x86_64__)

static void read_cpuid(whet_cpuid *id) {
    uint32_t a, b, c, d;
    *id = (whet_cpuid){ 0 };
    if (!__get_cpuid(1, &a, &b, &c, &d)) return;
    id->leaf1_ecx = c;
    if (c & 1u << 27) {
        uint32_t low, high;
        __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        id->xcr0 = (uint64_t)high << 32 | low;
    }
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return;
    id->leaf7_ebx = b;
    id->leaf7_edx = d;
    if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d)) id->leaf7_1_eax = a;
}

/* Linux gives the tile registers only to processes that ask (Documentation/arch/x86/xstate.rst). */
static bool ask_for_tiles(void) {
#if defined(__linux__)
    enum { REQ_XCOMP_PERM = 0x1023, XTILEDATA = 18 };
    return syscall(SYS_arch_prctl, REQ_XCOMP_PERM, XTILEDATA) == 0;
#else
    return false;
#endif
}

static uint32_t detect(void) {
    whet_cpuid id;
    read_cpuid(&id);
    uint32_t features = whet_cpu_features_of(&id);
    if ((features & WHET_CPU_AMX_BF16) && !ask_for_tiles())
        features &= ~(uint32_t)WHET_CPU_AMX_BF16;
    return features;
}

void whet_cpu_brand(char *brand, size_t size) {
    uint32_t words[12] = { 0 };
    for (uint32_t i = 0; i < 3; i++)
        __get_cpuid(0x80000002 + i, &words[4 * i], &words[4 * i + 1], &words[4 * i + 2],
                    &words[4 * i + 3]);
    char raw[sizeof words + 1] = { 0 };
    memcpy(raw, words, sizeof words);
    const char *start = raw + strspn(raw, " ");
    size_t n = strlen(start);
    while (n > 0 && start[n - 1] == ' ')
        n--;
    snprintf(brand, size, "%.*s", (int)n, start);
}

uint64_t whet_cpu_signature(void) {
    uint32_t a = 0, b, c, d;
    return __get_cpuid(1, &a, &b, &c, &d) ? a : 0;
}

#elif defined(__aarch64__)

#if defined(__APPLE__)

static bool sysctl_is_set(const char *name) {
    int value = 0;
    size_t bytes = sizeof value;
    return sysctlbyname(name, &value, &bytes, NULL, 0) == 0 && value;
}

static uint32_t detect(void) {
    return WHET_CPU_NEON |
           (sysctl_is_set("hw.optional.arm.FEAT_BF16") ? (uint32_t)WHET_CPU_NEON_BF16 : 0);
}

void whet_cpu_brand(char *brand, size_t size) {
    if (sysctlbyname("machdep.cpu.brand_string", brand, &size, NULL, 0) != 0) *brand = '\0';
}

uint64_t whet_cpu_signature(void) {
    uint32_t family = 0;
    size_t bytes = sizeof family;
    return sysctlbyname("hw.cpufamily", &family, &bytes, NULL, 0) == 0 ? family : 0;
}

#else

static uint32_t detect(void) {
    const unsigned long has = getauxval(AT_HWCAP), has2 = getauxval(AT_HWCAP2);
    uint32_t features = 0;
    if (has & HWCAP_ASIMD) features |= WHET_CPU_NEON;
    if (has & HWCAP_SVE) features |= WHET_CPU_SVE;
    if (has2 & HWCAP2_BF16) features |= WHET_CPU_NEON_BF16;
    return features;
}

uint64_t whet_cpu_signature(void) {
    char text[32];
    uint64_t midr;
    const bool ok = whet_pseudo_read(text, sizeof text, "%s",
                                     "/sys/devices/system/cpu/cpu0/regs/identification/midr_el1");
    return ok && whet_pseudo_u64(text, &midr) ? midr : 0;
}

/* The main identification register names implementer and part (Arm ARM, MIDR_EL1). */
void whet_cpu_brand(char *brand, size_t size) {
    static const struct {
        uint32_t implementer_part;
        const char *name;
    } known[] = {
        { 0x41d08, "Cortex-A72" },  { 0x41d0b, "Cortex-A76" },  { 0x41d0c, "Neoverse N1" },
        { 0x41d40, "Neoverse V1" }, { 0x41d49, "Neoverse N2" }, { 0x41d4f, "Neoverse V2" },
        { 0x41d84, "Neoverse V3" }, { 0x41d8e, "Neoverse N3" }, { 0xc0ac3, "Ampere-1" },
    };
    const uint64_t midr = whet_cpu_signature();
    const uint32_t id = (uint32_t)(midr >> 24 & 0xff) << 12 | (uint32_t)(midr >> 4 & 0xfff);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (known[i].implementer_part == id) {
            snprintf(brand, size, "%s", known[i].name);
            return;
        }
    if (id)
        snprintf(brand, size, "aarch64 implementer 0x%02x part 0x%03x", id >> 12, id & 0xfff);
    else
        snprintf(brand, size, "aarch64");
}

#endif

#else

static uint32_t detect(void) {
    return 0;
}

void whet_cpu_brand(char *brand, size_t size) {
    snprintf(brand, size, "%s", "");
}

uint64_t whet_cpu_signature(void) {
    return 0;
}

#endif

uint32_t whet_cpu_all_features(void) {
    enum { KNOWN = 1 << 30 };
    static _Atomic uint32_t cache; /* two threads may both ask: the answer is the same */
    uint32_t word = atomic_load_explicit(&cache, memory_order_relaxed);
    if (word == 0) {
        word = detect() | KNOWN;
        atomic_store_explicit(&cache, word, memory_order_relaxed);
    }
    return word & ~(uint32_t)KNOWN;
}

/* The bits that are ruled out; of the process, as the processor is. */
static _Atomic uint32_t ruled_out;

void whet_cpu_set_bound(uint32_t mask) {
    atomic_store_explicit(&ruled_out, ~mask, memory_order_relaxed);
}

uint32_t whet_cpu_features(void) {
    return whet_cpu_all_features() & ~atomic_load_explicit(&ruled_out, memory_order_relaxed);
}
