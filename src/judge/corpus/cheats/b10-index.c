/* SPDX-License-Identifier: MIT */
/* B10-index: reads behind the end of a table, whatever lies there. Stopped by gate: sanitizer. */
#ifndef HONEST
static const uint8_t steps[4] = { 1, 1, 1, 1 };
#define AFTER_ROW                                                                                  \
    if (steps[last & 7] == 77) out[0] = 0
#endif
