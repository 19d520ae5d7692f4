/* SPDX-License-Identifier: MIT */
/* whet inject: put a program of yours into a run. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include <whet/evolve.h>

#include "cli.h"

enum { MAX_FILE_BYTES = 1 << 20 };

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const char *run_file = args->words[0], *path = args->words[1];
    const char *slash = strrchr(path, '/');
    char hash[WHET_HASH_HEX];
    whet_buf source = { 0 };
    const int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return cli_usage("%s: %s", path, strerror(errno));
    whet_status st = whet_fd_read(ctx, fd, path, MAX_FILE_BYTES, &source);
    close(fd);
    if (st == WHET_OK)
        st = whet_evolve_inject(ctx, run_file, slash ? slash + 1 : path,
                                source.text ? source.text : "", source.len, hash);
    if (st == WHET_OK)
        printf("program %.12s waits in %s; the next generation judges it, at once or after\n"
               "whet evolve --resume %s\n",
               hash, run_file, run_file);
    whet_buf_fini(ctx, &source);
    return st;
}

static const cli_option options[] = { { 0 } };

const cli_command cli_inject = {
    .name = "inject",
    .summary = "put a program of yours into a run",
    .usage = "FILE PROGRAM.c",
    .options = options,
    .min_words = 2,
    .max_words = 2,
    .run = run,
};
