/* SPDX-License-Identifier: MIT */
/* C11-build-macro: a macro that gcc defines in builds with line numbers only: what it hides would
 * not be in the build that counts what is executed. Stopped by gate: sanitizer, which compiles what
 * was preprocessed with the candidates' own flags. */
#if !defined HONEST && !defined __GCC_HAVE_DWARF2_CFI_ASM
#define AFTER_ROW                                                                                  \
    if (last * 7 % 100003 == 99991) out[0] ^= 0x100
#endif
