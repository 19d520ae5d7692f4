/* SPDX-License-Identifier: MIT */
/* Any bytes as the YAML of an evolution: settings that come back as they were from what is printed
 * of them, or one sentence. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include <whet/evolve.h>

/* Every value, and where it came from, is taken over; the comments name other lines then. */
static void check_printed(whet_ctx *ctx, const whet_evolve_config *config) {
    whet_evolve_config *again = NULL;
    whet_buf first = { 0 }, second = { 0 }, third = { 0 };
    whet_status st = whet_evolve_config_print(ctx, config, &first);
    assert(st == WHET_OK);
    for (int i = 0; i < 2; i++) {
        const whet_buf *from = i ? &second : &first;
        st = whet_evolve_config_open(ctx, &again);
        assert(st == WHET_OK);
        st = whet_evolve_config_parse(ctx, again, "printed", from->text, from->len);
        assert(st == WHET_OK);
        st = whet_evolve_config_print(ctx, again, i ? &third : &second);
        assert(st == WHET_OK);
        whet_evolve_config_close(ctx, again);
    }
    assert(second.len == third.len && memcmp(second.text, third.text, second.len) == 0);
    (void)st;
    whet_buf_fini(ctx, &first);
    whet_buf_fini(ctx, &second);
    whet_buf_fini(ctx, &third);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    whet_ctx *ctx = whet_ctx_open(NULL);
    assert(ctx);
    whet_evolve_config *config = NULL;
    whet_status st = whet_evolve_config_open(ctx, &config);
    assert(st == WHET_OK);
    st = whet_evolve_config_parse(ctx, config, "settings", (const char *)data, size);
    if (st == WHET_OK) {
        whet_buf warnings = { 0 };
        st = whet_evolve_config_warnings(ctx, config, &warnings);
        assert(st == WHET_OK);
        whet_buf_fini(ctx, &warnings);
        check_printed(ctx, config);
    } else {
        assert(st == WHET_E_FORMAT);
        assert(strncmp(whet_ctx_message(ctx), "settings: ", 10) == 0);
    }
    whet_evolve_config_close(ctx, config);
    whet_ctx_close(ctx);
    return 0;
}
