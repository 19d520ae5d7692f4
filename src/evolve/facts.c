/* SPDX-License-Identifier: MIT */
/* Facts about a program that was built. */
#include "evolve/facts.h"

#include <stdio.h>
#include <string.h>

#include "judge/code.h"
#include "judge/elf.h"

#ifdef __x86_64__

/* Vector length and opcode of a VEX or EVEX instruction (Intel 64 and IA-32 Architectures Software
 * Developer's Manual, volume 2, 2.3 and 2.7). */
static void read_instruction(const uint8_t *code, int length, whet_facts *f) {
    int bits = 0;
    if (code[0] == 0xc5 && length > 2) bits = code[1] & 4 ? 256 : 128;
    if (code[0] == 0xc4 && length > 3) bits = code[2] & 4 ? 256 : 128;
    if (code[0] == 0x62 && length > 5) {
        bits = 128 << (code[3] >> 5 & 3);
        f->has_bf16_dot |= (code[1] & 7) == 2 && (code[2] & 3) == 2 && code[4] == 0x52;
    }
    if (bits > f->vector_bits && bits <= 512) f->vector_bits = bits;
}

static void read_code(const uint8_t *code, const Elf64_Shdr *s, whet_facts *f) {
    for (size_t at = 0; at < s->sh_size;) {
        const whet_instruction found =
            whet_instruction_read(code + at, s->sh_size - at, (int64_t)(s->sh_addr + at));
        if (found.length <= 0) return;
        read_instruction(code + at, found.length, f);
        at += (size_t)found.length;
    }
}

#else

static void read_code(const uint8_t *code, const Elf64_Shdr *s, whet_facts *f) {
    (void)code, (void)s, (void)f; /* only x86-64 is read */
}

#endif

static void read_section(const whet_elf *elf, const Elf64_Shdr *s, whet_facts *f) {
    const uint8_t *code = whet_elf_content(elf, s, 1);
    if (!code) return;
    f->code_bytes += s->sh_size;
    read_code(code, s, f);
}

static void read_segment(const whet_member *m, const char *name, char text[WHET_MAX_NAME]) {
    const whet_segment *there = whet_genome_segment(&m->genome, name);
    snprintf(text, WHET_MAX_NAME, "none");
    if (there) whet_segment_alternative(&m->genome, (int)(there - m->genome.segments), text);
}

void whet_facts_read(const whet_member *m, whet_facts *facts) {
    *facts = (whet_facts){ 0 };
    read_segment(m, "layout", facts->layout);
    read_segment(m, "softmax", facts->passes);
    whet_elf elf;
    if (!m->object.bytes || whet_elf_open(m->object.bytes, m->object.n_bytes, &elf)) return;
    for (size_t i = 0; i < elf.n_sections; i++)
        if (elf.sections[i].sh_flags & SHF_EXECINSTR) read_section(&elf, &elf.sections[i], facts);
}

static void append(char cell[WHET_CELL_BYTES], const char *text) {
    const size_t used = strlen(cell);
    snprintf(cell + used, WHET_CELL_BYTES - used, "%s%s", used ? ", " : "", text);
}

void whet_facts_cell(const whet_facts *facts, unsigned features, char cell[WHET_CELL_BYTES]) {
    char text[48];
    if (!features) features = WHET_FEATURE_LAYOUT | WHET_FEATURE_PASSES | WHET_FEATURE_VECTOR;
    *cell = '\0';
    if (features & WHET_FEATURE_LAYOUT) append(cell, facts->layout);
    if (features & WHET_FEATURE_PASSES) append(cell, facts->passes);
    if (features & WHET_FEATURE_VECTOR) {
        snprintf(text, sizeof text, "%d bits%s", facts->vector_bits,
                 facts->has_bf16_dot ? " with bf16 dot" : "");
        append(cell, text);
    }
    if (features & WHET_FEATURE_CODE) {
        size_t kib = 1;
        while (kib * 1024 < facts->code_bytes)
            kib *= 2;
        snprintf(text, sizeof text, "code to %zu KiB", kib);
        append(cell, text);
    }
}
