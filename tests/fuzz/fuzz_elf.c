/* SPDX-License-Identifier: MIT */
/* Any bytes as a candidate's object: read whole by gate 2, spoiled for the proof of execution,
 * and as assembly text, marked; a verdict with a sentence, and nothing outside of the bytes. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "judge/cover.h"
#include "judge/object.h"
#include "judge/proof.h"

/* The copy differs, if at all, in one instruction. */
static void check_spoiled(whet_ctx *ctx, const whet_object *object) {
    whet_object copy;
    assert(whet_proof_spoil(ctx, object, &copy) == WHET_OK);
    size_t n_changed = 0;
    assert(!copy.bytes || copy.n_bytes == object->n_bytes);
    for (size_t i = 0; i < copy.n_bytes; i++)
        n_changed += ((const char *)copy.bytes)[i] != ((const char *)object->bytes)[i];
    assert(n_changed <= 4);
    whet_object_fini(ctx, &copy);
}

static void check_marked(whet_ctx *ctx, const whet_object *object) {
    whet_buf text = { 0 }, marked = { 0 };
    whet_cover cover = { 0 };
    assert(whet_buf_append(ctx, &text, object->bytes, object->n_bytes) == WHET_OK);
    assert(whet_cover_mark(ctx, text.text, text.len, &text, &cover, &marked) == WHET_OK);
    whet_cover_close(ctx, &cover);
    whet_buf_fini(ctx, &text);
    whet_buf_fini(ctx, &marked);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    whet_ctx *ctx = whet_ctx_open(NULL);
    assert(ctx);
    whet_verdict v = { 0 };
    whet_object object = { .bytes = whet_alloc(ctx, size + !size), .n_bytes = size };
    assert(object.bytes);
    if (size) memcpy(object.bytes, data, size); /* at its end the memory ends, too */
    assert(whet_object_check(ctx, object.bytes, size, &v) == WHET_OK);
    assert(v.code == WHET_V_PASS || v.code == WHET_V_FORBIDDEN || v.code == WHET_V_UNSUPPORTED);
    assert((v.code == WHET_V_PASS) == (*v.reason == '\0'));
    assert(v.code == WHET_V_PASS || v.gate == WHET_GATE_OBJECT);
    check_spoiled(ctx, &object);
    check_marked(ctx, &object);
    whet_object_fini(ctx, &object);
    whet_ctx_close(ctx);
    return 0;
}
