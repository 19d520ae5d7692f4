/* SPDX-License-Identifier: MIT */
/* Gates 0 and 1: a source text becomes a shared object, in a child process with limits. */
#include "judge/judge_int.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/child.h"
#include "base/file.h"
#include "base/hash.h"
#include "judge/cover.h"
#include "judge/jail.h"
#include "judge/source.h"
#include "kernels/text.h"

#if defined(__x86_64__) || defined(__i386__)
#define NATIVE "-march=native"
#else
#define NATIVE "-mcpu=native"
#endif

/* What gate 2 refuses is not made of honest text: no jump tables (indirect jumps), no stack
 * protector (a segment register), no marks for indirect jumps, no start files (constructors). The
 * start files would also switch the process to flushing denormals under -ffast-math. */
static const char *const flags[] = {
    "-O3",
    NATIVE,
    "-std=gnu17",
    "-fno-math-errno",
    "-fno-jump-tables",
    "-fno-stack-protector",
    "-fcf-protection=none",
    "-fno-asynchronous-unwind-tables",
    "-fno-ident",
    "-fPIC",
    "-shared",
    "-nostartfiles",
    "-Wl,-z,noexecstack",
    "-Wl,-z,now",
    "-Wl,-z,relro",
    "-Wl,-z,defs",
    "-w",
};

enum {
    N_FLAGS = sizeof flags / sizeof *flags,
    MAX_EXPANDED_BYTES = 8 << 20,
    MAX_OBJECT_BYTES = 16 << 20,
    MAX_WORDS_BYTES = 64 << 10,
    MAX_MORE = 24,
};

/* A private folder: the source, whet/kernel.h, the object. */
typedef struct bench {
    whet_folder folder;
    char whet[48];
    char header[64];
    char source[48];
    char object[48];
    char expanded[48]; /* of an instrumented build: preprocessed, */
    char half[48];     /* and its assembly text */
} bench;

static whet_status open_bench(whet_ctx *ctx, bench *b, const char *source, size_t n_bytes) {
    *b = (bench){ 0 };
    WHET_TRY(whet_folder_open(ctx, &b->folder));
    const char *folder = b->folder.path;
    snprintf(b->whet, sizeof b->whet, "%s/whet", folder);
    snprintf(b->header, sizeof b->header, "%s/kernel.h", b->whet);
    snprintf(b->source, sizeof b->source, "%s/kernel.c", folder);
    snprintf(b->object, sizeof b->object, "%s/kernel.so", folder);
    snprintf(b->expanded, sizeof b->expanded, "%s/kernel.i", folder);
    snprintf(b->half, sizeof b->half, "%s/kernel.s", folder);
    WHET_TRY(whet_dir_make(ctx, b->whet));
    WHET_TRY(whet_file_write(ctx, b->header, whet_header_texts[0].text, whet_header_texts[0].len));
    return whet_file_write(ctx, b->source, source, n_bytes);
}

/* Runs a tool of the compiler's in the folder, locked in. */
static whet_status run_confined(whet_ctx *ctx, const whet_judge *judge, const bench *b,
                                const char *const *argv, whet_buf *expanded, whet_buf *words,
                                whet_child_result *result) {
    const double seconds = judge->opts.build_seconds;
    char path[PATH_MAX + 64], temporary[64], beside[PATH_MAX];
    const char *slash = strrchr(judge->opts.cc, '/');
    snprintf(beside, sizeof beside - 3, "%.*s", slash ? (int)(slash - judge->opts.cc) : 0,
             judge->opts.cc);
    snprintf(path, sizeof path, "PATH=/usr/local/bin:/usr/bin:/bin:%s", beside);
    snprintf(temporary, sizeof temporary, "TMPDIR=%s", b->folder.path);
    const char *const environment[] = { path, temporary, "LC_ALL=C", NULL };
    if (slash) strcat(beside, "/..");
    const whet_jail_build jail = {
        .folder = b->folder.path,
        .kept = &b->folder,
        .compiler_folder = slash ? beside : NULL,
    };
    whet_jail_prepare_build(&jail);
    const whet_child_opts limits = {
        .wall_seconds = 20 * seconds, /* processor time is the limit: the machine may be busy */
        .cpu_seconds = (uint64_t)(seconds + 1),
        .memory_bytes = (uint64_t)2 << 30,
        .file_bytes = MAX_OBJECT_BYTES,
        .max_output_bytes = expanded ? MAX_EXPANDED_BYTES : MAX_WORDS_BYTES,
        .folder = b->folder.path,
        .environment = environment,
        .confine = whet_jail_enter_build,
        .confine_data = &jail,
    };
    const whet_status st =
        whet_child_run(ctx, argv, &limits, expanded ? expanded : words, words, result);
    whet_folder_leave(&b->folder);
    return st;
}

