/* SPDX-License-Identifier: MIT */
/* Static programs are known by the interpreter that they do not name. */
#include "base/loader.h"

#ifdef __linux__
#include <link.h>
#endif

#include "base/ctx.h"

#ifdef __linux__

static int look_for_interpreter(struct dl_phdr_info *object, size_t size, void *has_one) {
    (void)size;
    for (int i = 0; i < object->dlpi_phnum; i++)
        *(int *)has_one |= object->dlpi_phdr[i].p_type == PT_INTERP;
    return 1; /* the first object is the program */
}

whet_status whet_loader_check(whet_ctx *ctx) {
    int has_interpreter = 0;
    dl_iterate_phdr(look_for_interpreter, &has_interpreter);
    return has_interpreter ? WHET_OK
                           : whet_fail(ctx, WHET_E_UNSUPPORTED,
                                       "this whet is linked statically, and loads no libraries");
}

#else

whet_status whet_loader_check(whet_ctx *ctx) {
    (void)ctx;
    return WHET_OK;
}

#endif
