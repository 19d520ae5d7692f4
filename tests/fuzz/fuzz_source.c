/* SPDX-License-Identifier: MIT */
/* Any bytes as a candidate's source, as written and as preprocessed: a verdict with a sentence. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "judge/source.h"

static void check_verdict(const whet_verdict *v) {
    assert(v->code == WHET_V_PASS || v->code == WHET_V_FORBIDDEN);
    assert((v->code == WHET_V_PASS) == (*v->reason == '\0'));
    assert(strlen(v->reason) < sizeof v->reason);
}

/* What is allowed stays so in front of more that is; what is not stays not. */
static void check_longer(whet_ctx *ctx, const char *text, size_t n, whet_verdict_code code) {
    static const char more[] = "\n\nint more;\n";
    whet_buf longer = { 0 };
    whet_verdict v = { 0 };
    assert(whet_buf_append(ctx, &longer, text, n) == WHET_OK);
    assert(whet_buf_puts(ctx, &longer, more) == WHET_OK);
    assert(whet_source_check(ctx, longer.text, longer.len, &v) == WHET_OK);
    check_verdict(&v);
    if (code != WHET_V_PASS) assert(v.code != WHET_V_PASS);
    v = (whet_verdict){ 0 };
    whet_source_check_expanded(longer.text, &v);
    check_verdict(&v);
    whet_buf_fini(ctx, &longer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    whet_ctx *ctx = whet_ctx_open(NULL);
    assert(ctx);
    whet_verdict v = { 0 };
    char *text = whet_alloc(ctx, size + !size);
    assert(text);
    if (size) memcpy(text, data, size); /* at its end the memory ends, too */
    assert(whet_source_check(ctx, text, size, &v) == WHET_OK);
    check_verdict(&v);
    assert(v.code != WHET_V_PASS || !memchr(text, '\0', size));
    check_longer(ctx, text, size, v.code);
    whet_free(ctx, text);
    whet_ctx_close(ctx);
    return 0;
}
