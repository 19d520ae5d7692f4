/* SPDX-License-Identifier: MIT */
/* A small valid checkpoint as files in memory, to be broken and written to a folder. */
#ifndef WHET_TESTS_BROKEN_FOLDER_H
#define WHET_TESTS_BROKEN_FOLDER_H

#include "base/buf.h"

enum {
    BROKEN_CONFIG,
    BROKEN_GENERATION,
    BROKEN_INDEX,  /* only of a sharded one */
    BROKEN_SHARD1, /* model.safetensors of a single one */
    BROKEN_SHARD2, /* only of a sharded one */
    BROKEN_N_FILES
};

typedef struct broken_file {
    char name[64]; /* "" = not written */
    whet_buf bytes;
} broken_file;

typedef struct broken_folder {
    broken_file files[BROKEN_N_FILES];
} broken_folder;

/* Fills an empty folder with a valid checkpoint: 1 layer, hidden 8, heads 2:1, head_dim 4, all
 * weights 1.0 in bf16. */
whet_status broken_make(whet_ctx *ctx, broken_folder *f, bool is_sharded);
void broken_fini(whet_ctx *ctx, broken_folder *f);

/* Replaces the first `from` in a file; in a shard, in its header, whose length is set anew. False
 * when it is not there. */
bool broken_replace(whet_ctx *ctx, broken_file *file, bool is_shard, const char *from,
                    const char *to);

/* Writes the files to a folder, which is made; what was there is removed first. */
bool broken_write(whet_ctx *ctx, const broken_folder *f, const char *dir);

/* Removes the folder and what is in it, one level deep. */
void broken_remove(const char *dir);

#endif
