/* SPDX-License-Identifier: MIT */
/* C10-digraph-include: looks whether a file is there. Stopped by gate: source. */
/* clang-format off */
#ifndef HONEST
%:include "/etc/passwd"
#endif
  /* clang-format on */
