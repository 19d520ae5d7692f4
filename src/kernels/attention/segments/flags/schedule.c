/* SPDX-License-Identifier: MIT */
/* flags/schedule: instructions are ordered before registers are dealt out, too */
#pragma GCC optimize("schedule-insns")
