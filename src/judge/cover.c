/* SPDX-License-Identifier: MIT */
/* Which blocks of an instrumented object there are, where in the source, and which were taken. */
#include "judge/cover.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "judge/elf.h"

static const char counter[] = "__sanitizer_cov_trace_pc";

static uint64_t counter_address(const whet_elf *elf) {
    for (size_t i = 0; i < elf->n_sections; i++) {
        const Elf64_Shdr *s = &elf->sections[i];
        if (s->sh_type != SHT_DYNSYM) continue;
        const Elf64_Sym *symbols = whet_elf_content(elf, s, 8);
        for (size_t j = 0; symbols && j < s->sh_size / sizeof *symbols; j++)
            if (strcmp(whet_elf_string(elf, s->sh_link, symbols[j].st_name), counter) == 0)
                return symbols[j].st_value;
    }
    return 0;
}

/* Whether a call of the counter is at code[0], which lies at `address`; *behind is where it
 * returns to. */
static bool is_call(const uint8_t *code, size_t n, uint64_t address, uint64_t to,
                    uint64_t *behind) {
#ifdef __x86_64__
    int32_t distance;
    if (n < 5 || code[0] != 0xe8) return false;
    memcpy(&distance, code + 1, 4);
    *behind = address + 5;
    return *behind + (uint64_t)(int64_t)distance == to;
#else
    uint32_t word;
    if (n < 4 || address % 4) return false;
    memcpy(&word, code, 4);
    *behind = address + 4;
    const int64_t distance = (int64_t)((uint64_t)(word & 0x3ffffff) << 38) >> 36;
    return word >> 26 == 0x25 && address + (uint64_t)distance == to;
#endif
}

/* Calls `put` for each site, in order. */
static whet_status each_site(whet_ctx *ctx, const whet_object *object, void *to,
                             whet_status (*put)(whet_ctx *ctx, void *to, uint64_t behind)) {
    whet_elf elf;
    if (whet_elf_open(object->bytes, object->n_bytes, &elf)) return WHET_OK;
    const uint64_t target = counter_address(&elf);
    for (size_t i = 0; i < elf.n_sections && target; i++) {
        const Elf64_Shdr *s = &elf.sections[i];
        const uint8_t *code = s->sh_flags & SHF_EXECINSTR ? whet_elf_content(&elf, s, 1) : NULL;
        for (size_t at = 0; code && at < s->sh_size; at++) {
            uint64_t behind;
            if (is_call(code + at, s->sh_size - at, s->sh_addr + at, target, &behind))
                WHET_TRY(put(ctx, to, behind));
        }
    }
    return WHET_OK;
}

static whet_status put_text(whet_ctx *ctx, void *to, uint64_t behind) {
    return whet_buf_printf(ctx, to, "0x%llx\n", (unsigned long long)behind - 1);
}

whet_status whet_cover_sites(whet_ctx *ctx, const whet_object *object, whet_buf *addresses) {
    WHET_TRY(whet_buf_puts(ctx, addresses, ""));
    return each_site(ctx, object, addresses, put_text);
}

static whet_status put_site(whet_ctx *ctx, void *to, uint64_t behind) {
    whet_cover *c = to;
    size_t *more = whet_realloc(ctx, c->sites, (c->n_sites + 1) * sizeof *more);
    if (!more) return WHET_E_NOMEM;
    c->sites = more;
    c->sites[c->n_sites++] = (size_t)behind;
    return WHET_OK;
}

static size_t find_point(whet_cover *c, int32_t line, int32_t block) {
    for (size_t i = 0; i < c->n_points; i++)
        if (c->points[i].line == line && c->points[i].block == block) return i;
    c->points[c->n_points] = (whet_point){ .line = line, .block = block, .is_taken = line <= 0 };
    return c->n_points++;
}

/* "PATH/kernel.c:12 (discriminator 3)"; other files and unknown lines are line 0. */
static void read_line(const char *text, size_t n, int32_t *line, int32_t *block) {
    static const char file[] = "kernel.c:", which[] = "(discriminator ";
    char copy[256] = "";
    memcpy(copy, text, n < sizeof copy ? n : sizeof copy - 1);
    const char *at = strstr(copy, file), *of = strstr(copy, which);
    *line = at ? (int32_t)strtol(at + strlen(file), NULL, 10) : 0;
    *block = of ? (int32_t)strtol(of + strlen(which), NULL, 10) : 0;
}

static whet_status read_lines(whet_ctx *ctx, const char *lines, whet_cover *c) {
    if (!c->n_sites) return WHET_OK;
    c->points = whet_alloc_zero(ctx, c->n_sites, sizeof *c->points);
    c->point_of = whet_alloc_zero(ctx, c->n_sites, sizeof *c->point_of);
    if (!c->points || !c->point_of) return WHET_E_NOMEM;
    for (size_t i = 0; i < c->n_sites && *lines; i++) {
        const size_t n = strcspn(lines, "\n");
        int32_t line, block;
        read_line(lines, n, &line, &block);
        c->point_of[i] = find_point(c, line, block);
        lines += n + (lines[n] == '\n');
    }
    return WHET_OK;
}

whet_status whet_cover_open(whet_ctx *ctx, const whet_judge *judge, const char *source,
                            size_t n_bytes, whet_cover *c, whet_verdict *verdict) {
    whet_buf lines = { 0 };
    *c = (whet_cover){ 0 };
    whet_status st = whet_build_covered(ctx, judge, source, n_bytes, &c->object, &lines, verdict);
    if (st == WHET_OK && c->object.bytes && lines.len) {
        st = each_site(ctx, &c->object, c, put_site);
        if (st == WHET_OK) st = read_lines(ctx, lines.text, c);
    }
    whet_buf_fini(ctx, &lines);
    if (st != WHET_OK) whet_cover_close(ctx, c);
    return st;
}

void whet_cover_close(whet_ctx *ctx, whet_cover *c) {
    whet_object_fini(ctx, &c->object);
    whet_free(ctx, c->points);
    whet_free(ctx, c->sites);
    whet_free(ctx, c->point_of);
    *c = (whet_cover){ 0 };
}

whet_status whet_cover_read(whet_ctx *ctx, whet_cover *c, whet_link *link, size_t *n_left) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), n = c->object.n_bytes;
    const size_t whole = (n + page - 1) / page * page;
    whet_request request = { .op = WHET_OP_COVER, .n = (int32_t)n };
    whet_link_end end;
    whet_reply reply;
    request.sections[WHET_SECTION_OUT].bytes = whole;
    WHET_TRY(whet_link_place(ctx, link, &request));
    WHET_TRY(whet_link_ask(ctx, link, &request, 10, &end, &reply, NULL));
    if (end != WHET_LINK_ANSWERED)
        return whet_fail(ctx, WHET_E_INTERNAL, "the worker does not say what was taken");
    const char *seen = whet_link_section(link, &request, WHET_SECTION_OUT);
    for (size_t i = 0; i < c->n_sites; i++)
        if (c->sites[i] < n && seen[c->sites[i]]) c->points[c->point_of[i]].is_taken = true;
    *n_left = 0;
    for (size_t i = 0; i < c->n_points; i++)
        *n_left += !c->points[i].is_taken;
    return WHET_OK;
}
