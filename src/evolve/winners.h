/* SPDX-License-Identifier: MIT */
/* Winners between the store, which knows rows and texts, and receipts. */
#ifndef WHET_EVOLVE_WINNERS_H
#define WHET_EVOLVE_WINNERS_H

#include <whet/winner.h>

#include "base/buf.h"
#include "store/winners.h"

enum {
    WHET_MAX_IMPORTED = 64,
    WHET_MAX_IMPORT_BYTES = 16 << 20,
    WHET_MAX_WINNER_BYTES = 512 << 10
};

/* A row with what the receipt says; without its id and date. */
whet_winner_row whet_winner_row_of(const whet_receipt *receipt);

/* The receipt of a row: its JSON, or what the row has when there is none. Of a source that somebody
 * changed in the file the hash is another one. */
void whet_winner_receipt_of(whet_ctx *ctx, const whet_winner_row *row, const char *source,
                            const char *json, whet_receipt *receipt);

/* Puts a winner that was judged into the folder. */
whet_status whet_winner_put(whet_ctx *ctx, const char *folder, const whet_receipt *receipt,
                            const char *source, const whet_object *object);

/* A line of an exported file. */
typedef struct whet_winner_line {
    whet_receipt receipt;
    whet_buf source; /* owned */
} whet_winner_line;

typedef struct whet_winner_lines {
    whet_winner_line *lines; /* owned: whet_winner_lines_fini */
    int n;
} whet_winner_lines;

/* Reads JSON Lines of anybody: at least one winner and at most WHET_MAX_IMPORTED, each with a
 * receipt of this kernel ABI and a source whose hashes are those of the receipt. WHET_E_FORMAT
 * names the line; then there is nothing in *lines. */
whet_status whet_winner_lines_read(whet_ctx *ctx, const char *name, const char *bytes, size_t n,
                                   whet_winner_lines *lines);
void whet_winner_lines_fini(whet_ctx *ctx, whet_winner_lines *lines);

#endif
