/* SPDX-License-Identifier: MIT */
/* Gates 0 and 2: what a text may say and an object may hold; strangers' bytes never crash them. */
#include "tests/test.h"

#include <whet/judge.h>

#include "base/rng.h"
#include "judge/code.h"
#include "judge/corpus.h"
#include "judge/object.h"
#include "judge/source.h"
#include "tests/fuzz/fuzz.h"

static whet_ctx *ctx;
static whet_judge *judge;

static void check_source(const char *text, whet_verdict_code want, const char *part) {
    whet_verdict v = { 0 };
    REQUIRE_OK(ctx, whet_source_check(ctx, text, strlen(text), &v));
    if (v.code != want) TEST_FAIL("%s: %s", text, whet_verdict_name(v.code));
    CHECK_CONTAINS(v.reason, part);
}

/* Sources that gate 0 lets through. */
static const char *const honest[] = {
    "",
    "\n",
    "/",
    "/*",
    "/**/",
    "//",
    "\"",
    "'",
    "\\",
    "#",
    "# \n",
    "\"\\",
    "__attribute__",
    "__attribute__((",
    "#include <whet/kernel.h>\n",
    "  #  include <math.h>\n",
    "// asm volatile\n/* __asm__ */ const char *s = \"asm\"; int asm_;\n",
    "int x = 'a\\'';\n",
    "static inline __attribute__((always_inline, unused)) int f(void);\n",
    "typedef float v __attribute__((__vector_size__(16), aligned(4)));\n",
    "#pragma GCC unroll 4\n",
    "// EVOLVE-BLOCK-START\n// EVOLVE-BLOCK-END\n",
    "/* h\xc3\xa9 */ int x;\n",
    "float x = 0x1.8p23f, y = 1e-30f;\n",
};

static void test_source(void) {
    for (size_t i = 0; i < TEST_COUNT(honest); i++)
        check_source(honest[i], WHET_V_PASS, "");
    static const struct {
        const char *text, *part;
    } hostile[] = {
        { "\n\nasm(\"syscall\");", "line 3" },
        { "int f(void) { __asm__ volatile (\"\"); }", "__asm__" },
        { "as\\\nm(\"nop\");", "asm" },
        { "a\\ \ns\\\r\nm(\"nop\");", "asm" },
        { "#include \"/etc/passwd\"\n", "/etc/passwd" },
        { "#include <stdio.h>\n", "stdio.h" },
        { "#define X <stdio.h>\n#include X\n", "header" },
        { "#/**/include/**/<unistd.h>\n", "unistd.h" },
        { "#embed \"/etc/passwd\"\n", "embed" },
        { "#line 1 \"x\"\n", "line" },
        { "#pragma GCC optimize(\"Ofast\")\n", "GCC optimize" },
        { "#pragma GCC target(\"avx\")\n", "pragma" },
        { "_Pragma(\"GCC optimize(3)\")", "_Pragma" },
        { "__attribute__((constructor)) void f(void);", "constructor" },
        { "__attribute__((__constructor__)) void f(void);", "constructor" },
        { "__attribute__((unused, ifunc(\"g\"))) void f(void);", "ifunc" },
        { "__attribute__((optimize(\"Ofast\"))) void f(void);", "optimize" },
        { "__attribute__((section(\".init\"))) int f;", "section" },
        { "static __thread int x;", "__thread" },
        { "const char *s = __FILE__;", "__FILE__" },
        { "int x = __builtin_cpu_supports(\"avx2\");", "cpu_supports" },
        { "// EVOLVE-BLOCK-END\n// EVOLVE-BLOCK-START\n", "in order" },
        { "// EVOLVE-BLOCK-START\n", "1 EVOLVE-BLOCK-START" },
        { "int \xc3\xa9;", "ASCII" },
    };
    for (size_t i = 0; i < TEST_COUNT(hostile); i++)
        check_source(hostile[i].text, WHET_V_FORBIDDEN, hostile[i].part);
    whet_verdict v = { 0 };
    REQUIRE_OK(ctx, whet_source_check(ctx, "a\0b", 3, &v));
    CHECK_INT(v.code, WHET_V_FORBIDDEN);
}

/* What a macro makes counts as much as what is written; what headers say does not. */
static void test_expanded(void) {
    whet_verdict v = { 0 };
    whet_source_check_expanded("# 1 \"kernel.c\"\nint x;\n# 1 \"/usr/x.h\" 1 3\nasm(\"\");\n", &v);
    CHECK_INT(v.code, WHET_V_PASS);
    whet_source_check_expanded("# 1 \"/usr/x.h\" 1\nint x;\n# 7 \"kernel.c\" 2\nasm(\"\");\n", &v);
    CHECK_INT(v.code, WHET_V_FORBIDDEN);
    CHECK_CONTAINS(v.reason, "line 7");
    /* a line that only looks like the preprocessor's does not end what is read */
    v = (whet_verdict){ 0 };
    whet_source_check_expanded("# 1 \"kernel.c\"\n # 1 \"x\"\nasm(\"\");\n", &v);
    CHECK_INT(v.code, WHET_V_FORBIDDEN);
    whet_object object;
    const char *text = "#define JOIN(a, b) a##b\nJOIN(as, m)(\"nop\");\n";
    REQUIRE_OK(ctx, whet_judge_build(ctx, judge, text, strlen(text), &object, &v));
    CHECK_STR(whet_verdict_name(v.code), "FORBIDDEN");
    CHECK_INT(v.gate, WHET_GATE_SOURCE);
    text = "#define HASH #\n#define JOIN(a, b) a##b\nHASH 1 \"x\"\nJOIN(as, m)(\"nop\");\n";
    REQUIRE_OK(ctx, whet_judge_build(ctx, judge, text, strlen(text), &object, &v));
    CHECK_STR(whet_verdict_name(v.code), "FORBIDDEN");
}

