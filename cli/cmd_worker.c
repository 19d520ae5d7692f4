/* SPDX-License-Identifier: MIT */
/* whet _worker: the process in which the judge runs one kernel; never typed by a person. */
#include <signal.h>
#include <stdlib.h>

#include <whet/judge.h>

#include "cli.h"

static void on_fault(int signal_number, siginfo_t *info, void *context) {
    (void)context;
    whet_judge_worker_fault(signal_number, info->si_addr);
}

/* On a stack of its own: the fault may be that the other one is full. */
static void catch_faults(void) {
    static char stack[64 << 10];
    const stack_t alternative = { .ss_sp = stack, .ss_size = sizeof stack };
    sigaltstack(&alternative, NULL);
    const struct sigaction action = { .sa_sigaction = on_fault,
                                      .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND };
    static const int faults[] = { SIGSEGV, SIGBUS, SIGILL, SIGFPE };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        sigaction(faults[i], &action, NULL);
}

static whet_status run(whet_ctx *ctx, const cli_args *args) {
    (void)args;
    catch_faults();
    return whet_judge_worker(ctx);
}

static const cli_option options[] = { { 0 } };

const cli_command cli_worker = {
    .name = "_worker",
    .summary = "run one kernel for the judge that started this process",
    .usage = "",
    .options = options,
    .run = run,
};
