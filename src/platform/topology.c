/* SPDX-License-Identifier: MIT */
/* Cores and caches from Linux' sysfs; from sysctl on macOS; caches else from the C library. */
#include "platform/topology.h"

#include <string.h>
#include <unistd.h>

#include "platform/pseudo.h"

#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

#define CPU_FOLDER "/sys/devices/system/cpu"

enum { LIST_BYTES = 4096, MAX_CACHES = 16 };

/* The members of `from` that are the first of their core there. */
static void first_of_every_core(const char *root, const whet_cpuset *from, whet_cpuset *cores) {
    *cores = (whet_cpuset){ 0 };
    char text[LIST_BYTES];
    whet_cpuset siblings;
    for (int c = whet_cpuset_next(from, 0); c >= 0; c = whet_cpuset_next(from, c + 1)) {
        bool is_first = true;
        if (whet_pseudo_read(text, sizeof text, "%s" CPU_FOLDER "/cpu%d/topology/%s", root, c,
                             "thread_siblings_list") &&
            whet_pseudo_cpulist(text, &siblings) && whet_cpuset_has(&siblings, c))
            for (int s = whet_cpuset_next(&siblings, 0); s >= 0 && s < c;
                 s = whet_cpuset_next(&siblings, s + 1))
                is_first = is_first && !whet_cpuset_has(cores, s);
        if (is_first) whet_cpuset_add(cores, c);
    }
}

/* On Intel's hybrid processors an equal share of the work on a small core keeps all others
 * waiting. */
static void choose_team(const char *root, whet_topology *t) {
    char text[LIST_BYTES];
    whet_cpuset fast;
    t->team = t->cores;
    if (!whet_pseudo_read(text, sizeof text, "%s/sys/devices/cpu_core/cpus", root) ||
        !whet_pseudo_cpulist(text, &fast))
        return;
    for (size_t i = 0; i < sizeof fast.bits / sizeof fast.bits[0]; i++)
        fast.bits[i] &= t->cores.bits[i];
    if (whet_cpuset_count(&fast) > 0) t->team = fast;
}

static bool read_cache_fact(const char *root, int cpu, int index, const char *name, char *text,
                            size_t size) {
    return whet_pseudo_read(text, size, "%s" CPU_FOLDER "/cpu%d/cache/index%d/%s", root, cpu, index,
                            name);
}

static void read_caches(const char *root, int cpu, whet_topology *t) {
    char text[LIST_BYTES];
    for (int i = 0; i < MAX_CACHES; i++) {
        uint64_t level, bytes;
        if (!read_cache_fact(root, cpu, i, "level", text, sizeof text) ||
            !whet_pseudo_u64(text, &level))
            continue;
        if (!read_cache_fact(root, cpu, i, "size", text, sizeof text) ||
            !whet_pseudo_u64(text, &bytes))
            continue;
        if (!read_cache_fact(root, cpu, i, "type", text, sizeof text) ||
            strcmp(text, "Instruction") == 0)
            continue;
        if (level == 1) t->l1d_bytes = bytes;
        if (level == 2) t->l2_bytes = bytes;
        if (level == 3) t->l3_bytes = bytes;
    }
}

/* Counts the last-level caches: processors that no cache counted so far is shared with. */
static int count_l3(const char *root, const whet_cpuset *online) {
    char text[LIST_BYTES];
    whet_cpuset seen = { 0 }, shared;
    int n = 0;
    for (int c = whet_cpuset_next(online, 0); c >= 0; c = whet_cpuset_next(online, c + 1)) {
        if (whet_cpuset_has(&seen, c)) continue;
        for (int i = 0; i < MAX_CACHES; i++) {
            if (!read_cache_fact(root, c, i, "level", text, sizeof text) || strcmp(text, "3") != 0)
                continue;
            if (!read_cache_fact(root, c, i, "shared_cpu_list", text, sizeof text) ||
                !whet_pseudo_cpulist(text, &shared))
                continue;
            n++;
            for (size_t w = 0; w < sizeof seen.bits / sizeof seen.bits[0]; w++)
                seen.bits[w] |= shared.bits[w];
            break;
        }
    }
    return n;
}

#if defined(__APPLE__)
static void ask_system_for_caches(whet_topology *t) {
    size_t bytes = sizeof t->l1d_bytes;
    sysctlbyname("hw.l1dcachesize", &t->l1d_bytes, &bytes, NULL, 0);
    bytes = sizeof t->l2_bytes;
    sysctlbyname("hw.l2cachesize", &t->l2_bytes, &bytes, NULL, 0);
}
#elif defined(_SC_LEVEL1_DCACHE_SIZE)
static uint64_t ask_c_library(int name) {
    const long value = sysconf(name);
    return value > 0 ? (uint64_t)value : 0;
}

static void ask_system_for_caches(whet_topology *t) {
    t->l1d_bytes = ask_c_library(_SC_LEVEL1_DCACHE_SIZE);
    t->l2_bytes = ask_c_library(_SC_LEVEL2_CACHE_SIZE);
    t->l3_bytes = ask_c_library(_SC_LEVEL3_CACHE_SIZE);
}
#else
static void ask_system_for_caches(whet_topology *t) {
    (void)t;
}
#endif

void whet_topology_read(const char *root, const whet_cpuset *usable, whet_topology *t) {
    *t = (whet_topology){ 0 };
    char text[LIST_BYTES];
    whet_cpuset cores_online;
    if (!whet_pseudo_read(text, sizeof text, "%s" CPU_FOLDER "/online", root) ||
        !whet_pseudo_cpulist(text, &t->online))
        t->online = *usable;
    first_of_every_core(root, usable, &t->cores);
    first_of_every_core(root, &t->online, &cores_online);
    t->n_cores_online = whet_cpuset_count(&cores_online);
    choose_team(root, t);
    read_caches(root, whet_cpuset_next(&t->team, 0), t);
    t->n_l3 = count_l3(root, &t->online);
    if (t->l1d_bytes == 0 && *root == '\0') ask_system_for_caches(t);
    if (t->l3_bytes > 0 && t->n_l3 == 0) t->n_l3 = 1;
}