static void check_expanded(const char *text, const char *want) {
    whet_verdict v = { 0 };
    whet_source_check_expanded(text, &v);
    if (strcmp(whet_verdict_name(v.code), want) != 0)
        TEST_FAIL("%s: %s (%s)", text, whet_verdict_name(v.code), v.reason);
}

/* gcc writes tiles as assembly, into which a macro's words are put. */
static void test_tile_macros(void) {
#define OURS   "\n# 4 \"kernel.c\"\n"
#define HEADER "\n# 4 \"kernel.c\" 3 4\n"
    check_expanded(HEADER "__asm__ volatile (\"tilezero\\t%%tmm\"" OURS "\"7\"" HEADER "::)",
                   "PASS");
    check_expanded(HEADER
                   "__asm__ volatile\n  (\"{tdpbf16ps\\t%%tmm\"\"6\"\", %%tmm\"\"4\"\", %%tmm\"\"0"
                   "\"\"|tdpbf16ps\\t%%tmm\"\"0\"\", %%tmm\"\"4\"\", %%tmm\"\"6\"\"}\" ::)",
                   "PASS");
    check_expanded(HEADER "__asm__ volatile (\"tilezero\\t%%tmm\"" OURS "\"0; syscall\"" HEADER
                          "::)",
                   "FORBIDDEN");
    check_expanded(HEADER "__asm__ volatile (\"tilezero\\t%%tmm\"\"8\" ::)", "FORBIDDEN");
    check_expanded(HEADER "__asm__ volatile (\"tilezero\\t%%tmm\"\"00\" ::)", "FORBIDDEN");
    check_expanded(HEADER "__asm__ volatile (\"nop\" ::)", "FORBIDDEN");
    check_expanded(HEADER "__asm__ (\"tilezero\\t%%tmm0\" ::)", "FORBIDDEN");
    check_expanded(HEADER "__asm__ volatile (\"tilezero\\t%%tmm0", "FORBIDDEN");
    check_expanded(OURS "__asm__ volatile (\"tilezero\\t%%tmm0\" ::)", "FORBIDDEN");
#undef OURS
#undef HEADER
}

#ifdef __x86_64__
static void test_code(void) {
    static const struct {
        const char *bytes;
        size_t n;
        int length;
        bool is_allowed;
    } codes[] = {
        { "\x90", 1, 1, true },
        { "\x0f\x05", 2, 2, false },             /* syscall */
        { "\xcd\x80", 2, 2, false },             /* int 0x80 */
        { "\xb8\x0f\x05\x00\x00", 5, 5, true },  /* mov $0x50f, %eax: an innocent constant */
        { "\x0f\x31", 2, 2, false },             /* rdtsc */
        { "\x0f\x01\xf9", 3, 3, false },         /* rdtscp */
        { "\x0f\xa2", 2, 2, false },             /* cpuid */
        { "\x0f\xae\x55\xf8", 4, 4, false },     /* ldmxcsr */
        { "\xc5\xf8\xae\x55\xf8", 5, 5, false }, /* vldmxcsr */
        { "\x0f\xae\x5d\xf8", 4, 4, true },      /* stmxcsr */
        { "\xd9\x6d\xf8", 3, 3, false },         /* fldcw */
        { "\x64\x48\x8b\x04\x25\x28\0\0\0", 9, 9, false }, /* mov %fs:0x28, %rax */
        { "\xff\xd0", 2, 2, false },                       /* call *%rax */
        { "\xff\xe0", 2, 2, false },                       /* jmp *%rax */
        { "\xf3\x48\x0f\xae\xd0", 5, 5, false },           /* wrfsbase */
        { "\x62\xf2\x4e\x48\x52\x07", 6, 6, true },        /* vdpbf16ps */
        { "\xc4\xe2\x78\x49\x05\0\0\0\0", 9, 9, true },    /* ldtilecfg 0(%rip) */
        { "\xc4\xe2\x78\x49\xc0", 5, 5, true },            /* tilerelease */
        { "\xc4\xe2\x7b\x4b\x24\x07", 6, 6, true },        /* tileloadd (%rdi,%rax), %tmm4 */
        { "\xc4\xe2\x4a\x5c\xc4", 5, 5, true },            /* tdpbf16ps */
        { "\x66\x2e\x0f\x1f\x84\0\0\0\0\0", 10, 10, true },
        { "\x0f", 1, 0, true },
        { "\x06", 1, 0, true },
        { "\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66\x66", 16, 0, true },
    };
    for (size_t i = 0; i < TEST_COUNT(codes); i++) {
        const whet_instruction found =
            whet_instruction_read((const uint8_t *)codes[i].bytes, codes[i].n, 0);
        if (found.length != codes[i].length || !found.reason != codes[i].is_allowed)
            TEST_FAIL("code %zu: %d bytes, %s", i, found.length, found.reason ? found.reason : "");
    }
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    for (int i = 0; i < 200000; i++) {
        uint8_t bytes[16];
        const size_t n = whet_rng_below(&rng, sizeof bytes + 1);
        for (size_t j = 0; j < n; j++)
            bytes[j] = (uint8_t)whet_rng_u64(&rng);
        const whet_instruction found = whet_instruction_read(bytes, n, 0);
        CHECK(found.length >= 0 && found.length <= (int)n);
    }
}
#endif

