/* SPDX-License-Identifier: MIT */
/* Filling verdicts. */
#ifndef WHET_JUDGE_VERDICT_H
#define WHET_JUDGE_VERDICT_H

#include <whet/judge.h>

/* Rejects: code, gate and the sentence. What was known of the case stays. */
void whet_verdict_reject(whet_verdict *verdict, whet_verdict_code code, whet_gate gate,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif
