/* SPDX-License-Identifier: MIT */
/* items/many: a work item has many rows of one KV head, whose K and V stay near while they take
 * turns */
// fits: share/grouped softmax/squares
#define QUERIES 64 // knob: 64 128 256
