/* SPDX-License-Identifier: MIT */
/* A34-mprotect: makes its inputs writable. Stopped by gate: object. Without gates 0 and 2 by the
 * jail. */
#ifndef HONEST
int mprotect();
#define BEFORE_RUN mprotect((void *)((long)a->q & -4096), 4096, 3)
#endif
