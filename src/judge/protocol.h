/* SPDX-License-Identifier: MIT */
/* What the judge and its worker process say to each other: fixed messages over a socket. */
#ifndef WHET_JUDGE_PROTOCOL_H
#define WHET_JUDGE_PROTOCOL_H

#include <stdatomic.h>
#include <stdbool.h>

#include <whet/kernel.h>

enum {
    WHET_WORKER_SOCKET = 3,
    WHET_WORKER_INPUTS = 4,  /* memory that both share, sealed: only the judge can write it */
    WHET_WORKER_OUTPUTS = 5, /* memory that both share and write */
    WHET_WORKER_OBJECT = 6,  /* the shared object; absent for a built-in kernel */
    WHET_WORKER_ROWS = 7,    /* rows for timed workers, sealed, the same memory for both sides;
                                absent where rows are copied into the inputs */
};

typedef enum whet_op {
    WHET_OP_LOAD,       /* load the kernel (built_in: by its name), ask supports(problem) */
    WHET_OP_SIZES,      /* kv_bytes and workspace_bytes */
    WHET_OP_CAPACITIES, /* kv_bytes of the capacities 1 .. n into OUT, uint64_t each */
    WHET_OP_COVER,      /* of an object built for it: n bytes of which places it took, into OUT */
    WHET_OP_APPEND,     /* append some rows in chunks, all workers in turn in one thread */
    WHET_OP_RUN,        /* run once, all workers in turn in one thread */
    WHET_OP_PREPARE,    /* start the team, make room for n_caches caches and a spare one, at the
                           address of section KV; from then on only those below */
    WHET_OP_FILL,       /* n_calls caches: all rows are appended, from the call's first_row on */
    WHET_OP_COPY,       /* the same rows into the same caches as plain bytes; FILL comes after */
    WHET_OP_REFRESH,    /* n_calls caches: their last n_fresh old rows become fresh_row .. */
    WHET_OP_BATCH,      /* n_calls calls by the team: each appends n_rows rows and runs them */
    WHET_OP_RECALL,     /* the spare cache gets the rows of the first call's, which began with those
                           from first_row on: are their bytes the same? */
} whet_op;

/* Parts of the shared memory as the worker maps them, each between two guard pages. Those before
 * OUT lie in the sealed memory and are read-only there. */
typedef enum whet_section {
    WHET_SECTION_K,
    WHET_SECTION_V,
    WHET_SECTION_Q,
    WHET_SECTION_CALLS, /* of timed requests: one whet_call each */
    WHET_SECTION_CACHE, /* RUN: the judge's copy of KV */
    WHET_SECTION_OUT,
    WHET_SECTION_KV, /* APPEND: the cache as it is written */
    WHET_SECTION_WORKSPACE,
    WHET_SECTION_BELL, /* of timed requests: a whet_bell */
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
    int32_t fresh_row;
    int32_t look; /* the element of its output, in pairs of bytes, that is looked at as it ends */
} whet_call;

/* Timing call by call: the judge counts up `rung`, the worker begins the call, and counts up `done`
 * at its end; both spin. Before it, `done` is WHET_BELL_AWAY until the worker is listening. In a
 * batch the worker notes of every call what it finds at `look` when the call ends. */
typedef struct whet_bell {
    _Alignas(128) _Atomic uint32_t rung;
    _Alignas(128) _Atomic uint32_t done;
    _Alignas(128) uint16_t seen[]; /* [max_calls] */
} whet_bell;

#define WHET_BELL_AWAY UINT32_MAX

typedef struct whet_request {
    uint32_t op;
    uint64_t serial; /* the judge's; nobody can know it before */
    whet_problem problem;
    int64_t capacity;
    int64_t kv_stride; /* elements between rows of k and of v */
    int64_t q_stride;
    int64_t out_stride;
    float scale;
    int32_t n_workers; /* APPEND, RUN and SIZES: in turn; PREPARE: threads of the team */
    int32_t n_context; /* tokens in the cache when the run ends */
    int32_t n_rows;    /* of the run */
    int32_t first_row; /* APPEND: rows first_row .. first_row + n - 1 become tokens pos ..;
                          RECALL: with which the cache began */
    int32_t pos;
    int32_t n;
    int32_t chunk; /* APPEND: rows of one append; 0 = all at once */
    int32_t n_caches;
    uint64_t cache_bytes; /* PREPARE: what SIZES has said */
    int32_t n_calls;
    int32_t n_fresh;  /* REFRESH, RECALL: rows before the last n_rows */
    int32_t is_rung;  /* BATCH: every call waits for the bell */
    int32_t is_empty; /* BATCH: nothing is called: what starting and stopping cost; FILL: the caches
                         are zeroed before */
    uint64_t cpu_ns;  /* until PREPARE: processor time that it may take; 0 = any */
    int32_t has_rows; /* timed: the sections K and V lie in WHET_WORKER_ROWS */
    char built_in[32];
    whet_span sections[WHET_N_SECTIONS];
} whet_request;

static inline bool whet_section_is_of_rows(const whet_request *request, int section) {
    return request->has_rows && (section == WHET_SECTION_K || section == WHET_SECTION_V);
}

typedef enum whet_answer {
    WHET_ANSWER_DONE,        /* the first one, unasked: the worker is there */
    WHET_ANSWER_FAULT,       /* a signal came while the kernel ran */
    WHET_ANSWER_ENDED,       /* the kernel ended its process */
    WHET_ANSWER_UNSUPPORTED, /* no kernel, or not for this problem: text */
    WHET_ANSWER_RACED,       /* workers of one phase wrote the same bytes of `section` */
    WHET_ANSWER_TOUCHED,     /* RECALL: a run has written to the cache */
    WHET_ANSWER_BROKEN,      /* the worker itself could not do it: text */
    WHET_N_ANSWERS,
} whet_answer;

/* Where a fault was. */
typedef enum whet_touch {
    WHET_TOUCH_UNKNOWN,
    WHET_TOUCH_GUARD,     /* just outside of `section` */
    WHET_TOUCH_READ_ONLY, /* inside of `section` */
} whet_touch;

typedef struct whet_reply {
    uint64_t serial; /* of the request that it answers; 0 of the first one */
    uint32_t answer;
    int32_t signal;
    int32_t touch;
    int32_t section;
    uint64_t kv_bytes;
    uint64_t workspace_bytes;
    uint64_t n_calls; /* BATCH: counted inside the dispatch */
    uint64_t cpu_ns;  /* processor time of the process that served it */
    uint32_t jail;    /* first one: the layers in force */
    char text[160];
} whet_reply;

#endif
