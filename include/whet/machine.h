/* SPDX-License-Identifier: MIT */
/* The machine: processor features, the thread team, the fingerprint, the two probes. */
#ifndef WHET_MACHINE_H
#define WHET_MACHINE_H

#include <whet/whet.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Instruction sets that whet has code for; what the processor and the system both allow. */
typedef enum whet_cpu_feature {
    WHET_CPU_AVX2_FMA = 1 << 0, /* AVX2, FMA, F16C */
    WHET_CPU_AVX512 = 1 << 1,   /* F, BW, DQ, VL, CD */
    WHET_CPU_AVX512_BF16 = 1 << 2,
    WHET_CPU_AMX_BF16 = 1 << 3, /* AMX-TILE and AMX-BF16, permission granted */
    WHET_CPU_NEON = 1 << 4,
    WHET_CPU_NEON_BF16 = 1 << 5,
    WHET_CPU_SVE = 1 << 6,
} whet_cpu_feature;

/* Facts read from the system once. Zero or "" = not known. */
typedef struct whet_machine {
    char cpu[64];          /* brand string */
    char system[64];       /* "Linux 6.1 x86_64" */
    uint32_t features;     /* whet_cpu_feature bits, within the bound of whet_isa_limit */
    uint32_t ruled_out;    /* what the processor has beyond that bound */
    int n_logical;         /* processors of the machine */
    int n_usable;          /* by affinity and cgroup quota */
    double quota;          /* processors' worth of time that the cgroup grants; 0 = no limit */
    int n_physical;        /* cores among the usable ones */
    int n_threads;         /* default team size: one thread a core, performance cores where there
                              are two kinds, no more than the quota; at most 256 */
    uint64_t memory_bytes; /* of the machine, or the cgroup's limit if smaller */
    uint64_t l1d_bytes;    /* of one core */
    uint64_t l2_bytes;     /* of one core */
    uint64_t l3_bytes;     /* of one last-level cache */
    int n_l3;              /* how many of those the machine has */
    char fingerprint[17];  /* 16 hex digits over processor, features and core count: two
                              machines with equal ones may share winners */
} whet_machine;

/* Reads what the system tells, from sysfs, procfs, cgroups and the processor itself. Facts that are
 * missing or senseless there stay unknown. */
WHET_API whet_status whet_machine_read(whet_ctx *ctx, whet_machine *machine);

/* Name of one feature bit ("avx2", "avx512", "avx512-bf16", ...); NULL for an unknown bit. */
WHET_API const char *whet_cpu_feature_name(whet_cpu_feature feature);

/* The instruction sets of this architecture that can be named as a bound, the smallest first:
 * "portable" (no code beyond the architecture's baseline), then on x86-64 "avx2", "avx512",
 * "avx512-bf16", "amx-bf16", on aarch64 "neon", "neon-bf16". NULL past the last. Static. */
WHET_API const char *whet_isa_name(int i);

/* Bounds what this process uses from now on: no kernel and no probe runs code beyond the named set,
 * and kernels from files are compiled for it. The process is then like a smaller machine, with the
 * features and the fingerprint (hence the winners) of that one. A bound above what the processor
 * has changes nothing; NULL lifts it. Process-wide, as the processor is: call it before anything
 * that asks the machine. WHET_E_ARG for another name; the sentence lists those that are known. */
WHET_API whet_status whet_isa_limit(whet_ctx *ctx, const char *name);

/* A persistent team of threads, pinned once; the caller is worker 0 while it runs. It borrows its
 * ctx until whet_team_close. */
typedef struct whet_team whet_team;

/* Starts n_threads - 1 threads; n_threads 0 = the machine's default. At most 256. */
WHET_API whet_status whet_team_open(whet_ctx *ctx, int n_threads, whet_team **team);
WHET_API void whet_team_close(whet_team *team); /* NULL is fine */
WHET_API int whet_team_size(const whet_team *team);

typedef void (*whet_team_fn)(void *arg, int worker, int n_workers);

/* Runs fn on every worker and returns when all are done. Not re-entrant; one caller at a time. */
WHET_API void whet_team_run(whet_team *team, whet_team_fn fn, void *arg);

/* Inside fn only: waits until every worker of the team is here. Spins shortly, then sleeps. */
WHET_API void whet_team_barrier(whet_team *team, int worker);

/* The two limits, measured now. Median and quartiles over repeated passes; a pass is one job of the
 * whole team, timed from its start to the last worker's end. */
typedef struct whet_probe {
    double median;
    double low;  /* first quartile */
    double high; /* third quartile */
    int n_passes;
} whet_probe;

/* A buffer much larger than the last-level caches, in huge pages where the system gives them, kept
 * so that a benchmark can probe again and again in the seconds of its own measurements. The best
 * way to read and the best unit to calculate are found once, by trying each. */
typedef struct whet_prober whet_prober;

/* Takes 4 times cache_bytes, or, where that is 0, 4 times the machine's last-level caches, at least
 * 256 MiB; in any case at most a quarter of the memory. Every worker touches its part first, then
 * all ways are tried, which reads the buffer 4 times. A buffer that the caches hold is opened at
 * once, and says how fast they are, not the memory. team and ctx are borrowed until close.
 * WHET_E_NOMEM. */
WHET_API whet_status whet_prober_open(whet_ctx *ctx, whet_team *team, uint64_t cache_bytes,
                                      whet_prober **prober);
WHET_API void whet_prober_close(whet_prober *prober); /* NULL is fine */
WHET_API uint64_t whet_prober_bytes(const whet_prober *prober);

/* Read bandwidth of memory in bytes per second: all workers stream disjoint parts of the buffer, an
 * eighth of it a pass, each pass the next one, for about `seconds`, at least 3 passes, in the
 * fastest of eight ways, chosen when the prober was opened. WHET_E_CANCELLED between passes. */
WHET_API whet_status whet_prober_bandwidth(whet_prober *prober, double seconds,
                                           whet_probe *bytes_per_second);

/* Peak arithmetic of the whole team in FLOP per second, on registers only, of the fastest unit: f32
 * multiply-add (one is 2 FLOP), bf16 dot products or bf16 tiles, whichever was when the prober was
 * opened. WHET_E_CANCELLED between passes. */
WHET_API whet_status whet_prober_flops(whet_prober *prober, double seconds,
                                       whet_probe *flop_per_second);

/* What they were measured with, in words: "4 streams, prefetched", "bf16 tiles (AMX)". Static. */
WHET_API const char *whet_prober_way(const whet_prober *prober);
WHET_API const char *whet_prober_unit(const whet_prober *prober);

#ifdef __cplusplus
}
#endif

#endif
