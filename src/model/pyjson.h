/* SPDX-License-Identifier: MIT */
/* JSON values printed as Python prints them: json.dumps(ensure_ascii=False), and str(). */
#ifndef WHET_MODEL_PYJSON_H
#define WHET_MODEL_PYJSON_H

#include "base/buf.h"
#include "base/json.h"

enum { WHET_PYFLOAT_BYTES = 32 };

/* repr() of a finite double: the shortest digits that read back, ".0" where they look like an
 * integer, an exponent from 1e16 up and below 1e-4 (CPython, Python/pystrtod.c, format 'r'). */
void whet_pyjson_float(double x, char text[WHET_PYFLOAT_BYTES]);

/* Appends json.dumps(v, ensure_ascii=False). */
whet_status whet_pyjson_dump(whet_ctx *ctx, const whet_json *v, whet_buf *out);

/* Appends str(v): a string as it is, all else as repr (None, True, [1, 'a'], {'k': 1.0}). Strings
 * inside escape what str.isprintable refuses, but for code points that Unicode has not assigned:
 * which those are depends on Python's version, and they are copied. */
whet_status whet_pyjson_str(whet_ctx *ctx, const whet_json *v, whet_buf *out);

#endif
