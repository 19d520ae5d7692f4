/* SPDX-License-Identifier: MIT */
/* A program that is linked statically, as this one is, refuses to load what would end it. */
#include "base/http.h"
#include "kernels/attention.h"
#include "tests/test.h"

static whet_ctx *ctx;

static void static_programs_load_no_kernels(void) {
    whet_attention_library *library;
    CHECK_STATUS(ctx, whet_attention_load(ctx, "/proc/self/exe", &library), WHET_E_UNSUPPORTED);
    CHECK_CONTAINS(whet_ctx_message(ctx), "linked statically");
    CHECK(library == NULL);
}

static void static_programs_ask_no_servers(void) {
    CHECK_STATUS(ctx, whet_http_check(ctx), WHET_E_UNSUPPORTED);
    CHECK_CONTAINS(whet_ctx_message(ctx), "linked statically");
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    if (!ctx) return 1;
    static const test_case tests[] = {
        { "static_programs_load_no_kernels", static_programs_load_no_kernels },
        { "static_programs_ask_no_servers", static_programs_ask_no_servers },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
