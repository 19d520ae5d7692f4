/* SPDX-License-Identifier: MIT */
/* Sittings apart in time. */
#include "sittings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

enum { MAX_SITTINGS = 100 };

/* "10m", "30s", "1h". */
static whet_status read_apart(const char *apart, double *seconds) {
    char *end;
    const double n = strtod(apart, &end);
    const char *units = "smh", *unit = *end ? strchr(units, *end) : NULL;
    if (end == apart || !unit || end[1] || !(n >= 0) || n > 1e5)
        return cli_usage("--apart %s: write 30s, 10m or 1h", apart);
    *seconds = *unit == 's' ? n : *unit == 'm' ? 60 * n : 3600 * n;
    return WHET_OK;
}

whet_status cli_read_sittings(int n, const char *apart, double *seconds) {
    if (n < 1 || n > MAX_SITTINGS)
        return cli_usage("--sittings takes 1 to %d, not %d", MAX_SITTINGS, n);
    return read_apart(apart, seconds);
}

void cli_rest(whet_ctx *ctx, int number, double seconds) {
    for (int i = 0; number > 1 && i < seconds * 10 && !whet_ctx_is_cancelled(ctx); i++)
        usleep(100000);
}

whet_claim cli_agree(whet_claim kept, whet_claim now, int number) {
    return number == 1 || kept == now ? now : WHET_CLAIM_NONE;
}

const char *cli_claim_name(whet_claim claim) {
    static const char *const names[] = { "no claim", "faster", "slower" };
    return names[claim];
}
