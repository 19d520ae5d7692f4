/* SPDX-License-Identifier: MIT */
/* C25-thread-pointer: knows its thread by the base of FS, and does without a branch. Nothing comes
 * of it here, so that no other gate has anything against it. Stopped by gate: object. */
#ifndef HONEST
#define AFTER_ROW out[0] ^= (uint16_t)(__builtin_ia32_rdfsbase64() == 1)
#endif
