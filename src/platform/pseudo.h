/* SPDX-License-Identifier: MIT */
/* The small files by which the kernel tells facts (/proc, /sys). Nothing in them is trusted. */
#ifndef WHET_PLATFORM_PSEUDO_H
#define WHET_PLATFORM_PSEUDO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "platform/affinity.h"

/* Reads the start of a file, at most size - 1 bytes, and ends it with a NUL; a final newline is
 * dropped. False (and "") when there is no such file: a fact that is missing is no failure. */
bool whet_pseudo_read(char *text, size_t size, const char *path_format, ...)
    __attribute__((format(printf, 3, 4)));

/* "123", "0x1f", "32K", "8M", "1G". False for anything else, also past 64 bits. */
bool whet_pseudo_u64(const char *text, uint64_t *value);

/* "0-3,8,10-11". False, and an empty set, for anything else and for an empty list; processors past
 * WHET_MAX_CPUS are dropped. */
bool whet_pseudo_cpulist(const char *text, whet_cpuset *set);

#endif
