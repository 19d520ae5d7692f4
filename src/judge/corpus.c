/* SPDX-License-Identifier: MIT */
/* Reading what the files of the corpus say about themselves. */
#include "judge/corpus.h"

#include <stdio.h>
#include <string.h>

#include "kernels/text.h"

static const char cheats[] = "cheats/", honest[] = "honest/";

static whet_gate gate_named(const char *text) {
    static const char mark[] = "Stopped by gate: ";
    const char *name = strstr(text, mark);
    for (int gate = 0; name && gate <= WHET_GATE_SANITY; gate++) {
        const char *its = whet_gate_name((whet_gate)gate);
        if (strncmp(name + strlen(mark), its, strlen(its)) == 0) return (whet_gate)gate;
    }
    return WHET_GATE_CHAMPION;
}

static bool begins(const char *text, const char *with) {
    return strncmp(text, with, strlen(with)) == 0;
}

bool whet_corpus_get(size_t i, whet_corpus_file *file) {
    const whet_text *t = whet_corpus_texts;
    for (; t->path; t++)
        if ((begins(t->path, cheats) || begins(t->path, honest)) && i-- == 0) break;
    if (!t->path) return false;
    const char *name = strchr(t->path, '/') + 1;
    *file = (whet_corpus_file){ .text = t->text, .is_cheat = begins(t->path, cheats) };
    snprintf(file->name, sizeof file->name, "%.*s", (int)strcspn(name, "."), name);
    if (!file->is_cheat) return true;
    file->gate = gate_named(t->text);
    file->is_late = (file->gate > WHET_GATE_OBJECT && file->gate <= WHET_GATE_PROPERTY) ||
                    strstr(t->text, "Without gates 0 and 2");
    return true;
}

const char *whet_corpus_plain(void) {
    const whet_text *t = whet_corpus_texts;
    while (strcmp(t->path, "plain.c") != 0)
        t++;
    return t->text;
}

whet_status whet_corpus_compose(whet_ctx *ctx, const char *defines, const char *text,
                                whet_buf *source) {
    WHET_TRY(whet_buf_puts(ctx, source, defines));
    WHET_TRY(whet_buf_puts(ctx, source, "#include <whet/kernel.h>\n"));
    WHET_TRY(whet_buf_puts(ctx, source, text));
    return whet_buf_puts(ctx, source, whet_corpus_plain());
}
