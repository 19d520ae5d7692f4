/* SPDX-License-Identifier: MIT */
/* Each kind of mutation looks at one token and its neighbours, and proposes what is wrong there.
 * What does not compile is found by compiling it. (Mutation testing: DeMillo, Lipton and Sayward,
 * "Hints on test data selection", 1978.) */
#include "judge/mutant.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "judge/token.h"

typedef struct maker {
    whet_ctx *ctx;
    const char *text;
    const whet_token *tokens;
    size_t n_tokens;
    const char *mutation; /* that is at work */
    whet_mutant *mutants;
    size_t n, cap;
    whet_status status;
} maker;

/* ---- what a token is ---- */

static bool is(const maker *m, size_t i, const char *text) {
    if (i >= m->n_tokens) return false;
    const whet_token *t = &m->tokens[i];
    return t->end - t->begin == strlen(text) &&
           memcmp(m->text + t->begin, text, t->end - t->begin) == 0;
}

static whet_token_kind kind(const maker *m, size_t i) {
    return i < m->n_tokens ? m->tokens[i].kind : WHET_TOKEN_BREAK;
}

static bool is_among(const maker *m, size_t i, const char *const *list) {
    for (; *list; list++)
        if (is(m, i, *list)) return true;
    return false;
}

static bool is_keyword(const maker *m, size_t i) {
    static const char *const list[] = { "return", "if",      "else", "for",     "while",
                                        "do",     "switch",  "case", "break",   "continue",
                                        "goto",   "sizeof",  "enum", "default", "struct",
                                        "union",  "typedef", NULL };
    return is_among(m, i, list);
}

/* A type that C or the ABI names, or a word that goes with one. */
static bool is_type(const maker *m, size_t i) {
    static const char *const list[] = { "void",   "char",     "short",    "int",  "long",  "float",
                                        "double", "unsigned", "signed",   "bool", "const", "static",
                                        "inline", "volatile", "restrict", NULL };
    if (kind(m, i) != WHET_TOKEN_WORD) return false;
    const whet_token *t = &m->tokens[i];
    const size_t n = t->end - t->begin;
    return is_among(m, i, list) || (n > 2 && memcmp(m->text + t->end - 2, "_t", 2) == 0) ||
           (n > 5 && memcmp(m->text + t->begin, "whet_", 5) == 0);
}

static bool is_name(const maker *m, size_t i) {
    return kind(m, i) == WHET_TOKEN_WORD && !is_keyword(m, i) && !is_type(m, i);
}

static bool ends_operand(const maker *m, size_t i) {
    return kind(m, i) == WHET_TOKEN_NUMBER || is_name(m, i) || is(m, i, ")") || is(m, i, "]");
}

static bool is_binary(const maker *m, size_t i) {
    return i > 0 && kind(m, i) == WHET_TOKEN_SIGN && ends_operand(m, i - 1);
}

/* A name or a number that is nobody's member, element or argument list. */
static bool is_atom(const maker *m, size_t i) {
    return (kind(m, i) == WHET_TOKEN_NUMBER || is_name(m, i)) && !is(m, i + 1, "(") &&
           !is(m, i + 1, "[") && !is(m, i + 1, ".") && !is(m, i + 1, "->") && i > 0 &&
           !is(m, i - 1, ".") && !is(m, i - 1, "->");
}

/* The bracket that closes the one at i; n_tokens when there is none before a break. */
static size_t closing(const maker *m, size_t i) {
    int depth = 0;
    for (; i < m->n_tokens && kind(m, i) != WHET_TOKEN_BREAK; i++) {
        if (is(m, i, "(") || is(m, i, "[") || is(m, i, "{")) depth++;
        if ((is(m, i, ")") || is(m, i, "]") || is(m, i, "}")) && --depth == 0) return i;
    }
    return m->n_tokens;
}

static size_t opening(const maker *m, size_t i) {
    int depth = 0;
    for (; i > 0 && kind(m, i) != WHET_TOKEN_BREAK; i--) {
        if (is(m, i, ")") || is(m, i, "]") || is(m, i, "}")) depth++;
        if ((is(m, i, "(") || is(m, i, "[") || is(m, i, "{")) && --depth == 0) return i;
    }
    return 0;
}

