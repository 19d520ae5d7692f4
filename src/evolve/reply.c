/* SPDX-License-Identifier: MIT */
/* Hunks and fenced blocks in a reply, matched with the parent's block line by line. */
#include "evolve/reply.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/utf8.h"

/* A line without its newline. */
typedef struct line {
    const char *text;
    size_t n;
} line;

typedef struct lines {
    line *at; /* owned */
    size_t n;
} lines;

/* Lines first .. end - 1 of a reply. */
typedef struct range {
    size_t first, end;
} range;

const char *whet_reply_name(whet_reply_outcome outcome) {
#define NAME(code, meaning) #code,
    static const char *const names[] = { WHET_REPLY_LIST(NAME) };
#undef NAME
    return names[outcome];
}

void whet_reply_fini(whet_ctx *ctx, whet_reply *reply) {
    whet_buf_fini(ctx, &reply->text);
}

static whet_status end_with(whet_reply *r, whet_reply_outcome outcome, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* An outcome that is no program; the sentence may hold a stranger's words. */
static whet_status end_with(whet_reply *r, whet_reply_outcome outcome, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(r->why, sizeof r->why, format, args);
    va_end(args);
    whet_utf8_make_printable(r->why);
    r->outcome = outcome;
    return WHET_OK;
}

/* ---- lines ---- */

static whet_status split(whet_ctx *ctx, const char *text, size_t n, lines *out) {
    size_t count = 1;
    for (size_t i = 0; i < n; i++)
        count += text[i] == '\n';
    *out = (lines){ .at = whet_alloc(ctx, count * sizeof *out->at) };
    if (!out->at) return WHET_E_NOMEM;
    for (size_t begin = 0; begin < n;) {
        const char *newline = memchr(text + begin, '\n', n - begin);
        const size_t end = newline ? (size_t)(newline - text) : n;
        const size_t cr = end > begin && text[end - 1] == '\r';
        out->at[out->n++] = (line){ text + begin, end - begin - cr };
        begin = end + 1;
    }
    return WHET_OK;
}

static line trim(line l, bool also_front) {
    while (l.n && isspace((unsigned char)l.text[l.n - 1]))
        l.n--;
    while (also_front && l.n && isspace((unsigned char)*l.text))
        l.text++, l.n--;
    return l;
}

static bool is_equal(line a, line b, bool is_tolerant) {
    a = trim(a, is_tolerant), b = trim(b, is_tolerant);
    return a.n == b.n && memcmp(a.text, b.text, a.n) == 0;
}

static bool begins_with(line l, const char *word) {
    const line t = trim(l, true);
    return t.n >= strlen(word) && memcmp(t.text, word, strlen(word)) == 0;
}

/* How many characters two lines share at their ends. */
static size_t likeness(line a, line b) {
    a = trim(a, true), b = trim(b, true);
    const size_t n = a.n < b.n ? a.n : b.n;
    size_t front = 0, back = 0;
    while (front < n && a.text[front] == b.text[front])
        front++;
    while (back < n - front && a.text[a.n - 1 - back] == b.text[b.n - 1 - back])
        back++;
    return front + back;
}

/* ---- hunks ---- */

/* Where `wanted` stands in `there`: how often, and the last place. */
static size_t find(const lines *there, const line *wanted, size_t n, bool is_tolerant,
                   size_t *place) {
    size_t count = 0;
    for (size_t i = 0; n && i + n <= there->n; i++) {
        size_t same = 0;
        while (same < n && is_equal(there->at[i + same], wanted[same], is_tolerant))
            same++;
        if (same < n) continue;
        *place = i;
        count++;
    }
    return count;
}

/* ---- hunks written from a prompt, which shows the block without its comments ---- */

/* The lines of a text without comments, and which line of the text each one is; blank lines are
 * left out. */
typedef struct bare {
    whet_buf text;   /* owned */
    lines all, some; /* owned */
    size_t *from;    /* owned */
} bare;

static void bare_fini(whet_ctx *ctx, bare *b) {
    whet_buf_fini(ctx, &b->text);
    whet_free(ctx, b->all.at);
    whet_free(ctx, b->some.at);
    whet_free(ctx, b->from);
}

static whet_status bare_init(whet_ctx *ctx, const char *text, size_t n, bare *b) {
    *b = (bare){ 0 };
    WHET_TRY(whet_genome_blank_comments(ctx, text, n, &b->text));
    const char *blanked = b->text.text ? b->text.text : "";
    WHET_TRY(split(ctx, blanked, b->text.len, &b->all));
    WHET_TRY(split(ctx, blanked, b->text.len, &b->some));
    b->from = whet_alloc_zero(ctx, b->all.n + 1, sizeof *b->from);
    if (!b->from) return WHET_E_NOMEM;
    b->some.n = 0;
    for (size_t i = 0; i < b->all.n; i++) {
        if (trim(b->all.at[i], true).n == 0) continue;
        b->from[b->some.n] = i;
        b->some.at[b->some.n++] = b->all.at[i];
    }
    return WHET_OK;
}

/* Equal but for blanks, wherever they are. */
static bool is_same_words(line a, line b) {
    size_t i = 0, j = 0;
    for (;;) {
        while (i < a.n && isspace((unsigned char)a.text[i]))
            i++;
        while (j < b.n && isspace((unsigned char)b.text[j]))
            j++;
        if (i == a.n || j == b.n) return i == a.n && j == b.n;
        if (a.text[i++] != b.text[j++]) return false;
    }
}

/* Where `wanted` stands when comments and blanks do not count: how often, and the last place. */
static whet_status find_bare(whet_ctx *ctx, const whet_buf *block, const line *wanted, size_t n,
                             range *place, size_t *count) {
    bare there, want;
    const line *last = &wanted[n - 1];
    whet_status st = bare_init(ctx, block->text ? block->text : "", block->len, &there);
    const whet_status also =
        bare_init(ctx, wanted->text, (size_t)(last->text + last->n - wanted->text), &want);
    if (st == WHET_OK) st = also;
    for (size_t i = 0; st == WHET_OK && want.some.n && i + want.some.n <= there.some.n; i++) {
        size_t same = 0;
        while (same < want.some.n && is_same_words(there.some.at[i + same], want.some.at[same]))
            same++;
        if (same < want.some.n) continue;
        *place = (range){ there.from[i], there.from[i + same - 1] + 1 };
        ++*count;
    }
    bare_fini(ctx, &there);
    bare_fini(ctx, &want);
    return st;
}

/* Exactly, then without regard to blanks at the ends of lines, then also to comments. */
static whet_status find_place(whet_ctx *ctx, const whet_buf *block, const lines *there,
                              const line *wanted, size_t n, range *place, size_t *count) {
    size_t at = 0;
    *count = find(there, wanted, n, false, &at);
    if (*count == 0) *count = find(there, wanted, n, true, &at);
    *place = (range){ at, at + n };
    return *count ? WHET_OK : find_bare(ctx, block, wanted, n, place, count);
}

/* Blank lines around what is searched say nothing. */
static range without_blank_ends(const lines *reply, range r) {
    while (r.first < r.end && trim(reply->at[r.first], true).n == 0)
        r.first++;
    while (r.end > r.first && trim(reply->at[r.end - 1], true).n == 0)
        r.end--;
    return r;
}

static whet_status explain_no_match(whet_ctx *ctx, const whet_genome *parent, const lines *block,
                                    const line *wanted, size_t n, whet_reply *r) {
    lines whole;
    size_t place = 0, best = 0;
    WHET_TRY(split(ctx, parent->text, parent->n_bytes, &whole));
    const bool is_outside = find(&whole, wanted, n, true, &place) > 0;
    whet_free(ctx, whole.at);
    if (is_outside)
        return end_with(r, WHET_REPLY_OUTSIDE,
                        "hunk %d: line %zu, which it searches, stands outside the EVOLVE-BLOCK",
                        r->n_hunks, place + 1);
    for (size_t i = 1; i < block->n; i++)
        if (likeness(block->at[i], wanted[0]) > likeness(block->at[best], wanted[0])) best = i;
    const line near = block->n ? trim(block->at[best], true) : (line){ "", 0 };
    return end_with(
        r, WHET_REPLY_NO_MATCH,
        "hunk %d: \"%.*s\" and what follows is not in the block; the nearest line there "
        "is \"%.*s\"",
        r->n_hunks, (int)(wanted->n < 120 ? wanted->n : 120), wanted->text,
        (int)(near.n < 120 ? near.n : 120), near.text);
}

static whet_status put_lines(whet_ctx *ctx, const line *at, size_t n, whet_buf *out) {
    for (size_t i = 0; i < n; i++) {
        WHET_TRY(whet_buf_append(ctx, out, at[i].text, at[i].n));
        WHET_TRY(whet_buf_putc(ctx, out, '\n'));
    }
    return WHET_OK;
}

/* One hunk on the block, which is replaced. */
static whet_status apply(whet_ctx *ctx, const whet_genome *parent, const lines *reply, range search,
                         range replace, whet_buf *block, whet_reply *r) {
    search = without_blank_ends(reply, search);
    const line *wanted = reply->at + search.first;
    const size_t n = search.end - search.first;
    if (n == 0) return end_with(r, WHET_REPLY_NO_MATCH, "hunk %d searches nothing", r->n_hunks);
    lines there;
    whet_buf next = { 0 };
    range place = { 0, 0 };
    size_t count = 0;
    WHET_TRY(split(ctx, block->text ? block->text : "", block->len, &there));
    whet_status st = find_place(ctx, block, &there, wanted, n, &place, &count);
    if (st != WHET_OK) {
        count = 0;
    } else if (count == 0) {
        st = explain_no_match(ctx, parent, &there, wanted, n, r);
    } else if (count > 1) {
        st = end_with(r, WHET_REPLY_AMBIGUOUS,
                      "hunk %d: what it searches stands in the block %zu times; search more lines",
                      r->n_hunks, count);
    } else {
        st = put_lines(ctx, there.at, place.first, &next);
        if (st == WHET_OK)
            st = put_lines(ctx, reply->at + replace.first, replace.end - replace.first, &next);
        if (st == WHET_OK) st = put_lines(ctx, there.at + place.end, there.n - place.end, &next);
        const whet_buf old = *block;
        *block = next;
        next = old;
    }
    whet_buf_fini(ctx, &next);
    whet_free(ctx, there.at);
    return st;
}

/* The next line from `from` on that begins with the mark; reply->n when there is none. */
static size_t next_mark(const lines *reply, size_t from, const char *mark) {
    while (from < reply->n && !begins_with(reply->at[from], mark))
        from++;
    return from;
}

static whet_status read_hunks(whet_ctx *ctx, const whet_genome *parent, const lines *reply,
                              whet_buf *block, whet_reply *r) {
    size_t at = next_mark(reply, 0, "<<<<<<< SEARCH");
    while (at < reply->n && r->outcome == WHET_REPLY_PROGRAM) {
        r->n_hunks++;
        const size_t middle = next_mark(reply, at + 1, "=======");
        const size_t end = next_mark(reply, middle, ">>>>>>> REPLACE");
        const size_t another = next_mark(reply, at + 1, "<<<<<<< SEARCH");
        if (end >= reply->n || another < end)
            return end_with(r, WHET_REPLY_BROKEN_HUNK,
                            "hunk %d, from line %zu of the reply on, lacks its ======= or its "
                            ">>>>>>> REPLACE",
                            r->n_hunks, at + 1);
        WHET_TRY(apply(ctx, parent, reply, (range){ at + 1, middle }, (range){ middle + 1, end },
                       block, r));
        at = another;
    }
    return WHET_OK;
}

/* ---- rewrites ---- */

static bool longest_fence(const lines *reply, range *out) {
    *out = (range){ 0, 0 };
    bool is_found = false;
    for (size_t at = next_mark(reply, 0, "```"); at < reply->n;) {
        const size_t end = next_mark(reply, at + 1, "```");
        if (end >= reply->n) break;
        if (!is_found || end - at - 1 > out->end - out->first) *out = (range){ at + 1, end };
        is_found = true;
        at = next_mark(reply, end + 1, "```");
    }
    return is_found;
}

static whet_status is_same_code(whet_ctx *ctx, const char *a, size_t n_a, const char *b, size_t n_b,
                                bool *is_same) {
    char hash_a[WHET_SHA256_HEX], hash_b[WHET_SHA256_HEX];
    WHET_TRY(whet_genome_hash(ctx, a, n_a, hash_a));
    WHET_TRY(whet_genome_hash(ctx, b, n_b, hash_b));
    *is_same = strcmp(hash_a, hash_b) == 0;
    return WHET_OK;
}

/* A fenced block with the marks is a whole program: only its block is taken, and the rest has to be
 * what it was. */
static whet_status take_whole(whet_ctx *ctx, const whet_genome *parent, const whet_buf *fenced,
                              whet_buf *block, whet_reply *r) {
    whet_genome g;
    bool is_head_same = false, is_tail_same = false;
    if (whet_genome_parse(ctx, fenced->text, fenced->len, &g) != WHET_OK)
        return end_with(r, WHET_REPLY_NO_PROGRAM, "%s", whet_ctx_message(ctx));
    WHET_TRY(
        is_same_code(ctx, g.text, g.block.begin, parent->text, parent->block.begin, &is_head_same));
    WHET_TRY(is_same_code(ctx, g.text + g.block.end, g.n_bytes - g.block.end,
                          parent->text + parent->block.end, parent->n_bytes - parent->block.end,
                          &is_tail_same));
    if (!is_head_same || !is_tail_same)
        return end_with(r, WHET_REPLY_OUTSIDE, "the text %s the EVOLVE-BLOCK is not what it was",
                        is_head_same ? "behind" : "before");
    return whet_buf_append(ctx, block, g.text + g.block.begin, g.block.end - g.block.begin);
}

static whet_status read_rewrite(whet_ctx *ctx, const whet_genome *parent, const lines *reply,
                                whet_buf *block, whet_reply *r) {
    range fence;
    if (!longest_fence(reply, &fence))
        return end_with(r, WHET_REPLY_NO_EDIT,
                        "the reply has neither a hunk that begins with <<<<<<< SEARCH nor a block "
                        "between two lines of ```");
    r->is_rewrite = true;
    whet_buf fenced = { 0 };
    whet_status st = put_lines(ctx, reply->at + fence.first, fence.end - fence.first, &fenced);
    whet_buf_clear(block);
    if (st == WHET_OK && fenced.len && memmem(fenced.text, fenced.len, "EVOLVE-BLOCK", 12))
        st = take_whole(ctx, parent, &fenced, block, r);
    else if (st == WHET_OK && fenced.len)
        st = whet_buf_append(ctx, block, fenced.text, fenced.len);
    whet_buf_fini(ctx, &fenced);
    return st;
}

/* ---- the whole ---- */

static bool is_text(const char *bytes, size_t n) {
    for (size_t i = 0, step; i < n; i += step) {
        if (!whet_utf8_decode(bytes + i, n - i, NULL, &step)) return false;
        const unsigned char c = (unsigned char)bytes[i];
        if ((c < ' ' && c != '\n' && c != '\r' && c != '\t') || c == 0x7f) return false;
    }
    return true;
}

/* "Name: ..." before the first edit. */
static void read_header(const lines *reply, const char *word, char *out, size_t size) {
    for (size_t i = 0; i < reply->n; i++) {
        if (begins_with(reply->at[i], "<<<<<<<") || begins_with(reply->at[i], "```")) return;
        if (!begins_with(reply->at[i], word)) continue;
        line l = trim(reply->at[i], true);
        l = trim((line){ l.text + strlen(word), l.n - strlen(word) }, true);
        snprintf(out, size, "%.*s", (int)(l.n < size ? l.n : size - 1), l.text);
        whet_utf8_make_printable(out);
        return;
    }
}

static whet_status make_child(whet_ctx *ctx, const whet_genome *parent, const whet_buf *block,
                              whet_reply *r) {
    bool is_same;
    whet_genome g;
    const whet_edit edit = { parent->block, block->text ? block->text : "", block->len };
    WHET_TRY(whet_genome_apply(ctx, parent, &edit, 1, &r->text));
    WHET_TRY(is_same_code(ctx, r->text.text, r->text.len, parent->text, parent->n_bytes, &is_same));
    if (is_same)
        return end_with(r, WHET_REPLY_NO_CHANGE,
                        "the program is the same as before, but for blanks "
                        "and comments");
    const whet_status st = whet_genome_parse(ctx, r->text.text, r->text.len, &g);
    if (st == WHET_E_NOMEM) return st;
    if (st != WHET_OK) return end_with(r, WHET_REPLY_NO_PROGRAM, "%s", whet_ctx_message(ctx));
    return WHET_OK;
}

whet_status whet_reply_read(whet_ctx *ctx, const whet_genome *parent, const char *bytes, size_t n,
                            whet_reply *r) {
    *r = (whet_reply){ .outcome = WHET_REPLY_PROGRAM };
    if (n > WHET_MAX_REPLY_BYTES)
        return end_with(r, WHET_REPLY_TOO_LONG, "the reply is longer than %d bytes",
                        WHET_MAX_REPLY_BYTES);
    if (!is_text(bytes, n))
        return end_with(r, WHET_REPLY_NOT_TEXT, "%s",
                        "the reply is not UTF-8, or has control characters");
    lines reply;
    WHET_TRY(split(ctx, bytes, n, &reply));
    const range all = without_blank_ends(&reply, (range){ 0, reply.n });
    whet_status st = WHET_OK;
    whet_buf block = { 0 };
    if (all.first == all.end) {
        st = end_with(r, WHET_REPLY_NO_REPLY, "%s", "the reply is empty");
    } else {
        read_header(&reply, "Name:", r->name, sizeof r->name);
        read_header(&reply, "Reason:", r->reason, sizeof r->reason);
        st = whet_buf_append(ctx, &block, parent->text + parent->block.begin,
                             parent->block.end - parent->block.begin);
        if (st == WHET_OK) st = read_hunks(ctx, parent, &reply, &block, r);
        if (st == WHET_OK && r->n_hunks == 0) st = read_rewrite(ctx, parent, &reply, &block, r);
        if (st == WHET_OK && r->outcome == WHET_REPLY_PROGRAM)
            st = make_child(ctx, parent, &block, r);
    }
    whet_buf_fini(ctx, &block);
    whet_free(ctx, reply.at);
    if (r->outcome != WHET_REPLY_PROGRAM || st != WHET_OK) whet_buf_fini(ctx, &r->text);
    return st;
}
