/* SPDX-License-Identifier: MIT */
/* The rules of gate 2. An accepted object later runs in the user's own process: what is proved here
 * about its bytes is then the only guard. */
#include "judge/object.h"

#include <inttypes.h>
#include <string.h>

#include <whet/kernel.h>

/* Arithmetic without errno-dependent state that matters, and moving bytes. */
static const char *const functions[] = {
    "memcpy", "memset",  "memmove",   "memcmp",   "expf",   "exp2f", "expm1f",     "exp",
    "exp2",   "expm1",   "logf",      "log2f",    "log1pf", "log",   "log2",       "log1p",
    "powf",   "pow",     "sqrtf",     "sqrt",     "fabsf",  "fabs",  "fmaxf",      "fmax",
    "fminf",  "fmin",    "fmaf",      "fma",      "floorf", "floor", "ceilf",      "ceil",
    "roundf", "round",   "rintf",     "rint",     "truncf", "trunc", "nearbyintf", "nearbyint",
    "ldexpf", "ldexp",   "scalbnf",   "scalbn",   "tanhf",  "tanh",  "fmodf",      "fmod",
    "lrintf", "lroundf", "copysignf", "copysign", "hypotf", "cosf",  "sinf",       "roundevenf",
};

static void reject(whet_verdict *v, const char *what, const char *which) {
    if (v->code == WHET_V_PASS)
        whet_verdict_reject(v, WHET_V_FORBIDDEN, WHET_GATE_OBJECT, "%s%.80s", what, which);
}

static bool is_one_of(const char *name, const char *const *list, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, list[i]) == 0) return true;
    return false;
}

static bool starts(const char *name, const char *with) {
    return strncmp(name, with, strlen(with)) == 0;
}

/* Written by the linker and the loader only; read-only before the first call. */
static bool is_relro(const char *name) {
    return starts(name, ".data.rel.ro") || strcmp(name, ".got") == 0 ||
           strcmp(name, ".got.plt") == 0 || strcmp(name, ".dynamic") == 0;
}

static void check_section(const whet_elf *elf, const Elf64_Shdr *s, whet_verdict *v) {
    const char *name = whet_elf_section_name(elf, s);
    if (!(s->sh_flags & SHF_ALLOC) || s->sh_size == 0) return;
    if (s->sh_flags & SHF_TLS)
        reject(v, "it keeps state in thread storage: ", name);
    else if (s->sh_type == SHT_INIT_ARRAY || s->sh_type == SHT_FINI_ARRAY ||
             s->sh_type == SHT_PREINIT_ARRAY || strcmp(name, ".init") == 0 ||
             strcmp(name, ".fini") == 0 || strcmp(name, ".ctors") == 0 ||
             strcmp(name, ".dtors") == 0)
        reject(v, "it has code that runs by itself: ", name);
    else if ((s->sh_flags & SHF_WRITE) && (s->sh_flags & SHF_EXECINSTR))
        reject(v, "it has code that can be written: ", name);
    else if ((s->sh_flags & SHF_WRITE) && (s->sh_type == SHT_NOBITS || !is_relro(name)))
        reject(v, "it keeps state in a writable variable: ", name);
}

static void check_segments(const whet_elf *elf, whet_verdict *v) {
    bool has_stack = false;
    for (size_t i = 0; i < elf->n_segments; i++) {
        const Elf64_Phdr *p = &elf->segments[i];
        has_stack |= p->p_type == PT_GNU_STACK;
        if (p->p_type == PT_GNU_STACK && (p->p_flags & PF_X))
            reject(v, "its stack is executable", "");
        if (p->p_type == PT_TLS) reject(v, "it keeps state in thread storage", "");
        if (p->p_type == PT_INTERP) reject(v, "it names a loader of its own", "");
        if (p->p_type == PT_LOAD && (p->p_flags & PF_X) && (p->p_flags & PF_W))
            reject(v, "it has code that can be written", "");
    }
    if (!has_stack) reject(v, "it does not say that its stack is not executable", "");
}

