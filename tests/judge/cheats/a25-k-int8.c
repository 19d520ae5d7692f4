/* SPDX-License-Identifier: MIT */
/* A25-k-int8: quantises K to steps of 1/16. Stopped by gate: correctness. */
#ifndef HONEST
float roundf(float x);
#define KEY(x) (roundf((x)*16) / 16)
#endif
