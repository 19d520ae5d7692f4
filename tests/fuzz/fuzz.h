/* SPDX-License-Identifier: MIT */
/* A fuzz target: libFuzzer links it with its own main, tests call it with mutated vectors. */
#ifndef WHET_TESTS_FUZZ_H
#define WHET_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>

/* Gives 0. What must hold is asserted inside. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