/* The next `what` from i on at this depth, before `end`. */
static size_t find(const maker *m, size_t i, size_t end, const char *what) {
    for (; i < end && !is(m, i, what); i++)
        if (is(m, i, "(") || is(m, i, "[") || is(m, i, "{")) {
            i = closing(m, i);
            if (i >= end) return end;
        }
    return i < end ? i : end;
}

static int length(const maker *m, size_t i) {
    return (int)(m->tokens[i].end - m->tokens[i].begin);
}

static const char *at(const maker *m, size_t i) {
    return m->text + m->tokens[i].begin;
}

/* ---- proposals ---- */

/* The tokens first .. last become that text; one that is too long is none. */
static void __attribute__((format(printf, 4, 5)))
propose(maker *m, size_t first, size_t last, const char *format, ...) {
    whet_mutant mutant = { m->mutation, m->tokens[first].begin, m->tokens[last].end,
                           m->tokens[first].line, "" };
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(mutant.instead, sizeof mutant.instead, format, args);
    va_end(args);
    if (m->status != WHET_OK || n < 0 || n >= WHET_MUTANT_BYTES) return;
    if (m->n == m->cap) {
        whet_mutant *more = whet_realloc(m->ctx, m->mutants, (2 * m->cap + 64) * sizeof *more);
        if (!more) {
            m->status = WHET_E_NOMEM;
            return;
        }
        m->mutants = more;
        m->cap = 2 * m->cap + 64;
    }
    m->mutants[m->n++] = mutant;
}

typedef struct swap {
    const char *from, *to;
} swap;

static void propose_swaps(maker *m, size_t i, const swap *swaps) {
    for (; swaps->from; swaps++)
        if (is(m, i, swaps->from)) propose(m, i, i, "%s", swaps->to);
}

static void mutate_operator(maker *m, size_t i) {
    static const swap swaps[] = { { "+", "-" },  { "-", "+" },   { "*", "/" },   { "/", "*" },
                                  { "%", "/" },  { "<<", ">>" }, { ">>", "<<" }, { "+=", "-=" },
                                  { "+=", "=" }, { "-=", "+=" }, { "*=", "/=" }, { "/=", "*=" },
                                  { "*", "+" },  { "/", "%" },   { "|", "^" },   { "^", "|" },
                                  { NULL, NULL } };
    if (is_binary(m, i) && !is_type(m, i + 1)) propose_swaps(m, i, swaps);
}

static void mutate_bound(maker *m, size_t i) {
    static const swap swaps[] = { { "<", "<=" }, { "<=", "<" }, { ">", ">=" },
                                  { ">=", ">" }, { "<", ">" },  { NULL, NULL } };
    if (is_binary(m, i)) propose_swaps(m, i, swaps);
}

static void mutate_condition(maker *m, size_t i) {
    static const swap swaps[] = { { "==", "!=" }, { "!=", "==" },    { "&&", "||" },
                                  { "||", "&&" }, { "?", "|| 1 ?" }, { "?", "&& 0 ?" },
                                  { NULL, NULL } };
    if (is_binary(m, i)) propose_swaps(m, i, swaps);
    const size_t end = is(m, i, "if") ? closing(m, i + 1) : m->n_tokens;
    if (end == m->n_tokens || !is(m, i + 1, "(")) return;
    propose(m, i + 1, i + 1, "(1 || ");
    propose(m, i + 1, i + 1, "(0 && ");
}

static bool is_real(const maker *m, size_t i) {
    const bool is_hex = length(m, i) > 1 && at(m, i)[1] == 'x';
    for (int k = 0; k < length(m, i); k++)
        if (at(m, i)[k] == '.' || strchr(is_hex ? "pP" : "eE", at(m, i)[k])) return true;
    return false;
}

static bool is_bits(const maker *m, size_t i) {
    static const char *const list[] = { "&", "|", "^", "<<", ">>", "&=", "|=", NULL };
    return is_among(m, i, list);
}

