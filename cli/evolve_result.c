/* SPDX-License-Identifier: MIT */
/* The end of whet evolve. */
#include "evolve_result.h"

#include <stdio.h>
#include <string.h>

/* From short to long contexts, then prefill. */
static const whet_shape order[] = {
    WHET_SHAPE_DECODE_16TH,    WHET_SHAPE_DECODE_4TH, WHET_SHAPE_DECODE,
    WHET_SHAPE_DECODE_4X,      WHET_SHAPE_PREFILL,    WHET_SHAPE_PREFILL_FIRST,
    WHET_SHAPE_PREFILL_BEHIND,
};

/* ---- text ---- */

enum { NAME_COLUMNS = 13, TEXT_COLUMNS = 86 };

/* A text behind its name, broken at blanks. */
static void print_field(const char *name, const char *text) {
    printf("%-*s", NAME_COLUMNS, name);
    while (strlen(text) > TEXT_COLUMNS) {
        int n = TEXT_COLUMNS;
        while (n > 0 && text[n] != ' ')
            n--;
        if (n == 0) n = TEXT_COLUMNS;
        printf("%.*s\n%*s", n, text, NAME_COLUMNS, "");
        text += n + (text[n] == ' ');
    }
    printf("%s\n", text);
}

static void print_ms(double ns) {
    if (ns > 0)
        printf(" %9.3f", ns * 1e-6);
    else
        printf(" %9s", "-");
}

static void print_ratio(const whet_ratio *r) {
    if (r->ratio > 0)
        printf("  %5.2f [%5.2f, %5.2f]", r->ratio, r->low, r->high);
    else
        printf("  %-20s", "    -");
}

static void print_shape(const whet_evolve_shape *s) {
    if (!(s->ns > 0)) return;
    printf("%-16s", s->name);
    print_ms(s->repeat_ns);
    print_ms(s->fused_ns);
    print_ms(s->grouped_ns);
    print_ms(s->ns);
    print_ratio(&s->fused);
    print_ratio(&s->grouped);
    if (s->limit_share > 0)
        printf(" %4.0f%%\n", 100 * s->limit_share);
    else
        printf("\n");
}

/* Where `repeat` was measured. */
static void print_over_repeat(const whet_evolve_result *r) {
    const char *separator = "over repeat  ";
    for (size_t i = 0; i < sizeof order / sizeof *order; i++) {
        const whet_evolve_shape *s = &r->shapes[order[i]];
        if (!(s->repeat.ratio > 0)) continue;
        printf("%s%.2fx [%.2f, %.2f] in %s\n", separator, s->repeat.ratio, s->repeat.low,
               s->repeat.high, s->name);
        separator = "             ";
    }
}

static void print_table(const whet_evolve_result *r) {
    printf(
        "\nmilliseconds a call       of the program's own duels    how many times as fast, 95 %% "
        "interval\n");
    printf("%-16s %9s %9s %9s %9s  %-20s  %-18s %5s\n", "shape", "repeat", "fused", "grouped",
           "winner", "over fused", "over grouped", "limit");
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        print_shape(&r->shapes[order[i]]);
    printf("\n");
    print_over_repeat(r);
    if (r->peak_bytes > 0)
        printf(
            "limit        the machine reads %.1f GB/s and calculates %.0f GFLOP/s, the most that "
            "was seen\n",
            r->peak_bytes * 1e-9, r->peak_flop * 1e-9);
}

static void print_suite(const whet_evolve_suite *suite) {
    if (!(suite->speed > 0)) return;
    printf("suite        %.2fx %s, geometric mean of %d shapes; of %d finalist%s\n", suite->speed,
           suite->rival, WHET_N_SUITE, suite->n_finalists, suite->n_finalists == 1 ? "" : "s");
    print_field("", suite->why);
    for (int i = 0; i < WHET_N_SUITE; i++)
        if (suite->kept[i].speed > suite->kept[i].taken_speed)
            printf("             in %s %.12s is faster: %.2fx %s, the winner %.2fx\n",
                   suite->kept[i].shape, suite->kept[i].hash, suite->kept[i].speed, suite->rival,
                   suite->kept[i].taken_speed);
}

/* What paid, and whose it is. */
static void print_ideas(const whet_evolve_result *r) {
    for (int i = 0; i < WHET_N_GAINS && *r->gains[i].what; i++)
        printf("%-12s %.2fx %s, measured %d time%s\n", i ? "" : "by itself", r->gains[i].speed,
               r->gains[i].what, r->gains[i].n, r->gains[i].n > 1 ? "s" : "");
    print_field("by people", *r->by_people ? r->by_people : "no part of it is of the library");
    print_field("by models", *r->by_models ? r->by_models : "no part of it was written in a run");
}

static void print_controls(const whet_evolve_result *r) {
    const char *separator = "controls    ";
    for (int i = 0; i < WHET_N_CONTROLS; i++) {
        const whet_evolve_control *c = &r->controls[i];
        if (!c->n) continue;
        printf("%s %s %.2fx after %d programs; evolution had %.2fx after as many\n", separator,
               c->name, c->speed, c->n, c->evolution);
        separator = "            ";
    }
}

