/* SPDX-License-Identifier: MIT */
/* B29-void-rows: Looks into the row behind the last one, where a row that was taken back may lie.
 * Stopped by gate: correctness */
#ifndef HONEST
#define AFTER_ROW                                                                                  \
    if (last == a->pos + a->n_rows - 1 && last + 1 < a->capacity && a->capacity > last + 20)       \
        for (int c = 0; c < d; c++) {                                                              \
            float x = 0;                                                                           \
            for (int t = 0; t <= last; t++)                                                        \
                x += s[t] * get(kv[t * 2L * n + n + g * d + c]);                                   \
            out[c] = put(x / l + 1e-6f * get(kv[(last + 1) * 2L * n + n + g * d + c]));            \
        }
#endif
