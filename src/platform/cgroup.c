/* SPDX-License-Identifier: MIT */
/* Control groups of Linux (Documentation/admin-guide/cgroup-v2.rst, scheduler/sched-bwc.rst). */
#include "platform/cgroup.h"

#include <string.h>

#include "platform/pseudo.h"

#define GROUPS "/sys/fs/cgroup"

/* Limits of 4 EiB and more are how version 1 says "none". */
static const uint64_t no_memory_limit = (uint64_t)1 << 62;

static void tighten_cpus(whet_limits *limits, const char *quota_us, const char *period_us) {
    uint64_t quota, period;
    if (!whet_pseudo_u64(quota_us, &quota) || !whet_pseudo_u64(period_us, &period)) return;
    if (quota == 0 || period == 0) return;
    const double cpus = (double)quota / (double)period;
    if (limits->cpus == 0 || cpus < limits->cpus) limits->cpus = cpus;
}

static void tighten_memory(whet_limits *limits, const char *text) {
    uint64_t bytes;
    if (!whet_pseudo_u64(text, &bytes) || bytes == 0 || bytes >= no_memory_limit) return;
    if (limits->memory_bytes == 0 || bytes < limits->memory_bytes) limits->memory_bytes = bytes;
}

/* The files of one group. A folder holds those of version 1 or of version 2, never both. */
static void read_group(const char *root, const char *hierarchy, const char *group,
                       whet_limits *limits) {
    char a[64], b[64];
    if (whet_pseudo_read(a, sizeof a, "%s" GROUPS "%s%s/cpu.max", root, hierarchy, group)) {
        char *space = strchr(a, ' ');
        if (space) {
            *space = '\0';
            tighten_cpus(limits, a, space + 1);
        }
    }
    if (whet_pseudo_read(a, sizeof a, "%s" GROUPS "%s%s/memory.max", root, hierarchy, group))
        tighten_memory(limits, a);
    if (whet_pseudo_read(a, sizeof a, "%s" GROUPS "%s%s/cpu.cfs_quota_us", root, hierarchy,
                         group) &&
        whet_pseudo_read(b, sizeof b, "%s" GROUPS "%s%s/cpu.cfs_period_us", root, hierarchy, group))
        tighten_cpus(limits, a, b);
    if (whet_pseudo_read(a, sizeof a, "%s" GROUPS "%s%s/memory.limit_in_bytes", root, hierarchy,
                         group))
        tighten_memory(limits, a);
}

/* A group and its parents. Inside a container the first ones may be paths of the host that are not
 * there; the hierarchy's own folder is then the container's group. */
static void read_groups(const char *root, const char *hierarchy, char *group, whet_limits *limits) {
    if (group[0] != '/' || strstr(group, "/..")) group[0] = '\0'; /* outside what we can see */
    for (;;) {
        size_t n = strlen(group);
        while (n > 0 && group[n - 1] == '/')
            group[--n] = '\0';
        read_group(root, hierarchy, group, limits);
        if (n == 0) return;
        *strrchr(group, '/') = '\0';
    }
}

/* One line "id:controllers:path"; version 2 has id 0 and no controllers. */
static void read_line(const char *root, char *line, whet_limits *limits) {
    char *controllers = strchr(line, ':');
    char *path = controllers ? strchr(controllers + 1, ':') : NULL;
    if (!path) return;
    *controllers++ = '\0';
    *path++ = '\0';
    if (strcmp(line, "0") == 0 && *controllers == '\0') {
        char again[4096];
        memcpy(again, path, strlen(path) + 1);
        read_groups(root, "", path, limits);
        read_groups(root, "/unified", again, limits); /* where version 1 has the main place */
        return;
    }
    const char *hierarchy = NULL;
    char *rest = NULL;
    for (char *name = strtok_r(controllers, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
        if (strcmp(name, "cpu") == 0) hierarchy = "/cpu";
        if (strcmp(name, "memory") == 0) hierarchy = "/memory";
    }
    if (hierarchy) read_groups(root, hierarchy, path, limits);
}

void whet_cgroup_read(const char *root, whet_limits *limits) {
    *limits = (whet_limits){ 0 };
    char text[4096];
    if (!whet_pseudo_read(text, sizeof text, "%s/proc/self/cgroup", root)) return;
    char *rest = NULL;
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        read_line(root, line, limits);
}
