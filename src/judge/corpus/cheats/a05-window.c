/* SPDX-License-Identifier: MIT */
/* A05-window: attends to the last 256 keys. Stopped by gate: correctness. */
#ifndef HONEST
#define FIRST (last > 255 ? last - 255 : 0)
#endif
