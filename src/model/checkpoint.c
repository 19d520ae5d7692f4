/* SPDX-License-Identifier: MIT */
/* Shards and their index. The index is a stranger's word too: names stay inside the folder. */
#include "model/checkpoint.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/json.h"

#define SINGLE_FILE "model.safetensors"
#define INDEX_FILE  "model.safetensors.index.json"

enum { MAX_INDEX_BYTES = 16 << 20, MAX_SHARDS = 1024, MAX_SHARD_NAME = 255 };

typedef struct shard {
    char *name; /* owned: the file's name in the folder */
    whet_safetensors file;
    bool is_open; /* false: it is at fault, and that has been reported */
} shard;

struct whet_checkpoint {
    whet_ctx *ctx; /* borrowed: its heap */
    char *dir;     /* owned */
    shard *shards; /* owned */
    size_t n_shards;
    size_t shards_cap;
};

/* An index being read. */
typedef struct loader {
    whet_ctx *ctx;
    whet_checkpoint *checkpoint;
    whet_faults *faults; /* NULL: the first fault ends it */
    const char *index_path;
    bool has_single_file;
} loader;

whet_status whet_faults_add(whet_ctx *ctx, whet_faults *faults, whet_status st) {
    const bool is_fault = st == WHET_E_FORMAT || st == WHET_E_IO || st == WHET_E_NOT_FOUND ||
                          st == WHET_E_UNSUPPORTED;
    if (!faults || !is_fault) return st;
    faults->n++;
    faults->report(faults->data, whet_ctx_message(ctx));
    return WHET_OK;
}

static whet_status open_file(const loader *l, shard *s) {
    whet_buf path = { 0 };
    whet_status st = whet_buf_printf(l->ctx, &path, "%s/%s", l->checkpoint->dir, s->name);
    if (st == WHET_OK) st = whet_safetensors_open(l->ctx, path.text, &s->file);
    if (st == WHET_E_NOT_FOUND && l->index_path)
        st = whet_fail(l->ctx, st, "%s: the shard %s is not there", l->index_path, s->name);
    whet_buf_fini(l->ctx, &path);
    s->is_open = st == WHET_OK;
    return whet_faults_add(l->ctx, l->faults, st);
}

/* No tensor of the newest shard may be in an older one too. */
static whet_status check_unique(const loader *l, const shard *newest) {
    for (const shard *s = l->checkpoint->shards; s < newest; s++)
        for (size_t i = 0; i < newest->file.n_tensors; i++) {
            const char *name = newest->file.tensors[i].name;
            if (!whet_safetensors_find(&s->file, name)) continue;
            const whet_status st =
                whet_fail(l->ctx, WHET_E_FORMAT, "%s/%s: tensor %s is also in %s",
                          l->checkpoint->dir, newest->name, name, s->name);
            WHET_TRY(whet_faults_add(l->ctx, l->faults, st));
        }
    return WHET_OK;
}

static bool ends_with(const char *text, const char *end) {
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && strcmp(text + n - m, end) == 0;
}

/* A plain file name: nothing that leads out of the folder, nothing that upsets a terminal. */
static bool is_plain_name(const char *name) {
    const size_t len = strlen(name);
    if (len > MAX_SHARD_NAME || !ends_with(name, ".safetensors")) return false;
    for (size_t i = 0; i < len; i++)
        if (name[i] == '/' || (unsigned char)name[i] < 0x20 || name[i] == 0x7f) return false;
    return true;
}

enum { QUOTED_BYTES = 512 }; /* 80 bytes, each at most \u00xx */

/* Quotes what may hold anything, cut to a length that fits a message. */
static const char *quote(whet_ctx *ctx, const char *text, size_t len, char out[QUOTED_BYTES]) {
    whet_buf quoted = { 0 };
    const bool is_done = whet_json_quote(ctx, &quoted, text, len < 80 ? len : 80) == WHET_OK;
    snprintf(out, QUOTED_BYTES, "%s", is_done ? quoted.text : "");
    whet_buf_fini(ctx, &quoted);
    return out;
}

static whet_status check_shard_name(const loader *l, const char *name) {
    if (!is_plain_name(name)) {
        char text[QUOTED_BYTES];
        return whet_fail(l->ctx, WHET_E_FORMAT,
                         "%s: the shard %s is not the plain name of a .safetensors file",
                         l->index_path, quote(l->ctx, name, strlen(name), text));
    }
    if (l->has_single_file && strcmp(name, SINGLE_FILE) != 0)
        return whet_fail(l->ctx, WHET_E_FORMAT,
                         "%s: names the shard %s while " SINGLE_FILE
                         " is there too; remove what is out of date",
                         l->index_path, name);
    return WHET_OK;
}

