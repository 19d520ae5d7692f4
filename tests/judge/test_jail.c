/* SPDX-License-Identifier: MIT */
/* The jail: what a hostile kernel tries is stopped and named, and nothing of it is left behind. */
#include <dirent.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/test.h"

#include <whet/judge.h>

#include "base/buf.h"
#include "base/sanitized.h"
#include "judge/corpus.h"
#include "judge/filter.h"
#include "judge/link.h"

static whet_ctx *ctx;
static const whet_problem problem = { WHET_BF16, 2, 1, 32, 4, 32 };
static const whet_limits patient = { .wall_seconds = 20 };

/* Compiles the plain kernel behind some #defines without asking any gate. */
static bool build(const char *defines, whet_object *object) {
    char source[] = "/tmp/whet-jail-XXXXXX", command[200], name[64];
    const int fd = mkstemp(source);
    if (fd < 0) return false;
    bool is_made = write(fd, defines, strlen(defines)) > 0 &&
                   write(fd, whet_corpus_plain(), strlen(whet_corpus_plain())) > 0;
    close(fd);
    snprintf(name, sizeof name, "%s.so", source);
    snprintf(command, sizeof command, "cc -O1 -w -fPIC -shared -I%s -o %s -xc %s -lm -ldl",
             INCLUDE_DIR, name, source);
    is_made = is_made && system(command) == 0;
    FILE *f = is_made ? fopen(name, "rb") : NULL;
    *object = (whet_object){ .bytes = whet_alloc(ctx, 1 << 20) };
    if (f) object->n_bytes = fread(object->bytes, 1, 1 << 20, f);
    if (f) fclose(f);
    unlink(source);
    unlink(name);
    return object->n_bytes > 0;
}

/* All of the plain kernel's rows, in sections of a size that is enough. */
static whet_request make_request(whet_op op) {
    whet_request request = { .op = op,
                             .problem = problem,
                             .capacity = 32,
                             .n_workers = 1,
                             .n_rows = 4,
                             .n_context = 32,
                             .n = 32,
                             .kv_stride = 32,
                             .q_stride = 64,
                             .out_stride = 64,
                             .scale = 1,
                             .n_caches = 1,
                             .cache_bytes = 1 << 16,
                             .n_calls = 1 };
    for (int i = 0; i < WHET_N_SECTIONS; i++)
        request.sections[i] = (whet_span){ .bytes = 1 << 16 };
    return request;
}

/* What comes of asking a fresh worker for one thing. */
static void ask(const char *defines, whet_op op, whet_verdict *v) {
    whet_object object;
    whet_link link;
    whet_link_end end;
    whet_reply reply;
    *v = (whet_verdict){ 0 };
    REQUIRE(build(defines, &object));
    REQUIRE_OK(ctx, whet_link_open(ctx, WHET_PROGRAM, &object, &problem, &link, &end, &reply));
    bool is_over = whet_link_blame(end, &reply, WHET_GATE_SMOKE, v);
    whet_request request = make_request(op);
    REQUIRE_OK(ctx, whet_link_place(ctx, &link, &request));
    if (!is_over) {
        REQUIRE_OK(ctx, whet_link_ask(ctx, &link, &request, &patient, &end, &reply, NULL));
        is_over = whet_link_blame(end, &reply, WHET_GATE_SMOKE, v);
    }
    if (!is_over && op == WHET_OP_PREPARE) {
        request.op = WHET_OP_BATCH;
        REQUIRE_OK(ctx, whet_link_ask(ctx, &link, &request, &patient, &end, &reply, NULL));
        whet_link_blame(end, &reply, WHET_GATE_SMOKE, v);
    }
    whet_link_close(&link);
    whet_object_fini(ctx, &object);
}

