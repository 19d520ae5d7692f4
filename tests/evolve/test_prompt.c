/* SPDX-License-Identifier: MIT */
/* What prompts say, of members that are made up, and that what they promise of the judge holds. */
#include "tests/test.h"

#include <math.h>

#include <whet/machine.h>

#include "base/hash.h"
#include "evolve/interval.h"
#include "evolve/prompt.h"
#include "evolve/tried.h"
#include "judge/intrinsics.h"
#include "kernels/programs.h"

static whet_ctx *ctx;

enum { N = 200 };

static whet_member members[N];
static whet_evolve_result result;
static const whet_baseline fused = { .name = "fused" };
static const char machine[] =
    "{\"cpu\":\"some processor\",\"system\":\"some system\",\"features\":[\"avx2\",\"avx512\","
    "\"avx512-bf16\"],\"threads\":2,\"l1d\":32768,\"l2\":1048576,\"l3\":33554432,"
    "\"bytes_per_second\":3e10,\"way\":\"4 streams\",\"flop_per_second\":4e11,\"unit\":\"dots\"}";

static whet_search make_search(void) {
    memset(members, 0, sizeof members);
    result = (whet_evolve_result){ .peak_bytes = 4e10, .peak_flop = 5e11 };
    whet_search s = { .members = members, .n_room = N, .result = &result };
    s.yardstick = &fused;
    s.machine = (whet_buf){ .text = (char *)machine, .len = strlen(machine) };
    s.opts.problem = (whet_problem){ WHET_BF16, 4, 2, 64, 4, 64 };
    s.opts.seed = 1;
    snprintf(s.compiler, sizeof s.compiler, "some compiler; -O3");
    static const char *const names[WHET_N_SHAPES] = { "decode@64", "prefill64@64" };
    for (int i = 0; i < WHET_N_SHAPES; i++)
        snprintf(s.shape_names[i], sizeof s.shape_names[i], "%s", names[i]);
    for (int i = WHET_N_SHAPES; i < WHET_N_ALL_SHAPES; i++)
        snprintf(s.shape_names[i], sizeof s.shape_names[i], "shape%d", i);
    return s;
}

/* As fast as that in both races, to a tenth. */
static whet_member *add(whet_search *s, double speed, int parent, const char *change) {
    whet_member *m = &s->members[s->n_members++];
    const char *text = whet_program_text("repeat");
    *m = (whet_member){ .operator_name = "diff", .parent = parent, .parent2 = -1 };
    CHECK_STATUS(ctx, whet_genome_parse(ctx, text, strlen(text), &m->genome), WHET_OK);
    snprintf(m->change, sizeof m->change, "%s", change);
    for (int i = 0; i < WHET_N_SHAPES; i++) {
        m->log_speeds[i] = log(speed);
        m->races[i] = (whet_ratio){ speed, speed / 1.1, speed * 1.1 };
        m->ns[i] = 1e5;
        m->kv_bytes[i] = 1e6;
    }
    m->log_speed = log(speed);
    m->is_timed = m->has_speed = true;
    return m;
}

static void reject(whet_member *m, whet_verdict_code code, whet_gate gate) {
    m->is_timed = m->has_speed = false;
    m->verdict.code = code;
    m->verdict.gate = gate;
}

static void ask(const whet_search *s, whet_ask what, int focus, whet_buf *prompt) {
    const whet_question q = { what, 0, -1, focus };
    REQUIRE_OK(ctx, whet_prompt_write(ctx, s, &q, prompt));
}

/* ---- intervals ---- */

static void test_intervals(void) {
    const whet_ratio two[] = { { 2, 2 / 1.1, 2 * 1.2 }, { 4, 4 / 1.1, 4 * 1.1 } };
    const double half[] = { 0.5, 0.5 }, over[] = { 1, -1 };
    const whet_ratio mean = whet_interval_combine(two, half, 2);
    CHECK_NEAR(mean.ratio, sqrt(8), 1e-9);
    CHECK_NEAR(log(mean.ratio / mean.low), log(1.1) / sqrt(2), 1e-9);
    const whet_ratio gain = whet_interval_combine(two, over, 2);
    CHECK_NEAR(gain.ratio, 0.5, 1e-9);
    CHECK_NEAR(log(gain.ratio / gain.low), log(1.1) * sqrt(2), 1e-9);
    CHECK_NEAR(log(gain.high / gain.ratio), sqrt(log(1.2) * log(1.2) + log(1.1) * log(1.1)), 1e-9);
    CHECK(whet_interval_is_decided(&gain));
    const whet_ratio one[] = { { 2, 1.9, 2.1 }, { 2.1, 1.8, 2.4 } },
                     bare[] = { { 2, 0, 0 }, two[0] };
    const whet_ratio equal = whet_interval_combine(one, over, 2);
    CHECK(!whet_interval_is_decided(&equal));
    const whet_ratio endless = whet_interval_combine(bare, over, 2);
    CHECK_NEAR(endless.ratio, 1, 1e-9);
    CHECK(endless.low == 0 && !whet_interval_is_decided(&endless));
    const whet_ratio none = whet_interval_combine((whet_ratio[]){ { 0 }, two[0] }, over, 2);
    CHECK(none.ratio == 0);
}

