/* SPDX-License-Identifier: MIT */
/* C09-digraph: a pragma behind the number sign's other spelling. Stopped by gate: source. */
/* clang-format off */
#ifndef HONEST
%:pragma GCC optimize("Ofast")
#endif
  /* clang-format on */
