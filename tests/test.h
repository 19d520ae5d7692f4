/* SPDX-License-Identifier: MIT */
/* The test harness: TAP output, asserts with operands, one executable a module. */
#ifndef WHET_TESTS_TEST_H
#define WHET_TESTS_TEST_H

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <whet/whet.h>

/* A test is a function; CHECKs inside it mark it failed and go on, REQUIREs leave it. */
typedef struct test_case {
    const char *name;
    void (*run)(void);
} test_case;

/* Weak: a test of several files has one of each. */
__attribute__((weak)) int test_n_failed_checks; /* of the running test */
__attribute__((weak)) const char *test_skip_reason;
__attribute__((weak)) uint64_t test_seed = 1; /* --seed N; printed; use it for all random input */
__attribute__((weak)) bool test_is_quick;     /* --quick: a sample of many cases, for emulators */

#define TEST_COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TEST_FAIL(...)                                                                             \
    do {                                                                                           \
        if (test_n_failed_checks++ < 20) {                                                         \
            printf("# %s:%d: ", __FILE__, __LINE__);                                               \
            printf(__VA_ARGS__);                                                                   \
            printf("\n");                                                                          \
        }                                                                                          \
    } while (0)

#define CHECK(cond)                                                                                \
    do {                                                                                           \
        if (!(cond)) TEST_FAIL("%s does not hold", #cond);                                         \
    } while (0)

#define REQUIRE(cond)                                                                              \
    do {                                                                                           \
        if (!(cond)) {                                                                             \
            TEST_FAIL("%s does not hold", #cond);                                                  \
            return;                                                                                \
        }                                                                                          \
    } while (0)

#define CHECK_INT(got, want)                                                                       \
    do {                                                                                           \
        const int64_t test_got = (int64_t)(got), test_want = (int64_t)(want);                      \
        if (test_got != test_want)                                                                 \
            TEST_FAIL("%s is %" PRId64 ", not %" PRId64, #got, test_got, test_want);               \
    } while (0)

#define CHECK_STR(got, want)                                                                       \
    do {                                                                                           \
        const char *test_got = (got), *test_want = (want);                                         \
        if (!test_got || strcmp(test_got, test_want) != 0)                                         \
            TEST_FAIL("%s is \"%s\", not \"%s\"", #got, test_got ? test_got : "(null)",            \
                      test_want);                                                                  \
    } while (0)

#define CHECK_CONTAINS(text, part)                                                                 \
    do {                                                                                           \
        const char *test_text = (text), *test_part = (part);                                       \
        if (!test_text || !strstr(test_text, test_part))                                           \
            TEST_FAIL("%s is \"%s\", without \"%s\"", #text, test_text ? test_text : "(null)",     \
                      test_part);                                                                  \
    } while (0)

/* NaN fails. */
#define CHECK_NEAR(got, want, tolerance)                                                           \
    do {                                                                                           \
        const double test_got = (got), test_want = (want);                                         \
        if (!(fabs(test_got - test_want) <= (tolerance)))                                          \
            TEST_FAIL("%s is %.9g, not %.9g", #got, test_got, test_want);                          \
    } while (0)

#define CHECK_STATUS(ctx, expr, want)                                                              \
    do {                                                                                           \
        const whet_status test_st = (expr);                                                        \
        if (test_st != (want))                                                                     \
            TEST_FAIL("%s gives %s (%s), not %s", #expr, whet_status_name(test_st),                \
                      whet_ctx_message(ctx), whet_status_name(want));                              \
    } while (0)

#define REQUIRE_OK(ctx, expr)                                                                      \
    do {                                                                                           \
        const whet_status test_st = (expr);                                                        \
        if (test_st != WHET_OK) {                                                                  \
            TEST_FAIL("%s gives %s (%s)", #expr, whet_status_name(test_st),                        \
                      whet_ctx_message(ctx));                                                      \
            return;                                                                                \
        }                                                                                          \
    } while (0)

/* Leaves the test as skipped, with the reason. */
#define SKIP(reason)                                                                               \
    do {                                                                                           \
        test_skip_reason = (reason);                                                               \
        return;                                                                                    \
    } while (0)

/* "FOLDER/NAME"; the last four are there. */
static inline const char *test_path(const char *folder, const char *name) {
    static char path[4][128];
    static int i;
    i = (i + 1) % 4;
    snprintf(path[i], sizeof path[i], "%s/%s", folder, name);
    return path[i];
}

static inline int test_main(int argc, char **argv, const test_case *tests, size_t n_tests) {
    const char *only = NULL;
    for (int i = 1; i < argc; i++) {
        if (!strcmp(argv[i], "--seed") && i + 1 < argc)
            test_seed = strtoull(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--quick"))
            test_is_quick = true;
        else
            only = argv[i];
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    printf("1..%zu\n# seed %" PRIu64 "\n", n_tests, test_seed);
    int n_failed = 0;
    for (size_t i = 0; i < n_tests; i++) {
        if (only && strcmp(only, tests[i].name) != 0) {
            printf("ok %zu %s # SKIP not asked for\n", i + 1, tests[i].name);
            continue;
        }
        test_n_failed_checks = 0;
        test_skip_reason = NULL;
        tests[i].run();
        const bool ok = test_n_failed_checks == 0;
        n_failed += !ok;
        printf("%s %zu %s%s%s\n", ok ? "ok" : "not ok", i + 1, tests[i].name,
               ok && test_skip_reason ? " # SKIP " : "",
               ok && test_skip_reason ? test_skip_reason : "");
    }
    return n_failed > 0;
}

#endif
