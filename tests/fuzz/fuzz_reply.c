/* SPDX-License-Identifier: MIT */
/* Any bytes as a model's reply: a program with its marks and nothing changed outside its block, or
 * an outcome that says why. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "evolve/reply.h"
#include "kernels/programs.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    whet_ctx *ctx = whet_ctx_open(NULL);
    assert(ctx);
    const char *source = whet_program_text("repeat");
    whet_genome parent, child;
    whet_status st = whet_genome_parse(ctx, source, strlen(source), &parent);
    assert(st == WHET_OK);
    whet_reply r;
    st = whet_reply_read(ctx, &parent, (const char *)data, size, &r);
    assert(st == WHET_OK);
    assert((r.outcome == WHET_REPLY_PROGRAM) == (*r.why == '\0'));
    if (r.outcome == WHET_REPLY_PROGRAM) {
        st = whet_genome_parse(ctx, r.text.text, r.text.len, &child);
        assert(st == WHET_OK);
        const size_t tail = parent.n_bytes - parent.block.end;
        assert(child.block.begin == parent.block.begin);
        assert(memcmp(child.text, parent.text, parent.block.begin) == 0);
        assert(child.n_bytes - child.block.end == tail);
        assert(memcmp(child.text + child.block.end, parent.text + parent.block.end, tail) == 0);
    } else {
        assert(r.text.len == 0);
    }
    whet_reply_fini(ctx, &r);
    whet_ctx_close(ctx);
    return 0;
}