static void mutate_constant(maker *m, size_t i) {
    if (kind(m, i) != WHET_TOKEN_NUMBER || is_bits(m, i - (i > 0)) || is_bits(m, i + 1)) return;
    if (is_real(m, i)) {
        propose(m, i, i, "(%.*s * 1.02f)", length(m, i), at(m, i));
        propose(m, i, i, "(-%.*s)", length(m, i), at(m, i));
    } else {
        propose(m, i, i, "(%.*s + 1)", length(m, i), at(m, i));
        propose(m, i, i, "(%.*s - 1)", length(m, i), at(m, i));
    }
}

static void mutate_mask(maker *m, size_t i) {
    const bool is_one = kind(m, i) == WHET_TOKEN_NUMBER && !is_real(m, i) &&
                        (is_bits(m, i - (i > 0)) || is_bits(m, i + 1));
    if (is_one) propose(m, i, i, "(%.*s ^ 1)", length(m, i), at(m, i));
    if (is_one) propose(m, i, i, "(%.*s >> 1)", length(m, i), at(m, i));
    if (is(m, i, "&") && is_binary(m, i)) propose(m, i, i, "|");
}

static void mutate_index(maker *m, size_t i) {
    if (!is(m, i, "[") || i < 2 || !ends_operand(m, i - 1) || is_type(m, i - 2)) return;
    const size_t end = closing(m, i);
    if (end == m->n_tokens || end == i + 1) return;
    propose(m, end, end, " + 1]");
    if (end != i + 2 || kind(m, i + 1) != WHET_TOKEN_NUMBER) propose(m, i + 1, end - 1, "0");
}

static void mutate_scale(maker *m, size_t i) {
    static const char *const parts[] = { "scale", "SCALE", "shrink", "factor", "weight", NULL };
    bool is_scale = false;
    for (int k = 0; is_name(m, i) && parts[k]; k++)
        is_scale |= memmem(at(m, i), (size_t)length(m, i), parts[k], strlen(parts[k])) != NULL;
    if (!is_scale || is(m, i + 1, "=") || is(m, i + 1, "(") || is_type(m, i - (i > 0))) return;
    size_t first = i;
    while (first > 1 && (is(m, first - 1, "->") || is(m, first - 1, ".")))
        first -= 2;
    propose(m, i, i, "%.*s * 1.02f", length(m, i), at(m, i));
    propose(m, first, i, "1.0f");
}

static void mutate_cast(maker *m, size_t i) {
    if (!is(m, i, "(") || !is_type(m, i + 1) || i == 0 || is_name(m, i - 1)) return;
    if (is_keyword(m, i - 1) && !is(m, i - 1, "return")) return;
    const size_t end = closing(m, i);
    const bool is_cast = end < m->n_tokens && (is_name(m, end + 1) || is(m, end + 1, "(") ||
                                               kind(m, end + 1) == WHET_TOKEN_NUMBER);
    if (is_cast && !is(m, i + 1, "void")) propose(m, i, end, "%s", "");
}

static void mutate_type(maker *m, size_t i) {
    static const swap swaps[] = { { "float", "_Float16" },    { "double", "float" },
                                  { "int64_t", "int32_t" },   { "int32_t", "int16_t" },
                                  { "int", "signed char" },   { "long", "short" },
                                  { "uint32_t", "uint16_t" }, { "uint16_t", "uint8_t" },
                                  { "size_t", "uint16_t" },   { NULL, NULL } };
    if (kind(m, i) == WHET_TOKEN_WORD) propose_swaps(m, i, swaps);
}

/* Whether a statement may begin at i. */
static bool is_start(const maker *m, size_t i) {
    if (i == 0 || is(m, i - 1, ";") || is(m, i - 1, "{") || is(m, i - 1, "}") ||
        is(m, i - 1, "else") || kind(m, i - 1) == WHET_TOKEN_BREAK)
        return true;
    if (!is(m, i - 1, ")")) return false;
    const size_t begin = opening(m, i - 1);
    return begin > 0 && (is(m, begin - 1, "for") || is(m, begin - 1, "if"));
}