/* Files are named relative to the folder: the compiler's words do not depend on it. */
static const char *const to_expand[] = { "-I.", "-E", "kernel.c", NULL };
static const char *const to_build[] = { "-I.", "-o", "kernel.so", "kernel.c", "-lm", NULL };

/* Runs the compiler with the flags of all candidates and some more words; with `expanded` its
 * output goes there. */
static whet_status run_compiler(whet_ctx *ctx, const whet_judge *judge, const bench *b,
                                const char *const *more, whet_buf *expanded, whet_buf *words,
                                whet_child_result *result) {
    const char *argv[N_FLAGS + MAX_MORE + 2];
    int n = 0;
    argv[n++] = judge->opts.cc;
    for (int i = 0; i < N_FLAGS; i++)
        argv[n++] = flags[i];
    for (int i = 0; more[i] && i < MAX_MORE; i++)
        argv[n++] = more[i];
    argv[n] = NULL;
    return run_confined(ctx, judge, b, argv, expanded, words, result);
}

/* The first few messages are what a writer needs; whole lines, as many as there is room for. */
static void keep_words(whet_verdict *verdict, const whet_buf *words) {
    size_t n = words->len < sizeof verdict->compiler_text - 1 ? words->len
                                                              : sizeof verdict->compiler_text - 1;
    if (n < words->len)
        while (n > 0 && words->text[n - 1] != '\n')
            n--;
    if (n) memcpy(verdict->compiler_text, words->text, n);
    verdict->compiler_text[n] = '\0';
}

static void blame_build(whet_verdict *v, const whet_child_result *result, const whet_buf *words) {
    keep_words(v, words);
    const char *error = words->len ? strstr(words->text, "error: ") : NULL;
    if (result->how == WHET_CHILD_TIMED_OUT)
        whet_verdict_reject(v, WHET_V_NO_BUILD, WHET_GATE_BUILD,
                            "the compiler was stopped after %.0f s", result->wall_ns * 1e-9);
    else if (result->how == WHET_CHILD_SIGNALLED)
        whet_verdict_reject(v, WHET_V_NO_BUILD, WHET_GATE_BUILD,
                            "the compiler was ended by signal %d", result->signal);
    else
        whet_verdict_reject(v, WHET_V_NO_BUILD, WHET_GATE_BUILD, "the compiler says: %.*s",
                            error ? (int)strcspn(error + 7, "\n") : 7,
                            error ? error + 7 : "nothing");
}

static whet_status read_object(whet_ctx *ctx, const bench *b, whet_object *object) {
    whet_buf bytes = { 0 };
    const whet_status st = whet_file_read(ctx, b->object, MAX_OBJECT_BYTES, &bytes);
    if (st != WHET_OK) {
        whet_buf_fini(ctx, &bytes);
        return st;
    }
    *object = (whet_object){ .bytes = bytes.text, .n_bytes = bytes.len };
    whet_sha256_hex(object->bytes, object->n_bytes, object->sha256);
    return WHET_OK;
}

void whet_object_fini(whet_ctx *ctx, whet_object *object) {
    whet_free(ctx, object->bytes);
    *object = (whet_object){ 0 };
}

/* Gate 0 once more, on what the preprocessor makes of it; its own complaints come again when it is
 * compiled. */
static whet_status read_expanded(whet_ctx *ctx, const whet_judge *judge, const bench *b,
                                 whet_buf *expanded, whet_verdict *verdict) {
    whet_buf words = { 0 };
    whet_child_result result;
    whet_status st = run_compiler(ctx, judge, b, to_expand, expanded, &words, &result);
    const bool is_done = result.how == WHET_CHILD_EXITED && result.exit_code == 0;
    if (st == WHET_OK && is_done && expanded->len >= MAX_EXPANDED_BYTES)
        whet_verdict_reject(verdict, WHET_V_NO_BUILD, WHET_GATE_SOURCE,
                            "preprocessed it has more than %d bytes", MAX_EXPANDED_BYTES);
    else if (st == WHET_OK && is_done)
        whet_source_check_expanded(expanded->text ? expanded->text : "", verdict);
    else if (st == WHET_OK && result.how != WHET_CHILD_EXITED)
        blame_build(verdict, &result, &words);
    whet_buf_fini(ctx, &words);
    return st;
}

