/* SPDX-License-Identifier: MIT */
/* The weights of the wide golden model, made from a formula (tools/golden/wide.py says which). */
#ifndef WHET_TESTS_MODEL_WIDE_MODEL_H
#define WHET_TESTS_MODEL_WIDE_MODEL_H

#include <stdbool.h>

/* Writes dir/model.safetensors (67 MB, whole or not at all) beside the config.json that lies in
 * golden/wide. Several processes may do it at once. False: the file system did not take it. */
bool write_wide_model(const char *dir);

#endif
