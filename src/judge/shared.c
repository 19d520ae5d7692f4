/* SPDX-License-Identifier: MIT */
/* Shared memory of judge and workers: a memfd, sealed. */
#include "judge/shared.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* The worker can neither shrink it, which would be our fault at the next access, nor add a seal.
 * FUTURE_WRITE (Linux 5.1) leaves the mapping that there is, ours, as the only one that writes. */
whet_status whet_shared_open(whet_ctx *ctx, bool is_input, whet_shared *s) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const int fd =
        memfd_create(is_input ? "whet-inputs" : "whet-outputs", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd >= 0) s->fd = fd;
    if (fd < 0 || ftruncate(fd, (off_t)page) != 0)
        return whet_fail(ctx, WHET_E_IO, "make shared memory: %s", strerror(errno));
    char *bytes = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) return whet_fail_nomem(ctx, page);
    *s = (whet_shared){ .fd = fd, .bytes = bytes, .n_bytes = page };
    s->is_sealed = is_input && fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE) == 0;
    fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_SEAL);
    return WHET_OK;
}

whet_status whet_shared_grow(whet_ctx *ctx, whet_shared *s, size_t n_bytes) {
    if (n_bytes <= s->n_bytes) return WHET_OK;
    if (ftruncate(s->fd, (off_t)n_bytes) != 0)
        return whet_fail(ctx, WHET_E_IO, "grow shared memory: %s", strerror(errno));
    char *bytes =
        mremap(s->bytes, s->n_bytes, n_bytes, MREMAP_MAYMOVE); /* keeps the right to write */
    if (bytes == MAP_FAILED) return whet_fail_nomem(ctx, n_bytes);
    s->bytes = bytes;
    s->n_bytes = n_bytes;
    return WHET_OK;
}

void whet_shared_close(whet_shared *s) {
    if (s->bytes) munmap(s->bytes, s->n_bytes);
    if (s->fd > 0) close(s->fd);
    *s = (whet_shared){ 0 };
}
