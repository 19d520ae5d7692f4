/* SPDX-License-Identifier: MIT */
/* Winners: programs that the engine uses on this machine, with the receipt of how they came. */
#ifndef WHET_WINNER_H
#define WHET_WINNER_H

#include <whet/judge.h>
#include <whet/text.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    WHET_HASH_HEX = 65,     /* a SHA-256 in hexadecimal, with the NUL */
    WHET_MAX_MEASURED = 32, /* duels of a receipt */
    WHET_MAX_LINEAGE = 48,  /* programs of a receipt */
};

/* One duel: the rival's time over the winner's, with its 95 % interval. */
typedef struct whet_measured {
    char shape[48]; /* "decode@2048", "prefill64@512" */
    char rival[16]; /* "repeat", "fused", "grouped" */
    uint64_t seed;
    int n_pairs; /* of fresh processes */
    whet_ratio ratio;
    double ns, rival_ns; /* medians of one call */
    double kv_bytes;     /* K and V rows that one call must read */
} whet_measured;

/* A program on the way from the seed to the winner. */
typedef struct whet_ancestor {
    char hash[WHET_HASH_HEX];
    char operator_name[24];
    char change[160];
} whet_ancestor;

/* What is known of a winner: what it is for, what was judged, where, with what result. */
typedef struct whet_receipt {
    whet_problem problem; /* n_context: what decode was timed behind; n_rows is 0 */
    int abi;              /* WHET_KERNEL_ABI */
    char version[24];     /* of the whet that judged it */
    char program_hash[WHET_HASH_HEX];
    char source_sha256[WHET_HASH_HEX];
    char object_sha256[WHET_HASH_HEX];
    char fingerprint[33]; /* of the machine */
    char cpu[96];
    char compiler[512]; /* first line of its --version, and the flags */
    char date[24];      /* UTC */
    uint64_t seed;      /* of the run, or of the judge */
    int n_measured, n_lineage;
    /* Those that decide come first: decode, then a short prefill, over each rival. */
    whet_measured measured[WHET_MAX_MEASURED];
    whet_ancestor
        lineage[WHET_MAX_LINEAGE]; /* the winner first; its nearest ones, if there are more */
} whet_receipt;

/* The measurement of that shape and rival; NULL = there is none. */
WHET_API const whet_measured *whet_receipt_find(const whet_receipt *receipt, const char *shape,
                                                const char *rival);

/* Appends a receipt as JSON, an object with a line for each measurement and ancestor. */
WHET_API whet_status whet_receipt_write(whet_ctx *ctx, const whet_receipt *receipt, whet_buf *json);

/* A winner as it lies in the folder. */
typedef struct whet_winner_info {
    int64_t id;
    whet_problem problem; /* dtype, heads, head_dim; n_context and n_rows are 0 */
    char fingerprint[33];
    char program_hash[WHET_HASH_HEX];
    char object_sha256[WHET_HASH_HEX];
    char shape[64]; /* what was timed */
    whet_ratio repeat, fused;
    char date[24];
} whet_winner_info;

/* A loaded winner: the very object that was judged. */
typedef struct whet_winner whet_winner;

/* Finds the winner for the problem's dtype, heads and head_dim on the machine of that fingerprint,
 * checks that the object's bytes have the hash that was judged, loads just these bytes into this
 * process, and compares what they calculate with the oracle, first in a child that may crash. From
 * then on it runs here without a jail. WHET_E_NOT_FOUND: there is none; those of other machines are
 * logged at level info. WHET_E_FORMAT: other bytes. WHET_E_UNSUPPORTED: it does not pass its check
 * here. */
WHET_API whet_status whet_winner_find(whet_ctx *ctx, const char *folder,
                                      const whet_problem *problem, const char *fingerprint,
                                      whet_winner **winner);

/* Borrowed until whet_winner_close. */
WHET_API const whet_attention_kernel *whet_winner_kernel(const whet_winner *winner);
WHET_API const whet_winner_info *whet_winner_about(const whet_winner *winner);
WHET_API void whet_winner_close(whet_ctx *ctx, whet_winner *winner); /* NULL is fine */

/* Calls fn for every winner of the folder, the newest first. The receipt is that of info; of a
 * winner from before there were receipts it has no more than info has. */
