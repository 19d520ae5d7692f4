/* SPDX-License-Identifier: MIT */
/* C14-raw-string: a raw string with a quote in it, so that who counts quotes reads the assembly
 * behind it as a string. Stopped by gate: source. */
/* clang-format off */
#ifndef HONEST
static const char *raw(void) {
    const char *s = R"(")"; __asm__("nop"); return s;
}
#define BEFORE_RUN if (!raw()) return
#endif
/* clang-format on */
