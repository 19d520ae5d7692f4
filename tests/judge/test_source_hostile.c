/* SPDX-License-Identifier: MIT */
/* Gate 0 reads what strangers wrote: kernels with pieces of C in the wrong places. */
#include "tests/test.h"

#include "base/buf.h"
#include "base/rng.h"
#include "judge/corpus.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/mutate.h"

static const char *const pieces[] = {
    "\\\n",
    "\\ \r\n",
    "/*",
    "*/",
    "//",
    "\"",
    "'",
    "\\",
    "#",
    "##",
    "#include <whet/kernel.h>\n",
    "# include \"x\"\n",
    "#define ",
    "#pragma GCC ",
    "_Pragma(\"",
    "__attribute__((",
    "))",
    "(",
    ")",
    "asm",
    "__asm__",
    "as\\\nm",
    "?\?/",
    "%:",
    "\xc3\xa9",
    "// EVOLVE-BLOCK-START\n",
    "// EVOLVE-BLOCK-END\n",
    "__FILE__",
    "u8R\"x(",
    "\n",
    "\t",
    "0x1.8p",
    "# 1 \"kernel.c\"\n",
};

static whet_ctx *ctx;

static void test_mutants(void) {
    whet_rng rng;
    whet_buf text = { 0 };
    whet_rng_init(&rng, test_seed);
    for (int i = 0; i < 2000; i++) {
        whet_buf_clear(&text);
        REQUIRE_OK(ctx, whet_buf_puts(ctx, &text, whet_corpus_plain()));
        for (int n = (int)whet_rng_below(&rng, 4); n >= 0 && text.len; n--) {
            const char *piece = pieces[whet_rng_below(&rng, TEST_COUNT(pieces))];
            const size_t len = strlen(piece), at = whet_rng_below(&rng, text.len);
            memcpy(text.text + at, piece, len < text.len - at ? len : text.len - at);
        }
        if (i % 2) fuzz_mutate(ctx, &rng, &text, text.len);
        LLVMFuzzerTestOneInput((const uint8_t *)text.text, text.len);
    }
    whet_buf_fini(ctx, &text);
}

static void test_pieces(void) {
    whet_rng rng;
    whet_buf text = { 0 };
    whet_rng_init(&rng, test_seed);
    for (int i = 0; i < 20000; i++) {
        whet_buf_clear(&text);
        for (int n = (int)whet_rng_below(&rng, 12); n > 0; n--)
            REQUIRE_OK(ctx,
                       whet_buf_puts(ctx, &text, pieces[whet_rng_below(&rng, TEST_COUNT(pieces))]));
        LLVMFuzzerTestOneInput((const uint8_t *)text.text, text.len);
    }
    whet_buf_fini(ctx, &text);
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    static const test_case tests[] = {
        { "mutants", test_mutants },
        { "pieces", test_pieces },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