/* The ';' or the break that ends the statement at i, when it is one that only acts: an assignment
 * or a call, no declaration; else n_tokens. */
static size_t end_of_act(const maker *m, size_t i, bool *is_rescale) {
    static const char *const acts[] = { "=", "+=", "-=", "*=", "/=", "|=", "&=", "(", NULL };
    const bool is_jump = is(m, i, "continue") || is(m, i, "break");
    bool is_act = is_jump;
    *is_rescale = false;
    if (!is_start(m, i) || !(is_name(m, i) || is(m, i, "*") || is_jump)) return m->n_tokens;
    if (is_name(m, i + 1) || (is_name(m, i) && is(m, i + 1, "*"))) return m->n_tokens;
    int depth = 0;
    for (size_t k = i; k < m->n_tokens; k++) {
        depth += is(m, k, "(") - is(m, k, ")");
        if (depth < 0 || is(m, k, "{") || is(m, k, "}")) return m->n_tokens;
        is_act |= is_among(m, k, acts);
        *is_rescale |= is(m, k, "*=");
        if (is(m, k, ";") || kind(m, k) == WHET_TOKEN_BREAK) return is_act ? k : m->n_tokens;
    }
    return m->n_tokens;
}

static void drop_statement(maker *m, size_t i, bool wants_rescale) {
    bool is_rescale;
    const size_t end = end_of_act(m, i, &is_rescale);
    if (end == m->n_tokens || is_rescale != wants_rescale) return;
    propose(m, i, end - !is(m, end, ";"), "%s", is(m, end, ";") ? ";" : "");
}

static void mutate_statement(maker *m, size_t i) {
    drop_statement(m, i, false);
}

static void mutate_rescale(maker *m, size_t i) {
    drop_statement(m, i, true);
}

static void mutate_tail(maker *m, size_t i) {
    if (!is(m, i, "for") || !is(m, i + 1, "(")) return;
    const size_t end = closing(m, i + 1);
    const size_t first = find(m, i + 2, end, ";"), second = find(m, first + 1, end, ";");
    if (end == m->n_tokens || second >= end || second == first + 1) return;
    propose(m, second, second, " - 1;");
    propose(m, first, first, "; 0 &&");
    for (size_t k = second; k < end; k++) {
        if (is(m, k, "++")) propose(m, k, k, " += 2");
        if (is(m, k, "+=")) propose(m, k, k, "+= 1 +");
    }
}

static void mutate_operand(maker *m, size_t i) {
    static const char *const ordered[] = { "-", "/", "%", "<<", ">>", "<", ">", "<=", ">=", NULL };
    const bool is_pair = i > 0 && is_atom(m, i - 1) && is_atom(m, i + 1);
    if (!is_pair || !(is_among(m, i, ordered) || is(m, i, ","))) return;
    if (is(m, i, ",") &&
        !((is(m, i - 2, "(") || is(m, i - 2, ",")) && (is(m, i + 2, ")") || is(m, i + 2, ","))))
        return;
    propose(m, i - 1, i + 1, "%.*s %.*s %.*s", length(m, i + 1), at(m, i + 1), length(m, i),
            at(m, i), length(m, i - 1), at(m, i - 1));
}

static bool is_member(const maker *m, size_t i) {
    return i > 0 && (is(m, i - 1, "->") || is(m, i - 1, "."));
}

/* Members for members, arrays for arrays, structs for structs. */
static bool has_same_part(const maker *m, size_t i, size_t j) {
    return is_member(m, i) == is_member(m, j) && is(m, i + 1, "[") == is(m, j + 1, "[") &&
           is(m, i + 1, "->") == is(m, j + 1, "->");
}

static bool is_same(const maker *m, size_t i, size_t j) {
    return length(m, i) == length(m, j) && memcmp(at(m, i), at(m, j), (size_t)length(m, i)) == 0;
}

