/* SPDX-License-Identifier: MIT */
/* Problems, sources and seeds of those who ask the judge. */
#include "candidate.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include <whet/attention.h>
#include <whet/checkpoint.h>

enum { MAX_FILE_BYTES = 16 << 20 };

static const char *const dtype_names[] = {
    [WHET_F32] = "f32", [WHET_BF16] = "bf16", [WHET_F16] = "f16"
};

const char *cli_dtype_name(int32_t dtype) {
    return dtype >= 0 && dtype < 3 ? dtype_names[dtype] : "?";
}

whet_status cli_read_dtype(const char *name, int32_t *dtype) {
    for (int i = 0; i < 3; i++)
        if (strcmp(name, dtype_names[i]) == 0) {
            *dtype = i;
            return WHET_OK;
        }
    return cli_usage("--dtype %s: take bf16, f16 or f32", name);
}

whet_status cli_read_problem(const char *text, whet_problem *problem, const char **rest) {
    int n = 0;
    if (sscanf(text, "%9d:%9d:%9d%n", &problem->n_heads, &problem->n_kv_heads, &problem->head_dim,
               &n) != 3 ||
        (text[n] && text[n] != ','))
        return cli_usage("--problem %s: write 16:8:128 for 16 query heads and 8 KV heads of 128",
                         text);
    *rest = text[n] ? text + n + 1 : NULL;
    return WHET_OK;
}

whet_status cli_read_heads(whet_ctx *ctx, const char *model, whet_buf *folder,
                           whet_problem *problem) {
    whet_checkpoint_facts facts;
    whet_status st = cli_find_model(ctx, model, folder);
    if (st == WHET_OK) st = whet_checkpoint_read_facts(ctx, folder->text, &facts);
    if (st == WHET_OK)
        *problem = (whet_problem){ .dtype = WHET_BF16,
                                   .n_heads = facts.config.n_heads,
                                   .n_kv_heads = facts.config.n_kv_heads,
                                   .head_dim = facts.config.head_dim,
                                   .n_context = facts.config.max_position_embeddings };
    return st;
}

whet_status cli_read_source(whet_ctx *ctx, const char *file, whet_buf *source) {
    const int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return cli_usage("%s: %s", file, strerror(errno));
    const whet_status st = whet_fd_read(ctx, fd, file, MAX_FILE_BYTES, source);
    close(fd);
    return st;
}

whet_status cli_check_built_in(const whet_problem *heads, const char *name, const char *or_else) {
    whet_problem problem = *heads;
    problem.n_rows = problem.n_context = 1;
    const whet_attention_kernel *kernel = whet_attention_find(name);
    if (kernel && kernel->supports(&problem)) return WHET_OK;
    return cli_usage("%s is no built-in kernel%s; take grouped, fused or repeat%s", name,
                     kernel ? " for these heads here" : "", or_else);
}

whet_status cli_choose_seed(const cli_command *command, const cli_args *args, uint64_t given,
                            uint64_t *seed) {
    *seed = given;
    return cli_is_given(command, args, "seed") ? WHET_OK : cli_fresh_seed(seed);
}

whet_status cli_fresh_seed(uint64_t *seed) {
    if (getrandom(seed, sizeof *seed, 0) != sizeof *seed)
        return cli_usage("the system has no random seed: %s", strerror(errno));
    *seed >>= 11; /* any reader of JSON takes it whole */
    return WHET_OK;
}

whet_status cli_find_self(char program[PATH_MAX]) {
    const ssize_t n = readlink("/proc/self/exe", program, PATH_MAX - 1);
    if (n <= 0) return cli_usage("/proc/self/exe: this program does not find itself");
    program[n] = '\0';
    return WHET_OK;
}
