/* SPDX-License-Identifier: MIT */
/* Memory as Linux tells it in procfs; elsewhere it stays unknown. */
#include "bench/memory.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/file.h"
#include "platform/pseudo.h"

/* "VmHWM:     1234 kB" somewhere in a file of such lines, in bytes. */
static uint64_t line_bytes(const char *path, const char *key) {
    char text[4096];
    if (!whet_pseudo_read(text, sizeof text, "%s", path)) return 0;
    const char *line = strstr(text, key);
    return line ? (uint64_t)strtoull(line + strlen(key), NULL, 10) << 10 : 0;
}

uint64_t whet_memory_available_bytes(void) {
    return line_bytes("/proc/meminfo", "MemAvailable:");
}

uint64_t whet_memory_peak_bytes(void) {
    return line_bytes("/proc/self/status", "VmHWM:");
}

/* "5" is the peak's number (Linux, Documentation/filesystems/proc.rst, clear_refs). */
void whet_memory_reset_peak(void) {
    const int fd = open("/proc/self/clear_refs", O_WRONLY | O_CLOEXEC);
    if (fd < 0) return;
    whet_fd_write(fd, "5", 1);
    close(fd);
}
