/* SPDX-License-Identifier: MIT */
/* The weights of a checkpoint folder: one safetensors file, or shards and their index. */
#ifndef WHET_MODEL_CHECKPOINT_H
#define WHET_MODEL_CHECKPOINT_H

#include <whet/checkpoint.h>

#include "model/safetensors.h"

/* The mapped files of a folder. Immutable once opened. */
typedef struct whet_checkpoint whet_checkpoint;

/* Where faults go when all of them are wanted: each is reported as a sentence, then work goes on.
 */
typedef struct whet_faults {
    whet_fault_fn report;
    void *data;
    int n;
} whet_faults;

/* Opens DIR/model.safetensors, or all shards that DIR/model.safetensors.index.json names; where
 * both are there (MLX), the index must agree with the file. Shard names are plain names of files in
 * the folder; the files may be symbolic links (the Hugging Face cache). Every name in the index
 * must be in its shard, no name in two. WHET_E_NOT_FOUND, WHET_E_FORMAT, WHET_E_IO. The files must
 * keep their length while the checkpoint is open (see whet_safetensors_open). */
whet_status whet_checkpoint_open(whet_ctx *ctx, const char *dir, whet_checkpoint **checkpoint);

/* The same, but reports every fault and opens what is left: *checkpoint is NULL only when it gives
 * something else than WHET_OK, which is then no fault of the files (memory, cancellation). */
whet_status whet_checkpoint_open_faulty(whet_ctx *ctx, const char *dir, whet_faults *faults,
                                        whet_checkpoint **checkpoint);

/* Unmaps the files: all views end. NULL is fine. */
void whet_checkpoint_close(whet_checkpoint *checkpoint);

/* Looks a tensor up by name; view may be NULL, and is not touched when there is none. */
bool whet_checkpoint_find(const whet_checkpoint *checkpoint, const char *name, whet_tensor *view);

/* The tensor that must be there, in bf16, f16 or f32, as [n_rows][n_cols], or as [n_rows] when
 * n_cols is 0. The sentence of a fault names file, tensor, what is and what should be. */
whet_status whet_checkpoint_expect(whet_ctx *ctx, const whet_checkpoint *checkpoint,
                                   const char *name, int64_t n_rows, int64_t n_cols,
                                   whet_tensor *view);

/* False when a file could not be read (open_faulty): then a tensor that is not found may be there.
 */
bool whet_checkpoint_is_whole(const whet_checkpoint *checkpoint);

/* The files, in the order they were opened. */
size_t whet_checkpoint_n_files(const whet_checkpoint *checkpoint);
const whet_safetensors *whet_checkpoint_file(const whet_checkpoint *checkpoint, size_t i);

/* Reports the message of a fault in the files and gives WHET_OK; another status comes back as it
 * is. With faults NULL every status comes back. */
whet_status whet_faults_add(whet_ctx *ctx, whet_faults *faults, whet_status st);

#endif
