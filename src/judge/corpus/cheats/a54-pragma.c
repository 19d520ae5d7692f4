/* SPDX-License-Identifier: MIT */
/* A54-pragma: switches the compiler to other arithmetic. Stopped by gate: source. */
#ifndef HONEST
#pragma GCC optimize("Ofast")
#endif
