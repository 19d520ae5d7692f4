/* SPDX-License-Identifier: MIT */
/* The bound on instruction sets: nothing that can be chosen lies beyond it. */
#include "kernels/attention.h"
#include "kernels/linear.h"
#include "kernels/programs.h"
#include "platform/cpu.h"
#include "platform/isa.h"
#include "tests/test.h"

static whet_ctx *ctx;

static const whet_problem problem = { WHET_BF16, 16, 8, 128, 1, 300 };

/* The rung that a kernel's name ends in: "fused-avx512" is of "avx512"; -1 = of none. */
static int rung_of(const char *name) {
    int rung = -1;
    size_t longest = 0;
    for (int i = 0; whet_isa_name(i); i++) {
        const size_t n = strlen(whet_isa_name(i)), len = strlen(name);
        if (n <= longest || len < n || strcmp(name + len - n, whet_isa_name(i)) != 0) continue;
        if (len > n && name[len - n - 1] != '-') continue;
        rung = i;
        longest = n;
    }
    return rung;
}

static void check_bound(int bound) {
    for (int i = 0; whet_attention_kernels[i]; i++) {
        const whet_attention_kernel *k = whet_attention_kernels[i];
        const int rung = rung_of(k->name);
        if (rung < 0) CHECK_STR(k->name, "oracle");
        if (k->supports(&problem) && rung > bound)
            TEST_FAIL("%s is on offer within %s", k->name, whet_isa_name(bound));
    }
    CHECK(rung_of(whet_attention_default(&problem)->name) <= bound);
    const whet_linear_kernel *linear = whet_linear_default(true);
    CHECK(rung_of(linear->name) >= 0 && rung_of(linear->name) <= bound);
}

static void bounds_hold_for_every_kernel(void) {
    for (int i = 0; whet_isa_name(i); i++) {
        REQUIRE_OK(ctx, whet_isa_limit(ctx, whet_isa_name(i)));
        check_bound(i);
    }
    REQUIRE_OK(ctx, whet_isa_limit(ctx, "portable"));
    CHECK_STR(whet_attention_default(&problem)->name, "grouped-portable");
    CHECK_STR(whet_linear_default(true)->name, "portable");
    REQUIRE_OK(ctx, whet_isa_limit(ctx, NULL));
}

static void bounds_make_a_smaller_machine(void) {
    whet_machine whole, bounded;
    uint32_t below = 0;
    REQUIRE_OK(ctx, whet_machine_read(ctx, &whole));
    CHECK_INT(whole.ruled_out, 0);
    for (int i = 0; whet_isa_name(i); i++) {
        REQUIRE_OK(ctx, whet_isa_limit(ctx, whet_isa_name(i)));
        REQUIRE_OK(ctx, whet_machine_read(ctx, &bounded));
        CHECK_INT(bounded.features & bounded.ruled_out, 0);
        CHECK_INT(bounded.features | bounded.ruled_out, whole.features);
        CHECK((bounded.features & below) == below); /* each rung holds those below it */
        CHECK_INT(strcmp(bounded.fingerprint, whole.fingerprint) == 0, bounded.ruled_out == 0);
        below = bounded.features;
        if (i == 0) CHECK_INT(bounded.features, 0);
    }
    REQUIRE_OK(ctx, whet_isa_limit(ctx, NULL));
    REQUIRE_OK(ctx, whet_machine_read(ctx, &bounded));
    CHECK_STR(bounded.fingerprint, whole.fingerprint);
}

static void other_names_are_refused(void) {
    static const char *const names[] = { "", "avx", "AVX2", "avx2 ", "avx512-bf", "all", "neon2" };
    for (size_t i = 0; i < TEST_COUNT(names); i++) {
        CHECK_STATUS(ctx, whet_isa_limit(ctx, names[i]), WHET_E_ARG);
        CHECK_CONTAINS(whet_ctx_message(ctx), names[i]);
        for (int k = 0; whet_isa_name(k); k++)
            CHECK_CONTAINS(whet_ctx_message(ctx), whet_isa_name(k));
    }
    whet_machine m;
    REQUIRE_OK(ctx, whet_machine_read(ctx, &m));
    CHECK_INT(m.ruled_out, 0); /* and bound nothing */
    CHECK(whet_isa_name(-1) == NULL);
}

/* A kernel from a file that does not compile where the compiler may use AVX2. */
static void files_are_compiled_within_the_bound(void) {
#if defined(__x86_64__)
    if (!(whet_cpu_all_features() & WHET_CPU_AVX2_FMA)) SKIP("the processor has no AVX2");
    char path[] = "/tmp/whet-isa-XXXXXX.c";
    const int fd = mkstemps(path, 2);
    REQUIRE(fd >= 0);
    FILE *f = fdopen(fd, "w");
    fprintf(f, "#ifdef __AVX2__\n#error \"wider than asked\"\n#endif\n%s",
            whet_program_text("repeat"));
    fclose(f);
    whet_attention_library *library;
    CHECK_STATUS(ctx, whet_attention_compile(ctx, path, NULL, &library), WHET_E_FORMAT);
    CHECK_CONTAINS(whet_ctx_message(ctx), "wider than asked");
    CHECK_STATUS(ctx, whet_isa_limit(ctx, "portable"), WHET_OK);
    CHECK_STATUS(ctx, whet_attention_compile(ctx, path, NULL, &library), WHET_OK);
    whet_attention_unload(library);
    CHECK_STATUS(ctx, whet_isa_limit(ctx, NULL), WHET_OK);
    remove(path);
#else
    SKIP("the baseline of this architecture has its vectors");
#endif
}

static void compilers_know_the_flags(void) {
    for (int i = 0; whet_isa_name(i); i++) {
        char command[256] = "echo 'int x;' | cc -fsyntax-only -x c";
        CHECK_STATUS(ctx, whet_isa_limit(ctx, whet_isa_name(i)), WHET_OK);
        for (const char *const *flag = whet_isa_compiler_flags(); *flag; flag++) {
            strcat(command, " ");
            strcat(command, *flag);
        }
#if defined(__x86_64__)
        strcat(command, " -");
        if (system(command) != 0) TEST_FAIL("%s does not run", command);
#endif
    }
    CHECK_STATUS(ctx, whet_isa_limit(ctx, NULL), WHET_OK);
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    if (!ctx) return 1;
    static const test_case tests[] = {
        { "bounds_hold_for_every_kernel", bounds_hold_for_every_kernel },
        { "bounds_make_a_smaller_machine", bounds_make_a_smaller_machine },
        { "other_names_are_refused", other_names_are_refused },
        { "files_are_compiled_within_the_bound", files_are_compiled_within_the_bound },
        { "compilers_know_the_flags", compilers_know_the_flags },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
