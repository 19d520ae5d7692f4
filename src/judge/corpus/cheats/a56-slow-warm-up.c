/* SPDX-License-Identifier: MIT */
/* A56-slow-warm-up: sleeps in its first calls. Stopped by gate: smoke. */
#ifndef HONEST
#define BEFORE_RUN for (volatile long i = 0; a->pos < 3 && i < 20000000000; i++)
#endif