typedef whet_status (*whet_winner_fn)(void *data, const whet_winner_info *info,
                                      const whet_receipt *receipt);
WHET_API whet_status whet_winner_list(whet_ctx *ctx, const char *folder, whet_winner_fn fn,
                                      void *data);

/* One winner by its id, and its source, replacing what was in `source`. WHET_E_NOT_FOUND. */
WHET_API whet_status whet_winner_read(whet_ctx *ctx, const char *folder, int64_t id,
                                      whet_winner_info *info, whet_receipt *receipt,
                                      whet_buf *source);

/* Takes a winner out, and its object with it when no other winner is the same. WHET_E_NOT_FOUND. */
WHET_API whet_status whet_winner_remove(whet_ctx *ctx, const char *folder, int64_t id);

/* Writes one C file that needs nothing of whet, whole or not at all: the receipt in a comment, the
 * program as it was judged with kernel.h in place of its inclusion, and, under WHET_EXAMPLE, a main
 * that runs it and compares. WHET_E_NOT_FOUND; WHET_E_FORMAT: the program does not include kernel.h
 * plainly. */
WHET_API whet_status whet_winner_export(whet_ctx *ctx, const char *folder, int64_t id,
                                        const char *path);

/* Reads such a file: the receipt, and the source as it was judged, replacing what was in `source`.
 * WHET_E_FORMAT: it is none, or a byte of it was changed; the sentence says which part. A hash
 * finds accidents: who writes a file anew writes its hash anew, and so the judge has to look. */
WHET_API whet_status whet_export_read(whet_ctx *ctx, const char *path, whet_receipt *receipt,
                                      whet_buf *source);

/* How a winner is judged again. Zero means default. Strings are borrowed for the call. */
typedef struct whet_rejudge_opts {
    const char *worker; /* the whet program (whet_judge_opts) */
    const char *cc;
    int n_threads;
    uint64_t seed;
    bool is_unsafe; /* whet_judge_opts */
    const char
        *measured_attention; /* the engine's own kernel by a profile, as of whet_session_opts */
} whet_rejudge_opts;

/* Builds a source for there->problem on this machine, judges it by all gates, and times it in
 * decode and prefill over repeat, fused and grouped where they are. `here` has what came of it, and
 * the lineage of `there`; without measurements when the verdict is not PASS. *object is the
 * caller's, and may be NULL. */
WHET_API whet_status whet_receipt_judge(whet_ctx *ctx, const whet_rejudge_opts *opts,
                                        const whet_receipt *there, const char *source,
                                        size_t n_bytes, whet_receipt *here, whet_object *object,
                                        whet_verdict *verdict);

/* Whether the winner of a receipt is faster than the engine's own kernel beyond doubt: by the lower
 * ends of the intervals in a text job as a whole, and in decode slower by at most 2 %. `measured`
 * as of whet_attention_choose. */
WHET_API bool whet_receipt_is_faster(const whet_receipt *receipt, const char *measured);

/* All winners of the folder as JSON Lines, receipt and source each, whole or not at all; *n: how
 * many. Objects do not travel. */
WHET_API whet_status whet_winners_export(whet_ctx *ctx, const char *folder, const char *path,
                                         int *n);

/* What became of a winner that was read: for a person to see. */
typedef struct whet_winner_news {
    int number; /* in the file, from 1 */
    const whet_receipt *there, *here;
    const whet_verdict *verdict;
    bool is_foreign; /* of another machine */
    bool is_taken;   /* it is right and faster here */
} whet_winner_news;

typedef void (*whet_winner_news_fn)(void *data, const whet_winner_news *news);

/* Reads what whet_winners_export wrote, from anybody. Every source is built here, judged by all
 * gates and timed; those that are faster than the engine's own kernel here become winners of this
 * machine, all of them in one step; the others are left out and told to fn. Nothing is taken when a
 * line is not right (WHET_E_FORMAT, with its number) or a source is rejected (WHET_E_FORMAT, with
 * the verdict); at most 64 lines of 512 KiB. */
WHET_API whet_status whet_winners_import(whet_ctx *ctx, const char *folder, const char *path,
                                         const whet_rejudge_opts *opts, whet_winner_news_fn fn,
                                         void *data);

#ifdef __cplusplus
}
#endif

#endif
