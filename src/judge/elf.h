/* SPDX-License-Identifier: MIT */
/* Reading a shared object from bytes that a stranger may have written. */
#ifndef WHET_JUDGE_ELF_H
#define WHET_JUDGE_ELF_H

#include <elf.h>
#include <stdbool.h>
#include <stddef.h>

/* A view of the bytes; everything that it points to lies within them, at its alignment. */
typedef struct whet_elf {
    const unsigned char *bytes;
    size_t n_bytes;
    const Elf64_Ehdr *header;
    const Elf64_Shdr *sections;
    size_t n_sections;
    const Elf64_Phdr *segments;
    size_t n_segments;
} whet_elf;

/* NULL, or what is wrong with it: not a shared object of this processor, tables past the end. */
const char *whet_elf_open(const void *bytes, size_t n, whet_elf *elf);

/* Bytes of a section that lie in the file; NULL when they do not, or are not aligned to `align`. */
const void *whet_elf_content(const whet_elf *elf, const Elf64_Shdr *section, size_t align);

/* A string of a string table, "" when it is not one. */
const char *whet_elf_string(const whet_elf *elf, size_t table, size_t at);

const char *whet_elf_section_name(const whet_elf *elf, const Elf64_Shdr *section);

#endif
