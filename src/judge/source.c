/* SPDX-License-Identifier: MIT */
/* Gate 0, on tokens: comments and strings are passed over, lines are spliced as C does it. */
#include "judge/source.h"

#include <stdio.h>
#include <string.h>

enum { MAX_SOURCE_BYTES = 256 << 10, MAX_TOKEN = 64 };

/* Assembly, code that runs by itself, and what tells one build from another. */
static const char *const words[] = {
    "asm",
    "__asm",
    "__asm__",
    "_Pragma",
    "__thread",
    "__DATE__",
    "__TIME__",
    "__FILE__",
    "__TIMESTAMP__",
    "__COUNTER__",
    "__declspec",
    "__COMPCERT__",
    "_Thread_local",
    "__BASE_FILE__",
    "__INCLUDE_LEVEL__",
    "__has_include",
    "__has_include_next",
    "__has_embed",
    "__builtin_constant_p",
    "__builtin_object_size",
    "__builtin_dynamic_object_size",
    "__builtin_return_address",
    "__builtin_frame_address",
    "__builtin_apply",
    "__builtin_apply_args",
    "__builtin_return",
    "__builtin_longjmp",
    "__builtin_setjmp",
    "__builtin_eh_return",
    "__builtin_thread_pointer",
    "__builtin_cpu_supports",
    "__builtin_cpu_init",
    "__builtin_cpu_is",
};
static const char *const directives[] = { "include", "define", "undef", "if",    "ifdef", "ifndef",
                                          "else",    "elif",   "endif", "error", "pragma" };
static const char *const headers[] = {
    "whet/kernel.h", "stdint.h",   "stddef.h",  "stdbool.h",  "float.h",
    "limits.h",      "math.h",     "string.h",  "stdalign.h", "immintrin.h",
    "x86intrin.h",   "arm_neon.h", "arm_sve.h", "arm_bf16.h",
};
static const char *const attributes[] = {
    "unused",
    "always_inline",
    "noinline",
    "vector_size",
    "ext_vector_type",
    "aligned",
    "may_alias",
    "const",
    "pure",
    "hot",
    "cold",
    "flatten",
    "noclone",
    "assume_aligned",
    "nonnull",
    "fallthrough",
    "maybe_unused",
    "packed",
    "nothrow",
    "leaf",
    "access",
    "warn_unused_result",
    "returns_nonnull",
};
static const char *const pragmas[] = {
    "GCC unroll ",
    "GCC ivdep",
    "GCC diagnostic ",
    "once",
    "clang loop ",
    "STDC FP_CONTRACT ",
    "unroll",
    /* genes of an evolution: flags that change no result */
    "GCC optimize(\"unroll-loops\")",
    "GCC optimize(\"no-tree-vectorize\")",
    "GCC optimize(\"schedule-insns\")",
};

/* Assembly as gcc's macros for AMX tiles write it; a number sign is a tile's number. */
static const char *const tile_texts[] = {
    "tilezero\\t%%tmm#",
    "{tileloadd\\t(%0,%1,1), %%tmm#|tileloadd\\t%%tmm#, [%0+%1*1]}",
    "{tileloaddt1\\t(%0,%1,1), %%tmm#|tileloaddt1\\t%%tmm#, [%0+%1*1]}",
    "{tilestored\\t%%tmm#, (%0,%1,1)|tilestored\\t[%0+%1*1], %%tmm#}",
    "{tdpbf16ps\\t%%tmm#, %%tmm#, %%tmm#|tdpbf16ps\\t%%tmm#, %%tmm#, %%tmm#}",
};

#define HAS(list, word) contains(list, sizeof list / sizeof *list, word)

static bool contains(const char *const *list, size_t n, const char *word) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(list[i], word) == 0) return true;
    return false;
}

/* ---- the text as the preprocessor sees it: spliced, without comments ---- */

/* Copies a string or character literal; returns the place behind it. */
static size_t copy_literal(const char *text, size_t n, size_t i, char *to, size_t *used) {
    const char quote = text[i];
    to[(*used)++] = text[i++];
    while (i < n && text[i] != quote && text[i] != '\n') {
        if (text[i] == '\\' && i + 1 < n) to[(*used)++] = text[i++];
        to[(*used)++] = text[i++];
    }
    if (i < n && text[i] == quote) to[(*used)++] = text[i++];
    return i;
}

