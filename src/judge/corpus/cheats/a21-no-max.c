/* SPDX-License-Identifier: MIT */
/* A21-no-max: subtracts no maximum. Stopped by gate: correctness. */
#ifndef HONEST
#define MAX 0
#endif
