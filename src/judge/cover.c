/* SPDX-License-Identifier: MIT */
/* What an instrumented object has marked. */
#include "judge/cover.h"

#include <unistd.h>

void whet_cover_close(whet_ctx *ctx, whet_cover *c) {
    whet_object_fini(ctx, &c->object);
    whet_free(ctx, c->points);
    *c = (whet_cover){ 0 };
}

whet_status whet_cover_read(whet_ctx *ctx, whet_cover *c, whet_link *link, whet_verdict *verdict,
                            size_t *n_left) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    const size_t whole = (c->n_points + page - 1) / page * page;
    whet_request request = { .op = WHET_OP_COVER, .n = (int32_t)c->n_points };
    whet_link_end end;
    whet_reply reply;
    request.sections[WHET_SECTION_OUT].bytes = whole;
    WHET_TRY(whet_link_place(ctx, link, &request));
    const whet_limits limits = { .wall_seconds = 60 };
    WHET_TRY(whet_link_ask(ctx, link, &request, &limits, &end, &reply, NULL));
    if (whet_link_blame(end, &reply, WHET_GATE_SANITIZER, verdict)) return WHET_OK;
    const char *seen = whet_link_section(link, &request, WHET_SECTION_OUT);
    *n_left = 0;
    for (size_t i = 0; i < c->n_points; i++) {
        if (seen[i]) c->points[i].is_taken = true;
        *n_left += !c->points[i].is_taken;
    }
    return WHET_OK;
}