/* What a kernel might do with a system at hand: an expression, and what it must come to. */
static const struct {
    const char *act;
    whet_verdict_code want;
} acts[] = {
    { "fork()", WHET_V_FORBIDDEN },
    { "socket(2, 1, 0)", WHET_V_FORBIDDEN },
    { "open(\"/etc/passwd\", 0)", WHET_V_FORBIDDEN },
    { "open(\"/proc/self/mem\", 2)", WHET_V_FORBIDDEN },
    { "mmap(0, 1L << 32, 3, 34, -1, 0)", WHET_V_FORBIDDEN },
    { "mprotect((void *)((long)a & -4096), 4096, 7)", WHET_V_FORBIDDEN },
    { "signal(11, (void *)1)", WHET_V_FORBIDDEN },
    { "kill(-1, 9)", WHET_V_FORBIDDEN },
    { "ptrace(0, 0, 0, 0)", WHET_V_FORBIDDEN },
    { "sched_setaffinity(0, 8, (char[8]){ 1 })", WHET_V_FORBIDDEN },
    { "nanosleep((long[2]){ 0, 1 }, 0)", WHET_V_FORBIDDEN },
    { "getpid()", WHET_V_FORBIDDEN },
    { "write(1, \"hello\", 5)", WHET_V_FORBIDDEN },
    { "shmget(0, 4096, 0)", WHET_V_FORBIDDEN },
    { "syscall(435, 0, 0)", WHET_V_FORBIDDEN }, /* clone3 */
    { "_exit(0)", WHET_V_CRASHED },
#ifdef __x86_64__
    { "syscall(0x40000000 + 39)", WHET_V_FORBIDDEN }, /* x32 */
    { "({ __asm__ volatile(\"mov $20, %%eax; int $0x80\" ::: \"rax\"); 0; })", WHET_V_FORBIDDEN },
    { "__builtin_ia32_rdtsc()", WHET_V_CRASHED },
    { "clock_gettime(1, (long[2]){ 0 })", WHET_V_CRASHED }, /* the vDSO's rdtsc */
#endif
};

static const char declarations[] =
    "long fork(), socket(), open(), mmap(), mprotect(), signal(), kill(), ptrace(), shmget();\n"
    "long sched_setaffinity(), nanosleep(), getpid(), write(), syscall(), clock_gettime();\n"
    "void _exit(int);\n";

static void try_act(const char *hook, const char *act, whet_op op, whet_verdict_code want) {
    char defines[1024];
    whet_verdict v;
    snprintf(defines, sizeof defines, "%s#define %s ((void)(%s))\n", declarations, hook, act);
    ask(defines, op, &v);
    if (v.code != want) TEST_FAIL("%s: %s (%s)", act, whet_verdict_name(v.code), v.reason);
}

static bool is_clock(const char *act) {
    return strstr(act, "rdtsc") || strstr(act, "clock");
}

static void test_system_calls(void) {
    const bool has_no_clock = whet_judge_jail() & WHET_JAIL_CLOCK;
    for (size_t i = 0; i < TEST_COUNT(acts); i++) {
        if (is_clock(acts[i].act) && !has_no_clock) continue;
        try_act("BEFORE_RUN", acts[i].act, WHET_OP_RUN, acts[i].want);
        try_act("BEFORE_APPEND", acts[i].act, WHET_OP_APPEND, acts[i].want);
    }
}

/* Timed calls are served by threads, which need a clock and an affinity of their own. */
static void test_timed_system_calls(void) {
    for (size_t i = 0; i < TEST_COUNT(acts); i++)
        if (!is_clock(acts[i].act) && !strstr(acts[i].act, "sched"))
            try_act("BEFORE_RUN", acts[i].act, WHET_OP_PREPARE, acts[i].want);
}

