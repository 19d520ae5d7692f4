/* SPDX-License-Identifier: MIT */
/* A key is never an argument: everybody can read those. */
#include "key.h"

#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { MAX_KEY_BYTES = 4096 };

/* A header is one line of printable characters. */
static bool is_key(const char *text) {
    for (const char *c = text; *c; c++)
        if (*c <= ' ' || *c > '~') return false;
    return true;
}

whet_status cli_read_key(whet_ctx *ctx, int fd, const char *variable, bool is_taken,
                         whet_buf *key) {
    char *there = getenv(variable);
    whet_status st = WHET_OK;
    whet_buf_clear(key);
    if (fd > 0)
        st = whet_fd_read(ctx, fd, "--key-fd", MAX_KEY_BYTES, key);
    else
        st = whet_buf_puts(ctx, key, there ? there : "");
    if (there && is_taken) {
        explicit_bzero(there, strlen(there));
        unsetenv(variable);
    }
    if (st != WHET_OK) return st;
    while (key->len && strchr("\r\n", key->text[key->len - 1]))
        key->text[--key->len] = '\0';
    if (strlen(key->text ? key->text : "") == key->len && (!key->len || is_key(key->text)))
        return WHET_OK;
    cli_forget_key(ctx, key);
    return cli_usage("%s: a key is one word of ASCII", fd > 0 ? "--key-fd" : variable);
}

void cli_forget_key(whet_ctx *ctx, whet_buf *key) {
    if (key->text) explicit_bzero(key->text, key->len);
    whet_buf_fini(ctx, key);
}