static size_t splice(const char *text, size_t n, char *to) {
    size_t used = 0;
    for (size_t i = 0; i < n; i++) {
        size_t end = i + 1;
        if (text[i] == '\\') { /* gcc splices over blanks too */
            while (end < n && (text[end] == ' ' || text[end] == '\t' || text[end] == '\r'))
                end++;
            if (end < n && text[end] == '\n') {
                i = end;
                continue;
            }
        }
        to[used++] = text[i];
    }
    return used;
}

/* Comments become one space; to has room for n + 1. */
static size_t strip(const char *text, size_t n, char *to) {
    size_t used = 0, i = 0;
    while (i < n) {
        if (text[i] == '/' && i + 1 < n && text[i + 1] == '/') {
            while (i < n && text[i] != '\n')
                i++;
        } else if (text[i] == '/' && i + 1 < n && text[i + 1] == '*') {
            for (i += 2; i < n && !(text[i - 1] == '*' && text[i] == '/' && i > 2); i++)
                if (text[i] == '\n') to[used++] = '\n';
            i += i < n;
            to[used++] = ' ';
        } else if (text[i] == '"' || text[i] == '\'') {
            i = copy_literal(text, n, i, to, &used);
        } else {
            to[used++] = text[i++];
        }
    }
    to[used] = '\0';
    return used;
}

/* ---- tokens ---- */

static bool is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '$';
}

static bool is_in_word(char c) {
    return is_letter(c) || (c >= '0' && c <= '9');
}

/* The identifier at `at`, cut to MAX_TOKEN; returns the place behind it. */
static const char *take_word(const char *at, char word[MAX_TOKEN]) {
    size_t n = 0;
    for (; is_in_word(*at); at++)
        if (n + 1 < MAX_TOKEN) word[n++] = *at;
    word[n] = '\0';
    return at;
}

