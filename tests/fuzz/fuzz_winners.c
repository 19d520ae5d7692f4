/* SPDX-License-Identifier: MIT */
/* Any bytes as a file of exported winners: sources with the hashes of their receipts, or one
 * sentence that names the file. */
#include "fuzz.h"

#include <assert.h>
#include <string.h>

#include "evolve/genome.h"
#include "evolve/winners.h"

static void check(whet_ctx *ctx, const whet_winner_line *line) {
    char hex[WHET_SHA256_HEX];
    const whet_receipt *r = &line->receipt;
    assert(line->source.len > 0 && line->source.len <= WHET_MAX_SOURCE_BYTES);
    assert(strlen(line->source.text) == line->source.len);
    whet_sha256_hex(line->source.text, line->source.len, hex);
    assert(strcmp(hex, r->source_sha256) == 0);
    assert(whet_genome_hash(ctx, line->source.text, line->source.len, hex) == WHET_OK);
    assert(strcmp(hex, r->program_hash) == 0);
    assert(r->abi == WHET_KERNEL_ABI);
    assert(r->problem.n_kv_heads > 0 && r->problem.n_heads % r->problem.n_kv_heads == 0);
    assert(r->n_measured >= 0 && r->n_measured <= WHET_MAX_MEASURED);
    assert(r->n_lineage >= 0 && r->n_lineage <= WHET_MAX_LINEAGE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    whet_ctx *ctx = whet_ctx_open(NULL);
    assert(ctx);
    whet_winner_lines lines;
    const whet_status st = whet_winner_lines_read(ctx, "file", (const char *)data, size, &lines);
    assert(st == WHET_OK || (st == WHET_E_FORMAT && lines.n == 0 && !lines.lines));
    if (st != WHET_OK) assert(strncmp(whet_ctx_message(ctx), "file", 4) == 0);
    if (st == WHET_OK) assert(lines.n > 0 && lines.n <= WHET_MAX_IMPORTED);
    for (int i = 0; i < lines.n; i++)
        check(ctx, &lines.lines[i]);
    whet_winner_lines_fini(ctx, &lines);
    whet_ctx_close(ctx);
    return 0;
}
