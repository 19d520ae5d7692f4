/* SPDX-License-Identifier: MIT */
/* Finding a program's text. */
#include "kernels/programs.h"

#include <string.h>

#include "kernels/text.h"

const char *whet_program_text(const char *name) {
    for (const whet_text *t = whet_program_texts; t->path; t++)
        if (strcmp(t->path, name) == 0) return t->text;
    return NULL;
}
