/* SPDX-License-Identifier: MIT */
/* Small random changes to JSON-like bytes, for the tests that drive fuzz targets. */
#ifndef WHET_TESTS_MUTATE_H
#define WHET_TESTS_MUTATE_H

#include "base/buf.h"
#include "base/rng.h"

/* One to four changes within the first n_front bytes: a bit, a byte, a cut, a morsel written over,
 * a piece twice, a piece less. */
void fuzz_mutate(whet_ctx *ctx, whet_rng *rng, whet_buf *bytes, size_t n_front);

#endif