/* ---- speeds, limits, shapes ---- */

static void test_speeds(void) {
    whet_search s = make_search();
    whet_buf prompt = { 0 };
    add(&s, 2, -1, "seed");
    ask(&s, WHET_ASK_DIFF, 0, &prompt);
    /* 1 MB in 100 us are 10 GB/s: of the largest P that was seen, not of the first */
    CHECK_CONTAINS(prompt.text,
                   "2.00x [1.82, 2.20] in decode@64 (0.100 ms a call, 25 % of the memory's");
    CHECK_CONTAINS(prompt.text, "P = 40.0 GB/s (4 streams)");
    CHECK_CONTAINS(prompt.text, "F = 500 GFLOP/s (dots)");
    CHECK_CONTAINS(prompt.text, "1.0 MB in 0.025 ms a call");
    CHECK_CONTAINS(prompt.text, "95 % interval");
    CHECK_CONTAINS(prompt.text, "2 cores with a worker each");
    CHECK_CONTAINS(prompt.text, "L2 1024 KiB");
    CHECK_CONTAINS(prompt.text, "_mm512_dpbf16_ps");
    CHECK(!strstr(prompt.text, "vbfdotq_f32"));
    CHECK_CONTAINS(prompt.text, "some compiler; -O3");
    CHECK_CONTAINS(prompt.text, "shape2, shape3, decode@64, shape4");
    CHECK_CONTAINS(prompt.text, "shapes are raced, decode@64, prefill64@64;");
    whet_buf_fini(ctx, &prompt);
}

/* ---- what was tried ---- */

static void test_tried(void) {
    whet_search s = make_search();
    whet_buf prompt = { 0 };
    add(&s, 1, -1, "seed");
    add(&s, 1.05, 0, "page touches");
    add(&s, 3, 0, "paired tiles");
    add(&s, 0.5, 0, "three passes");
    reject(add(&s, 1, 0, "a wild guess"), WHET_V_WRONG, WHET_GATE_CORRECTNESS);
    add(&s, 0.98, 0, "Page touches");
    members[add(&s, 1, 0, "a number") - members].operator_name = "knob";
    add(&s, 2, 0, "of a control")->control = 1;
    whet_member *dropped = add(&s, 0.4, 2, "dropped in decode");
    dropped->is_timed = false;
    dropped->verdict.code = WHET_V_SLOWER;
    dropped->races[WHET_SHAPE_PREFILL] = (whet_ratio){ 0 };
    whet_tried tried[WHET_MAX_TRIED];
    int n;
    REQUIRE_OK(ctx, whet_tried_list(ctx, &s, tried, &n));
    static const int order[] = { 2, 8, 3, 5, 6, 4 };
    CHECK_INT(n, (int)(sizeof order / sizeof *order));
    for (int i = 0; i < n; i++)
        CHECK_INT(tried[i].member, order[i]);
    ask(&s, WHET_ASK_DIFF, 0, &prompt);
    CHECK_CONTAINS(prompt.text, "Faster than the parent, beyond the noise:\n"
                                "- 3.00x [2.71, 3.32] its parent's speed (3.00x [2.62, 3.43] in ");
    CHECK_CONTAINS(prompt.text, "- 0.13x [0.12, 0.15] its parent's speed: dropped in decode\n");
    CHECK_CONTAINS(prompt.text, ": Page touches; tried 2 times, 0.98x to 1.05x\n");
    CHECK_CONTAINS(prompt.text, "Refused:\n- WRONG by gate 4 (correctness): a wild guess\n");
    CHECK(!strstr(prompt.text, "of a control\n"));
    const whet_tried_kind kinds[] = { WHET_TRIED_GAINED, WHET_TRIED_LOST,  WHET_TRIED_LOST,
                                      WHET_TRIED_EQUAL,  WHET_TRIED_EQUAL, WHET_TRIED_REJECTED };
    for (int i = 0; i < n; i++)
        CHECK_INT(tried[i].kind, kinds[i]);
    whet_buf_fini(ctx, &prompt);
}

