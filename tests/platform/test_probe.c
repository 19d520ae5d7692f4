/* SPDX-License-Identifier: MIT */
/* Tests of the probes: that they read every byte, compute what they count, and order their
 * quartiles. Never how fast. */
#include "tests/test.h"

#include <whet/machine.h>

#include "platform/cpu.h"
#include "platform/probe_int.h"

static whet_ctx *ctx;

static bool can_run(uint32_t needs) {
    return (whet_cpu_features() & needs) == needs;
}

/* A loop that skipped a line would report a bandwidth that memory does not have. A result is the
 * sum of the words in lanes 0 and 1 of its vectors, so every vector is seen to be read. */
static void check_read(const whet_probe_reads *reads, int way) {
    enum { BYTES = 3 * PROBE_STEP_BYTES };
    static _Alignas(64) uint64_t words[BYTES / sizeof(uint64_t)];
    memset(words, 0, sizeof words);
    CHECK_INT(reads->ways[way](words, BYTES), 0);
    uint64_t want = 0;
    int n_seen = 0;
    for (size_t i = 0; i < TEST_COUNT(words); i++) {
        words[i] = i + 1;
        const uint64_t got = reads->ways[way](words, BYTES);
        if (got != want) {
            CHECK_INT(got, want + i + 1);
            n_seen++;
        }
        want = got;
    }
    CHECK_INT(n_seen, 2 * (int)TEST_COUNT(words) / (reads->vector_bytes / 8));
}

static void every_vector_is_read_once(void) {
    for (int i = 0; whet_probe_all_reads[i]; i++)
        for (int way = 0; can_run(whet_probe_all_reads[i]->needs) && way < N_PROBE_READS; way++)
            check_read(whet_probe_all_reads[i], way);
}

/* x <- 0.99 x + 0.01 goes to 1 from every start: the sum of first lanes counts the vectors. */
static void check_vectors(const whet_probe_unit *unit, int vector_bytes) {
    if (!can_run(unit->needs)) return;
    const double n_vectors = unit->flop_a_round / 2 / (vector_bytes / 4);
    CHECK_NEAR(unit->multiply_add(0), n_vectors * (n_vectors - 1) / 2, 1e-9);
    const double one = unit->multiply_add(1);
    CHECK_NEAR(one, 0.99 * n_vectors * (n_vectors - 1) / 2 + 0.01 * n_vectors, 1e-3);
    CHECK_NEAR(unit->multiply_add(5000), n_vectors, 1e-2);
}

/* x += 1/4 for every product: one element of each register is counted. */
static void check_products(const whet_probe_unit *unit, double n_registers, double n_sums,
                           double start) {
    if (!can_run(unit->needs)) return;
    const double n_products = unit->flop_a_round / 2 / (n_registers * n_sums);
    CHECK_NEAR(unit->multiply_add(0), start, 1e-9);
    CHECK_NEAR(unit->multiply_add(1), start + n_registers * n_products / 4, 1e-6);
    CHECK_NEAR(unit->multiply_add(1000), start + 1000 * n_registers * n_products / 4, 1e-6);
}

static void every_multiply_add_is_done(void) {
    check_vectors(&whet_probe_fma_portable, 16);
#if defined(__x86_64__)
    check_vectors(&whet_probe_fma_avx2, 32);
    check_vectors(&whet_probe_fma_avx512, 64);
    check_products(&whet_probe_dots_avx512_bf16, 24, 16, 24 * 23 / 2);
    check_products(&whet_probe_tiles_amx, 4, 256, 0);
#elif defined(__aarch64__)
    check_products(&whet_probe_matrices_neon_bf16, 24, 4, 24 * 23 / 2);
#endif
}

static void check_order(const whet_probe *p) {
    CHECK(p->low > 0);
    CHECK(p->low <= p->median && p->median <= p->high);
    CHECK(isfinite(p->high));
    CHECK(p->n_passes >= 3);
}

static void probes_give_ordered_quartiles(void) {
    for (int n = 1; n <= 3; n++) {
        whet_team *team;
        whet_prober *prober;
        whet_probe probe;
        REQUIRE_OK(ctx, whet_team_open(ctx, n, &team));
        REQUIRE_OK(ctx, whet_prober_open(ctx, team, 1 << 20, &prober));
        CHECK(whet_prober_bytes(prober) >= 4 << 20 && whet_prober_bytes(prober) < 5 << 20);
        REQUIRE_OK(ctx, whet_prober_flops(prober, 0.01, &probe));
        check_order(&probe);
        REQUIRE_OK(ctx, whet_prober_bandwidth(prober, 0.01, &probe));
        check_order(&probe);
        CHECK(strstr(whet_prober_way(prober), "stream"));
        CHECK(strstr(whet_prober_unit(prober), "f32") || strstr(whet_prober_unit(prober), "bf16"));
        whet_prober_close(prober);
        whet_team_close(team);
    }
}

static void a_prober_is_used_again(void) {
    whet_team *team;
    whet_prober *prober;
    whet_machine machine;
    whet_probe probe;
    REQUIRE_OK(ctx, whet_machine_read(ctx, &machine));
    REQUIRE_OK(ctx, whet_team_open(ctx, 0, &team));
    REQUIRE_OK(ctx, whet_prober_open(ctx, team, 0, &prober));
    CHECK(whet_prober_bytes(prober) >= machine.memory_bytes / 4 ||
          whet_prober_bytes(prober) >= 4 * machine.l3_bytes);
    for (int i = 0; i < 3; i++) {
        const uint64_t before = whet_ctx_allocations(ctx);
        REQUIRE_OK(ctx, whet_prober_bandwidth(prober, 0, &probe));
        CHECK_INT(whet_ctx_allocations(ctx), before);
        CHECK_INT(probe.n_passes, 3);
        check_order(&probe);
    }
    whet_ctx_cancel(ctx);
    CHECK_STATUS(ctx, whet_prober_bandwidth(prober, 0, &probe), WHET_E_CANCELLED);
    whet_ctx_resume(ctx);
    whet_prober_close(prober);
    whet_prober_close(NULL);
    whet_team_close(team);
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    static const test_case tests[] = {
        { "every_vector_is_read_once", every_vector_is_read_once },
        { "every_multiply_add_is_done", every_multiply_add_is_done },
        { "probes_give_ordered_quartiles", probes_give_ordered_quartiles },
        { "a_prober_is_used_again", a_prober_is_used_again },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