/* A variable of the statement in the place of another. */
static bool is_variable(const maker *m, size_t i) {
    return is_name(m, i) && islower((unsigned char)*at(m, i)) && !is(m, i + 1, "(") &&
           !is_name(m, i + 1) && i > 0 && !is_type(m, i - 1) && !is_name(m, i - 1);
}

static void mutate_variable(maker *m, size_t i) {
    if (!is_variable(m, i)) return;
    for (size_t back = 1; back < 16 && back <= i; back++) {
        const size_t j = i - back;
        if (is(m, j, ";") || is(m, j, "{") || is(m, j, "}") || kind(m, j) == WHET_TOKEN_BREAK)
            return;
        if (is_variable(m, j) && has_same_part(m, i, j) && !is_same(m, i, j)) {
            propose(m, i, i, "%.*s", length(m, j), at(m, j));
            return;
        }
    }
}

/* ---- all of them ---- */

/* name, function, what it does */
#define MUTATIONS(X)                                                                               \
    X("operator", mutate_operator, "+ for -, * for /, << for >>, = for +=, ...")                   \
    X("bound", mutate_bound, "< for <=, > for >=, < for >")                                        \
    X("condition", mutate_condition,                                                               \
      "== for !=, && for ||; a condition that always or never holds")                              \
    X("constant", mutate_constant,                                                                 \
      "an integer plus or minus 1, a real number times 1.02 or of the other sign")                 \
    X("mask", mutate_mask,                                                                         \
      "bits of a mask or a shift: the lowest the other way, half of it; or for and")               \
    X("index", mutate_index, "[i + 1] or [0] for [i]")                                             \
    X("scale", mutate_scale, "a scale, factor or weight times 1.02, or 1")                         \
    X("cast", mutate_cast, "a cast left out")                                                      \
    X("type", mutate_type, "a narrower type")                                                      \
    X("statement", mutate_statement, "an assignment, a call or a jump left out")                   \
    X("rescale", mutate_rescale, "a *= left out")                                                  \
    X("tail", mutate_tail, "a loop one short, not begun, or with a longer step")                   \
    X("operand", mutate_operand, "operands or arguments that change places")                       \
    X("variable", mutate_variable, "another variable or member of the same statement")

const whet_mutation whet_mutations[] = {
#define ROW(name, function, does) { name, does },
    MUTATIONS(ROW)
#undef ROW
        { NULL, NULL },
};

static void (*const mutators[])(maker *m, size_t i) = {
#define ROW(name, function, does) function,
    MUTATIONS(ROW)
#undef ROW
};

whet_status whet_mutants_list(whet_ctx *ctx, const char *text, whet_mutant **mutants, size_t *n) {
    const char *first = strstr(text, "EVOLVE-BLOCK-START");
    const char *last = first ? strstr(first, "EVOLVE-BLOCK-END") : NULL;
    const size_t from = last ? (size_t)(first - text) : 0;
    const size_t to = last ? (size_t)(last - text) : strlen(text);
    whet_token *tokens = NULL;
    maker m = { .ctx = ctx, .text = text };
    m.status = whet_tokens_read(ctx, text, to, &tokens, &m.n_tokens);
    m.tokens = tokens;
    for (size_t i = 0; i < m.n_tokens && m.status == WHET_OK; i++)
        for (size_t k = 0; k < sizeof mutators / sizeof *mutators; k++) {
            m.mutation = whet_mutations[k].name;
            if (tokens[i].begin >= from) mutators[k](&m, i);
        }
    whet_free(ctx, tokens);
    *mutants = m.mutants;
    *n = m.n;
    if (m.status != WHET_OK) {
        whet_free(ctx, m.mutants);
        *mutants = NULL;
        *n = 0;
    }
    return m.status;
}

whet_status whet_mutant_apply(whet_ctx *ctx, const char *text, const whet_mutant *mutant,
                              whet_buf *out) {
    whet_buf_clear(out);
    WHET_TRY(whet_buf_append(ctx, out, text, mutant->begin));
    WHET_TRY(whet_buf_puts(ctx, out, mutant->instead));
    return whet_buf_puts(ctx, out, text + mutant->end);
}
