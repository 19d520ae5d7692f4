/* SPDX-License-Identifier: MIT */
/* flags/unroll: loops of unknown length are unrolled too */
#pragma GCC optimize("unroll-loops")
