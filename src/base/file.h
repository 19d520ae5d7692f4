/* SPDX-License-Identifier: MIT */
/* Files: mapped or read whole, written whole or not at all. */
#ifndef WHET_BASE_FILE_H
#define WHET_BASE_FILE_H

#include "base/buf.h"

/* A file mapped read-only. The bytes are borrowed until whet_file_unmap. */
typedef struct whet_mapping {
    const unsigned char *bytes; /* NULL for an empty file */
    size_t len;
} whet_mapping;

/* Maps a regular file (a folder, a pipe or a device is an error that names it). */
whet_status whet_file_map(whet_ctx *ctx, const char *path, whet_mapping *map);
void whet_file_unmap(whet_mapping *map); /* a zeroed mapping is fine */

/* Reads a regular file of at most max_bytes into buf, replacing what was there. */
whet_status whet_file_read(whet_ctx *ctx, const char *path, size_t max_bytes, whet_buf *buf);

/* Writes all n bytes; false leaves the reason in errno. */
bool whet_fd_write(int fd, const void *bytes, size_t n);

/* Makes a folder and its missing parents. */
whet_status whet_dir_make(whet_ctx *ctx, const char *path);

bool whet_path_is_dir(const char *path);
bool whet_path_is_file(const char *path);

#endif
