/* SPDX-License-Identifier: MIT */
/* C18-one-stride: takes the distance of the rows of q for that of the rows of the output.
 * Stopped by gate: correctness. */
#ifndef HONEST
#define out_stride q_stride
#endif