static void check_dynamic(const whet_elf *elf, const Elf64_Shdr *s, whet_verdict *v) {
    static const char *const libraries[] = { "libm.so.6", "libc.so.6" };
    const Elf64_Dyn *d = whet_elf_content(elf, s, 8);
    if (!d) reject(v, "its dynamic section lies outside of it", "");
    for (size_t i = 0; d && i < s->sh_size / sizeof *d && d[i].d_tag != DT_NULL; i++) {
        const char *name = whet_elf_string(elf, s->sh_link, d[i].d_un.d_val);
        switch (d[i].d_tag) {
        case DT_INIT:
        case DT_FINI:
        case DT_INIT_ARRAY:
        case DT_FINI_ARRAY:
        case DT_PREINIT_ARRAY: reject(v, "it has code that runs by itself", ""); break;
        case DT_TEXTREL: reject(v, "its code is rewritten when it is loaded", ""); break;
        case DT_RPATH:
        case DT_RUNPATH:
        case DT_AUDIT:
        case DT_DEPAUDIT:
        case DT_FILTER:
        case DT_AUXILIARY: reject(v, "it leads the loader to other files", ""); break;
        case DT_NEEDED:
            if (!is_one_of(name, libraries, 2)) reject(v, "it needs another library: ", name);
            break;
        default: break;
        }
    }
}

static bool check_symbols(const whet_elf *elf, const Elf64_Shdr *s, whet_verdict *v) {
    const Elf64_Sym *symbols = whet_elf_content(elf, s, 8);
    if (!symbols) reject(v, "its symbols lie outside of it", "");
    bool has_kernel = false;
    for (size_t i = 1; symbols && i < s->sh_size / sizeof *symbols; i++) {
        const char *name = whet_elf_string(elf, s->sh_link, symbols[i].st_name);
        const int type = ELF64_ST_TYPE(symbols[i].st_info);
        const bool is_kernel = strcmp(name, WHET_KERNEL_SYMBOL) == 0;
        if (type == STT_GNU_IFUNC) reject(v, "a function is chosen while it is loaded: ", name);
        if (type == STT_TLS) reject(v, "it keeps state in thread storage: ", name);
        if (symbols[i].st_shndx == SHN_UNDEF) {
            if (!is_one_of(name, functions, sizeof functions / sizeof *functions))
                reject(v, "it uses a function that is not on the list: ", name);
        } else if (!is_kernel && ELF64_ST_BIND(symbols[i].st_info) != STB_LOCAL) {
            reject(v, "it exports more than " WHET_KERNEL_SYMBOL " (make it static): ", name);
        }
        has_kernel |= is_kernel && symbols[i].st_shndx != SHN_UNDEF && type == STT_OBJECT;
    }
    return has_kernel;
}

static void check_relocations(const whet_elf *elf, const Elf64_Shdr *s, whet_verdict *v) {
    const Elf64_Rela *r = whet_elf_content(elf, s, 8);
    if (!r) reject(v, "its relocations lie outside of it", "");
    for (size_t i = 0; r && i < s->sh_size / sizeof *r; i++) {
        const uint32_t type = (uint32_t)ELF64_R_TYPE(r[i].r_info);
#ifdef __x86_64__
        const bool is_plain = type == R_X86_64_RELATIVE || type == R_X86_64_GLOB_DAT ||
                              type == R_X86_64_JUMP_SLOT || type == R_X86_64_64;
#else
        const bool is_plain = type == R_AARCH64_RELATIVE || type == R_AARCH64_GLOB_DAT ||
                              type == R_AARCH64_JUMP_SLOT || type == R_AARCH64_ABS64;
#endif
        if (!is_plain) reject(v, "a relocation runs code or reaches thread storage", "");
    }
}

whet_status whet_object_check(whet_ctx *ctx, const void *bytes, size_t n, whet_verdict *v) {
    whet_elf elf;
    bool has_kernel = false;
    const char *wrong = whet_elf_open(bytes, n, &elf);
    if (wrong) {
        reject(v, wrong, "");
        return WHET_OK;
    }
    for (size_t i = 0; i < elf.n_sections && v->code == WHET_V_PASS; i++) {
        const Elf64_Shdr *s = &elf.sections[i];
        check_section(&elf, s, v);
        if (s->sh_type == SHT_DYNAMIC) check_dynamic(&elf, s, v);
        if (s->sh_type == SHT_DYNSYM) has_kernel |= check_symbols(&elf, s, v);
        if (s->sh_type == SHT_RELA) check_relocations(&elf, s, v);
        if (s->sh_type == SHT_REL) reject(v, "its relocations are of another kind", "");
    }
    check_segments(&elf, v);
    if (v->code == WHET_V_PASS && !has_kernel)
        whet_verdict_reject(v, WHET_V_UNSUPPORTED, WHET_GATE_OBJECT,
                            "no symbol " WHET_KERNEL_SYMBOL " is exported");
    return v->code == WHET_V_PASS ? whet_object_check_code(ctx, &elf, v) : WHET_OK;
}