whet_status whet_judge_build(whet_ctx *ctx, const whet_judge *judge, const char *source,
                             size_t n_bytes, whet_object *object, whet_verdict *verdict) {
    *object = (whet_object){ 0 };
    *verdict = (whet_verdict){ .gate = WHET_GATE_BUILD };
    const bool is_read = !judge->opts.skips_source_gate;
    if (is_read) WHET_TRY(whet_source_check(ctx, source, n_bytes, verdict));
    if (verdict->code != WHET_V_PASS) return WHET_OK;
    bench b;
    whet_buf words = { 0 }, expanded = { 0 };
    whet_child_result result = { 0 };
    whet_status st = open_bench(ctx, &b, source, n_bytes);
    if (st == WHET_OK && is_read) st = read_expanded(ctx, judge, &b, &expanded, verdict);
    const bool is_going = st == WHET_OK && verdict->code == WHET_V_PASS;
    if (is_going) st = run_compiler(ctx, judge, &b, to_build, NULL, &words, &result);
    verdict->build_ns = result.wall_ns;
    if (is_going && st == WHET_OK && (result.how != WHET_CHILD_EXITED || result.exit_code != 0))
        blame_build(verdict, &result, &words);
    else if (is_going && st == WHET_OK)
        st = read_object(ctx, &b, object);
    whet_folder_close(&b.folder);
    whet_buf_fini(ctx, &words);
    whet_buf_fini(ctx, &expanded);
    return st;
}

/* ---- instrumented builds ---- */

/* Instrumented builds start from what the preprocessor made with the candidates' own flags: no
 * macro can tell the source which build it is in. */
static const char *const to_kernel_i[] = { "-I.", "-E", "-o", "kernel.i", "kernel.c", NULL };

/* As the source has them: no loop is doubled, none of its conditions made two; but what is decided
 * already, by the path that leads there or by what came before, is no condition. What becomes a
 * selection of one of two values is no branch. */
#define PLAIN_BRANCHES                                                                             \
    "-fthread-jumps", "-ftree-vrp", "-fno-tree-ch", "-fno-tree-loop-im", "-fno-tree-loop-ivcanon", \
        "-fno-tree-switch-conversion", "-fno-unroll-loops", "-fdisable-tree-cunroll",              \
        "-fdisable-tree-cunrolli", "-fdisable-rtl-loop2_unroll"

#define TO_MARK "-O1", "-g1", PLAIN_BRANCHES, "-S", "-o", "kernel.s", "kernel.i"

static const char *const to_mark[] = { TO_MARK, NULL };
static const char *const to_mark_fixed[] = { "-fwhole-program", TO_MARK, NULL };
static const char *const to_mark_elsewhere[] = { "-O1",      "-g1",      "-S", "-o",
                                                 "kernel.s", "kernel.i", NULL };
static const char *const to_link[] = { "-o", "kernel.so", "kernel.s", "-lm", NULL };

/* Undefined behaviour that memory and arithmetic are not safe from; it traps. Alignment and shifts
 * into the sign are left out: whet's compilers define them. */
static const char *const to_trap[] = {
    "-O1",
    "-fsanitize=bounds,null,vla-bound,unreachable,return,integer-divide-by-zero,"
    "signed-integer-overflow,shift-exponent,object-size,bool,enum",
    "-fsanitize-undefined-trap-on-error",
    "-o",
    "kernel.so",
    "kernel.i",
    "-lm",
    NULL
};

static bool is_done(const whet_child_result *result) {
    return result->how == WHET_CHILD_EXITED && result->exit_code == 0;
}

static whet_status run_both(whet_ctx *ctx, const whet_judge *judge, const bench *b,
                            const char *const *more, whet_buf *words, whet_child_result *result) {
    WHET_TRY(run_compiler(ctx, judge, b, to_kernel_i, NULL, words, result));
    return is_done(result) ? run_compiler(ctx, judge, b, more, NULL, words, result) : WHET_OK;
}

whet_status whet_build_trapping(whet_ctx *ctx, const whet_judge *judge, const char *source,
                                size_t n_bytes, whet_object *object, whet_verdict *verdict) {
    *object = (whet_object){ 0 };
    bench b;
    whet_buf words = { 0 };
    whet_child_result result = { 0 };
    whet_status st = open_bench(ctx, &b, source, n_bytes);
    if (st == WHET_OK) st = run_both(ctx, judge, &b, to_trap, &words, &result);
    if (st == WHET_OK && !is_done(&result)) {
        blame_build(verdict, &result, &words);
        verdict->gate = WHET_GATE_SANITIZER;
    }
    if (st == WHET_OK && is_done(&result)) st = read_object(ctx, &b, object);
    whet_folder_close(&b.folder);
    whet_buf_fini(ctx, &words);
    return st;
}

