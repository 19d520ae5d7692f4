/* SPDX-License-Identifier: MIT */
/* Files by plain POSIX calls. */
#include "base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* O_NONBLOCK: opening a FIFO that nobody writes must not hang. */
static whet_status open_regular(whet_ctx *ctx, const char *path, int *fd, size_t *len) {
    *fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (*fd < 0) {
        const whet_status st = errno == ENOENT || errno == ENOTDIR ? WHET_E_NOT_FOUND : WHET_E_IO;
        return whet_fail(ctx, st, "%s: %s", path, strerror(errno));
    }
    struct stat s;
    if (fstat(*fd, &s) == 0 && S_ISREG(s.st_mode)) {
        *len = (size_t)s.st_size;
        return WHET_OK;
    }
    close(*fd);
    return whet_fail(ctx, WHET_E_IO, "%s: not a regular file", path);
}

whet_status whet_file_map(whet_ctx *ctx, const char *path, whet_mapping *map) {
    *map = (whet_mapping){ 0 };
    int fd;
    size_t len;
    WHET_TRY(open_regular(ctx, path, &fd, &len));
    void *p = len ? mmap(NULL, len, PROT_READ, MAP_SHARED, fd, 0) : NULL;
    close(fd);
    if (p == MAP_FAILED) return whet_fail(ctx, WHET_E_IO, "map %s: %s", path, strerror(errno));
    *map = (whet_mapping){ .bytes = p, .len = len };
    return WHET_OK;
}

void whet_file_unmap(whet_mapping *map) {
    if (map->bytes) munmap((void *)(uintptr_t)map->bytes, map->len);
    *map = (whet_mapping){ 0 };
}

whet_status whet_fd_read(whet_ctx *ctx, int fd, const char *name, size_t max_bytes, whet_buf *buf) {
    whet_buf_clear(buf);
    for (;;) {
        WHET_TRY(whet_buf_reserve(ctx, buf, 1 << 16));
        const ssize_t n = read(fd, buf->text + buf->len, buf->cap - buf->len - 1);
        if (n < 0 && errno == EINTR) continue;
        if (n < 0) return whet_fail(ctx, WHET_E_IO, "read %s: %s", name, strerror(errno));
        buf->len += (size_t)n;
        buf->text[buf->len] = '\0';
        if (buf->len > max_bytes)
            return whet_fail(ctx, WHET_E_FORMAT, "%s: more than the %zu bytes allowed", name,
                             max_bytes);
        if (n == 0) return WHET_OK;
    }
}

whet_status whet_file_read(whet_ctx *ctx, const char *path, size_t max_bytes, whet_buf *buf) {
    int fd;
    size_t len;
    WHET_TRY(open_regular(ctx, path, &fd, &len));
    whet_status st = len > max_bytes
                         ? whet_fail(ctx, WHET_E_FORMAT, "%s: %zu bytes, at most %zu are allowed",
                                     path, len, max_bytes)
                         : whet_fd_read(ctx, fd, path, max_bytes, buf);
    close(fd);
    return st;
}

bool whet_fd_write(int fd, const void *bytes, size_t n) {
    const char *p = bytes;
    while (n > 0) {
        const ssize_t k = write(fd, p, n);
        if (k < 0 && errno == EINTR) continue;
        if (k < 0) return false;
        p += k;
        n -= (size_t)k;
    }
    return true;
}

/* After a rename the folder itself must reach the disk too. */
static void sync_folder_of(char *path_scratch) {
    const int fd = open(dirname(path_scratch), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    fsync(fd);
    close(fd);
}

whet_status whet_file_write(whet_ctx *ctx, const char *path, const void *bytes, size_t n) {
    whet_buf tmp = { 0 };
    struct stat there; /* a device would become a file where the user may do that */
    if (stat(path, &there) == 0 && !S_ISREG(there.st_mode))
        return whet_fail(ctx, WHET_E_IO, "write %s: not a regular file", path);
    WHET_TRY(whet_buf_printf(ctx, &tmp, "%s.XXXXXX", path));
    const int fd = mkostemp(tmp.text, O_CLOEXEC);
    bool ok = fd >= 0 && whet_fd_write(fd, bytes, n) && fchmod(fd, 0644) == 0 && fsync(fd) == 0;
    int why = errno;
    if (fd >= 0) close(fd);
    if (ok && rename(tmp.text, path) != 0) {
        ok = false;
        why = errno;
    }
    if (!ok && fd >= 0) unlink(tmp.text);
    if (ok) sync_folder_of(tmp.text);
    whet_buf_fini(ctx, &tmp);
    return ok ? WHET_OK : whet_fail(ctx, WHET_E_IO, "write %s: %s", path, strerror(why));
}

whet_status whet_dir_make(whet_ctx *ctx, const char *path) {
    char *copy = whet_strdup(ctx, path);
    if (!copy) return WHET_E_NOMEM;
    whet_status st = WHET_OK;
    for (char *p = copy + 1; st == WHET_OK; p++) {
        const char c = *p;
        if (c != '/' && c != '\0') continue;
        *p = '\0';
        const int why = mkdir(copy, 0777) == 0 ? 0 : errno;
        if (why && !whet_path_is_dir(copy))
            st = whet_fail(ctx, WHET_E_IO, "make folder %s: %s", copy, strerror(why));
        *p = c;
        if (c == '\0') break;
    }
    whet_free(ctx, copy);
    return st;
}

bool whet_path_is_dir(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISDIR(s.st_mode);
}

bool whet_path_is_file(const char *path) {
    struct stat s;
    return stat(path, &s) == 0 && S_ISREG(s.st_mode);
}