/* A constructor runs before any gate of ours could look: the worker's own walls must hold it. */
static void test_constructors(void) {
    whet_verdict v;
    ask("int socket();\nvoid _exit(int);\n"
        "__attribute__((constructor)) static void f(void) { if (socket(2, 1, 0) >= 0) _exit(0); "
        "}\n",
        WHET_OP_SIZES, &v);
    CHECK_STR(whet_verdict_name(v.code), "FORBIDDEN");
    ask("void _exit(int);\n__attribute__((constructor)) static void f(void) { _exit(0); }\n",
        WHET_OP_SIZES, &v);
    CHECK_STR(whet_verdict_name(v.code), "CRASHED");
    CHECK_STR(v.reason, "it ended the process");
    if (!(whet_judge_jail() & WHET_JAIL_LANDLOCK)) return;
    ask("int open();\n"
        "__attribute__((constructor)) static void f(void) {\n"
        "    if (open(\"/etc/passwd\", 0) < 0) __builtin_trap();\n}\n",
        WHET_OP_SIZES, &v);
    CHECK_STR(whet_verdict_name(v.code), "CRASHED");
}

static void test_right_kernel(void) {
    static const whet_op ops[] = { WHET_OP_SIZES, WHET_OP_APPEND, WHET_OP_RUN, WHET_OP_PREPARE };
    for (size_t i = 0; i < TEST_COUNT(ops); i++) {
        whet_verdict v;
        ask("\n", ops[i], &v);
        CHECK_STR(v.reason, "");
    }
}

/* Nothing of a kernel's process is there at its next call. */
static void test_no_memory(void) {
    whet_object object;
    whet_link link;
    whet_link_end end;
    whet_reply reply;
    REQUIRE(build("static int n_calls;\n#define KV_BYTES (n_calls += 64)\n", &object));
    REQUIRE_OK(ctx, whet_link_open(ctx, WHET_PROGRAM, &object, &problem, &link, &end, &reply));
    const whet_request request = { .op = WHET_OP_SIZES, .problem = problem, .n_workers = 1 };
    for (int i = 0; i < 3; i++) {
        REQUIRE_OK(ctx, whet_link_ask(ctx, &link, &request, &patient, &end, &reply, NULL));
        CHECK_INT(reply.kv_bytes, 64);
    }
    CHECK(link.jail & WHET_JAIL_SECCOMP);
    whet_link_close(&link);
    whet_object_fini(ctx, &object);
}

static int n_descriptors(void) {
    int n = 0;
    DIR *folder = opendir("/proc/self/fd");
    while (folder && readdir(folder))
        n++;
    closedir(folder);
    return n;
}

/* Whether a process of the group is there; orphans are ours to bury. */
static bool is_group_alive(pid_t group) {
    while (waitpid(-group, NULL, WNOHANG) > 0)
        continue;
    return kill(-group, 0) == 0;
}

/* A kernel that spins for ever is gone with its worker, also when the judge itself is killed. */
static void test_nothing_is_left(void) {
    whet_object object;
    whet_link link;
    whet_link_end end;
    whet_reply reply;
    REQUIRE(build("#define BEFORE_RUN for (;;) ;\n", &object));
    const int before = n_descriptors();
    const whet_request request = { .op = WHET_OP_RUN, .problem = problem, .n_workers = 1 };
    for (int i = 0; i < 20; i++) {
        REQUIRE_OK(ctx, whet_link_open(ctx, WHET_PROGRAM, &object, &problem, &link, &end, &reply));
        const pid_t group = link.pid;
        REQUIRE_OK(ctx, whet_link_ask(ctx, &link, &request, &(whet_limits){ .wall_seconds = 0.01 },
                                      &end, &reply, NULL));
        CHECK_INT(end, WHET_LINK_LATE);
        whet_link_close(&link);
        for (int wait = 0; wait < 1000 && is_group_alive(group); wait++)
            usleep(1000);
        CHECK(!is_group_alive(group));
    }
    CHECK_INT(n_descriptors(), before);
    int told[2];
    REQUIRE(pipe(told) == 0);
    const pid_t judge = fork();
    if (judge == 0) {
        if (whet_link_open(ctx, WHET_PROGRAM, &object, &problem, &link, &end, &reply) != WHET_OK ||
            write(told[1], &link.pid, sizeof link.pid) < 0)
            _exit(1);
        whet_link_ask(ctx, &link, &request, &patient, &end, &reply, NULL);
        _exit(0);
    }
    pid_t group = 0;
    REQUIRE(read(told[0], &group, sizeof group) == sizeof group);
    usleep(20000);
    kill(judge, SIGKILL);
    waitpid(judge, NULL, 0);
    for (int wait = 0; wait < 5000 && is_group_alive(group); wait++)
        usleep(1000);
    CHECK(!is_group_alive(group));
    close(told[0]);
    close(told[1]);
    whet_object_fini(ctx, &object);
}

