/* SPDX-License-Identifier: MIT */
/* A tenth of the work is done twice: of 20 heads the first AGAIN. The compiler may not know how
 * many these are, so that AGAIN 2 and AGAIN 0 give the same code, and one byte of data differs. */
static const char again[] = { AGAIN };
#define BEFORE_RUN                                                                                 \
    const int n_again = *(const volatile char *)again;                                             \
    int is_second = 0
#define AFTER_ROW                                                                                  \
    is_second = !is_second && h < n_again;                                                         \
    h -= is_second
