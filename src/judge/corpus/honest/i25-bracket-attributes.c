/* SPDX-License-Identifier: MIT */
/* I25-bracket-attributes: attributes that are allowed, in brackets, and names with an R before a
 * quote in a comment: R"(". */
[[gnu::unused]] static const int number_of_R = 1;
#define AFTER_ROW                                                                                  \
    switch (d & 1) {                                                                               \
    case 0: s[0] = (float)number_of_R; [[fallthrough]];                                            \
    default: break;                                                                                \
    }