/* ---- limits ---- */

/* Runs of one worker, until one does not come to its end or n have; how the last one ended. */
static int run_within(const whet_object *object, const whet_limits *limits, int n,
                      whet_link_end *end, whet_reply *reply) {
    whet_link link;
    whet_request request = make_request(WHET_OP_RUN);
    int n_done = 0;
    whet_status st = whet_link_open(ctx, WHET_PROGRAM, object, &problem, &link, end, reply);
    if (st == WHET_OK) st = whet_link_place(ctx, &link, &request);
    while (st == WHET_OK && *end == WHET_LINK_ANSWERED && n_done < n) {
        st = whet_link_ask(ctx, &link, &request, limits, end, reply, NULL);
        n_done += *end == WHET_LINK_ANSWERED;
    }
    CHECK_STATUS(ctx, st, WHET_OK);
    whet_link_close(&link);
    return n_done;
}

static void check_stopped(const char *defines, const whet_limits *limits, int n, const char *why) {
    whet_object object;
    whet_link_end end;
    whet_reply reply;
    whet_verdict v = { 0 };
    REQUIRE(build(defines, &object));
    const int n_done = run_within(&object, limits, n, &end, &reply);
    CHECK(n_done < n);
    CHECK(whet_link_blame(end, &reply, WHET_GATE_SMOKE, &v));
    CHECK_STR(whet_verdict_name(v.code), "TIMED_OUT");
    CHECK_CONTAINS(v.reason, why);
    whet_object_fini(ctx, &object);
}

/* Processor time of a call and of all together; the clock only for one that sleeps. */
static void test_limits(void) {
    static const char sleeps[] = "long syscall();\nstatic int word;\n"
                                 "#define BEFORE_RUN syscall(FUTEX, &word, 0, 0, (void *)0);\n";
    char defines[sizeof sleeps + 32];
    snprintf(defines, sizeof defines, "#define FUTEX %d\n%s", (int)SYS_futex, sleeps);
    const whet_limits strict = { .call_seconds = 0.02, .total_seconds = 60 };
    check_stopped("#define BEFORE_RUN for (;;) ;\n", &strict, 1,
                  "it took more than 0.02 s of processor time");
    check_stopped(defines, &strict, 1, "it was stopped after 0.4 s");
    const whet_limits scaled = { .call_seconds = 0.01, .total_seconds = 60, .baseline_ns = 1e6 };
    check_stopped("#define BEFORE_RUN for (;;) ;\n", &scaled, 1,
                  "it took more than 0.03 s of processor time");
    const whet_limits together = { .call_seconds = 60, .total_seconds = 0.05 };
    check_stopped("#define BEFORE_RUN for (volatile int i = 0; i < 1000000; i++) ;\n", &together,
                  1000, "its calls took together more than 0.05 s of processor time");
}

/* A machine that is busy with other things: the whole worker stands still for longer than its
 * processor time. */
