/* SPDX-License-Identifier: MIT */
/* whet doctor: what the machine is, what whet will use of it, how fast it is now, what is missing.
 */
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "winner.h"

#include <whet/judge.h>
#include <whet/machine.h>
#include <whet/text.h>

enum { N_COMPILERS = 3, MAX_ADVICE = 12 };

/* Weights that one token of Qwen3-0.6B reads: 28 layers and the tied head in bf16. */
static const double qwen3_06b_bytes = 1.192e9;

/* Quartiles further apart than this share of the median tell of other work on the machine. */
static const double noisy_spread = 0.10;

typedef struct doctor_opts {
    bool is_json;
    bool is_measuring;
    int n_threads;
    double seconds;
} doctor_opts;

typedef struct compiler {
    const char *name;
    char version[100]; /* first line of --version; "" = not there */
} compiler;

/* The heads of Qwen3-0.6B, at the length of a short chat. */
static const whet_problem usual_problem = { WHET_BF16, 16, 8, 128, 1, 2048 };

typedef struct findings {
    whet_machine machine;
    int n_threads;
    double load;         /* runnable threads, mean of the last minute; negative = not known */
    uint64_t free_bytes; /* 0 = not known */
    char huge_pages[16]; /* "always", "madvise", "never"; "" = not known */
    char governor[32];   /* of the clock; "" = not known */
    compiler compilers[N_COMPILERS];
    whet_profile profile; /* which kernels, and how that is known */
    char winner[13];      /* of the usual problem, the start of its hash; "" = there is none */
    uint64_t probe_bytes;
    const char *way, *unit; /* of reading and of calculating, the fastest */
    whet_probe bandwidth;
    whet_probe flops;
    char advice[MAX_ADVICE][240]; /* what is missing or in the way, a line each */
    int n_advice;
    uint32_t jail; /* WHET_JAIL_... bits */
} findings;

/* ---- looking ---- */

/* The first line of a file or of what a program says, without its newline; "" when there is none.
 */
static void first_line(FILE *f, char *line, size_t size) {
    *line = '\0';
    if (f && fgets(line, (int)size, f)) line[strcspn(line, "\n")] = '\0';
}

static void read_line(const char *path, char *line, size_t size) {
    FILE *f = fopen(path, "r");
    first_line(f, line, size);
    if (f) fclose(f);
}

static void find_compilers(findings *f) {
    static const char *const names[N_COMPILERS] = { "cc", "gcc", "clang" };
    for (int i = 0; i < N_COMPILERS; i++) {
        compiler *c = &f->compilers[i];
        char command[64];
        c->name = names[i];
        snprintf(command, sizeof command, "%s --version 2>/dev/null </dev/null", names[i]);
        FILE *answer = popen(command, "r");
        first_line(answer, c->version, sizeof c->version);
        if (answer && pclose(answer) != 0) c->version[0] = '\0';
    }
}

/* "always [madvise] never": the chosen word is in brackets. */
static void find_huge_pages(findings *f) {
    char line[100];
    read_line("/sys/kernel/mm/transparent_hugepage/enabled", line, sizeof line);
    const char *word = strchr(line, '[');
    if (word)
        snprintf(f->huge_pages, sizeof f->huge_pages, "%.*s", (int)strcspn(word + 1, "]"),
                 word + 1);
}

static void find_free_memory(findings *f) {
    FILE *file = fopen("/proc/meminfo", "r");
    char line[200];
    unsigned long long kib;
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1) f->free_bytes = (uint64_t)kib << 10;
    if (file) fclose(file);
    if (f->free_bytes > f->machine.memory_bytes) f->free_bytes = f->machine.memory_bytes;
}

static whet_status make_profile(whet_ctx *ctx, whet_team *team, whet_profile *profile) {
    const whet_status st = whet_profile_measure(ctx, team, NULL, profile);
    return st == WHET_OK ? cli_profile_keep(ctx, profile) : st;
}

static whet_status measure(whet_ctx *ctx, const doctor_opts *o, findings *f) {
    whet_team *team = NULL;
    whet_prober *prober = NULL;
    whet_status st = whet_team_open(ctx, o->n_threads, &team);
    if (st == WHET_OK) {
        f->n_threads = whet_team_size(team);
        st = o->is_measuring ? make_profile(ctx, team, &f->profile)
                             : cli_profile_find(ctx, &f->profile);
    }
    if (st == WHET_OK) st = whet_prober_open(ctx, team, 0, &prober);
    if (st == WHET_OK) {
        f->probe_bytes = whet_prober_bytes(prober);
        f->way = whet_prober_way(prober);
        f->unit = whet_prober_unit(prober);
        st = whet_prober_bandwidth(prober, o->seconds * 0.6, &f->bandwidth);
    }
    if (st == WHET_OK) st = whet_prober_flops(prober, o->seconds * 0.4, &f->flops);
    whet_prober_close(prober);
    whet_team_close(team);
    return st;
}

