/* SPDX-License-Identifier: MIT */
/* B03-thread-local: keeps state in thread storage. Stopped by gate: source. */
#ifndef HONEST
static __thread int n;
#define BEFORE_RUN n++
#endif