static const char *skip_blanks(const char *at) {
    while (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\f' || *at == '\v')
        at++;
    return at;
}

static void reject(whet_verdict *v, int line, const char *what, const char *word) {
    whet_verdict_reject(v, WHET_V_FORBIDDEN, WHET_GATE_SOURCE, "line %d: %s%.60s", line, what,
                        word);
}

/* The names between the parentheses of an attribute, at depth 2, or between double brackets. */
static const char *check_attribute(const char *at, int line, whet_verdict *v) {
    int depth = 0;
    for (; *at && v->code == WHET_V_PASS; at++) {
        if (*at == '(' || *at == '[') depth++;
        if ((*at == ')' || *at == ']') && --depth <= 0) break;
        if (depth != 2 || !is_letter(*at)) continue;
        char word[MAX_TOKEN], *bare = word;
        at = take_word(at, word) - 1;
        const size_t n = strlen(word);
        if (at[1] == ':') continue; /* whose attribute it is */
        if (n > 4 && strncmp(word, "__", 2) == 0 && strcmp(word + n - 2, "__") == 0) {
            word[n - 2] = '\0';
            bare += 2;
        }
        if (!HAS(attributes, bare)) reject(v, line, "this attribute is not allowed: ", bare);
    }
    return at;
}

static void check_directive(const char *at, int line, whet_verdict *v) {
    char word[MAX_TOKEN];
    at = skip_blanks(take_word(skip_blanks(at), word));
    if (*word && !HAS(directives, word)) {
        reject(v, line, "this directive is not allowed: #", word);
    } else if (strcmp(word, "include") == 0) {
        char name[MAX_TOKEN] = "";
        size_t n = 0;
        for (const char *c = at + (*at != '\0'); *c && *c != '>' && *c != '"' && *c != '\n'; c++)
            if (n + 1 < MAX_TOKEN) name[n++] = *c;
        name[n] = '\0';
        if ((*at != '<' && *at != '"') || !HAS(headers, name))
            reject(v, line, "this header is not allowed: ", name);
    } else if (strcmp(word, "pragma") == 0) {
        bool is_known = false;
        for (size_t i = 0; i < sizeof pragmas / sizeof *pragmas; i++)
            is_known |= strncmp(at, pragmas[i], strlen(pragmas[i])) == 0;
        snprintf(word, sizeof word, "%.*s", (int)strcspn(at, "\n"), at);
        if (!is_known) reject(v, line, "this pragma is not allowed: ", word);
    }
}

/* "[[" begins an attribute, whatever stands between the brackets, and "<:" is a bracket. */
static bool is_attribute(const char *at) {
    for (int n = 0; n < 2; n++) {
        while (n > 0 && (*at == '\n' || skip_blanks(at) > at))
            at = *at == '\n' ? at + 1 : skip_blanks(at);
        if (*at != '[' && (*at != '<' || at[1] != ':')) return false;
        at += *at == '[' ? 1 : 2;
    }
    return true;
}

/* ---- assembly that the compiler's own header has written ---- */

/* Behind blanks and the preprocessor's lines. */
static const char *skip_lines(const char *at) {
    for (;;) {
        const char *next = skip_blanks(at);
        if (*next == '\n')
            next += next[1] == '#' && next[2] == ' ' ? 1 + strcspn(next + 1, "\n") : 1;
        if (next == at) return at;
        at = next;
    }
}

/* The string literals at `at`, one behind the other as the compiler takes them. */
static void join_literals(const char *at, char *text, size_t n) {
    size_t used = 0;
    for (at = skip_lines(at); *at == '"'; at = skip_lines(at + (*at == '"'))) {
        for (at++; *at && *at != '"' && *at != '\n' && used + 1 < n; at++)
            text[used++] = *at;
        if (*at != '"') used = 0;
    }
    text[used] = '\0';
}

static bool is_like(const char *text, const char *known) {
    for (; *known && *text; known++, text++)
        if (*known == '#' ? *text < '0' || *text > '7' : *text != *known) return false;
    return !*known && !*text;
}

/* Whether what follows "__asm__" is one of the tile instructions, and nothing besides. */
static bool is_tile_asm(const char *at) {
    static const char is_volatile[] = "volatile";
    char text[128];
    at = skip_lines(at);
    if (strncmp(at, is_volatile, sizeof is_volatile - 1) != 0) return false;
    at = skip_lines(at + sizeof is_volatile - 1);
    if (*at != '(') return false;
    join_literals(at + 1, text, sizeof text);
    for (size_t i = 0; i < sizeof tile_texts / sizeof *tile_texts; i++)
        if (is_like(text, tile_texts[i])) return true;
    return false;
}

/* is_header: a macro of the compiler's headers has put it there. */
static const char *check_word(const char *at, bool is_header, int line, whet_verdict *v) {
    static const char *const raw[] = { "R", "LR", "uR", "UR", "u8R" };
    char word[MAX_TOKEN];
    at = take_word(at, word);
    if (*at == '"' && HAS(raw, word))
        reject(v, line, "raw strings hide what comes behind them: ", word);
    else if (is_header && strcmp(word, "__asm__") == 0 && is_tile_asm(at))
        return at; /* no word of it is the candidate's */
    else if (HAS(words, word))
        reject(v, line, "this is not allowed: ", word);
    else if (strcmp(word, "__attribute__") == 0 || strcmp(word, "__attribute") == 0)
        at = check_attribute(at, line, v);
    return at;
}

/* The preprocessor's flag 3 behind a file's name: what follows is from a header of the system. */
static bool is_of_header(const char *at) {
    const char *end = at + strcspn(at, "\n");
    while (*end != '"')
        end--;
    return strncmp(end, "\" 3", 3) == 0;
}

/* Clean text: spliced, no comments. is_expanded: lines "# n "file"" say where they come from, and
 * only those of kernel.c count. */
static void check_tokens(const char *text, bool is_expanded, whet_verdict *v) {
    const char *at = text;
    int line = 1;
    bool is_ours = !is_expanded, is_header = false, is_line_start = true;
    while (*at && v->code == WHET_V_PASS) {
        if (*at == '\n') {
            line++;
            at++;
            is_line_start = true;
        } else if (*at == '#' && is_expanded && at[1] == ' ' && (at == text || at[-1] == '\n')) {
            /* the preprocessor's own: it puts a space before one that a macro makes */
            int n = 0;
            char file[16] = "";
            if (sscanf(at, "# %d \"%15[^\"]", &n, file) == 2) {
                is_ours = strcmp(file, "kernel.c") == 0;
                is_header = is_of_header(at);
                line = n > 0 ? n - 1 : 0;
            }
            at += strcspn(at, "\n");
        } else if (is_line_start && (*at == '#' || (*at == '%' && at[1] == ':'))) {
            at += *at == '#' ? 1 : 2; /* a digraph is a number sign, too */
            if (is_ours) check_directive(at, line, v);
            is_line_start = false;
        } else if (*at == '"' || *at == '\'') {
            const char quote = *at++;
            for (; *at && *at != quote && *at != '\n'; at++)
                at += *at == '\\' && at[1];
            at += *at == quote;
        } else if (is_ours && (*at == '[' || *at == '<') && is_attribute(at)) {
            if (*at == '<') reject(v, line, "an attribute is spelled with [[", "");
            at = check_attribute(at, line, v);
            at += *at != '\0';
            is_line_start = false;
        } else if (is_letter(*at)) {
            char word[MAX_TOKEN];
            at = is_ours ? check_word(at, is_header, line, v) : take_word(at, word);
            is_line_start = false;
        } else if (is_in_word(*at)) { /* a number with its suffix */
            while (is_in_word(*at) || *at == '.')
                at++;
        } else {
            if ((unsigned char)*at >= 0x80 && is_ours)
                reject(v, line, "bytes beyond ASCII stand only in comments and strings", "");
            is_line_start &= *at == ' ' || *at == '\t' || *at == '\r';
            at++;
        }
    }
}

/* ---- marks ---- */

static int count(const char *text, const char *mark, const char **first) {
    int n = 0;
    for (const char *at = text; (at = strstr(at, mark)); at += strlen(mark)) {
        if (n == 0) *first = at;
        n++;
    }
    return n;
}

static void check_marks(const char *text, whet_verdict *v) {
    const char *start = NULL, *end = NULL;
    const int n_starts = count(text, "EVOLVE-BLOCK-START", &start);
    const int n_ends = count(text, "EVOLVE-BLOCK-END", &end);
    if (n_starts == 0 && n_ends == 0) return;
    if (n_starts != 1 || n_ends != 1 || end < start)
        whet_verdict_reject(v, WHET_V_FORBIDDEN, WHET_GATE_SOURCE,
                            "%d EVOLVE-BLOCK-START and %d EVOLVE-BLOCK-END: one of each, in order, "
                            "or none",
                            n_starts, n_ends);
}

whet_status whet_source_check(whet_ctx *ctx, const char *text, size_t n, whet_verdict *v) {
    if (n > MAX_SOURCE_BYTES) {
        whet_verdict_reject(v, WHET_V_FORBIDDEN, WHET_GATE_SOURCE,
                            "the source has %zu bytes, at most %d are allowed", n,
                            MAX_SOURCE_BYTES);
        return WHET_OK;
    }
    if (n && memchr(text, '\0', n)) {
        whet_verdict_reject(v, WHET_V_FORBIDDEN, WHET_GATE_SOURCE, "the source has a NUL byte");
        return WHET_OK;
    }
    char *spliced = whet_alloc(ctx, n + 1), *clean = whet_alloc(ctx, n + 2);
    if (spliced && clean) {
        spliced[splice(text, n, spliced)] = '\0';
        strip(spliced, strlen(spliced), clean);
        check_tokens(clean, false, v);
        if (v->code == WHET_V_PASS) check_marks(spliced, v);
    }
    const whet_status st = spliced && clean ? WHET_OK : WHET_E_NOMEM;
    whet_free(ctx, spliced);
    whet_free(ctx, clean);
    return st;
}

void whet_source_check_expanded(const char *text, whet_verdict *v) {
    check_tokens(text, true, v);
}