/* ---- judging ---- */

static void advise(findings *f, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void advise(findings *f, const char *format, ...) {
    if (f->n_advice == MAX_ADVICE) return;
    va_list args;
    va_start(args, format);
    vsnprintf(f->advice[f->n_advice++], sizeof f->advice[0], format, args);
    va_end(args);
}

static double spread(const whet_probe *p) {
    return (p->high - p->low) / p->median;
}

static void advise_on_installation(findings *f) {
    if (!f->compilers[0].version[0])
        advise(f, "no C compiler named cc: --kernel FILE.c and evolve need one; install gcc");
    if (!(f->jail & WHET_JAIL_SECCOMP))
        advise(f, "no seccomp: whet judge and whet evolve refuse to run strangers' kernels");
    if (strcmp(f->huge_pages, "never") == 0)
        advise(f, "huge pages are off: echo madvise > "
                  "/sys/kernel/mm/transparent_hugepage/enabled, as root");
    if (f->governor[0] && strcmp(f->governor, "performance") != 0 &&
        strcmp(f->governor, "schedutil") != 0)
        advise(f, "the clock's governor is %s: timings are steadier with performance", f->governor);
#if defined(__x86_64__)
    if (!((f->machine.features | f->machine.ruled_out) & WHET_CPU_AVX2_FMA))
        advise(f, "no AVX2 with FMA: the portable kernels run, several times slower");
#endif
}

static void advise_on_load(findings *f) {
    const whet_machine *m = &f->machine;
    if (f->n_threads > m->n_usable)
        advise(f, "%d threads on %d usable processors: they will wait for each other", f->n_threads,
               m->n_usable);
    if (m->quota > 0 && fabs(m->quota - round(m->quota)) > 0.01 && f->n_threads > m->quota)
        advise(f,
               "the quota of %.2f processors halts %d threads now and then: --threads %d is "
               "steadier",
               m->quota, f->n_threads, m->quota < 1 ? 1 : (int)m->quota);
    if (f->load > 0.5 * m->n_usable)
        advise(f, "a load of %.1f on %d processors: other work runs here, timings will move",
               f->load, m->n_usable);
    if (spread(&f->bandwidth) > noisy_spread)
        advise(f,
               "memory bandwidth moves by %.0f %% between passes: a noisy machine, trust paired "
               "timings only",
               100 * spread(&f->bandwidth));
    if (spread(&f->flops) > noisy_spread)
        advise(f,
               "arithmetic moves by %.0f %% between passes: the clock changes, or others use "
               "the cores",
               100 * spread(&f->flops));
    if (f->probe_bytes < 2 * m->l3_bytes * (uint64_t)m->n_l3)
        advise(f, "memory is too small for a bandwidth probe past the caches: its figure is too "
                  "high");
}

static void find_winner(whet_ctx *ctx, findings *f) {
    cli_winner w = { .ctx = ctx };
    if (cli_winner_find(&w, &usual_problem))
        snprintf(f->winner, sizeof f->winner, "%.12s", whet_winner_about(w.winner)->program_hash);
    cli_winner_close(&w);
}

static whet_status find(whet_ctx *ctx, const doctor_opts *o, findings *f) {
    /* Who ran before us: our own probes must not count. */
    if (getloadavg(&f->load, 1) != 1) f->load = -1;
    whet_status st = whet_machine_read(ctx, &f->machine);
    if (st == WHET_OK) st = measure(ctx, o, f);
    if (st != WHET_OK) return st;
    find_free_memory(f);
    find_huge_pages(f);
    read_line("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", f->governor,
              sizeof f->governor);
    find_compilers(f);
    find_winner(ctx, f);
    f->jail = whet_judge_jail();
    advise_on_installation(f);
    advise_on_load(f);
    return WHET_OK;
}

/* ---- telling ---- */

static void row(const char *name, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void row(const char *name, const char *format, ...) {
    va_list args;
    va_start(args, format);
    printf("  %-12s ", name);
    vprintf(format, args);
    printf("\n");
    va_end(args);
}

/* "32 KiB", "1.5 MiB"; "unknown" for 0. */
static const char *cache_size(uint64_t bytes, char text[24]) {
    if (bytes == 0)
        snprintf(text, 24, "unknown");
    else if (bytes < 1 << 20)
        snprintf(text, 24, "%.4g KiB", (double)bytes / 1024);
    else
        snprintf(text, 24, "%.4g MiB", (double)bytes / (1 << 20));
    return text;
}

static const char *why_so_many(const findings *f, bool is_asked) {
    const whet_machine *m = &f->machine;
    if (is_asked) return "as asked";
    if (m->quota > 0 && m->n_threads == (int)ceil(m->quota)) return "the cgroup's quota";
    if (m->n_threads < m->n_physical) return "one a performance core";
    return "one a physical core";
}

static void tell_machine(const findings *f) {
    const whet_machine *m = &f->machine;
    char l1[24], l2[24], l3[24], times[16] = "", quota[48] = "";
    if (m->n_l3 > 1) snprintf(times, sizeof times, "%d x ", m->n_l3);
    if (m->quota > 0) snprintf(quota, sizeof quota, ", quota %.4g", m->quota);
    printf("the machine\n");
    row("processor", "%s", m->cpu[0] ? m->cpu : "unknown");
    row("system", "%s", m->system);
    row("processors", "%d, usable %d on %d cores%s", m->n_logical, m->n_usable, m->n_physical,
        quota);
    row("caches", "L1d %s and L2 %s a core, L3 %s%s", cache_size(m->l1d_bytes, l1),
        cache_size(m->l2_bytes, l2), times, cache_size(m->l3_bytes, l3));
    if (f->free_bytes)
        row("memory", "%.1f GB, %.1f GB free", (double)m->memory_bytes * 1e-9,
            (double)f->free_bytes * 1e-9);
    else
        row("memory", "%.1f GB", (double)m->memory_bytes * 1e-9);
    row("huge pages", "%s", f->huge_pages[0] ? f->huge_pages : "unknown");
    row("fingerprint", "%s", m->fingerprint);
}

/* The names of feature bits; how many. */
static int list_features(uint32_t features, const char *names[32]) {
    int n = 0;
    for (int bit = 0; bit < 31; bit++) {
        const char *name = whet_cpu_feature_name((whet_cpu_feature)(1 << bit));
        if (name && (features & 1u << bit)) names[n++] = name;
    }
    return n;
}

static void print_features(uint32_t features) {
    const char *names[32];
    const int n = list_features(features, names);
    for (int i = 0; i < n; i++)
        printf(" %s", names[i]);
}

static void tell_vectors(const whet_machine *m) {
    printf("  %-12s", "vectors");
    print_features(m->features);
    if (!m->features) printf(" none beyond the architecture's baseline");
    if (m->ruled_out) {
        printf("; ruled out:");
        print_features(m->ruled_out);
    }
    printf("\n  %-12s", "--isa takes");
    for (int i = 0; whet_isa_name(i); i++)
        printf("%s %s", i ? "," : "", whet_isa_name(i));
    printf("\n");
}

/* What each kernel took when it was measured just now. */
static void tell_figures(const whet_profile *p) {
    for (int i = 0; i < p->n_figures; i++) {
        const whet_profile_figure *f = &p->figures[i];
        const bool is_linear = f->op == WHET_BENCH_LINEAR;
        row("", "%-22s %s %8.1f us", f->kernel, is_linear ? "linear 1 row" : "decode",
            f->decode_ns * 1e-3);
        if (f->prefill_ns > 0)
            row("", "%-22s %s %8.1f us", f->kernel,
                is_linear ? "linear 512 rows " : "prefill 512 rows", f->prefill_ns * 1e-3);
    }
}

static void tell_kernels(const findings *f) {
    const whet_profile *p = &f->profile;
    if (*f->winner)
        row("attention", "winner %s of whet evolve for bf16, 16:8 heads of 128; else %s", f->winner,
            p->attention);
    else
        row("attention", "%s (of those built in, for bf16, 16:8 heads of 128)", p->attention);
    row("linear", "%s (for bf16)", p->linear);
    if (*p->date)
        row("chosen by", "a measurement, %.10s, %d threads", p->date, p->n_threads);
    else
        row("chosen by", "the static order; whet doctor --measure measures");
    tell_figures(p);
}

static void tell_use(const findings *f, bool is_asked) {
    printf("\nwhet will use\n");
    row("threads", "%d (%s)", f->n_threads, why_so_many(f, is_asked));
    tell_vectors(&f->machine);
    tell_kernels(f);
    for (int i = 0; i < N_COMPILERS; i++)
        if (f->compilers[i].version[0])
            row(i ? "" : "compiler", "%-5s %s", f->compilers[i].name, f->compilers[i].version);
}

/* The walls around candidates, and what is missing of them. */
static void tell_jail(uint32_t layers) {
    printf("\nwhet judge and whet evolve lock candidates in with\n");
    for (uint32_t layer = 1; whet_jail_layer_name(layer); layer <<= 1)
        row(whet_jail_layer_name(layer), "%s%s",
            layers & layer ? "" : "MISSING here: ", whet_jail_layer_meaning(layer));
}

static void tell_probe(const char *name, const whet_probe *p, const char *unit, const char *what) {
    row(name, "%6.1f %-8s quartiles %.1f .. %.1f   %s", p->median * 1e-9, unit, p->low * 1e-9,
        p->high * 1e-9, what);
}

static void tell_speed(const findings *f) {
    char what[80];
    printf("\nmeasured now, %d threads\n", f->n_threads);
    snprintf(what, sizeof what, "reading %.0f MB, %d times, %s", (double)f->probe_bytes * 1e-6,
             f->bandwidth.n_passes, f->way);
    tell_probe("memory", &f->bandwidth, "GB/s", what);
    tell_probe("arithmetic", &f->flops, "GFLOP/s", f->unit);
    row("balance", "%6.1f FLOP/byte  bf16 decode attention does 2 (16:8 heads) to 8 (64:8)",
        f->flops.median / f->bandwidth.median);
    row("so at most", "%6.1f tokens/s  from Qwen3-0.6B in bf16 (%.2f GB a token)",
        f->bandwidth.median / qwen3_06b_bytes, qwen3_06b_bytes * 1e-9);
}

static void tell_advice(const findings *f) {
    printf("\nmissing or in the way\n");
    for (int i = 0; i < f->n_advice; i++)
        printf("  - %s\n", f->advice[i]);
    if (f->n_advice == 0) printf("  nothing\n");
}

/* ---- for programs ---- */

static whet_status put_text(whet_ctx *ctx, whet_buf *out, const char *key, const char *text) {
    whet_status st = whet_buf_printf(ctx, out, ",\"%s\":", key);
    return st == WHET_OK ? whet_json_quote(ctx, out, text, strlen(text)) : st;
}

static whet_status put_array(whet_ctx *ctx, whet_buf *out, const char *key,
                             const char *const *texts, int n) {
    whet_status st = whet_buf_printf(ctx, out, ",\"%s\":[", key);
    for (int i = 0; i < n && st == WHET_OK; i++) {
        if (i) st = whet_buf_putc(ctx, out, ',');
        if (st == WHET_OK) st = whet_json_quote(ctx, out, texts[i], strlen(texts[i]));
    }
    return st == WHET_OK ? whet_buf_putc(ctx, out, ']') : st;
}

static whet_status put_probe(whet_ctx *ctx, whet_buf *out, const char *key, const whet_probe *p) {
    return whet_buf_printf(ctx, out,
                           ",\"%s\":{\"median\":%.6g,\"low\":%.6g,\"high\":%.6g,\"passes\":%d}",
                           key, p->median, p->low, p->high, p->n_passes);
}

static whet_status put_numbers(whet_ctx *ctx, whet_buf *out, const findings *f) {
    const whet_machine *m = &f->machine;
    return whet_buf_printf(
        ctx, out,
        ",\"logical\":%d,\"usable\":%d,\"physical\":%d,\"quota\":%.6g,\"threads\":%d,"
        "\"memory_bytes\":%llu,\"free_bytes\":%llu,\"l1d_bytes\":%llu,\"l2_bytes\":%llu,"
        "\"l3_bytes\":%llu,\"n_l3\":%d,\"load\":%.6g",
        m->n_logical, m->n_usable, m->n_physical, m->quota, f->n_threads,
        (unsigned long long)m->memory_bytes, (unsigned long long)f->free_bytes,
        (unsigned long long)m->l1d_bytes, (unsigned long long)m->l2_bytes,
        (unsigned long long)m->l3_bytes, m->n_l3, f->load);
}

static whet_status write_json(whet_ctx *ctx, const findings *f, whet_buf *out) {
    const char *features[32], *ruled_out[32], *compilers[N_COMPILERS], *advice[MAX_ADVICE];
    const char *jail[32];
    const int n_features = list_features(f->machine.features, features);
    const int n_ruled_out = list_features(f->machine.ruled_out, ruled_out);
    int n_compilers = 0, n_jail = 0;
    for (uint32_t layer = 1; whet_jail_layer_name(layer); layer <<= 1)
        if (f->jail & layer) jail[n_jail++] = whet_jail_layer_name(layer);
    for (int i = 0; i < N_COMPILERS; i++)
        if (f->compilers[i].version[0]) compilers[n_compilers++] = f->compilers[i].version;
    for (int i = 0; i < f->n_advice; i++)
        advice[i] = f->advice[i];
    whet_status st = whet_buf_puts(ctx, out, "{\"type\":\"doctor\"");
    if (st == WHET_OK) st = put_text(ctx, out, "cpu", f->machine.cpu);
    if (st == WHET_OK) st = put_text(ctx, out, "system", f->machine.system);
    if (st == WHET_OK) st = put_text(ctx, out, "fingerprint", f->machine.fingerprint);
    if (st == WHET_OK) st = put_text(ctx, out, "huge_pages", f->huge_pages);
    if (st == WHET_OK) st = put_text(ctx, out, "kernel", f->profile.attention);
    if (st == WHET_OK) st = put_text(ctx, out, "linear", f->profile.linear);
    if (st == WHET_OK) st = put_text(ctx, out, "measured", f->profile.date);
    if (st == WHET_OK) st = put_text(ctx, out, "winner", f->winner);
    if (st == WHET_OK) st = put_array(ctx, out, "features", features, n_features);
    if (st == WHET_OK) st = put_array(ctx, out, "ruled_out", ruled_out, n_ruled_out);
    if (st == WHET_OK) st = put_numbers(ctx, out, f);
    if (st == WHET_OK) st = put_array(ctx, out, "compilers", compilers, n_compilers);
    if (st == WHET_OK) st = put_text(ctx, out, "way", f->way);
    if (st == WHET_OK) st = put_text(ctx, out, "unit", f->unit);
    if (st == WHET_OK) st = put_probe(ctx, out, "bytes_per_second", &f->bandwidth);
    if (st == WHET_OK) st = put_probe(ctx, out, "flop_per_second", &f->flops);
    if (st == WHET_OK) st = put_array(ctx, out, "jail", jail, n_jail);
    if (st == WHET_OK) st = put_array(ctx, out, "advice", advice, f->n_advice);
    return st == WHET_OK ? whet_buf_puts(ctx, out, "}\n") : st;
}

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    const doctor_opts *o = args->opts;
    if (o->seconds < 0 || o->seconds > 600)
        return cli_usage("doctor: --seconds takes 0 to 600, not %g", o->seconds);
    cli_cancel_on_signal(ctx);
    findings f = { 0 };
    whet_status st = find(ctx, o, &f);
    if (st != WHET_OK) return st;
    if (o->is_json) {
        whet_buf line = { 0 };
        st = write_json(ctx, &f, &line);
        if (st == WHET_OK) fputs(line.text, stdout);
        whet_buf_fini(ctx, &line);
        return st;
    }
    tell_machine(&f);
    tell_use(&f, o->n_threads > 0);
    tell_jail(f.jail);
    tell_speed(&f);
    tell_advice(&f);
    return WHET_OK;
}

static const cli_option options[] = {
    { "threads", CLI_INT, offsetof(doctor_opts, n_threads), "N",
      "probe with N threads, not with the default number", NULL },
    { "seconds", CLI_DOUBLE, offsetof(doctor_opts, seconds), "S", "how long the probes run", "2" },
    { "measure", CLI_FLAG, offsetof(doctor_opts, is_measuring), NULL,
      "time the built-in kernels, choose, and keep that for this machine", NULL },
    CLI_ISA_OPTION,
    { "json", CLI_FLAG, offsetof(doctor_opts, is_json), NULL, "one JSON line for programs", NULL },
    { 0 },
};

const cli_command cli_doctor = {
    .name = "doctor",
    .summary = "show the machine, what whet uses of it, how fast it is, and what is missing",
    .usage = "[--threads N] [--seconds S] [--measure] [--isa NAME] [--json]",
    .options = options,
    .opts_bytes = sizeof(doctor_opts),
    .run = run,
};
