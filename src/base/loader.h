/* SPDX-License-Identifier: MIT */
/* Whether this program may load shared libraries. */
#ifndef WHET_BASE_LOADER_H
#define WHET_BASE_LOADER_H

#include <whet/whet.h>

/* WHET_E_UNSUPPORTED in a program that is linked statically. There glibc's dlopen brings in the C
 * library that it finds, and where that is another version than the one linked in, the process ends
 * by SIGFPE (seen: 2.36 in the program, 2.41 on the machine). Ask before dlopen. */
whet_status whet_loader_check(whet_ctx *ctx);

#endif
