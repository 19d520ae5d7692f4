/* SPDX-License-Identifier: MIT */
/* H01-three-pass: three passes in f32, slow. Must pass. */
