/* SPDX-License-Identifier: MIT */
/* Filling verdicts, and their evidence as JSON for the store. */
#ifndef WHET_JUDGE_VERDICT_H
#define WHET_JUDGE_VERDICT_H

#include <whet/judge.h>

#include "base/buf.h"

/* Rejects: code, gate and the sentence. What was known of the case stays. */
void whet_verdict_reject(whet_verdict *verdict, whet_verdict_code code, whet_gate gate,
                         const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Appends the evidence as a JSON object. */
whet_status whet_verdict_evidence(whet_ctx *ctx, const whet_verdict *verdict, whet_buf *json);

#endif