/* The text whose kernel is told what is fixed takes the place of the one that it came from. */
static whet_status fix_text(whet_ctx *ctx, const bench *b, const whet_fixed *fixed) {
    whet_buf text = { 0 }, out = { 0 };
    whet_status st = whet_file_read(ctx, b->expanded, MAX_EXPANDED_BYTES, &text);
    if (st == WHET_OK) st = whet_cover_fix(ctx, fixed, &text, &out);
    if (st == WHET_OK) st = whet_file_write(ctx, b->expanded, out.text, out.len);
    whet_buf_fini(ctx, &text);
    whet_buf_fini(ctx, &out);
    return st;
}

/* Preprocessed, and compiled to assembly text as far as the compiler knows how. */
static whet_status run_marking(whet_ctx *ctx, const whet_judge *judge, const bench *b,
                               const whet_fixed *fixed, whet_buf *words,
                               whet_child_result *result) {
    const bool is_fixed = fixed->has_dtype || fixed->has_head_dim;
    if (!is_fixed) {
        WHET_TRY(run_both(ctx, judge, b, to_mark, words, result));
    } else {
        WHET_TRY(run_compiler(ctx, judge, b, to_kernel_i, NULL, words, result));
        if (!is_done(result)) return WHET_OK;
        WHET_TRY(fix_text(ctx, b, fixed));
        WHET_TRY(run_compiler(ctx, judge, b, to_mark_fixed, NULL, words, result));
    }
    if (is_done(result)) return WHET_OK;
    words->len = 0; /* a compiler without these flags; what was fixed stays so */
    if (is_fixed) return run_compiler(ctx, judge, b, to_mark_elsewhere, NULL, words, result);
    return run_both(ctx, judge, b, to_mark_elsewhere, words, result);
}

/* The assembly text with marks takes the place of the one without. */
static whet_status mark_text(whet_ctx *ctx, const bench *b, const char *source, size_t n_bytes,
                             whet_cover *cover) {
    whet_buf text = { 0 }, marked = { 0 };
    whet_status st = whet_file_read(ctx, b->half, MAX_OBJECT_BYTES, &text);
    if (st == WHET_OK) st = whet_cover_mark(ctx, source, n_bytes, &text, cover, &marked);
    if (st == WHET_OK) st = whet_file_write(ctx, b->half, marked.text, marked.len);
    whet_buf_fini(ctx, &text);
    whet_buf_fini(ctx, &marked);
    return st;
}

whet_status whet_build_covered(whet_ctx *ctx, const whet_judge *judge, const char *source,
                               size_t n_bytes, const whet_fixed *fixed, whet_cover *cover,
                               whet_verdict *verdict) {
    *cover = (whet_cover){ 0 };
    bench b;
    whet_buf words = { 0 };
    whet_child_result result = { 0 };
    whet_status st = open_bench(ctx, &b, source, n_bytes);
    if (st == WHET_OK) st = run_marking(ctx, judge, &b, fixed, &words, &result);
    if (st == WHET_OK && is_done(&result)) st = mark_text(ctx, &b, source, n_bytes, cover);
    if (st == WHET_OK && is_done(&result))
        st = run_compiler(ctx, judge, &b, to_link, NULL, &words, &result);
    if (st == WHET_OK && !is_done(&result)) {
        blame_build(verdict, &result, &words);
        verdict->gate = WHET_GATE_SANITIZER;
    }
    if (st == WHET_OK && is_done(&result)) st = read_object(ctx, &b, &cover->object);
    if (st != WHET_OK) whet_cover_close(ctx, cover);
    whet_folder_close(&b.folder);
    whet_buf_fini(ctx, &words);
    return st;
}

whet_status whet_judge_compiler(whet_ctx *ctx, const whet_judge *judge, char *text, size_t n) {
    const char *const argv[] = { judge->opts.cc, "--version", NULL };
    whet_buf words = { 0 };
    whet_child_result result;
    const whet_status st =
        whet_child_run(ctx, argv, &(whet_child_opts){ .wall_seconds = 10 }, &words, NULL, &result);
    if (st == WHET_OK) {
        int used = snprintf(text, n, "%.*s;", words.len ? (int)strcspn(words.text, "\n") : 0,
                            words.len ? words.text : "");
        for (int i = 0; i < N_FLAGS && used > 0 && (size_t)used < n; i++)
            used += snprintf(text + used, n - (size_t)used, " %s", flags[i]);
    }
    whet_buf_fini(ctx, &words);
    return st;
}
