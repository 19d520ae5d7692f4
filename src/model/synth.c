/* SPDX-License-Identifier: MIT */
/* Checkpoints of a published shape with random weights, for work on speed. */
#include "model/synth.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/file.h"
#include "base/hash.h"
#include "base/rng.h"
#include "model/tensor_list.h"

enum { TABLE = 1 << 16, CHUNK_ELEMENTS = 2 << 20, MAX_LAYERS = 1024 };

/* A checkpoint being written. */
typedef struct writer {
    whet_ctx *ctx;
    whet_config config;
    uint64_t seed;
    uint64_t shard_bytes;
    char *folder;    /* owned: the temporary one */
    double *normals; /* owned, [TABLE]: quantiles of the normal distribution */
    uint16_t *table; /* owned, [TABLE]: those of one tensor, in bf16 */
    uint16_t *chunk; /* owned, [CHUNK_ELEMENTS] */
    whet_buf index;  /* the weight_map's lines */
    size_t *ends;    /* owned, [n_shards]: one past the last tensor of each shard */
    int n_shards;
    double bytes_done, bytes_total;
} writer;

static uint16_t to_bf16(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)((bits + 0x7fff + (bits >> 16 & 1)) >> 16); /* ties to even; x is finite */
}

/* Acklam's rational approximation of the inverse normal distribution function (2003), relative
 * error 1.15e-9: far below what bf16 shows. p in (0, 1/2]. */
