/* SPDX-License-Identifier: MIT */
/* Gathers the facts and draws the two conclusions: default team size and fingerprint. */
#include "platform/machine.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/hash.h"
#include "platform/cgroup.h"
#include "platform/cpu.h"
#include "platform/pseudo.h"

static int smaller(int a, int b) {
    return a < b ? a : b;
}

static uint64_t read_memory(const char *root) {
    char text[4096];
    if (whet_pseudo_read(text, sizeof text, "%s/proc/meminfo", root)) {
        char *line = strstr(text, "MemTotal:");
        char *kib = line ? line + strlen("MemTotal:") : NULL;
        uint64_t n;
        if (kib) {
            kib += strspn(kib, " ");
            kib[strspn(kib, "0123456789")] = '\0';
            if (whet_pseudo_u64(kib, &n) && n < UINT64_MAX >> 10) return n << 10;
        }
    }
    if (*root) return 0;
    const long pages = sysconf(_SC_PHYS_PAGES), page = sysconf(_SC_PAGE_SIZE);
    return pages > 0 && page > 0 ? (uint64_t)pages * (uint64_t)page : 0;
}

/* Over what decides which kernel is fast, and nothing that a reboot or a kernel update changes.
 * Cores are the machine's, bounded by the quota (a container's lasting property), whatever taskset
 * says today. */
static void make_fingerprint(whet_machine *m, int n_cores) {
    char text[256];
    const int n = snprintf(
        text, sizeof text, "%s|%" PRIx64 "|%" PRIx32 "|%" PRIu64 "|%" PRIu64 "|%" PRIu64 "|%d",
        m->cpu, whet_cpu_signature(), m->features, m->l1d_bytes, m->l2_bytes, m->l3_bytes, n_cores);
    snprintf(m->fingerprint, sizeof m->fingerprint, "%016" PRIx64, whet_hash64(text, (size_t)n));
}

void whet_machine_read_at(const char *root, const whet_cpuset *usable, whet_machine *m,
                          whet_topology *topology) {
    *m = (whet_machine){ 0 };
    whet_topology t;
    whet_limits limits;
    whet_topology_read(root, usable, &t);
    whet_cgroup_read(root, &limits);
    whet_cpu_brand(m->cpu, sizeof m->cpu);
    struct utsname name;
    if (uname(&name) == 0)
        snprintf(m->system, sizeof m->system, "%.20s %.24s %.16s", name.sysname, name.release,
                 name.machine);
    m->features = whet_cpu_features();
    m->ruled_out = whet_cpu_all_features() & ~m->features;
    m->n_logical = whet_cpuset_count(&t.online);
    m->n_usable = whet_cpuset_count(usable);
    m->n_physical = whet_cpuset_count(&t.cores);
    m->n_threads = whet_cpuset_count(&t.team);
    int n_cores = t.n_cores_online;
    if (limits.cpus > 0 && limits.cpus < WHET_MAX_CPUS) {
        const int quota = (int)ceil(limits.cpus);
        m->quota = limits.cpus;
        m->n_usable = smaller(m->n_usable, quota);
        m->n_physical = smaller(m->n_physical, quota);
        m->n_threads = smaller(m->n_threads, quota);
        n_cores = smaller(n_cores, quota);
    }
    m->n_threads = smaller(m->n_threads, 256);
    m->memory_bytes = read_memory(root);
    if (limits.memory_bytes > 0 && (m->memory_bytes == 0 || limits.memory_bytes < m->memory_bytes))
        m->memory_bytes = limits.memory_bytes;
    m->l1d_bytes = t.l1d_bytes;
    m->l2_bytes = t.l2_bytes;
    m->l3_bytes = t.l3_bytes;
    m->n_l3 = t.n_l3;
    make_fingerprint(m, n_cores);
    if (topology) *topology = t;
}

whet_status whet_machine_read(whet_ctx *ctx, whet_machine *machine) {
    (void)ctx;
    whet_cpuset usable;
    whet_affinity_get(&usable);
    whet_machine_read_at("", &usable, machine, NULL);
    return WHET_OK;
}
