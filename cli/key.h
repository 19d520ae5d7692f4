/* SPDX-License-Identifier: MIT */
/* The key of a server. */
#ifndef WHET_CLI_KEY_H
#define WHET_CLI_KEY_H

#include <whet/text.h>

/* Reads the key from a file descriptor (fd > 0), else from the environment, into `key`, "" when
 * there is none. With `is_taken` the variable is overwritten and removed: from then on no child
 * inherits it, and it is not in /proc. */
whet_status cli_read_key(whet_ctx *ctx, int fd, const char *variable, bool is_taken, whet_buf *key);

/* Overwrites it. */
void cli_forget_key(whet_ctx *ctx, whet_buf *key);

#endif
