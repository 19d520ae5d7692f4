/* SPDX-License-Identifier: MIT */
/* A private folder in /tmp that does not outlive the process that opened it. */
#ifndef WHET_JUDGE_FOLDER_H
#define WHET_JUDGE_FOLDER_H

#include <sys/types.h>

#include "base/ctx.h"

/* A keeper, a process of its own, makes the folder. It removes it with all that is in it when the
 * folder is closed or the process that opened it is gone, however that went. */
typedef struct whet_folder {
    char path[32]; /* "" = none */
    int line;      /* to the keeper: its end is the keeper's sign */
    pid_t keeper;
} whet_folder;

whet_status whet_folder_open(whet_ctx *ctx, whet_folder *folder);

/* Comes back when it is removed. A zeroed folder is fine. */
void whet_folder_close(whet_folder *folder);

/* Called between fork and exec of a program that leads a process group and works in the folder: the
 * keeper kills the group before it removes the folder. Async-signal-safe. */
void whet_folder_enter(const whet_folder *folder);

/* The program has ended. */
void whet_folder_leave(const whet_folder *folder);

#endif
