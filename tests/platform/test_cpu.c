/* SPDX-License-Identifier: MIT */
/* Tests of what the processor and the system tell, most of them on made-up file trees. */
#include "tests/test.h"

#include <ftw.h>
#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "platform/cgroup.h"
#include "platform/cpu.h"
#include "platform/machine.h"
#include "platform/pseudo.h"

static whet_ctx *ctx;

/* ---- a tree of files ---- */

static char root[] = "/tmp/whet-test-XXXXXX";

static int remove_entry(const char *path, const struct stat *s, int kind, struct FTW *at) {
    (void)s;
    (void)kind;
    return at->level == 0 ? 0 : remove(path);
}

static void clear_tree(void) {
    nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

static void put_bytes(const char *path, const void *bytes, size_t n) {
    char full[600], folder[600];
    snprintf(full, sizeof full, "%s%s", root, path);
    snprintf(folder, sizeof folder, "%s", full);
    *strrchr(folder, '/') = '\0';
    REQUIRE_OK(ctx, whet_dir_make(ctx, folder));
    FILE *f = fopen(full, "wb");
    REQUIRE(f);
    fwrite(bytes, 1, n, f);
    fclose(f);
}

static void put(const char *path, const char *text) {
    put_bytes(path, text, strlen(text));
}

static void put_cpu(int cpu, const char *name, const char *text) {
    char path[200];
    snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu%d/%s", cpu, name);
    put(path, text);
}

/* 4 cores with 2 threads each, numbered as Intel does (core c has c and c + 4), two L3. */
static void put_smt_machine(void) {
    clear_tree();
    put("/sys/devices/system/cpu/online", "0-7\n");
    put("/proc/meminfo", "MemTotal:       16777216 kB\nMemFree: 1 kB\n");
    for (int c = 0; c < 8; c++) {
        char siblings[20];
        snprintf(siblings, sizeof siblings, "%d,%d\n", c % 4, c % 4 + 4);
        put_cpu(c, "topology/thread_siblings_list", siblings);
        put_cpu(c, "cache/index0/level", "1\n");
        put_cpu(c, "cache/index0/type", "Data\n");
        put_cpu(c, "cache/index0/size", "48K\n");
        put_cpu(c, "cache/index1/level", "1\n");
        put_cpu(c, "cache/index1/type", "Instruction\n");
        put_cpu(c, "cache/index1/size", "32K\n");
        put_cpu(c, "cache/index2/level", "2\n");
        put_cpu(c, "cache/index2/type", "Unified\n");
        put_cpu(c, "cache/index2/size", "2048K\n");
        put_cpu(c, "cache/index3/level", "3\n");
        put_cpu(c, "cache/index3/type", "Unified\n");
        put_cpu(c, "cache/index3/size", "32M\n");
        put_cpu(c, "cache/index3/shared_cpu_list", c % 4 < 2 ? "0-1,4-5\n" : "2-3,6-7\n");
    }
}

static whet_cpuset cpus(const char *list) {
    whet_cpuset set;
    CHECK(whet_pseudo_cpulist(list, &set));
    return set;
}

static whet_machine read_with(const char *usable) {
    whet_machine m;
    const whet_cpuset set = cpus(usable);
    whet_machine_read_at(root, &set, &m, NULL);
    return m;
}

/* ---- parsing ---- */

static void numbers_are_strict(void) {
    static const char *const bad[] = { "",
                                       " 1",
                                       "-1",
                                       "+1",
                                       "1 2",
                                       "max",
                                       "K",
                                       "1KB",
                                       "0x",
                                       "1.5",
                                       "18446744073709551616",
                                       "18014398509481984K" };
    uint64_t v;
    CHECK(whet_pseudo_u64("0", &v) && v == 0);
    CHECK(whet_pseudo_u64("18446744073709551615", &v) && v == UINT64_MAX);
    CHECK(whet_pseudo_u64("0x41", &v) && v == 0x41);
    CHECK(whet_pseudo_u64("36608K", &v) && v == 36608 << 10);
    CHECK(whet_pseudo_u64("2M", &v) && v == 2 << 20);
    CHECK(whet_pseudo_u64("1G", &v) && v == 1 << 30);
    for (size_t i = 0; i < TEST_COUNT(bad); i++)
        if (whet_pseudo_u64(bad[i], &v)) TEST_FAIL("\"%s\" passes as %" PRIu64, bad[i], v);
}

static void processor_lists_are_strict(void) {
    static const char *const bad[] = { "",    ",",    "0,",    ",0",   "0-",  "-1",  "a",
                                       "0 1", "0--1", "0-1-2", "9000", "3-1", "0x1", "0;1" };
    whet_cpuset set;
    for (size_t i = 0; i < TEST_COUNT(bad); i++) {
        if (whet_pseudo_cpulist(bad[i], &set)) TEST_FAIL("\"%s\" passes", bad[i]);
        CHECK_INT(whet_cpuset_count(&set), 0);
    }
    set = cpus("0-3,8,10-11");
    CHECK_INT(whet_cpuset_count(&set), 7);
    CHECK(whet_cpuset_has(&set, 3) && !whet_cpuset_has(&set, 4) && whet_cpuset_has(&set, 11));
    CHECK_INT(whet_cpuset_next(&set, 4), 8);
    CHECK_INT(whet_cpuset_next(&set, 12), -1);
    set = cpus("8191,0-99999999999999999999");
    CHECK_INT(whet_cpuset_count(&set), WHET_MAX_CPUS);
    CHECK(!whet_cpuset_has(&set, -1) && !whet_cpuset_has(&set, WHET_MAX_CPUS));
    set = cpus("64,4095");
    CHECK_INT(whet_cpuset_next(&set, 0), 64);
    CHECK_INT(whet_cpuset_next(&set, 65), 4095);
}

/* ---- processor ---- */

static void features_need_processor_and_system(void) {
    const whet_cpuid all = { ~0u, ~0u, ~0u, ~0u, ~(uint64_t)0 };
    CHECK_INT(whet_cpu_features_of(&all),
              WHET_CPU_AVX2_FMA | WHET_CPU_AVX512 | WHET_CPU_AVX512_BF16 | WHET_CPU_AMX_BF16);
    whet_cpuid id = all;
    id.xcr0 = 0x7; /* the system saves YMM, not ZMM */
    CHECK_INT(whet_cpu_features_of(&id), WHET_CPU_AVX2_FMA);
    id.xcr0 = 0xe7; /* nor tiles */
    CHECK_INT(whet_cpu_features_of(&id),
              WHET_CPU_AVX2_FMA | WHET_CPU_AVX512 | WHET_CPU_AVX512_BF16);
    id = all;
    id.leaf1_ecx &= ~(1u << 27); /* OSXSAVE: the system saves nothing of the sort */
    CHECK_INT(whet_cpu_features_of(&id), 0);
    id = all;
    id.leaf1_ecx &= ~(1u << 12); /* AVX2 without FMA */
    CHECK_INT(whet_cpu_features_of(&id), 0);
    id = all;
    id.leaf7_ebx &= ~(1u << 31); /* AVX-512 without VL, as Knights Landing */
    CHECK_INT(whet_cpu_features_of(&id), WHET_CPU_AVX2_FMA);
    id = all;
    id.leaf7_1_eax = 0;
    CHECK_INT(whet_cpu_features_of(&id), WHET_CPU_AVX2_FMA | WHET_CPU_AVX512 | WHET_CPU_AMX_BF16);
}

static void features_agree_with_the_compiler(void) {
    CHECK_INT(whet_cpu_features(), whet_cpu_features());
#ifdef __x86_64__
    const bool avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    CHECK_INT(!!(whet_cpu_features() & WHET_CPU_AVX2_FMA), avx2);
    CHECK_INT(!!(whet_cpu_features() & WHET_CPU_AVX512), !!__builtin_cpu_supports("avx512vl"));
#endif
}

static void every_feature_has_a_name(void) {
    for (int bit = 0; bit < 7; bit++)
        CHECK(whet_cpu_feature_name((whet_cpu_feature)(1 << bit)) != NULL);
    CHECK(whet_cpu_feature_name((whet_cpu_feature)(1 << 20)) == NULL);
}

/* ---- machine ---- */

static void siblings_count_once(void) {
    put_smt_machine();
    whet_machine m = read_with("0-7");
    CHECK_INT(m.n_logical, 8);
    CHECK_INT(m.n_usable, 8);
    CHECK_INT(m.n_physical, 4);
    CHECK_INT(m.n_threads, 4);
    CHECK_INT(m.memory_bytes, (uint64_t)16 << 30);
    CHECK_INT(m.l1d_bytes, 48 << 10);
    CHECK_INT(m.l2_bytes, 2 << 20);
    CHECK_INT(m.l3_bytes, 32 << 20);
    CHECK_INT(m.n_l3, 2);
    m = read_with("1,5,6"); /* taskset: 1 and 5 are one core */
    CHECK_INT(m.n_logical, 8);
    CHECK_INT(m.n_usable, 3);
    CHECK_INT(m.n_physical, 2);
}

static void quota_bounds_the_team(void) {
    put_smt_machine();
    put("/proc/self/cgroup", "0::/user.slice/a.scope\n");
    put("/sys/fs/cgroup/user.slice/a.scope/cpu.max", "max 100000\n");
    put("/sys/fs/cgroup/user.slice/cpu.max", "250000 100000\n");
    put("/sys/fs/cgroup/user.slice/a.scope/memory.max", "1073741824\n");
    put("/sys/fs/cgroup/user.slice/memory.max", "max\n");
    whet_machine m = read_with("0-7");
    CHECK_NEAR(m.quota, 2.5, 0.0);
    CHECK_INT(m.n_usable, 3);
    CHECK_INT(m.n_physical, 3);
    CHECK_INT(m.n_threads, 3);
    CHECK_INT(m.memory_bytes, 1 << 30);
    m = read_with("0-1");
    CHECK_INT(m.n_threads, 2);
    put("/sys/fs/cgroup/user.slice/cpu.max", "10000 100000\n");
    m = read_with("0-7");
    CHECK_INT(m.n_threads, 1);
}

/* Docker with version 1: the path is the host's, the mounted root is the container's group. */
static void quota_of_version_1(void) {
    put_smt_machine();
    put("/proc/self/cgroup", "11:name=systemd:/docker/ab\n4:memory:/docker/ab\n"
                             "2:cpu,cpuacct:/docker/ab\n0::/\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
    put("/sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "536870912\n");
    whet_machine m = read_with("0-7");
    CHECK_INT(m.n_threads, 2);
    CHECK_INT(m.memory_bytes, 512 << 20);
    put("/sys/fs/cgroup/cpu/cpu.cfs_quota_us", "-1\n");
    put("/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    m = read_with("0-7");
    CHECK_INT(m.n_threads, 4);
    CHECK_INT(m.memory_bytes, (uint64_t)16 << 30);
}

static void groups_outside_the_mount_are_not_followed(void) {
    put_smt_machine();
    put("/proc/self/cgroup", "0::/../../evil\n");
    put("/sys/cpu.max", "100000 100000\n");
    put("/evil/cpu.max", "100000 100000\n");
    put("/sys/fs/cgroup/cpu.max", "300000 100000\n");
    whet_limits limits;
    whet_cgroup_read(root, &limits);
    CHECK_NEAR(limits.cpus, 3.0, 0.0);
}

static void small_cores_are_left_out(void) {
    put_smt_machine();
    put("/sys/devices/cpu_core/cpus", "0-1,4-5\n");
    whet_machine m = read_with("0-7");
    CHECK_INT(m.n_physical, 4);
    CHECK_INT(m.n_threads, 2);
    m = read_with("2-3,6-7"); /* only small ones allowed */
    CHECK_INT(m.n_threads, 2);
}

static void a_machine_that_tells_nothing(void) {
    clear_tree();
    const whet_machine m = read_with("0-2");
    CHECK_INT(m.n_logical, 3);
    CHECK_INT(m.n_usable, 3);
    CHECK_INT(m.n_threads, 3);
    CHECK_INT(m.memory_bytes, 0);
    CHECK_INT(m.l3_bytes, 0);
    CHECK_INT(strlen(m.fingerprint), 16);
}

static void fingerprint_knows_the_machine_only(void) {
    put_smt_machine();
    const whet_machine m = read_with("0-7");
    const whet_machine pinned = read_with("3");
    CHECK_STR(pinned.fingerprint, m.fingerprint);
    put("/proc/self/cgroup", "0::/\n");
    put("/sys/fs/cgroup/cpu.max", "200000 100000\n");
    const whet_machine container = read_with("0-7");
    CHECK(strcmp(container.fingerprint, m.fingerprint) != 0);
    put_smt_machine();
    for (int c = 0; c < 8; c++)
        put_cpu(c, "cache/index3/size", "16M\n");
    const whet_machine smaller = read_with("0-7");
    CHECK(strcmp(smaller.fingerprint, m.fingerprint) != 0);
}

/* Every file of the tree, with content that no kernel writes: facts may be lost, nothing else. */
static void nonsense_is_ignored(void) {
    static const char *const files[] = {
        "/sys/devices/system/cpu/online",
        "/sys/devices/system/cpu/cpu0/topology/thread_siblings_list",
        "/sys/devices/system/cpu/cpu1/topology/thread_siblings_list",
        "/sys/devices/system/cpu/cpu0/cache/index0/level",
        "/sys/devices/system/cpu/cpu0/cache/index0/size",
        "/sys/devices/system/cpu/cpu0/cache/index3/shared_cpu_list",
        "/sys/devices/cpu_core/cpus",
        "/proc/meminfo",
        "/proc/self/cgroup",
        "/sys/fs/cgroup/cpu.max",
        "/sys/fs/cgroup/memory.max",
    };
    static const char *const texts[] = {
        "",
        "\n",
        "0-",
        "4294967296",
        "-1",
        "0::",
        "0::\n::\n:",
        "0::/",
        "MemTotal:",
        "MemTotal: x",
        "0 0",
        "1 0",
        "0 100000",
        "max",
        "0-8191",
        "99999999-99999999",
        "18446744073709551615 1",
        "1:cpu://///",
        "0:::/..",
    };
    put_smt_machine();
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    for (int i = 0; i < 100; i++) {
        char bytes[6000];
        for (size_t f = 0; f < TEST_COUNT(files); f++) {
            if (whet_rng_below(&rng, 2)) {
                put(files[f], texts[whet_rng_below(&rng, TEST_COUNT(texts))]);
                continue;
            }
            static const char alphabet[] = "0123456789-,:/. \nKMGmax\0cpu";
            const size_t n = whet_rng_below(&rng, whet_rng_below(&rng, 20) ? 40 : sizeof bytes);
            for (size_t k = 0; k < n; k++)
                bytes[k] = alphabet[whet_rng_below(&rng, sizeof alphabet)];
            put_bytes(files[f], bytes, n);
        }
        const whet_machine m = read_with("0-7");
        CHECK(m.n_usable >= 1 && m.n_usable <= 8);
        CHECK(m.n_physical >= 1 && m.n_physical <= m.n_usable);
        CHECK(m.n_threads >= 1 && m.n_threads <= m.n_physical);
        CHECK(m.n_logical >= 1 && m.n_logical <= WHET_MAX_CPUS);
        CHECK_INT(strlen(m.fingerprint), 16);
    }
}

static void this_machine_is_sensible(void) {
    whet_machine m, again;
    REQUIRE_OK(ctx, whet_machine_read(ctx, &m));
    REQUIRE_OK(ctx, whet_machine_read(ctx, &again));
    CHECK_STR(again.fingerprint, m.fingerprint);
    CHECK(m.n_usable >= 1 && m.n_threads >= 1 && m.n_threads <= m.n_usable);
    CHECK(m.memory_bytes > 1 << 20);
    CHECK(strlen(m.system) > 4);
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    if (!ctx || !mkdtemp(root)) return 1;
    static const test_case tests[] = {
        { "numbers_are_strict", numbers_are_strict },
        { "processor_lists_are_strict", processor_lists_are_strict },
        { "features_need_processor_and_system", features_need_processor_and_system },
        { "features_agree_with_the_compiler", features_agree_with_the_compiler },
        { "every_feature_has_a_name", every_feature_has_a_name },
        { "siblings_count_once", siblings_count_once },
        { "quota_bounds_the_team", quota_bounds_the_team },
        { "quota_of_version_1", quota_of_version_1 },
        { "groups_outside_the_mount_are_not_followed", groups_outside_the_mount_are_not_followed },
        { "small_cores_are_left_out", small_cores_are_left_out },
        { "a_machine_that_tells_nothing", a_machine_that_tells_nothing },
        { "fingerprint_knows_the_machine_only", fingerprint_knows_the_machine_only },
        { "nonsense_is_ignored", nonsense_is_ignored },
        { "this_machine_is_sensible", this_machine_is_sensible },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    clear_tree();
    rmdir(root);
    whet_ctx_close(ctx);
    return rc;
}
