/* SPDX-License-Identifier: MIT */
/* Looking at where a result is to be written. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"

whet_status cli_check_out(const char *option, const char *path) {
    const char *slash = strrchr(path, '/');
    char folder[PATH_MAX];
    struct stat about;
    snprintf(folder, sizeof folder, "%.*s", slash ? (int)(slash - path) + 1 : 1,
             slash ? path : ".");
    if (!*path) return cli_usage("%s takes the name of a file", option);
    if ((slash && !slash[1]) || (stat(path, &about) == 0 && S_ISDIR(about.st_mode)))
        return cli_usage("%s %s: a folder, not a file", option, path);
    if (access(folder, W_OK) == 0) return WHET_OK;
    return cli_usage("%s %s: %s: %s", option, path, folder, strerror(errno));
}
