/* SPDX-License-Identifier: MIT */
/* A01-noop: returns at once. Stopped by gate: smoke. */
#ifndef HONEST
#define BEFORE_RUN return
#endif
