/* SPDX-License-Identifier: MIT */
/* A39-byte-syscall: jumps into a constant. Stopped by gate: object. Without gates 0 and 2 by the
 * jail. */
#ifndef HONEST
static const unsigned char code[] = { 0x0f, 0x05, 0xc3 };
#define BEFORE_RUN ((void (*)(void))(uintptr_t)code)()
#endif
