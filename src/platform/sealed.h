/* SPDX-License-Identifier: MIT */
/* Bytes under a descriptor that nobody can change any more. */
#ifndef WHET_PLATFORM_SEALED_H
#define WHET_PLATFORM_SEALED_H

#include "base/ctx.h"

/* A file in memory with these bytes, sealed where the system does it (memfd_create(2),
 * F_SEAL_WRITE): who loads it gets what was hashed. *fd is the caller's to close, closed on exec,
 * and -1 on WHET_E_IO. */
whet_status whet_sealed_open(whet_ctx *ctx, const char *name, const void *bytes, size_t n, int *fd);

#endif