/* A shard at fault stays in the list, closed: it is reported once. */
static whet_status add_shard(const loader *l, const char *name, shard **added) {
    whet_checkpoint *c = l->checkpoint;
    if (c->n_shards == MAX_SHARDS)
        return whet_fail(l->ctx, WHET_E_FORMAT, "%s: more than %d shards", l->index_path,
                         MAX_SHARDS);
    if (c->n_shards == c->shards_cap) {
        const size_t cap = c->shards_cap ? 2 * c->shards_cap : 4;
        shard *moved = whet_realloc(l->ctx, c->shards, cap * sizeof *moved);
        if (!moved) return WHET_E_NOMEM;
        c->shards = moved;
        c->shards_cap = cap;
    }
    shard *s = &c->shards[c->n_shards];
    *s = (shard){ .name = whet_strdup(l->ctx, name) };
    if (!s->name) return WHET_E_NOMEM;
    c->n_shards++;
    *added = s;
    const whet_status st = check_shard_name(l, name);
    if (st != WHET_OK) return whet_faults_add(l->ctx, l->faults, st);
    WHET_TRY(open_file(l, s));
    return check_unique(l, s);
}

static shard *find_shard(const whet_checkpoint *c, const char *name) {
    for (size_t i = 0; i < c->n_shards; i++)
        if (strcmp(c->shards[i].name, name) == 0) return &c->shards[i];
    return NULL;
}

/* One line of the index: a tensor's name and its shard's. */
static whet_status read_mapping(const loader *l, void *it) {
    size_t len, shard_len;
    const char *name = whet_json_key(it, &len);
    const char *shard_name = whet_json_string(whet_json_value(it), &shard_len);
    char text[QUOTED_BYTES];
    if (!shard_name || strlen(shard_name) != shard_len)
        return whet_fail(l->ctx, WHET_E_FORMAT,
                         "%s: tensor %s is mapped to something that is not a file name",
                         l->index_path, quote(l->ctx, name, len, text));
    shard *s = find_shard(l->checkpoint, shard_name);
    if (!s) WHET_TRY(add_shard(l, shard_name, &s));
    if (!s->is_open || whet_safetensors_find(&s->file, name)) return WHET_OK;
    return whet_fail(l->ctx, WHET_E_FORMAT, "%s: tensor %s is not in the shard %s", l->index_path,
                     quote(l->ctx, name, len, text), s->name);
}

static whet_status read_weight_map(const loader *l, const whet_json *root) {
    const whet_json *map = whet_json_get(root, "weight_map");
    if (!whet_json_is(map, WHET_JSON_OBJECT) || whet_json_len(map) == 0)
        return whet_fail(l->ctx, WHET_E_FORMAT,
                         "%s: weight_map is not an object that maps tensor names to files",
                         l->index_path);
    for (void *it = whet_json_begin(map); it; it = whet_json_next(map, it))
        WHET_TRY(whet_faults_add(l->ctx, l->faults, read_mapping(l, it)));
    return WHET_OK;
}

static bool exists(const char *path) {
    struct stat s;
    return lstat(path, &s) == 0; /* a dangling link exists, and gets a sentence of its own */
}

static whet_status load_index(const loader *l) {
    whet_json *root;
    whet_status st = whet_json_read(l->ctx, l->index_path, MAX_INDEX_BYTES, &root);
    if (st == WHET_OK) {
        st = read_weight_map(l, root);
        whet_json_close(root);
    }
    return whet_faults_add(l->ctx, l->faults, st);
}

static whet_status load(loader *l, const char *single_path, const char *index_path) {
    l->has_single_file = exists(single_path);
    if (exists(index_path)) {
        l->index_path = index_path;
        return load_index(l);
    }
    shard *s;
    if (l->has_single_file) return add_shard(l, SINGLE_FILE, &s);
    return whet_faults_add(l->ctx, l->faults,
                           whet_fail(l->ctx, WHET_E_NOT_FOUND,
                                     "%s: neither " SINGLE_FILE " nor " INDEX_FILE " is there",
                                     l->checkpoint->dir));
}