static void test_standing_still(void) {
    whet_object object;
    whet_link link;
    whet_link_end end;
    whet_reply reply;
    whet_request request = make_request(WHET_OP_RUN);
    const whet_limits limits = { .call_seconds = 0.25, .total_seconds = 60 };
    REQUIRE(build("\n", &object));
    REQUIRE_OK(ctx, whet_link_open(ctx, WHET_PROGRAM, &object, &problem, &link, &end, &reply));
    REQUIRE_OK(ctx, whet_link_place(ctx, &link, &request));
    kill(-link.pid, SIGSTOP);
    const pid_t waker = fork();
    if (waker == 0) {
        usleep(400000);
        kill(-link.pid, SIGCONT);
        _exit(0);
    }
    double wall_ns = 0;
    CHECK_STATUS(ctx, whet_link_ask(ctx, &link, &request, &limits, &end, &reply, &wall_ns),
                 WHET_OK);
    CHECK_INT(end, WHET_LINK_ANSWERED);
    CHECK(wall_ns > 0.25e9 && (double)reply.cpu_ns < 0.25e9);
    waitpid(waker, NULL, 0);
    whet_link_close(&link);
    whet_object_fini(ctx, &object);
}

/* ---- many runs ---- */

static long resident_kib(void) {
    long total, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    if (f && fscanf(f, "%ld %ld", &total, &resident) != 2) resident = 0;
    if (f) fclose(f);
    return resident * (sysconf(_SC_PAGESIZE) / 1024);
}

/* A candidate that ends its process costs nothing that lasts, in a worker or in the judge. After
 * WARM workers nothing grows: TEST_RUNS=10000 for longer. */
static void test_many_early_ends(void) {
    enum { WARM = 20, OF_WORKER = 5, RUNS = 400, MORE_KIB = 1024 };
    const char *asked = getenv("TEST_RUNS");
    const int n_runs = asked ? atoi(asked) : RUNS;
    whet_object object;
    int n_open = 0;
    long kib = 0;
    REQUIRE(build("void _exit(int);\n#define BEFORE_RUN _exit(0)\n", &object));
    for (int i = 0; i * OF_WORKER < n_runs; i++) {
        whet_link_end end;
        whet_reply reply;
        if (i == WARM) {
            n_open = n_descriptors();
            kib = resident_kib();
        }
        CHECK_INT(run_within(&object, &patient, OF_WORKER, &end, &reply), OF_WORKER);
        CHECK_INT(reply.answer, WHET_ANSWER_ENDED);
    }
    const long more_kib = resident_kib() - kib;
    printf("# %d runs in %d workers: %ld KiB more\n", n_runs, n_runs / OF_WORKER, more_kib);
#if !WHET_IS_SANITIZED
    CHECK(kib > 0 && more_kib < MORE_KIB);
#endif
    CHECK_INT(n_descriptors(), n_open);
    CHECK(waitpid(-1, NULL, WNOHANG) < 0); /* orphans would be ours */
    whet_object_fini(ctx, &object);
}

/* The lists of system calls hold what they say, in a process of its own. */
static void test_filters(void) {
    CHECK(whet_filter_is_there());
    const pid_t pid = fork();
    if (pid == 0) _exit(whet_filter_install(WHET_FILTER_KERNEL) ? (getpid() > 0 ? 1 : 2) : 3);
    int status;
    waitpid(pid, &status, 0);
    /* without no_new_privs only root may install one */
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) ||
          (WIFEXITED(status) && WEXITSTATUS(status) == 3 && geteuid() != 0));
    CHECK_STR(whet_jail_layer_name(WHET_JAIL_SECCOMP), "seccomp");
    CHECK(whet_jail_layer_name(1u << 30) == NULL);
}

int main(int argc, char **argv) {
    ctx = whet_ctx_open(NULL);
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
    static const test_case tests[] = {
        { "filters", test_filters },
        { "right_kernel", test_right_kernel },
        { "system_calls", test_system_calls },
        { "timed_system_calls", test_timed_system_calls },
        { "constructors", test_constructors },
        { "no_memory", test_no_memory },
        { "nothing_is_left", test_nothing_is_left },
        { "limits", test_limits },
        { "standing_still", test_standing_still },
        { "many_early_ends", test_many_early_ends },
    };
    const int rc = test_main(argc, argv, tests, TEST_COUNT(tests));
    whet_ctx_close(ctx);
    return rc;
}
