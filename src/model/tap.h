/* SPDX-License-Identifier: MIT */
/* Watching the attention of a session: what its kernel was given, and what it answered. */
#ifndef WHET_MODEL_TAP_H
#define WHET_MODEL_TAP_H

#include <whet/model.h>

/* Called by one worker behind every call of the kernel, while nothing of it is written: the rows
 * that were appended and the query rows, in the problem's dtype, and the output. */
typedef void (*whet_tap_fn)(void *data, int layer, const whet_append_args *append,
                            const whet_run_args *run);

/* From now on; fn NULL: no more. */
void whet_session_tap(whet_session *session, whet_tap_fn fn, void *data);

#endif
