/* SPDX-License-Identifier: MIT */
/* Every instruction of the object. Jumps lead to the beginnings of instructions only, and pointers
 * are called through the loader's slots only: so the bytes between are never run as something
 * else, and a constant that looks like a system call is harmless. */
#include "judge/object.h"

#include <inttypes.h>
#include <string.h>

#ifdef __x86_64__

#include "judge/code.h"

static const int64_t max_frame = 256 << 10;

static void reject(whet_verdict *v, int64_t at, const char *what) {
    if (v->code == WHET_V_PASS)
        whet_verdict_reject(v, WHET_V_FORBIDDEN, WHET_GATE_OBJECT,
                            "its code has %s (at 0x%" PRIx64 ")", what, (uint64_t)at);
}

static const Elf64_Shdr *code_at(const whet_elf *elf, int64_t address) {
    for (size_t i = 0; i < elf->n_sections; i++) {
        const Elf64_Shdr *s = &elf->sections[i];
        if ((s->sh_flags & SHF_EXECINSTR) && (uint64_t)address - s->sh_addr < s->sh_size &&
            whet_elf_content(elf, s, 1))
            return s;
    }
    return NULL;
}

/* The pointer that the loader puts there is a function of the list. */
static bool is_slot(const whet_elf *elf, int64_t address) {
    for (size_t i = 0; i < elf->n_sections; i++) {
        const Elf64_Shdr *s = &elf->sections[i];
        const Elf64_Rela *r = s->sh_type == SHT_RELA ? whet_elf_content(elf, s, 8) : NULL;
        for (size_t j = 0; r && j < s->sh_size / sizeof *r; j++) {
            const uint32_t type = (uint32_t)ELF64_R_TYPE(r[j].r_info);
            if (r[j].r_offset == (uint64_t)address &&
                (type == R_X86_64_JUMP_SLOT || type == R_X86_64_GLOB_DAT))
                return true;
        }
    }
    return false;
}

/* The first entry of a lazy table leads to the loader; all others come through slots. */
static bool is_loaders(const whet_elf *elf, const Elf64_Shdr *s, int64_t at) {
    return at < 16 && strcmp(whet_elf_section_name(elf, s), ".plt") == 0;
}

/* One bit for each byte of the object: an instruction begins there. */
typedef struct begins {
    uint8_t *bits;
} begins;

static void mark(const whet_elf *elf, const Elf64_Shdr *s, begins *b, whet_verdict *v) {
    const uint8_t *code = whet_elf_content(elf, s, 1);
    const int64_t base = (int64_t)s->sh_addr;
    if (!code) reject(v, base, "no bytes");
    for (size_t at = 0; code && at < s->sh_size && v->code == WHET_V_PASS;) {
        const int64_t address = base + (int64_t)at;
        const whet_instruction found = whet_instruction_read(code + at, s->sh_size - at, address);
        const size_t in_file = s->sh_offset + at;
        if (!found.length) reject(v, address, "bytes that are no known instruction");
        if (found.reason) reject(v, address, found.reason);
        if (found.frame < 0 || found.frame > max_frame)
            reject(v, address, "a stack frame too large");
        if (found.is_through_slot && !is_slot(elf, found.target) &&
            !is_loaders(elf, s, (int64_t)at))
            reject(v, address, "an indirect call or jump");
        b->bits[in_file / 8] |= (uint8_t)(1 << in_file % 8);
        at += (size_t)found.length;
    }
}

static void check_branches(const whet_elf *elf, const Elf64_Shdr *s, const begins *b,
                           whet_verdict *v) {
    const uint8_t *code = whet_elf_content(elf, s, 1);
    for (size_t at = 0; code && at < s->sh_size && v->code == WHET_V_PASS;) {
        const int64_t address = (int64_t)(s->sh_addr + at);
        const whet_instruction found = whet_instruction_read(code + at, s->sh_size - at, address);
        const Elf64_Shdr *to = found.is_branch ? code_at(elf, found.target) : s;
        const size_t in_file =
            to ? to->sh_offset + (size_t)(found.target - (int64_t)to->sh_addr) : 0;
        if (found.is_branch && (!to || !(b->bits[in_file / 8] >> in_file % 8 & 1)))
            reject(v, address, "a jump to where no instruction begins");
        at += (size_t)found.length;
    }
}

whet_status whet_object_check_code(whet_ctx *ctx, const whet_elf *elf, whet_verdict *v) {
    begins b = { whet_alloc_zero(ctx, elf->n_bytes / 8 + 1, 1) };
    if (!b.bits) return WHET_E_NOMEM;
    for (size_t i = 0; i < elf->n_sections && v->code == WHET_V_PASS; i++)
        if (elf->sections[i].sh_flags & SHF_EXECINSTR) mark(elf, &elf->sections[i], &b, v);
    for (size_t i = 0; i < elf->n_sections && v->code == WHET_V_PASS; i++)
        if (elf->sections[i].sh_flags & SHF_EXECINSTR)
            check_branches(elf, &elf->sections[i], &b, v);
    whet_free(ctx, b.bits);
    return WHET_OK;
}

#else

/* Only x86-64 is read so far; the other rules hold everywhere. */
whet_status whet_object_check_code(whet_ctx *ctx, const whet_elf *elf, whet_verdict *v) {
    (void)ctx, (void)elf, (void)v;
    return WHET_OK;
}

#endif
