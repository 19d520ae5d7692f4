/* SPDX-License-Identifier: MIT */
/* A51-compile-bomb: asks for a terabyte. Stopped by gate: build. */
#ifndef HONEST
const char bomb[1L << 40] = { 1 };
#endif
