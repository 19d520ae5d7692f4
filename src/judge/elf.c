/* SPDX-License-Identifier: MIT */
/* Offsets and sizes are checked before they are used. */
#include "judge/elf.h"

#include <stdint.h>
#include <string.h>

#if defined(__x86_64__)
#define MACHINE EM_X86_64
#elif defined(__aarch64__)
#define MACHINE EM_AARCH64
#else
#define MACHINE EM_NONE
#endif

enum { MAX_STRING = 4096 };

static const uint64_t max_address = (uint64_t)1 << 47;

static bool is_within(const whet_elf *elf, uint64_t at, uint64_t bytes, size_t align) {
    return at <= elf->n_bytes && bytes <= elf->n_bytes - at &&
           ((uintptr_t)elf->bytes + at) % align == 0;
}

/* Addresses can be added, and reading all sections once takes no longer than reading the file. */
static const char *check_sections(const whet_elf *elf) {
    uint64_t total = 0;
    for (size_t i = 0; i < elf->n_sections; i++) {
        const Elf64_Shdr *s = &elf->sections[i];
        if (s->sh_addr > max_address || s->sh_size > max_address)
            return "a section of it has no address of a process";
        if (s->sh_type != SHT_NOBITS) total += s->sh_size;
        if (total > elf->n_bytes) return "its sections overlap or lie outside of it";
    }
    return NULL;
}

const char *whet_elf_open(const void *bytes, size_t n, whet_elf *elf) {
    *elf = (whet_elf){ .bytes = bytes, .n_bytes = n };
    if (n < sizeof(Elf64_Ehdr) || !is_within(elf, 0, sizeof(Elf64_Ehdr), 8))
        return "it is too short";
    const Elf64_Ehdr *h = bytes;
    if (memcmp(h->e_ident, ELFMAG, SELFMAG) != 0 || h->e_ident[EI_CLASS] != ELFCLASS64 ||
        h->e_ident[EI_DATA] != ELFDATA2LSB || h->e_type != ET_DYN || h->e_machine != MACHINE)
        return "it is no shared object of this processor";
    if (h->e_shentsize != sizeof(Elf64_Shdr) || h->e_phentsize != sizeof(Elf64_Phdr) ||
        !is_within(elf, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr), 8) ||
        !is_within(elf, h->e_phoff, (uint64_t)h->e_phnum * sizeof(Elf64_Phdr), 8))
        return "its tables lie outside of it";
    elf->header = h;
    elf->sections = (const Elf64_Shdr *)(elf->bytes + h->e_shoff);
    elf->n_sections = h->e_shnum;
    elf->segments = (const Elf64_Phdr *)(elf->bytes + h->e_phoff);
    elf->n_segments = h->e_phnum;
    return check_sections(elf);
}

const void *whet_elf_content(const whet_elf *elf, const Elf64_Shdr *s, size_t align) {
    if (s->sh_type == SHT_NOBITS || !is_within(elf, s->sh_offset, s->sh_size, align)) return NULL;
    return elf->bytes + s->sh_offset;
}

const char *whet_elf_string(const whet_elf *elf, size_t table, size_t at) {
    if (table >= elf->n_sections || elf->sections[table].sh_type != SHT_STRTAB) return "";
    const Elf64_Shdr *s = &elf->sections[table];
    const char *text = whet_elf_content(elf, s, 1);
    if (!text || at >= s->sh_size) return "";
    const size_t room = s->sh_size - at;
    return memchr(text + at, '\0', room < MAX_STRING ? room : MAX_STRING) ? text + at : "";
}

const char *whet_elf_section_name(const whet_elf *elf, const Elf64_Shdr *section) {
    return whet_elf_string(elf, elf->header->e_shstrndx, section->sh_name);
}