/* Many tries leave room for the rest, and a prompt that is full goes without them. */
static void test_room(void) {
    whet_search s = make_search();
    whet_buf prompt = { 0 };
    add(&s, 1, -1, "seed");
    for (int i = 1; i < N; i++) {
        char name[32];
        snprintf(name, sizeof name, "change %d", i);
        add(&s, i % 2 ? 1 + i : 1, 0, name);
    }
    whet_tried tried[WHET_MAX_TRIED];
    int n;
    REQUIRE_OK(ctx, whet_tried_list(ctx, &s, tried, &n));
    CHECK(n < WHET_MAX_TRIED);
    CHECK_INT(tried[0].member, N - 1);
    CHECK_INT(tried[n - 1].kind, WHET_TRIED_EQUAL);
    s.opts.max_prompt_bytes = 1;
    ask(&s, WHET_ASK_DIFF, 0, &prompt);
    CHECK(!strstr(prompt.text, "its parent's speed"));
    const size_t least = prompt.len;
    s.opts.max_prompt_bytes = (int)least + 1000;
    ask(&s, WHET_ASK_DIFF, 0, &prompt);
    CHECK(prompt.len <= least + 1000 && strstr(prompt.text, "change 199\n"));
    whet_buf_fini(ctx, &prompt);
}

/* ---- questions that repeat others ---- */

static void test_focus(void) {
    whet_search s = make_search();
    whet_buf prompts[8] = { 0 }, again = { 0 };
    add(&s, 1, -1, "seed");
    for (int i = 0; i < 8; i++) {
        ask(&s, WHET_ASK_REWRITE, i, &prompts[i]);
        for (int j = 0; j < i; j++)
            CHECK(strcmp(prompts[i].text, prompts[j].text) != 0);
        ask(&s, WHET_ASK_REWRITE, i, &again);
        CHECK_STR(again.text, prompts[i].text);
    }
    CHECK(!strstr(prompts[0].text, "Begin with another side"));
    CHECK_CONTAINS(prompts[1].text, "Begin with another side");
    for (int i = 0; i < 8; i++)
        whet_buf_fini(ctx, &prompts[i]);
    whet_buf_fini(ctx, &again);
}

/* ---- the version ---- */

/* Replays compare prompts of their own version, so other words need another number. Where this goes
 * red: raise WHET_PROMPT_VERSION, and put it and the new hash here. */
static void test_version(void) {
    whet_search s = make_search();
    whet_buf all = { 0 }, prompt = { 0 };
    char hash[WHET_SHA256_HEX];
    add(&s, 1, -1, "seed");
    add(&s, 3, 0, "a gain");
    reject(add(&s, 1, 1, "a failure"), WHET_V_WRONG, WHET_GATE_CORRECTNESS);
    for (int i = 0; i < WHET_N_ASKS; i++) {
        ask(&s, (whet_ask)i, 1, &prompt);
        REQUIRE_OK(ctx, whet_buf_append(ctx, &all, prompt.text, prompt.len));
    }
    whet_sha256_hex(all.text, all.len, hash);
    hash[16] = '\0';
    CHECK_INT(WHET_PROMPT_VERSION, 5);
    CHECK_STR(hash, "2f98a4882823ea09");
    whet_buf_fini(ctx, &all);
    whet_buf_fini(ctx, &prompt);
}

/* ---- intrinsics ---- */