static double normal_quantile(double p) {
    static const double a[] = { -3.969683028665376e+01, 2.209460984245205e+02,
                                -2.759285104469687e+02, 1.383577518672690e+02,
                                -3.066479806614716e+01, 2.506628277459239e+00 };
    static const double b[] = { -5.447609879822406e+01, 1.615858368580409e+02,
                                -1.556989798598866e+02, 6.680131188771972e+01,
                                -1.328068155288572e+01 };
    static const double c[] = { -7.784894002430293e-03, -3.223964580411365e-01,
                                -2.400758277161838e+00, -2.549732539343734e+00,
                                4.374664141464968e+00,  2.938163982698783e+00 };
    static const double d[] = { 7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00,
                                3.754408661907416e+00 };
    if (p < 0.02425) {
        const double q = sqrt(-2.0 * log(p));
        return (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
               ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1.0);
    }
    const double q = p - 0.5, r = q * q;
    return (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
           (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1.0);
}

/* Sixteen random bits choose one of 65536 equally likely values: the middle of each quantile. */
static void fill_normals(double *normals) {
    for (int i = 0; i < TABLE / 2; i++) {
        const double x = normal_quantile((i + 0.5) / TABLE);
        normals[i] = x;
        normals[TABLE - 1 - i] = -x;
    }
}

/* The scales of the golden models: see whet_checkpoint_synth. */
static void fill_table(const writer *w, const whet_tensor_spec *spec) {
    const double per_input = spec->n_cols ? 1.0 / sqrt((double)spec->n_cols) : 0.0;
    double scale = 0.0, low = 0.5;
    switch (spec->role) {
    case WHET_TENSOR_EMBEDDING: scale = 0.4; break;
    case WHET_TENSOR_LINEAR: scale = per_input; break;
    case WHET_TENSOR_RESIDUAL:
    case WHET_TENSOR_HEAD: scale = 3.0 * per_input; break;
    case WHET_TENSOR_NORM: break;
    case WHET_TENSOR_HEAD_NORM: low = 0.75; break;
    }
    for (int i = 0; i < TABLE; i++) {
        const double x =
            scale > 0.0 ? scale * w->normals[i] : low * (1.0 + 2.0 * (i + 0.5) / TABLE);
        w->table[i] = to_bf16((float)x);
    }
}

/* n is a multiple of 4 except in a tensor's last chunk. */
static void fill_chunk(const uint16_t *table, whet_rng *rng, uint16_t *out, size_t n) {
    for (size_t i = 0; i < n; i += 4) {
        uint64_t bits = whet_rng_u64(rng);
        for (size_t k = i; k < n && k < i + 4; k++, bits >>= 16)
            out[k] = table[bits & 0xffff];
    }
}

static whet_status write_bytes(writer *w, int fd, const char *path, const void *bytes, size_t n) {
    if (whet_fd_write(fd, bytes, n)) return WHET_OK;
    return whet_fail(w->ctx, WHET_E_IO, "write %s: %s", path, strerror(errno));
}

/* A tensor's bytes depend on the seed and its name alone: fewer layers are the same layers. */
static whet_status write_tensor(writer *w, int fd, const char *path, const whet_tensor_spec *spec) {
    whet_rng rng;
    whet_rng_init(&rng, whet_rng_derive(w->seed, whet_hash64(spec->name, strlen(spec->name))));
    fill_table(w, spec);
    const size_t n = (size_t)whet_tensor_elements(spec);
    for (size_t at = 0; at < n; at += CHUNK_ELEMENTS) {
        WHET_TRY(whet_check_cancelled(w->ctx));
        const size_t k = n - at < CHUNK_ELEMENTS ? n - at : CHUNK_ELEMENTS;
        fill_chunk(w->table, &rng, w->chunk, k);
        WHET_TRY(write_bytes(w, fd, path, w->chunk, 2 * k));
        w->bytes_done += 2.0 * (double)k;
        whet_progress(w->ctx, "writing", "MB", w->bytes_done / 1e6, w->bytes_total / 1e6);
    }
    return WHET_OK;
}

static void shard_name(const writer *w, int shard, char out[64]) {
    if (w->n_shards == 1)
        snprintf(out, 64, "model.safetensors");
    else
        snprintf(out, 64, "model-%05d-of-%05d.safetensors", shard + 1, w->n_shards);
}

/* The header of the tensors first .. end - 1, padded to 8 bytes; the index's lines for them. */
static whet_status make_header(writer *w, size_t first, size_t end, const char *file,
                               whet_buf *header) {
    whet_tensor_spec spec;
    uint64_t at = 0;
    WHET_TRY(whet_buf_puts(w->ctx, header, "{\"__metadata__\":{\"format\":\"pt\"}"));
    for (size_t i = first; i < end; i++) {
        whet_tensor_spec_at(&w->config, i, &spec);
        const uint64_t next = at + 2 * (uint64_t)whet_tensor_elements(&spec);
        WHET_TRY(whet_buf_printf(w->ctx, header, ",\"%s\":{\"dtype\":\"BF16\",\"shape\":[%lld",
                                 spec.name, (long long)spec.n_rows));
        if (spec.n_cols) WHET_TRY(whet_buf_printf(w->ctx, header, ",%lld", (long long)spec.n_cols));
        WHET_TRY(whet_buf_printf(w->ctx, header, "],\"data_offsets\":[%llu,%llu]}",
                                 (unsigned long long)at, (unsigned long long)next));
        WHET_TRY(whet_buf_printf(w->ctx, &w->index, "%s\n    \"%s\": \"%s\"",
                                 w->index.len ? "," : "", spec.name, file));
        at = next;
    }
    WHET_TRY(whet_buf_putc(w->ctx, header, '}'));
    while (header->len % 8 != 0)
        WHET_TRY(whet_buf_putc(w->ctx, header, ' '));
    return WHET_OK;
}

static whet_status write_shard_to(writer *w, int fd, const char *path, const char *file,
                                  size_t first, size_t end) {
    whet_buf header = { 0 };
    unsigned char length[8];
    whet_status st = make_header(w, first, end, file, &header);
    for (int i = 0; i < 8; i++)
        length[i] = (unsigned char)((uint64_t)header.len >> (8 * i));
    if (st == WHET_OK) st = write_bytes(w, fd, path, length, sizeof length);
    if (st == WHET_OK) st = write_bytes(w, fd, path, header.text, header.len);
    whet_buf_fini(w->ctx, &header);
    whet_tensor_spec spec;
    for (size_t i = first; st == WHET_OK && i < end; i++) {
        whet_tensor_spec_at(&w->config, i, &spec);
        st = write_tensor(w, fd, path, &spec);
    }
    return st;
}

static whet_status write_shard(writer *w, int shard) {
    char file[64];
    shard_name(w, shard, file);
    whet_buf path = { 0 };
    whet_status st = whet_buf_printf(w->ctx, &path, "%s/%s", w->folder, file);
    if (st == WHET_OK) {
        const int fd = open(path.text, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        st = fd < 0 ? whet_fail(w->ctx, WHET_E_IO, "write %s: %s", path.text, strerror(errno))
                    : write_shard_to(w, fd, path.text, file, shard ? w->ends[shard - 1] : 0,
                                     w->ends[shard]);
        if (fd >= 0 && close(fd) != 0 && st == WHET_OK)
            st = whet_fail(w->ctx, WHET_E_IO, "write %s: %s", path.text, strerror(errno));
    }
    whet_buf_fini(w->ctx, &path);
    return st;
}

static whet_status write_text(writer *w, const char *file, const whet_buf *text) {
    whet_buf path = { 0 };
    whet_status st = whet_buf_printf(w->ctx, &path, "%s/%s", w->folder, file);
    if (st == WHET_OK) st = whet_file_write(w->ctx, path.text, text->text, text->len);
    whet_buf_fini(w->ctx, &path);
    return st;
}

static whet_status write_texts(writer *w) {
    whet_buf text = { 0 };
    whet_status st = whet_synth_config_text(w->ctx, &w->config, &text);
    if (st == WHET_OK) st = write_text(w, "config.json", &text);
    whet_buf_clear(&text);
    if (st == WHET_OK) st = whet_synth_generation_text(w->ctx, &w->config, &text);
    if (st == WHET_OK) st = write_text(w, "generation_config.json", &text);
    whet_buf_clear(&text);
    if (st == WHET_OK && w->n_shards > 1) {
        st = whet_buf_printf(w->ctx, &text,
                             "{\n  \"metadata\": {\n    \"total_size\": %.0f\n  },\n"
                             "  \"weight_map\": {%s\n  }\n}\n",
                             w->bytes_total, w->index.text);
        if (st == WHET_OK) st = write_text(w, "model.safetensors.index.json", &text);
    }
    whet_buf_fini(w->ctx, &text);
    return st;
}

/* Cuts the list of tensors into shards: a new one where the next tensor would not fit. */
static whet_status plan_shards(writer *w) {
    const size_t n = whet_tensor_count(&w->config);
    uint64_t in_shard = 0;
    whet_tensor_spec spec;
    w->ends = whet_alloc(w->ctx, n * sizeof *w->ends);
    if (!w->ends) return WHET_E_NOMEM;
    for (size_t i = 0; i < n; i++) {
        whet_tensor_spec_at(&w->config, i, &spec);
        const uint64_t bytes = 2 * (uint64_t)whet_tensor_elements(&spec);
        if (in_shard > 0 && in_shard + bytes > w->shard_bytes) {
            w->ends[w->n_shards++] = i;
            in_shard = 0;
        }
        in_shard += bytes;
        w->bytes_total += (double)bytes;
    }
    w->ends[w->n_shards++] = n;
    return WHET_OK;
}

static whet_status write_all(writer *w) {
    WHET_TRY(plan_shards(w));
    struct statvfs disk;
    if (statvfs(w->folder, &disk) == 0 &&
        (double)disk.f_bavail * (double)disk.f_frsize < w->bytes_total)
        return whet_fail(w->ctx, WHET_E_IO, "%s: %.1f GB are free, the checkpoint takes %.1f GB",
                         w->folder, (double)disk.f_bavail * (double)disk.f_frsize / 1e9,
                         w->bytes_total / 1e9);
    w->normals = whet_alloc(w->ctx, TABLE * sizeof *w->normals);
    w->table = whet_alloc(w->ctx, TABLE * sizeof *w->table);
    w->chunk = whet_alloc(w->ctx, CHUNK_ELEMENTS * sizeof *w->chunk);
    if (!w->normals || !w->table || !w->chunk) return WHET_E_NOMEM;
    fill_normals(w->normals);
    for (int i = 0; i < w->n_shards; i++)
        WHET_TRY(write_shard(w, i));
    return write_texts(w);
}

/* Takes away what was written, by the names it was written under. */
static void remove_folder(const writer *w) {
    static const char *const texts[] = { "config.json", "generation_config.json",
                                         "model.safetensors.index.json" };
    const int fd = open(w->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) return;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        unlinkat(fd, texts[i], 0);
    for (int i = 0; i < w->n_shards; i++) {
        char file[64];
        shard_name(w, i, file);
        unlinkat(fd, file, 0);
    }
    close(fd);
    rmdir(w->folder);
}

static void fini(writer *w) {
    whet_free(w->ctx, w->folder);
    whet_free(w->ctx, w->normals);
    whet_free(w->ctx, w->table);
    whet_free(w->ctx, w->chunk);
    whet_free(w->ctx, w->ends);
    whet_buf_fini(w->ctx, &w->index);
}

/* Refuses a folder that holds something; an empty one gives way to the new one in rename. */
static whet_status check_free(whet_ctx *ctx, const char *dir) {
    struct stat s;
    if (lstat(dir, &s) != 0) return WHET_OK;
    if (!S_ISDIR(s.st_mode))
        return whet_fail(ctx, WHET_E_ARG, "%s: is there already, and is no folder", dir);
    DIR *entries = opendir(dir);
    if (!entries) return whet_fail(ctx, WHET_E_IO, "%s: %s", dir, strerror(errno));
    int n = 0;
    while (readdir(entries))
        n++;
    closedir(entries);
    if (n <= 2) return WHET_OK; /* . and .. */
    return whet_fail(ctx, WHET_E_ARG, "%s: the folder is not empty", dir);
}

/* `dir` has no slash at its end. */
static whet_status make_folder(writer *w, const char *dir) {
    WHET_TRY(check_free(w->ctx, dir));
    whet_buf name = { 0 };
    const char *slash = strrchr(dir, '/');
    whet_status st = WHET_OK;
    if (slash && slash > dir) {
        st = whet_buf_append(w->ctx, &name, dir, (size_t)(slash - dir));
        if (st == WHET_OK) st = whet_dir_make(w->ctx, name.text);
        whet_buf_clear(&name);
    }
    if (st == WHET_OK) st = whet_buf_printf(w->ctx, &name, "%s.partial.XXXXXX", dir);
    if (st == WHET_OK && !mkdtemp(name.text))
        st = whet_fail(w->ctx, WHET_E_IO, "make folder %s: %s", name.text, strerror(errno));
    if (st == WHET_OK) {
        w->folder = whet_strdup(w->ctx, name.text);
        if (!w->folder) {
            rmdir(name.text);
            st = WHET_E_NOMEM;
        }
    }
    whet_buf_fini(w->ctx, &name);
    return st;
}

static whet_status write_to(writer *w, const char *dir) {
    WHET_TRY(make_folder(w, dir));
    whet_status st = write_all(w);
    if (st == WHET_OK && (chmod(w->folder, 0755) != 0 || rename(w->folder, dir) != 0))
        st = whet_fail(w->ctx, WHET_E_IO, "rename %s to %s: %s", w->folder, dir, strerror(errno));
    if (st != WHET_OK) remove_folder(w);
    return st;
}

static whet_status set_shape(whet_ctx *ctx, const whet_synth_opts *opts, whet_config *config) {
    if (!opts->preset || !whet_synth_shape(opts->preset, config)) {
        whet_buf list = { 0 };
        whet_status st = WHET_OK;
        for (int i = 0; st == WHET_OK && whet_synth_presets[i]; i++)
            st = whet_buf_printf(ctx, &list, "%s%s", i ? ", " : "", whet_synth_presets[i]);
        if (st == WHET_OK)
            st = whet_fail(ctx, WHET_E_ARG, "preset \"%.60s\" is not one of %s",
                           opts->preset ? opts->preset : "", list.text);
        whet_buf_fini(ctx, &list);
        return st;
    }
    if (opts->n_layers < 0 || opts->n_layers > MAX_LAYERS)
        return whet_fail(ctx, WHET_E_ARG, "%d layers, which is not within 1 to %d", opts->n_layers,
                         MAX_LAYERS);
    if (opts->n_layers) config->n_layers = opts->n_layers;
    return WHET_OK;
}

whet_status whet_checkpoint_synth(whet_ctx *ctx, const char *dir, const whet_synth_opts *opts) {
    writer w = { .ctx = ctx, .seed = opts->seed };
    w.shard_bytes = opts->shard_bytes ? opts->shard_bytes : 5000000000u;
    WHET_TRY(set_shape(ctx, opts, &w.config));
    size_t n = strlen(dir);
    while (n > 1 && dir[n - 1] == '/')
        n--;
    char *plain = whet_strndup(ctx, dir, n);
    if (!plain) return WHET_E_NOMEM;
    const char *slash = strrchr(plain, '/'), *last = slash ? slash + 1 : plain;
    whet_status st;
    if (*last == '\0' || strcmp(last, ".") == 0 || strcmp(last, "..") == 0)
        st = whet_fail(ctx, WHET_E_ARG, "\"%s\": not a name for a new folder", dir);
    else
        st = write_to(&w, plain);
    fini(&w);
    whet_free(ctx, plain);
    return st;
}
