/* SPDX-License-Identifier: MIT */
/* Proof of execution: a copy of the object whose `run` returns at once must be found wrong. If it
 * is not, then it was not the object's code that gave the outputs. */
#include "judge/proof.h"

#include <stddef.h>
#include <string.h>

#include "judge/elf.h"

#if defined(__x86_64__)
static const unsigned char return_code[] = { 0xc3 };
#elif defined(__aarch64__)
static const unsigned char return_code[] = { 0xc0, 0x03, 0x5f, 0xd6 };
#else
static const unsigned char return_code[] = { 0 };
#endif

/* The address of the exported table, 0 when there is none. */
static uint64_t table_address(const whet_elf *elf) {
    for (size_t i = 0; i < elf->n_sections; i++) {
        const Elf64_Shdr *s = &elf->sections[i];
        const Elf64_Sym *symbols = s->sh_type == SHT_DYNSYM ? whet_elf_content(elf, s, 8) : NULL;
        for (size_t j = 0; symbols && j < s->sh_size / sizeof *symbols; j++)
            if (strcmp(whet_elf_string(elf, s->sh_link, symbols[j].st_name), WHET_KERNEL_SYMBOL) ==
                0)
                return symbols[j].st_value;
    }
    return 0;
}

/* Where the pointer `run` of the table will lead to. */
static uint64_t run_address(const whet_elf *elf) {
    const uint64_t slot = table_address(elf) + offsetof(whet_attention_kernel, run);
    for (size_t i = 0; i < elf->n_sections; i++) {
        const Elf64_Shdr *s = &elf->sections[i];
        const Elf64_Rela *r = s->sh_type == SHT_RELA ? whet_elf_content(elf, s, 8) : NULL;
        for (size_t j = 0; r && j < s->sh_size / sizeof *r; j++)
            if (r[j].r_offset == slot && ELF64_R_SYM(r[j].r_info) == 0)
                return (uint64_t)r[j].r_addend;
    }
    return 0;
}

/* The place of an address of code among the bytes; 0 when it has none. */
static size_t place_of(const whet_elf *elf, uint64_t address) {
    for (size_t i = 0; i < elf->n_sections; i++) {
        const Elf64_Shdr *s = &elf->sections[i];
        if ((s->sh_flags & SHF_EXECINSTR) && address - s->sh_addr < s->sh_size &&
            whet_elf_content(elf, s, 1))
            return (size_t)(s->sh_offset + (address - s->sh_addr));
    }
    return 0;
}

whet_status whet_proof_spoil(whet_ctx *ctx, const whet_object *object, whet_object *copy) {
    whet_elf elf;
    *copy = (whet_object){ 0 };
    if (sizeof return_code < 1 || return_code[0] == 0 || !object->bytes ||
        whet_elf_open(object->bytes, object->n_bytes, &elf))
        return WHET_OK;
    const size_t at = place_of(&elf, run_address(&elf));
    if (at == 0 || at + sizeof return_code > object->n_bytes) return WHET_OK;
    copy->bytes = whet_alloc(ctx, object->n_bytes);
    if (!copy->bytes) return WHET_E_NOMEM;
    memcpy(copy->bytes, object->bytes, object->n_bytes);
    memcpy((char *)copy->bytes + at, return_code, sizeof return_code);
    copy->n_bytes = object->n_bytes;
    return WHET_OK;
}

whet_status whet_proof_check(whet_ctx *ctx, const whet_judge *judge, const whet_object *object,
                             whet_verdict *verdict) {
    whet_object copy;
    whet_link link = { 0 };
    whet_link_end end;
    whet_reply reply;
    whet_verdict found = { 0 };
    WHET_TRY(whet_proof_spoil(ctx, object, &copy));
    if (!copy.bytes) return WHET_OK;
    whet_status st =
        whet_link_open(ctx, judge->opts.worker, &copy, &judge->opts.problem, &link, &end, &reply);
    if (st == WHET_OK) whet_link_blame(end, &reply, 0, &found);
    if (st == WHET_OK && found.code == WHET_V_PASS && judge->bank->n_cases > 0)
        st = whet_judge_case(ctx, judge, &judge->bank->cases[0], &link, &found);
    if (st == WHET_OK && found.code == WHET_V_PASS)
        whet_verdict_reject(verdict, WHET_V_UNPROVEN, WHET_GATE_PROPERTY,
                            "a copy whose run returns at once gives the same outputs");
    if (st == WHET_OK) verdict->spoiled = found.code;
    whet_link_close(&link);
    whet_object_fini(ctx, &copy);
    return st;
}
