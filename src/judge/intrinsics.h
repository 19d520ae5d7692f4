/* SPDX-License-Identifier: MIT */
/* Intrinsics that a candidate may use, for those who write one. */
#ifndef WHET_JUDGE_INTRINSICS_H
#define WHET_JUDGE_INTRINSICS_H

/* What a processor feature brings: gates 0 to 5 take it where the machine has the feature. A test
 * builds every intrinsic that is named here. */
typedef struct whet_intrinsics {
    const char *feature; /* as whet_cpu_feature_name has it */
    const char *header, *what, *names;
} whet_intrinsics;

/* NULL for a feature that brings none. Static. */
const whet_intrinsics *whet_intrinsics_of(const char *feature);

#endif