whet_status whet_checkpoint_open_faulty(whet_ctx *ctx, const char *dir, whet_faults *faults,
                                        whet_checkpoint **checkpoint) {
    *checkpoint = NULL;
    whet_checkpoint *c = whet_alloc_zero(ctx, 1, sizeof *c);
    if (!c) return WHET_E_NOMEM;
    c->ctx = ctx;
    c->dir = whet_strdup(ctx, dir);
    loader l = { .ctx = ctx, .checkpoint = c, .faults = faults };
    whet_buf single_path = { 0 }, index_path = { 0 };
    whet_status st = c->dir ? WHET_OK : WHET_E_NOMEM;
    if (st == WHET_OK) st = whet_buf_printf(ctx, &single_path, "%s/" SINGLE_FILE, dir);
    if (st == WHET_OK) st = whet_buf_printf(ctx, &index_path, "%s/" INDEX_FILE, dir);
    if (st == WHET_OK) st = load(&l, single_path.text, index_path.text);
    whet_buf_fini(ctx, &single_path);
    whet_buf_fini(ctx, &index_path);
    if (st == WHET_OK)
        *checkpoint = c;
    else
        whet_checkpoint_close(c);
    return st;
}

whet_status whet_checkpoint_open(whet_ctx *ctx, const char *dir, whet_checkpoint **checkpoint) {
    return whet_checkpoint_open_faulty(ctx, dir, NULL, checkpoint);
}

void whet_checkpoint_close(whet_checkpoint *checkpoint) {
    if (!checkpoint) return;
    whet_ctx *ctx = checkpoint->ctx;
    for (size_t i = 0; i < checkpoint->n_shards; i++) {
        whet_safetensors_close(ctx, &checkpoint->shards[i].file);
        whet_free(ctx, checkpoint->shards[i].name);
    }
    whet_free(ctx, checkpoint->shards);
    whet_free(ctx, checkpoint->dir);
    whet_free(ctx, checkpoint);
}

/* The shard that holds a tensor, and the tensor; NULL when none does. */
static const shard *locate(const whet_checkpoint *c, const char *name, const whet_tensor **t) {
    for (size_t i = 0; i < c->n_shards; i++)
        if ((*t = whet_safetensors_find(&c->shards[i].file, name))) return &c->shards[i];
    return NULL;
}

bool whet_checkpoint_find(const whet_checkpoint *checkpoint, const char *name, whet_tensor *view) {
    const whet_tensor *t;
    if (!locate(checkpoint, name, &t)) return false;
    if (view) *view = *t;
    return true;
}

/* "[2, 3]" */
static const char *shape_text(const int64_t *shape, int n_dims, char out[QUOTED_BYTES]) {
    size_t n = (size_t)snprintf(out, QUOTED_BYTES, "[");
    for (int i = 0; i < n_dims; i++)
        n += (size_t)snprintf(out + n, QUOTED_BYTES - n, "%s%lld", i ? ", " : "",
                              (long long)shape[i]);
    snprintf(out + n, QUOTED_BYTES - n, "]");
    return out;
}

whet_status whet_checkpoint_expect(whet_ctx *ctx, const whet_checkpoint *checkpoint,
                                   const char *name, int64_t n_rows, int64_t n_cols,
                                   whet_tensor *view) {
    const whet_tensor *t;
    const shard *s = locate(checkpoint, name, &t);
    if (!s)
        return whet_fail(ctx, WHET_E_NOT_FOUND, "%s: tensor %s is missing", checkpoint->dir, name);
    const int64_t want[2] = { n_rows, n_cols };
    const int n_dims = n_cols ? 2 : 1;
    if (t->n_dims != n_dims || t->shape[0] != n_rows || (n_cols && t->shape[1] != n_cols)) {
        char is[QUOTED_BYTES], should[QUOTED_BYTES];
        return whet_fail(ctx, WHET_E_FORMAT,
                         "%s/%s: tensor %s has shape %s, config.json asks for %s", checkpoint->dir,
                         s->name, name, shape_text(t->shape, t->n_dims, is),
                         shape_text(want, n_dims, should));
    }
    if (t->dtype == WHET_DTYPE_OTHER)
        return whet_fail(ctx, WHET_E_UNSUPPORTED,
                         "%s/%s: tensor %s has dtype %s, whet reads BF16, F16 and F32",
                         checkpoint->dir, s->name, name, t->dtype_name);
    *view = *t;
    return WHET_OK;
}

bool whet_checkpoint_is_whole(const whet_checkpoint *checkpoint) {
    for (size_t i = 0; i < checkpoint->n_shards; i++)
        if (!checkpoint->shards[i].is_open) return false;
    return checkpoint->n_shards > 0;
}

size_t whet_checkpoint_n_files(const whet_checkpoint *checkpoint) {
    return checkpoint->n_shards;
}

const whet_safetensors *whet_checkpoint_file(const whet_checkpoint *checkpoint, size_t i) {
    return &checkpoint->shards[i].file;
}
