/* SPDX-License-Identifier: MIT */
/* What the judge and its worker process say to each other: fixed messages over a socket. */
#ifndef WHET_JUDGE_PROTOCOL_H
#define WHET_JUDGE_PROTOCOL_H

#include <stdbool.h>

#include <whet/kernel.h>

enum {
    WHET_WORKER_SOCKET = 3,
    WHET_WORKER_INPUTS = 4,  /* memory that both share, sealed: only the judge can write it */
    WHET_WORKER_OUTPUTS = 5, /* memory that both share and write */
    WHET_WORKER_OBJECT = 6,  /* the shared object; absent for a built-in kernel */
};

typedef enum whet_op {
    WHET_OP_LOAD,       /* load the kernel (built_in: by its name), ask supports(problem) */
    WHET_OP_SIZES,      /* kv_bytes and workspace_bytes */
    WHET_OP_CAPACITIES, /* kv_bytes of the capacities 1 .. n into OUT, uint64_t each */
    WHET_OP_COVER,      /* of an object built for it: n bytes of which places it took, into OUT */
    WHET_OP_APPEND,     /* append some rows in chunks, all workers in turn in one thread */
    WHET_OP_RUN,        /* run once, all workers in turn in one thread */
    WHET_OP_PREPARE,    /* start the team, fill n_caches caches; from then on BATCH only */
    WHET_OP_BATCH,      /* n_calls calls by the team: each appends n_rows rows and runs them */
} whet_op;

/* Parts of the shared memory as the worker maps them, each between two guard pages. Those before
 * OUT lie in the sealed memory and are read-only there. */
typedef enum whet_section {
    WHET_SECTION_K,
    WHET_SECTION_V,
    WHET_SECTION_Q,
    WHET_SECTION_CALLS, /* BATCH: one whet_call each */
    WHET_SECTION_CACHE, /* RUN: the judge's copy of KV */
    WHET_SECTION_OUT,
    WHET_SECTION_KV, /* APPEND: the cache as it is written */
    WHET_SECTION_WORKSPACE,
    WHET_N_SECTIONS,
} whet_section;

static inline bool whet_section_is_input(int section) {
    return section < WHET_SECTION_OUT;
}

/* Whole pages at `offset` of their memory; the data begin `skip` bytes into them. */
typedef struct whet_span {
    uint64_t offset;
    uint64_t bytes; /* 0: not mapped */
    uint64_t skip;
    uint64_t address; /* of the pages in the kernel's process, if it is free there; 0: any */
} whet_span;

/* One timed call: rows `first_row ..` of K and V are appended, query rows `query ..` are run. */
typedef struct whet_call {
    int32_t cache;
    int32_t first_row;
    int32_t query;
    int32_t unused;
} whet_call;

typedef struct whet_request {
    uint32_t op;
    whet_problem problem;
    int64_t capacity;
    int64_t kv_stride; /* elements between rows of k and of v */
    int64_t q_stride;
    int64_t out_stride;
    float scale;
    int32_t n_workers; /* APPEND, RUN and SIZES: in turn; PREPARE: threads of the team */
    int32_t n_context; /* tokens in the cache when the run ends */
    int32_t n_rows;    /* of the run */
    int32_t first_row; /* APPEND: rows first_row .. first_row + n - 1 become tokens pos .. */
    int32_t pos;
    int32_t n;
    int32_t chunk; /* APPEND: rows of one append; 0 = all at once */
    int32_t n_caches;
    uint64_t cache_bytes; /* PREPARE: what SIZES has said */
    int32_t cache_shift;  /* PREPARE: cache c begins with row c * cache_shift of K and V */
    int32_t n_calls;
    char built_in[32];
    whet_span sections[WHET_N_SECTIONS];
} whet_request;

typedef enum whet_answer {
    WHET_ANSWER_DONE,        /* the first one, unasked: the worker is there */
    WHET_ANSWER_FAULT,       /* a signal came while the kernel ran */
    WHET_ANSWER_ENDED,       /* the kernel ended its process */
    WHET_ANSWER_UNSUPPORTED, /* no kernel, or not for this problem: text */
    WHET_ANSWER_BROKEN,      /* the worker itself could not do it: text */
} whet_answer;

/* Where a fault was. */
typedef enum whet_touch {
    WHET_TOUCH_UNKNOWN,
    WHET_TOUCH_GUARD,     /* just outside of `section` */
    WHET_TOUCH_READ_ONLY, /* inside of `section` */
} whet_touch;

typedef struct whet_reply {
    uint32_t answer;
    int32_t signal;
    int32_t touch;
    int32_t section;
    uint64_t kv_bytes;
    uint64_t workspace_bytes;
    uint64_t n_calls; /* BATCH: counted inside the dispatch */
    uint32_t jail;    /* LOAD: the layers in force */
    char text[160];
} whet_reply;

#endif
