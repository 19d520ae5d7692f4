/* SPDX-License-Identifier: MIT */
/* C19-shared-scratch: all workers write their scores to the same memory, which harms nobody where
 * they run one after the other. Stopped by gate: smoke. */
#ifndef HONEST
#define BEFORE_RUN s = a->workspace
#endif
