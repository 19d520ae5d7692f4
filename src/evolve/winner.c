/* SPDX-License-Identifier: MIT */
/* Winners as the engine meets them: found by problem and machine, loaded from hashed bytes. */
#include <whet/evolve.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "kernels/attention.h"
#include "store/winners.h"

struct whet_winner {
    whet_winner_info info;
    whet_attention_library *library;
    int fd; /* of its bytes; open as long as the library, whose name it makes unique */
};

static whet_winner_info make_info(const whet_winner_row *row) {
    whet_winner_info info = {
        .problem = { .dtype = row->key.dtype,
                     .n_heads = row->key.n_heads,
                     .n_kv_heads = row->key.n_kv_heads,
                     .head_dim = row->key.head_dim },
        .repeat = { row->ratio_repeat, row->low_repeat, row->high_repeat },
        .fused = { row->ratio_fused, row->low_fused, row->high_fused },
    };
    memcpy(info.fingerprint, row->key.fingerprint, sizeof info.fingerprint);
    memcpy(info.program_hash, row->program_hash, sizeof info.program_hash);
    memcpy(info.object_sha256, row->object_sha256, sizeof info.object_sha256);
    memcpy(info.shape, row->shape, sizeof info.shape);
    memcpy(info.date, row->date, sizeof info.date);
    return info;
}

/* From a copy that nobody else can change: what was hashed is what is loaded. */
static whet_status load_bytes(whet_ctx *ctx, const whet_buf *object, whet_winner *winner) {
    winner->fd = memfd_create("whet-winner", MFD_CLOEXEC);
    if (winner->fd < 0) return whet_fail(ctx, WHET_E_IO, "make shared memory: %s", strerror(errno));
    size_t done = 0;
    while (done < object->len) {
        const ssize_t n = write(winner->fd, object->text + done, object->len - done);
        if (n <= 0 && errno != EINTR)
            return whet_fail(ctx, WHET_E_IO, "fill shared memory: %s", strerror(errno));
        if (n > 0) done += (size_t)n;
    }
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", winner->fd);
    return whet_attention_load(ctx, path, &winner->library);
}

whet_status whet_winner_find(whet_ctx *ctx, const char *folder, const whet_problem *problem,
                             const char *fingerprint, whet_winner **out) {
    *out = NULL;
    whet_winner_key key = {
        .dtype = problem->dtype,
        .n_heads = problem->n_heads,
        .n_kv_heads = problem->n_kv_heads,
        .head_dim = problem->head_dim,
        .abi = WHET_KERNEL_ABI,
    };
    snprintf(key.fingerprint, sizeof key.fingerprint, "%s", fingerprint);
    whet_winner_row row;
    whet_buf object = { 0 };
    whet_winner *winner = whet_alloc_zero(ctx, 1, sizeof *winner);
    whet_status st = winner ? WHET_OK : WHET_E_NOMEM;
    if (winner) winner->fd = -1;
    if (st == WHET_OK) st = whet_winners_get(ctx, folder, &key, &row, NULL, &object);
    if (st == WHET_OK) st = load_bytes(ctx, &object, winner);
    if (st == WHET_OK && !whet_winner_kernel(winner)->supports(problem))
        st = whet_fail(ctx, WHET_E_UNSUPPORTED, "the winner %.12s does not support its problem",
                       row.program_hash);
    whet_buf_fini(ctx, &object);
    if (st == WHET_OK) {
        winner->info = make_info(&row);
        *out = winner;
    } else {
        whet_winner_close(ctx, winner);
    }
    return st;
}

const whet_attention_kernel *whet_winner_kernel(const whet_winner *winner) {
    return whet_attention_library_kernel(winner->library);
}

const whet_winner_info *whet_winner_about(const whet_winner *winner) {
    return &winner->info;
}

void whet_winner_close(whet_ctx *ctx, whet_winner *winner) {
    if (!winner) return;
    whet_attention_unload(winner->library);
    if (winner->fd >= 0) close(winner->fd);
    whet_free(ctx, winner);
}

typedef struct listener {
    whet_winner_fn fn;
    void *data;
} listener;

static whet_status tell(void *data, const whet_winner_row *row) {
    const listener *l = data;
    const whet_winner_info info = make_info(row);
    return l->fn(l->data, &info);
}

whet_status whet_winner_list(whet_ctx *ctx, const char *folder, whet_winner_fn fn, void *data) {
    listener l = { fn, data };
    return whet_winners_each(ctx, folder, tell, &l);
}
