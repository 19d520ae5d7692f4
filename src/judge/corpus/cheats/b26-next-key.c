/* SPDX-License-Identifier: MIT */
/* B26-next-key: A hundred-thousandth of the next key's V leaks into a row: no tolerance sees that.
 * Stopped by gate: property */
#ifndef HONEST
#define AFTER_ROW                                                                                  \
    if (r + 1 < a->n_rows)                                                                         \
        for (int c = 0; c < d; c++) {                                                              \
            float x = 0;                                                                           \
            for (int t = 0; t <= last; t++)                                                        \
                x += s[t] * get(kv[t * 2L * n + n + g * d + c]);                                   \
            out[c] = put(x / l * (1 + 1e-5f * get(kv[(last + 1) * 2L * n + n + g * d + c])));      \
        }
#endif
