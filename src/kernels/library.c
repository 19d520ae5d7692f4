/* SPDX-License-Identifier: MIT */
/* Kernels from outside: compiled by the system's compiler, loaded into this process. */
#include "kernels/attention.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/child.h"
#include "base/file.h"
#include "base/loader.h"
#include "kernels/text.h"
#include "platform/cpu.h"
#include "platform/isa.h"
#include "platform/sealed.h"

struct whet_attention_library {
    whet_ctx *ctx; /* borrowed: gives the memory back */
    void *handle;  /* owned */
    int fd;        /* of its bytes, which is open as long as it is: its number is the name by which
                      it was loaded; -1 = they are in a file */
    const whet_attention_kernel *kernel;
};

/* A compiler that needs more than this is not going to end. */
static const whet_child_opts compiler_limits = {
    .wall_seconds = 120,
    .cpu_seconds = 110,
    .memory_bytes = (uint64_t)4 << 30,
    .file_bytes = (uint64_t)64 << 20,
    .max_output_bytes = 4096,
};

static whet_status check_kernel(whet_ctx *ctx, const char *path, const whet_attention_kernel *k) {
    if (k->abi != WHET_KERNEL_ABI)
        return whet_fail(ctx, WHET_E_UNSUPPORTED,
                         "%s: " WHET_KERNEL_SYMBOL " has ABI %d, this program has ABI %d", path,
                         (int)k->abi, WHET_KERNEL_ABI);
    if (!k->name || !k->layout_id || !k->supports || !k->kv_bytes || !k->workspace_bytes ||
        !k->append || !k->n_phases || !k->run)
        return whet_fail(ctx, WHET_E_UNSUPPORTED, "%s: a member of " WHET_KERNEL_SYMBOL " is NULL",
                         path);
    return WHET_OK;
}

whet_status whet_attention_load(whet_ctx *ctx, const char *path, whet_attention_library **library) {
    *library = NULL;
    if (access(path, R_OK) != 0)
        return whet_fail(ctx, errno == ENOENT ? WHET_E_NOT_FOUND : WHET_E_IO, "%s: %s", path,
                         strerror(errno));
    WHET_TRY(whet_loader_check(ctx));
    whet_cpu_all_features(); /* asks for the tile registers, which the object may use */
    /* A name without a slash would be looked up in the system's library folders. */
    char name[PATH_MAX];
    snprintf(name, sizeof name, "%s%s", strchr(path, '/') ? "" : "./", path);
    whet_attention_library *lib = whet_alloc_zero(ctx, 1, sizeof *lib);
    if (!lib) return WHET_E_NOMEM;
    *lib = (whet_attention_library){ .ctx = ctx, .fd = -1 };
    lib->handle = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    whet_status st = WHET_OK;
    if (!lib->handle) st = whet_fail(ctx, WHET_E_FORMAT, "load %s: %s", path, dlerror());
    if (st == WHET_OK) {
        lib->kernel = dlsym(lib->handle, WHET_KERNEL_SYMBOL);
        st = lib->kernel ? check_kernel(ctx, path, lib->kernel)
                         : whet_fail(ctx, WHET_E_UNSUPPORTED,
                                     "%s: no symbol " WHET_KERNEL_SYMBOL " is exported", path);
    }
    if (st == WHET_OK)
        *library = lib;
    else
        whet_attention_unload(lib);
    return st;
}

whet_status whet_attention_load_bytes(whet_ctx *ctx, const void *bytes, size_t n,
                                      whet_attention_library **library) {
    *library = NULL;
    int fd;
    WHET_TRY(whet_sealed_open(ctx, "whet-kernel", bytes, n, &fd));
    char path[32];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const whet_status st = whet_attention_load(ctx, path, library);
    if (st == WHET_OK)
        (*library)->fd = fd;
    else
        close(fd);
    return st;
}

const whet_attention_kernel *whet_attention_library_kernel(const whet_attention_library *library) {
    return library->kernel;
}

