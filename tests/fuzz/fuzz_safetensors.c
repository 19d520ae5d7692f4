/* SPDX-License-Identifier: MIT */
/* Any bytes as a safetensors file: tensors that lie within it and cover it, or one sentence. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "model/safetensors.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    whet_ctx *ctx = whet_ctx_open(NULL);
    assert(ctx);
    whet_safetensors st;
    const whet_status status = whet_safetensors_parse(ctx, "fuzzed", data, size, &st);
    if (status == WHET_OK) {
        size_t covered = st.header_bytes;
        uint8_t sum = 0;
        for (size_t i = 0; i < st.n_tensors; i++) {
            const whet_tensor *t = &st.tensors[i];
            for (size_t k = 0; k < t->bytes; k++)
                sum ^= ((const uint8_t *)t->data)[k]; /* a sanitizer sees a wild one */
            covered += t->bytes;
            assert(whet_safetensors_find(&st, t->name) == t);
        }
        assert(covered == size);
        volatile uint8_t sink = sum;
        (void)sink;
    } else {
        assert(status == WHET_E_FORMAT);
        assert(strncmp(whet_ctx_message(ctx), "fuzzed: ", 8) == 0);
        assert(!st.tensors && !st.names && st.n_tensors == 0);
    }
    whet_safetensors_close(ctx, &st);
    whet_ctx_close(ctx);
    return 0;
}
