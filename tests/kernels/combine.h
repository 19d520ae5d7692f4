/* SPDX-License-Identifier: MIT */
/* Programs put together from `repeat` and alternatives of its segments, compiled and loaded. */
#ifndef WHET_TESTS_KERNELS_COMBINE_H
#define WHET_TESTS_KERNELS_COMBINE_H

#include <unistd.h>

#include "base/file.h"
#include "base/rng.h"
#include "kernels/attention.h"
#include "kernels/programs.h"
#include "tests/test.h"

/* Replaces the text between the marks of the alternative's segment. */
static inline whet_status substitute(whet_ctx *ctx, whet_buf *program,
                                     const whet_segment_text *alternative) {
    char start[64], end[64];
    snprintf(start, sizeof start, "// SEGMENT-START %s\n", alternative->segment);
    snprintf(end, sizeof end, "// SEGMENT-END %s\n", alternative->segment);
    char *from = strstr(program->text, start), *to = strstr(program->text, end);
    if (!from || !to) return whet_fail(ctx, WHET_E_INTERNAL, "no segment %s", alternative->segment);
    *from = '\0';
    whet_buf out = { 0 };
    whet_status st =
        whet_buf_printf(ctx, &out, "%s%s%s%s", program->text, start, alternative->text, to);
    whet_buf_fini(ctx, program);
    *program = out;
    return st;
}

/* Gives every knob in the program one of its values, chosen by rng. */
static inline whet_status turn_knobs(whet_ctx *ctx, whet_rng *rng, whet_buf *program) {
    whet_buf out = { 0 };
    for (const char *line = program->text, *next; *line; line = next) {
        const char *end = strchr(line, '\n');
        next = end ? end + 1 : line + strlen(line);
        char text[128], name[64], values[8][8];
        snprintf(text, sizeof text, "%.*s", (int)(next - line), line);
        const char *knob = strstr(text, "// knob: ");
        const int n =
            !knob ? 0
                  : sscanf(knob, "// knob: %7s %7s %7s %7s %7s %7s %7s %7s", values[0], values[1],
                           values[2], values[3], values[4], values[5], values[6], values[7]);
        if (n > 0 && sscanf(text, "#define %63s", name) == 1)
            WHET_TRY(whet_buf_printf(ctx, &out, "#define %s %s %s", name,
                                     values[whet_rng_below(rng, (uint64_t)n)], knob));
        else
            WHET_TRY(whet_buf_append(ctx, &out, line, (size_t)(next - line)));
    }
    whet_buf_fini(ctx, program);
    *program = out;
    return WHET_OK;
}

/* Writes the program to a file of its own, compiles and loads it. */
static inline whet_status compile_text(whet_ctx *ctx, const whet_buf *program, const char *cc,
                                       whet_attention_library **library) {
    char path[] = "/tmp/whet-test-XXXXXX";
    const int fd = mkstemp(path);
    if (fd < 0) return whet_fail(ctx, WHET_E_IO, "no temporary file");
    close(fd);
    whet_status st = whet_file_write(ctx, path, program->text, strlen(program->text));
    if (st == WHET_OK) st = whet_attention_compile(ctx, path, cc, library);
    unlink(path);
    return st;
}

/* "layout/tiles share/view ..." of a program, for messages. */
static inline void describe(const whet_buf *program, char *words, size_t size) {
    size_t len = 0;
    words[0] = '\0';
    for (const char *p = program->text; (p = strstr(p, "// SEGMENT-START ")) && len < size; p++) {
        const char *name = strchr(p, '\n') + 4;
        len += (size_t)snprintf(words + len, size - len, "%.*s ", (int)strcspn(name, ":"), name);
    }
}

#endif
