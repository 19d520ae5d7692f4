/* SPDX-License-Identifier: MIT */
/* Building, editing and writing small checkpoints. */
#include "tests/model/broken_folder.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/file.h"
#include "model/synth.h"
#include "model/tensor_list.h"

static const whet_config shape = {
    .hidden_size = 8,
    .intermediate_size = 16,
    .n_layers = 1,
    .n_heads = 2,
    .n_kv_heads = 1,
    .head_dim = 4,
    .vocab_size = 12,
    .max_position_embeddings = 64,
    .bos = 11,
    .eos = { 9, 11 },
    .n_eos = 2,
    .tie_word_embeddings = true,
};

/* The tensors first .. end - 1; the index's lines for them go to `index`. */
static whet_status make_shard(whet_ctx *ctx, broken_file *file, size_t first, size_t end,
                              whet_buf *index) {
    static const char length[8] = "";
    whet_tensor_spec spec;
    long long at = 0;
    WHET_TRY(whet_buf_append(ctx, &file->bytes, length, 8));
    for (size_t i = first; i < end; i++) {
        whet_tensor_spec_at(&shape, i, &spec);
        const long long next = at + 2 * (long long)whet_tensor_elements(&spec);
        WHET_TRY(whet_buf_printf(ctx, &file->bytes, "%c\"%s\":{\"dtype\":\"BF16\",\"shape\":[%lld",
                                 i == first ? '{' : ',', spec.name, (long long)spec.n_rows));
        if (spec.n_cols)
            WHET_TRY(whet_buf_printf(ctx, &file->bytes, ",%lld", (long long)spec.n_cols));
        WHET_TRY(whet_buf_printf(ctx, &file->bytes, "],\"data_offsets\":[%lld,%lld]}", at, next));
        WHET_TRY(whet_buf_printf(ctx, index, "%s\"%s\":\"%s\"", index->len ? "," : "", spec.name,
                                 file->name));
        at = next;
    }
    WHET_TRY(whet_buf_putc(ctx, &file->bytes, '}'));
    file->bytes.text[0] = (char)((file->bytes.len - 8) & 0xff);
    file->bytes.text[1] = (char)((file->bytes.len - 8) >> 8);
    for (; at > 0; at -= 2)
        WHET_TRY(whet_buf_append(ctx, &file->bytes, "\x80\x3f", 2)); /* 1.0 in bf16 */
    return WHET_OK;
}

whet_status broken_make(whet_ctx *ctx, broken_folder *f, bool is_sharded) {
    const size_t n = whet_tensor_count(&shape), middle = is_sharded ? n / 2 : n;
    broken_file *files = f->files;
    snprintf(files[BROKEN_CONFIG].name, 64, "config.json");
    snprintf(files[BROKEN_GENERATION].name, 64, "generation_config.json");
    WHET_TRY(whet_synth_config_text(ctx, &shape, &files[BROKEN_CONFIG].bytes));
    WHET_TRY(whet_synth_generation_text(ctx, &shape, &files[BROKEN_GENERATION].bytes));
    snprintf(files[BROKEN_SHARD1].name, 64,
             is_sharded ? "model-00001-of-00002.safetensors" : "model.safetensors");
    whet_buf index = { 0 };
    whet_status st = make_shard(ctx, &files[BROKEN_SHARD1], 0, middle, &index);
    if (st == WHET_OK && is_sharded) {
        snprintf(files[BROKEN_SHARD2].name, 64, "model-00002-of-00002.safetensors");
        snprintf(files[BROKEN_INDEX].name, 64, "model.safetensors.index.json");
        st = make_shard(ctx, &files[BROKEN_SHARD2], middle, n, &index);
        if (st == WHET_OK)
            st = whet_buf_printf(ctx, &files[BROKEN_INDEX].bytes, "{\"weight_map\":{%s}}",
                                 index.text);
    }
    whet_buf_fini(ctx, &index);
    return st;
}

void broken_fini(whet_ctx *ctx, broken_folder *f) {
    for (int i = 0; i < BROKEN_N_FILES; i++)
        whet_buf_fini(ctx, &f->files[i].bytes);
    *f = (broken_folder){ 0 };
}

bool broken_replace(whet_ctx *ctx, broken_file *file, bool is_shard, const char *from,
                    const char *to) {
    const size_t n_from = strlen(from), n_to = strlen(to);
    const char *at = memmem(file->bytes.text, file->bytes.len, from, n_from);
    if (!at) return false;
    const size_t before = (size_t)(at - file->bytes.text);
    whet_buf out = { 0 };
    if (whet_buf_append(ctx, &out, file->bytes.text, before) != WHET_OK ||
        whet_buf_append(ctx, &out, to, n_to) != WHET_OK ||
        whet_buf_append(ctx, &out, at + n_from, file->bytes.len - before - n_from) != WHET_OK)
        return false;
    if (is_shard) {
        const unsigned char *old = (const unsigned char *)out.text;
        const size_t n = (size_t)old[0] + ((size_t)old[1] << 8) + n_to - n_from;
        out.text[0] = (char)(n & 0xff);
        out.text[1] = (char)(n >> 8);
    }
    whet_buf_fini(ctx, &file->bytes);
    file->bytes = out;
    return true;
}

static bool write_file(const char *path, const whet_buf *bytes) {
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
    if (fd < 0) return false;
    const bool ok = whet_fd_write(fd, bytes->text, bytes->len);
    return close(fd) == 0 && ok;
}

bool broken_write(whet_ctx *ctx, const broken_folder *f, const char *dir) {
    broken_remove(dir);
    if (whet_dir_make(ctx, dir) != WHET_OK) return false;
    for (int i = 0; i < BROKEN_N_FILES; i++) {
        char path[512];
        snprintf(path, sizeof path, "%s/%s", dir, f->files[i].name);
        if (f->files[i].name[0] && !write_file(path, &f->files[i].bytes)) return false;
    }
    return true;
}

void broken_remove(const char *dir) {
    DIR *entries = opendir(dir);
    if (!entries) return;
    for (const struct dirent *e; (e = readdir(entries));) {
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0) continue;
        if (unlinkat(dirfd(entries), e->d_name, 0) != 0)
            unlinkat(dirfd(entries), e->d_name, AT_REMOVEDIR);
    }
    closedir(entries);
    rmdir(dir);
}
