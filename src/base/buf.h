/* SPDX-License-Identifier: MIT */
/* The growing byte buffer of <whet/text.h>, for the library's own modules. */
#ifndef WHET_BASE_BUF_H
#define WHET_BASE_BUF_H

#include "base/ctx.h"

#include <whet/text.h>

#endif
