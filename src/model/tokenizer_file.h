/* SPDX-License-Identifier: MIT */
/* tokenizer.json in three parts: the two long lists, read as they come, and the rest as values. */
#ifndef WHET_MODEL_TOKENIZER_FILE_H
#define WHET_MODEL_TOKENIZER_FILE_H

#include "base/buf.h"
#include "base/json.h"
#include "base/json_reader.h"

typedef struct whet_tokenizer_file {
    const char *path;        /* borrowed */
    whet_buf text;           /* owned: the file */
    whet_json *root;         /* owned: the file, with vocab and merges empty */
    whet_json_reader vocab;  /* at the object model.vocab */
    whet_json_reader merges; /* at the array model.merges */
} whet_tokenizer_file;

/* Reads file->text, which must be there as file->path; the rest is filled in. */
whet_status whet_tokenizer_file_parse(whet_ctx *ctx, whet_tokenizer_file *file);

/* A zeroed file is fine, and one that could not be parsed too. */
void whet_tokenizer_file_close(whet_ctx *ctx, whet_tokenizer_file *file);

/* WHET_OK, or WHET_E_UNSUPPORTED with what the settings ask for and is not supported. */
whet_status whet_tokenizer_file_check(whet_ctx *ctx, const whet_tokenizer_file *file);

#endif
