/* SPDX-License-Identifier: MIT */
/* flags/no-vectorize: the compiler makes no vectors of its own; those in the text stay */
#pragma GCC optimize("no-tree-vectorize")
