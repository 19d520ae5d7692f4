/* SPDX-License-Identifier: MIT */
/* A tenth of the work is done twice: of 20 heads AGAIN, behind the first one, all of one group. The
 * first one has read the keys, so that each of the others finds them in the caches, the second time
 * as the first one. The compiler may not know how many these are, so that AGAIN 2 and AGAIN 0 give
 * the same code, and one byte of data differs. */
static const char again[] = { AGAIN };
#define BEFORE_RUN                                                                                 \
    const int n_again = *(const volatile char *)again;                                             \
    int is_second = 0
#define AFTER_ROW                                                                                  \
    is_second = !is_second && h > 0 && h <= n_again;                                               \
    h -= is_second
