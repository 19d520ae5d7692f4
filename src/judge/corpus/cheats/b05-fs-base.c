/* SPDX-License-Identifier: MIT */
/* B05-fs-base: reads thread storage of the process. Stopped by gate: object. */
#ifndef HONEST
#define BEFORE_RUN                                                                                 \
    if (__builtin_ia32_rdfsbase64() == 1) return
#endif
