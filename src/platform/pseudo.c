/* SPDX-License-Identifier: MIT */
/* Bounded reading and strict parsing of the kernel's small files. */
#include "platform/pseudo.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool whet_pseudo_read(char *text, size_t size, const char *path_format, ...) {
    char path[1024];
    va_list args;
    va_start(args, path_format);
    const int n_path = vsnprintf(path, sizeof path, path_format, args);
    va_end(args);
    *text = '\0';
    if (n_path < 0 || (size_t)n_path >= sizeof path) return false;
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return false;
    size_t n = 0;
    for (ssize_t k = 1; k != 0 && n < size - 1;) {
        k = read(fd, text + n, size - 1 - n);
        if (k < 0 && errno != EINTR) break;
        if (k > 0) n += (size_t)k;
    }
    close(fd);
    if (n > 0 && text[n - 1] == '\n') n--;
    text[n] = '\0';
    return n > 0;
}

bool whet_pseudo_u64(const char *text, uint64_t *value) {
    if (text[0] < '0' || text[0] > '9') return false;
    char *end;
    errno = 0;
    const bool is_hex = text[0] == '0' && text[1] == 'x';
    *value = strtoull(text, &end, is_hex ? 16 : 10);
    if (errno != 0) return false;
    const char *const units = "KMG";
    const char *unit = *end ? strchr(units, *end) : NULL;
    if (unit) {
        const int shift = 10 * (int)(unit - units + 1);
        if (*value > UINT64_MAX >> shift) return false;
        *value <<= shift;
        end++;
    }
    return *end == '\0';
}

/* Reads a processor number; strtol alone would take blanks and signs. */
static bool read_cpu(const char **text, long *cpu) {
    if (**text < '0' || **text > '9') return false;
    char *end;
    *cpu = strtol(*text, &end, 10);
    *text = end;
    return true;
}

bool whet_pseudo_cpulist(const char *text, whet_cpuset *set) {
    *set = (whet_cpuset){ 0 };
    for (;;) {
        long first, last;
        bool ok = read_cpu(&text, &first);
        last = first;
        if (ok && *text == '-') {
            text++;
            ok = read_cpu(&text, &last);
        }
        if (!ok || (*text != ',' && *text != '\0')) break;
        for (long c = first; c <= last && c < WHET_MAX_CPUS; c++)
            whet_cpuset_add(set, (int)c);
        if (*text++ == '\0') return whet_cpuset_count(set) > 0;
    }
    *set = (whet_cpuset){ 0 };
    return false;
}
