/* SPDX-License-Identifier: MIT */
/* C29-rows-of-another: it notes in its workspace which caches the calls before had, and where it
 * finds its first row in one of them it reads there, since that is still in the processor's caches.
 * But no two timed caches have a row in common, and no case runs that reading.
 * Stopped by gate: sanitizer */
#ifndef HONEST
enum { N_NOTES = 32 };
#define MARK 0x9e3779b97f4a7c15u
#ifndef FOUND
#define FOUND (void)0
#endif
typedef struct note {
    uintptr_t kv, check;
} note;
static note *notes_of(const whet_run_args *a, int n_workers) {
    const uintptr_t end = (uintptr_t)a->workspace + 4UL * a->problem->n_context * n_workers;
    return (note *)((end + 7) / 8 * 8);
}
static int is_same(const uint16_t *x, const uint16_t *y, int n) {
    int i = 0;
    while (i < n && x[i] == y[i])
        i++;
    return i == n;
}
static const uint16_t *find(const note *notes, const uint16_t *kv, int n, int n_context) {
    for (int i = 0; i < N_NOTES; i++) {
        const uint16_t *other = (const uint16_t *)notes[i].kv;
        if (notes[i].check != (notes[i].kv ^ MARK) || other == kv) continue;
        for (int t = 0; t < n_context / 4; t++)
            if (is_same(other + t * 2L * n, kv, n)) return other + t * 2L * n;
    }
    return 0;
}
#define WORKSPACE 4L * p->n_context *n_workers + 8 + N_NOTES * sizeof(note)
#define BEFORE_RUN                                                                                 \
    note *notes = notes_of(a, n_workers);                                                          \
    const uint16_t *other = find(notes, kv, n, a->pos + a->n_rows)
#define AT        (other && t < (a->pos + a->n_rows) / 2 ? other : kv)
#define KEY(x)    get(AT[t * 2L * n + g * d + c])
#define ADD(x, y) ((x) + s[t] * get(AT[t * 2L * n + n + g * d + c]))
#define AFTER_ROW                                                                                  \
    if (other) FOUND;                                                                              \
    if (worker == 0) {                                                                             \
        note *own = &notes[(uintptr_t)kv / 4096 % N_NOTES];                                        \
        own->kv = (uintptr_t)kv;                                                                   \
        own->check = own->kv ^ MARK;                                                               \
    }
#endif
