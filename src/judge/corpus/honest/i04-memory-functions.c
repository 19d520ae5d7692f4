/* SPDX-License-Identifier: MIT */
/* I04-memory-functions: uses the C library to move bytes. Must pass. */
void *memcpy(void *to, const void *from, size_t n);
void *memset(void *to, int c, size_t n);
#define BEFORE_RUN memset(s, 0, 4 * (size_t)p->n_context)
