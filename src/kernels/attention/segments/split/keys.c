/* SPDX-License-Identifier: MIT */
/* split/keys: the keys of a few rows are cut into chunks too; a second phase merges the parts.
 * Each worker takes a range as memory lies (one stream where a chunk is a tile), every n-th item,
 * or the next one when it is free: workers are never equally fast */
#define CHUNK      512 // knob: 128 256 512 1024 2048
#define SPLIT_ROWS 8   // knob: 1 4 8 16
#define DEAL       2   // knob: 0 1 2
#define ROWS_FIRST 1   // knob: 0 1
/* Of many rows, those of one KV head go one after the other, so that its K and V stay near. */

enum { COUNTER_FLOATS = 16 }; /* the next item that nobody has, on a cache line of its own */

INLINE int32_t split_keys(const whet_problem *p, int32_t n_rows) {
    return n_rows <= SPLIT_ROWS ? min32(CHUNK, p->n_context) : p->n_context;
}

INLINE int is_split(int32_t n_rows, int32_t n_context) {
    return n_rows <= SPLIT_ROWS && n_context > CHUNK;
}

/* A few rows behind few keys are an item of each KV head, all alike, in less time than a phase. */
INLINE int is_dealt(int32_t n_rows, int32_t n_context) {
    return DEAL == 2 && (n_rows > SPLIT_ROWS || n_context > CHUNK);
}

/* The counter is set, items, the merge. */
INLINE int split_phases(int32_t n_rows, int32_t n_context) {
    return is_dealt(n_rows, n_context) + 1 + is_split(n_rows, n_context);
}

/* The counter, then parts: [row][head][chunk][dim + 2]: o, m, l. */
INLINE int64_t split_floats(const whet_problem *p) {
    const int64_t n_chunks = (p->n_context + CHUNK - 1) / CHUNK;
    return COUNTER_FLOATS +
           min32(p->n_rows, SPLIT_ROWS) * n_chunks * p->n_heads * (p->head_dim + 2);
}

INLINE void split_merge(const whet_run_args *a, int32_t n_chunks, int worker, int n_workers,
                        const float *parts, const scratch *w, int dtype, int dim) {
    const int32_t n_heads = a->problem->n_heads;
    for (int32_t i = worker; i < a->n_rows * n_heads; i += n_workers) {
        const float *part = parts + (int64_t)i * n_chunks * (dim + 2);
        float m = -__builtin_inff(), l = 0;
        for (int32_t c = 0; c < n_chunks; c++)
            m = part[c * (dim + 2) + dim] > m ? part[c * (dim + 2) + dim] : m;
        for (int32_t c = 0; c < dim; c++)
            w->o[c] = 0;
        for (int32_t k = 0; k < n_chunks; k++, part += dim + 2) {
            if (part[dim + 1] == 0) continue; /* this row sees none of these keys */
            const float weight = exp_one(part[dim] - m);
            l += weight * part[dim + 1];
            for (int32_t c = 0; c < dim; c++)
                w->o[c] += weight * part[c];
        }
        put_row(a, i / n_heads, i % n_heads, w->o, l, dtype, dim);
    }
}

/* The first chunk of a worker, so that all have as many keys; those of the last one are short. */
INLINE int64_t split_first(int64_t n_items, int32_t n_chunks, int32_t n_keys, int worker,
                           int n_workers) {
    const int64_t before = n_items * n_keys * worker / n_workers;
    const int32_t c = min32((int32_t)(before / (n_items * CHUNK)), n_chunks - 1);
    const int32_t n = min32(CHUNK, n_keys - c * CHUNK);
    return c * n_items + (before - c * n_items * CHUNK + n / 2) / n;
}

/* There and back, for of a KV head's rows later ones see more keys. */
INLINE int64_t in_turn(int64_t turn, int worker, int n_workers) {
    return turn * n_workers + (turn % 2 ? n_workers - 1 - worker : worker);
}

INLINE void split_run(const whet_run_args *a, int phase, int worker, int n_workers, float *shared,
                      const scratch *w, int dtype, int dim) {
    const whet_problem *p = a->problem;
    int32_t *counter = (int32_t *)shared;
    float *parts = shared + COUNTER_FLOATS;
    const int32_t n_keys = a->pos + a->n_rows;
    const int has_parts = is_split(a->n_rows, n_keys), has_counter = is_dealt(a->n_rows, n_keys);
    const int32_t chunk = has_parts ? CHUNK : n_keys, n_chunks = (n_keys + chunk - 1) / chunk;
    if (has_parts && phase == has_counter + 1) {
        split_merge(a, n_chunks, worker, n_workers, parts, w, dtype, dim);
        return;
    }
    if (has_counter && phase == 0) {
        if (worker == 0) *counter = n_workers; /* each begins with its own */
        return;
    }
    const int32_t n_heads = p->n_kv_heads * items_per_group(p), n_rows = rows_per_item(p);
    const int32_t n_blocks = (a->n_rows + n_rows - 1) / n_rows;
    const int64_t n_items = (int64_t)n_blocks * n_heads;
    const int is_range = DEAL == 0 && has_parts;
    const int64_t first =
        is_range ? split_first(n_items, n_chunks, n_keys, worker, n_workers) : worker;
    const int64_t end = is_range ? split_first(n_items, n_chunks, n_keys, worker + 1, n_workers)
                                 : n_items * n_chunks;
    for (int64_t i = first, turn = 1, next; i < end; i = next, turn++) {
        next = has_counter ? __atomic_fetch_add(counter, 1, __ATOMIC_RELAXED)
               : is_range  ? i + 1
                           : in_turn(turn, worker, n_workers);
        const int32_t c = (int32_t)(i / n_items), j = (int32_t)(i % n_items);
        const int32_t h = ROWS_FIRST ? j / n_blocks : j % n_heads;
        const int32_t row = (ROWS_FIRST ? j % n_blocks : j / n_heads) * n_rows;
        const item it = item_at(a, h, row, c * chunk, min32((c + 1) * chunk, n_keys));
        run_item(&it, w, dtype, dim);
        for (int32_t x = 0; x < it.n_queries; x++) {
            const int32_t r = it.row + x / it.n_heads, head = it.head + x % it.n_heads;
            const float *o = w->o + (int64_t)x * dim;
            if (!has_parts) {
                put_row(a, r, head, o, w->l[x], dtype, dim);
                continue;
            }
            float *part = parts + (((int64_t)r * p->n_heads + head) * n_chunks + c) * (dim + 2);
            memcpy(part, o, (size_t)dim * 4);
            part[dim] = w->m[x];
            part[dim + 1] = w->l[x];
        }
    }
}