void cli_evolve_print(const whet_evolve_result *r, const char *run_file, const char *folder) {
    printf("tried        %d programs in %.0f s", r->n_tried, r->seconds);
    for (int i = 0; i < WHET_N_VERDICTS; i++)
        if (r->n_by_verdict[i])
            printf("%s %d %s", i ? "," : ":", r->n_by_verdict[i], whet_verdict_name(i));
    printf("; %d known already\n", r->n_duplicates);
    if (*r->hash) {
        printf("best         %.12s\n", r->hash);
        print_field("changes", *r->change ? r->change : "none");
        print_table(r);
        print_suite(&r->suite);
        print_ideas(r);
    }
    print_controls(r);
    printf("run          %s\n", run_file);
    if (r->is_installed)
        printf("installed    in %s; whet generate uses it by itself\n", folder);
    else
        printf("installed    nothing: %s\n", r->not_installed);
}

/* ---- JSON ---- */

static void print_json_ratio(const char *key, const whet_ratio *r) {
    if (r->ratio > 0)
        printf(",\"%s\":[%.5f,%.5f,%.5f]", key, r->ratio, r->low, r->high);
    else
        printf(",\"%s\":null", key);
}

static void print_json_shapes(const whet_evolve_result *r) {
    const char *separator = "";
    for (int i = 0; i < WHET_N_ALL_SHAPES && *r->hash; i++) {
        const whet_evolve_shape *s = &r->shapes[i];
        if (!(s->ns > 0)) continue;
        printf("%s{\"shape\":\"%s\",\"ns\":%.0f,\"repeat_ns\":%.0f,\"fused_ns\":%.0f,"
               "\"grouped_ns\":%.0f,\"limit_share\":%.4g",
               separator, s->name, s->ns, s->repeat_ns, s->fused_ns, s->grouped_ns, s->limit_share);
        print_json_ratio("repeat", &s->repeat);
        print_json_ratio("fused", &s->fused);
        print_json_ratio("grouped", &s->grouped);
        printf("}");
        separator = ",";
    }
}

static void print_json_lists(const whet_evolve_result *r) {
    printf("],\"suite\":[");
    for (int i = 0; i < WHET_N_SUITE && r->suite.speed > 0; i++)
        printf(
            "%s{\"shape\":\"%s\",\"rival\":\"%s\",\"speed\":%.5f,\"best\":%.5f,\"program\":\"%s\"}",
            i ? "," : "", r->suite.kept[i].shape, r->suite.rival, r->suite.kept[i].taken_speed,
            r->suite.kept[i].speed, r->suite.kept[i].hash);
    printf("],\"gains\":[");
    for (int i = 0; i < WHET_N_GAINS && *r->gains[i].what; i++)
        printf("%s{\"part\":\"%s\",\"speed\":%.5f,\"times\":%d}", i ? "," : "", r->gains[i].what,
               r->gains[i].speed, r->gains[i].n);
    printf("],\"controls\":[");
    for (int i = 0; i < WHET_N_CONTROLS && r->controls[i].name; i++)
        printf("%s{\"name\":\"%s\",\"programs\":%d,\"speed\":%.5f,\"evolution\":%.5f}",
               i ? "," : "", r->controls[i].name, r->controls[i].n, r->controls[i].speed,
               r->controls[i].evolution);
    printf("]");
}

whet_status cli_evolve_print_json(whet_ctx *ctx, const whet_evolve_result *r,
                                  const char *run_file) {
    whet_buf text = { 0 };
    whet_status st = whet_json_quote(ctx, &text, r->change, strlen(r->change));
    const char *const keys[] = { "run", "by_people", "by_models" };
    const char *const values[] = { run_file, r->by_people, r->by_models };
    for (int i = 0; i < 3 && st == WHET_OK; i++) {
        st = whet_buf_printf(ctx, &text, ",\"%s\":", keys[i]);
        if (st == WHET_OK) st = whet_json_quote(ctx, &text, values[i], strlen(values[i]));
    }
    if (st == WHET_OK)
        printf("{\"type\":\"evolve\",\"program\":\"%s\",\"object\":\"%s\",\"change\":%s", r->hash,
               r->object_sha256, text.text);
    whet_buf_fini(ctx, &text);
    if (st != WHET_OK) return st;
    printf(",\"tried\":%d,\"duplicates\":%d,\"seconds\":%.1f,\"fused_from\":\"%s\"", r->n_tried,
           r->n_duplicates, r->seconds, r->fused_from);
    printf(",\"bytes_per_second\":%.4g,\"flop_per_second\":%.4g", r->peak_bytes, r->peak_flop);
    printf(",\"verdicts\":{");
    for (int i = 0; i < WHET_N_VERDICTS; i++)
        printf("%s\"%s\":%d", i ? "," : "", whet_verdict_name(i), r->n_by_verdict[i]);
    printf("},\"shapes\":[");
    print_json_shapes(r);
    print_json_lists(r);
    printf(",\"installed\":%s,\"why_not\":\"%s\"}\n", r->is_installed ? "true" : "false",
           r->not_installed);
    return WHET_OK;
}