/* One use of each that a prompt names; what it calculates does not matter. */
static const struct {
    const char *feature, *text;
} uses[] = {
    { "avx2", "static __attribute__((noinline)) void f(float *p, const uint16_t *w) {\n"
              "__m256i n = _mm256_cvtepu16_epi32(_mm_loadu_si128((const __m128i *)w));\n"
              "__m256 x = _mm256_permutevar8x32_ps(_mm256_loadu_ps(p), n);\n"
              "_mm256_storeu_ps(p, _mm256_fmadd_ps(x, x, x)); }\n" },
    { "avx512", "static __attribute__((noinline)) void f(float *p, const uint16_t *w) {\n"
                "__m512i n = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i *)w));\n"
                "__m512 x = _mm512_permutex2var_ps(_mm512_maskz_loadu_ps(*w, p), n, "
                "_mm512_loadu_ps(p));\n"
                "x = _mm512_scalef_ps(_mm512_roundscale_ps(x, 0), x);\n"
                "_mm512_storeu_ps(p, _mm512_fmadd_ps(x, x, x)); }\n" },
    { "avx512-bf16", "static __attribute__((noinline)) void f(float *p, const uint16_t *w) {\n"
                     "__m512 x = _mm512_loadu_ps(p); __m512bh b = _mm512_cvtne2ps_pbh(x, x);\n"
                     "_mm256_storeu_si256((__m256i *)w, (__m256i)_mm512_cvtneps_pbh(x));\n"
                     "_mm512_storeu_ps(p, _mm512_dpbf16_ps(x, b, b)); }\n" },
    { "amx-bf16",
      "static __attribute__((noinline)) void f(float *p, const uint16_t *w) {\n"
      "_tile_loadconfig(w); __atomic_signal_fence(__ATOMIC_SEQ_CST);\n"
      "_tile_zero(0); _tile_loadd(1, w, 64); _tile_loadd(2, w, 64); _tile_dpbf16ps(0, 1, 2);\n"
      "_tile_stored(0, p, 64); _tile_release(); }\n" },
    { "neon", "static __attribute__((noinline)) void f(float *p, const uint16_t *w) {\n"
              "float32x4_t x = vld1q_f32(p); (void)w;\n"
              "x = vfmaq_laneq_f32(vfmaq_f32(x, x, x), x, x, 1);\n"
              "vst1q_s32((int32_t *)p, vcvtq_s32_f32(x)); }\n" },
    { "neon-bf16", "static __attribute__((noinline)) void f(float *p, const uint16_t *w) {\n"
                   "bfloat16x8_t b = vld1q_bf16((const bfloat16_t *)w);\n"
                   "float32x4_t x = vbfdotq_f32(vcvtq_low_f32_bf16(b), b, b);\n"
                   "vst1q_f32(p, vbfmmlaq_f32(x, b, b)); }\n" },
    { "sve", "static __attribute__((noinline)) void f(float *p, const uint16_t *w) {\n"
             "svbool_t g = svwhilelt_b32(0, (int)*w); svfloat32_t x = svld1_f32(g, p);\n"
             "svst1_f32(g, p, svmla_f32_x(g, x, x, x)); }\n" },
};

/* `repeat`, with f in its block and a call that the compiler cannot leave out. */
static void build_use(const char *header, const char *text, whet_verdict *verdict) {
    static const char append[] = "static void append(const whet_append_args *a, int worker, "
                                 "int n_workers) {\n";
    const whet_judge_opts opts = { .problem = { WHET_BF16, 4, 2, 64, 4, 64 },
                                   .n_threads = 1,
                                   .worker = WHET_PROGRAM };
    const char *program = whet_program_text("repeat"), *body = strstr(program, append);
    const char *segment = strstr(program, "// SEGMENT-START");
    whet_judge *judge = NULL;
    whet_object object = { 0 };
    whet_buf source = { 0 };
    REQUIRE(body && segment && segment < body);
    body += strlen(append);
    REQUIRE_OK(ctx, whet_buf_printf(ctx, &source, "%.*s#include <%s>\n%s%.*s%s%s",
                                    (int)(segment - program), program, header, text,
                                    (int)(body - segment), segment,
                                    "    if (worker > 1000) f(a->kv, a->kv);\n", body));
    REQUIRE_OK(ctx, whet_judge_open(ctx, &opts, &judge));
    CHECK_STATUS(ctx, whet_judge_build(ctx, judge, source.text, source.len, &object, verdict),
                 WHET_OK);
    whet_object_fini(ctx, &object);
    whet_judge_close(ctx, judge);
    whet_buf_fini(ctx, &source);
}

static void test_intrinsics(void) {
    whet_machine here;
    REQUIRE_OK(ctx, whet_machine_read(ctx, &here));
    for (size_t i = 0; i < sizeof uses / sizeof *uses; i++) {
        const whet_intrinsics *brings = whet_intrinsics_of(uses[i].feature);
        REQUIRE(brings);
        for (const char *at = brings->names; *at; at += strcspn(at, " "), at += *at == ' ') {
            char name[64];
            snprintf(name, sizeof name, "%.*s(", (int)strcspn(at, " "), at);
            CHECK_CONTAINS(uses[i].text, name);
        }
        bool is_here = false;
        for (uint32_t bit = 1; bit; bit <<= 1) {
            const char *name =
                here.features & bit ? whet_cpu_feature_name((whet_cpu_feature)bit) : NULL;
            is_here |= name && strcmp(name, uses[i].feature) == 0;
        }
        whet_verdict verdict = { 0 };
        if (is_here) build_use(brings->header, uses[i].text, &verdict);
        CHECK_INT(verdict.code, WHET_V_PASS);
        if (verdict.code)
            printf("# %s: %s %s\n", uses[i].feature, verdict.reason, verdict.compiler_text);
    }
    CHECK(!whet_intrinsics_of("abacus"));
}

int main(int argc, char **argv) {
    static const test_case tests[] = {
        { "intervals", test_intervals },   { "speeds", test_speeds },
        { "tried", test_tried },           { "room", test_room },
        { "focus", test_focus },           { "version", test_version },
        { "intrinsics", test_intrinsics },
    };
    ctx = whet_ctx_open(NULL);
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
