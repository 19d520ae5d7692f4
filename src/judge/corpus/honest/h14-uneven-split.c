/* SPDX-License-Identifier: MIT */
/* H14-uneven-split: the first worker does all that is odd. Must pass. */
#define OWNS(h) (((h) % 2 ? 0 : (h) % n_workers) == worker)
