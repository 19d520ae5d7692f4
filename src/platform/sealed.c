/* SPDX-License-Identifier: MIT */
/* Linux: a memfd with seals. */
#include "platform/sealed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static whet_status fill(whet_ctx *ctx, int fd, const char *bytes, size_t n) {
    for (size_t done = 0; done < n;) {
        const ssize_t more = write(fd, bytes + done, n - done);
        if (more < 0 && errno == EINTR) continue;
        if (more <= 0) return whet_fail(ctx, WHET_E_IO, "fill shared memory: %s", strerror(errno));
        done += (size_t)more;
    }
    fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL);
    return WHET_OK;
}

whet_status whet_sealed_open(whet_ctx *ctx, const char *name, const void *bytes, size_t n,
                             int *fd) {
    *fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (*fd < 0) return whet_fail(ctx, WHET_E_IO, "make shared memory: %s", strerror(errno));
    const whet_status st = fill(ctx, *fd, bytes, n);
    if (st == WHET_OK) return WHET_OK;
    close(*fd);
    *fd = -1;
    return st;
}