#define IN(type, field) offsetof(type, field), sizeof(((type *)0)->field)

/* Changes a field of a header, of a section or of a segment, or any byte, to what upsets readers.
 */
static void change(whet_rng *rng, unsigned char *bytes, size_t n) {
    static const struct {
        size_t at, size;
    } fields[] = {
        { IN(Elf64_Ehdr, e_shoff) },    { IN(Elf64_Ehdr, e_phoff) },  { IN(Elf64_Ehdr, e_shnum) },
        { IN(Elf64_Ehdr, e_shstrndx) }, { IN(Elf64_Ehdr, e_phnum) },  { IN(Elf64_Shdr, sh_offset) },
        { IN(Elf64_Shdr, sh_size) },    { IN(Elf64_Shdr, sh_addr) },  { IN(Elf64_Shdr, sh_link) },
        { IN(Elf64_Shdr, sh_type) },    { IN(Elf64_Shdr, sh_flags) },
    };
    const uint64_t values[] = { 0,
                                1,
                                n,
                                n - 1,
                                UINT64_MAX,
                                INT64_MAX,
                                (uint64_t)1 << 47,
                                whet_rng_below(rng, n),
                                whet_rng_u64(rng) };
    const uint64_t value = values[whet_rng_below(rng, TEST_COUNT(values))];
    const size_t which = whet_rng_below(rng, 2 * TEST_COUNT(fields));
    Elf64_Ehdr header;
    memcpy(&header, bytes, sizeof header);
    if (which >= TEST_COUNT(fields)) {
        bytes[whet_rng_below(rng, n)] = (uint8_t)value;
        return;
    }
    const size_t table = which < 5 ? 0 : header.e_shoff;
    const size_t entry =
        which < 5 ? 0 : sizeof(Elf64_Shdr) * whet_rng_below(rng, header.e_shnum + 1);
    const size_t at = table + entry + fields[which].at;
    if (at < n && fields[which].size <= n - at) memcpy(bytes + at, &value, fields[which].size);
}

/* A right object with some bytes changed: any verdict, and no crash. */
static void test_hostile_objects(void) {
    whet_object object;
    whet_verdict v;
    REQUIRE_OK(ctx, whet_judge_build(ctx, judge, whet_corpus_plain(), strlen(whet_corpus_plain()),
                                     &object, &v));
    REQUIRE(v.code == WHET_V_PASS);
    REQUIRE_OK(ctx, whet_object_check(ctx, object.bytes, object.n_bytes, &v));
    CHECK_STR(v.reason, "");
    unsigned char *copy = whet_alloc(ctx, object.n_bytes);
    REQUIRE(copy != NULL);
    whet_rng rng;
    whet_rng_init(&rng, test_seed);
    int n_rejected = 0;
    for (int i = 0; i < 3000; i++) {
        memcpy(copy, object.bytes, object.n_bytes);
        for (uint64_t j = 0; j < 1 + whet_rng_below(&rng, 3); j++)
            change(&rng, copy, object.n_bytes);
        const size_t n = i % 5 ? object.n_bytes : whet_rng_below(&rng, object.n_bytes);
        LLVMFuzzerTestOneInput(copy, n);
        v = (whet_verdict){ 0 };
        REQUIRE_OK(ctx, whet_object_check(ctx, copy, n, &v));
        n_rejected += v.code != WHET_V_PASS;
    }
    CHECK(n_rejected > 600);
    whet_free(ctx, copy);
    whet_object_fini(ctx, &object);
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    const whet_judge_opts opts = { .problem = { WHET_BF16, 2, 1, 32, 8, 96 },
                                   .n_threads = 2,
                                   .worker = WHET_PROGRAM };
    if (whet_judge_open(ctx, &opts, &judge) != WHET_OK) {
        printf("Bail out! %s\n", whet_ctx_message(ctx));
        return 1;
    }
    static const test_case tests[] = {
        { "source", test_source },
        { "expanded", test_expanded },
        { "tile_macros", test_tile_macros },
#ifdef __x86_64__
        { "code", test_code },
#endif
        { "hostile_objects", test_hostile_objects },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_judge_close(ctx, judge);
    whet_ctx_close(ctx);
    return rc;
}