void *whet_attention_library_find(const whet_attention_library *library, const char *symbol) {
    return dlsym(library->handle, symbol);
}

void whet_attention_unload(whet_attention_library *library) {
    if (!library) return;
    if (library->handle) dlclose(library->handle);
    if (library->fd >= 0) close(library->fd);
    whet_free(library->ctx, library);
}

/* A private folder with whet/kernel.h in it, for one run of the compiler. */
typedef struct workshop {
    char folder[32];
    char include[48];
    char header[64];
    char object[48];
} workshop;

static whet_status open_workshop(whet_ctx *ctx, workshop *w) {
    *w = (workshop){ .folder = "/tmp/whet-XXXXXX" };
    if (!mkdtemp(w->folder)) {
        const int why = errno;
        w->folder[0] = '\0';
        return whet_fail(ctx, WHET_E_IO, "make a folder in /tmp: %s", strerror(why));
    }
    snprintf(w->include, sizeof w->include, "%s/whet", w->folder);
    snprintf(w->header, sizeof w->header, "%s/kernel.h", w->include);
    snprintf(w->object, sizeof w->object, "%s/kernel.so", w->folder);
    WHET_TRY(whet_dir_make(ctx, w->include));
    return whet_file_write(ctx, w->header, whet_header_texts[0].text, whet_header_texts[0].len);
}

static void close_workshop(const workshop *w) {
    if (!w->folder[0]) return;
    unlink(w->object);
    unlink(w->header);
    rmdir(w->include);
    rmdir(w->folder);
}

static whet_status run_compiler(whet_ctx *ctx, const char *path, const char *cc,
                                const workshop *w) {
    static const char *const flags[] = { "-O3",   "-std=gnu17", "-fno-math-errno",
                                         "-fPIC", "-shared",    "-Wl,-z,noexecstack",
                                         NULL };
    const char *argv[24] = { cc };
    int n = 1;
    for (int i = 0; flags[i]; i++)
        argv[n++] = flags[i];
    for (const char *const *flag = whet_isa_compiler_flags(); *flag; flag++)
        argv[n++] = *flag;
    const char *const rest[] = { "-I", w->folder, "-o", w->object, "-x", "c", path, "-lm" };
    memcpy(argv + n, rest, sizeof rest);
    whet_buf words = { 0 };
    whet_child_result result;
    whet_status st = whet_child_run(ctx, argv, &compiler_limits, &words, &words, &result);
    if (st == WHET_OK && result.how == WHET_CHILD_TIMED_OUT)
        st = whet_fail(ctx, WHET_E_TIMEOUT, "%s: %s took more than %.0f s", path, cc,
                       compiler_limits.wall_seconds);
    else if (st == WHET_OK && result.how == WHET_CHILD_SIGNALLED)
        st = whet_fail(ctx, WHET_E_FORMAT, "%s: %s was killed by signal %d", path, cc,
                       result.signal);
    else if (st == WHET_OK && result.exit_code != 0) {
        while (words.len > 0 && words.text[words.len - 1] == '\n')
            words.text[--words.len] = '\0';
        st = whet_fail(ctx, WHET_E_FORMAT, "%s: %s does not compile it: %s", path, cc,
                       words.text ? words.text : "it says nothing");
    }
    whet_buf_fini(ctx, &words);
    return st;
}

whet_status whet_attention_compile(whet_ctx *ctx, const char *path, const char *cc,
                                   whet_attention_library **library) {
    *library = NULL;
    if (!whet_path_is_file(path)) return whet_fail(ctx, WHET_E_NOT_FOUND, "%s: no such file", path);
    workshop w;
    whet_status st = open_workshop(ctx, &w);
    if (st == WHET_OK) st = run_compiler(ctx, path, cc && *cc ? cc : "cc", &w);
    if (st == WHET_OK) st = whet_attention_load(ctx, w.object, library);
    close_workshop(&w);
    return st;
}
