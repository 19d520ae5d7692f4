/* SPDX-License-Identifier: MIT */
/* A worker that is none: started by the judge in place of `whet _worker`, without any wall around
 * it, it does to the judge what the name it is started under says. */
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "judge/protocol.h"

static const char *mode;

static bool is_mode(const char *name) {
    return strcmp(mode, name) == 0;
}

static void tell(const void *message, size_t n) {
    if (send(WHET_WORKER_SOCKET, message, n, MSG_NOSIGNAL) < 0) _exit(1);
}

static void sleep_for_ever(void) {
    for (;;)
        pause();
}

/* What stands first in the memory under a descriptor: 0 where there is none. */
static uint64_t first_byte(int fd) {
    unsigned char byte = 0;
    return pread(fd, &byte, 1, 0) == 1 ? byte : 0;
}

/* All that a process may try to write what is sealed, or to take it from under the judge. */
static void attack(int fd) {
    struct stat about;
    char path[] = "/proc/self/fd/0";
    path[sizeof path - 2] = (char)('0' + fd);
    const int again = open(path, O_RDWR), fds[] = { fd, again };
    for (int i = 0; i < 2; i++) {
        if (fds[i] < 0 || fstat(fds[i], &about) != 0) continue;
        const size_t n = (size_t)about.st_size;
        char *writable = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fds[i], 0);
        char *readable = mmap(NULL, n, PROT_READ, MAP_SHARED, fds[i], 0);
        if (writable != MAP_FAILED) memset(writable, 0x77, n);
        if (readable != MAP_FAILED && mprotect(readable, n, PROT_READ | PROT_WRITE) == 0)
            memset(readable, 0x77, n);
        if (readable != MAP_FAILED) madvise(readable, n, MADV_REMOVE);
        if (pwrite(fds[i], "wwwwwwww", 8, 0) < 0) fallocate(fds[i], 3, 0, (off_t)n);
        fcntl(fds[i], F_ADD_SEALS, F_SEAL_GROW | F_SEAL_WRITE);
        if (ftruncate(fds[i], 0) == 0) continue;
    }
}

static void scribble(int fd) {
    struct stat about;
    if (fstat(fd, &about) != 0) return;
    char *bytes = mmap(NULL, (size_t)about.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (bytes == MAP_FAILED) return;
    for (off_t i = 0; i < about.st_size; i++)
        bytes[i] = (char)(i * 31);
    munmap(bytes, (size_t)about.st_size);
}

static void greet(void) {
    char room[8192] = { 0 };
    const whet_reply hello = { .jail = ~0U };
    if (is_mode("gone")) _exit(0);
    if (is_mode("greets-short")) tell(&hello, sizeof hello - 1);
    if (is_mode("greets-long")) tell(room, sizeof room);
    if (is_mode("greets-garbage")) tell(memset(room, 0xa5, sizeof hello), sizeof hello);
    if (is_mode("greets-nothing")) tell(room, 0);
    if (is_mode("greets-fault")) tell(&(whet_reply){ .answer = WHET_ANSWER_FAULT }, sizeof hello);
    tell(&hello, sizeof hello);
}

static void leave_a_child(void) {
    if (fork() == 0) sleep_for_ever();
    _exit(0);
}

static void flood(const whet_reply *reply) {
    for (;;)
        tell(reply, sizeof *reply);
}

/* A worker that does as it is told until it is asked what has become of a cache. */
static void recall(const whet_request *request) {
    whet_reply reply = { .serial = request->serial };
    if (is_mode("recall-touched")) reply.answer = WHET_ANSWER_TOUCHED;
    if (is_mode("recall-other-serial")) reply.serial--;
    if (is_mode("recall-no-such-answer")) reply.answer = WHET_N_ANSWERS;
    if (is_mode("recall-exits")) _exit(0);
    if (is_mode("recall-floods")) flood(&reply);
    tell(&reply, is_mode("recall-short") ? sizeof reply - 1 : sizeof reply);
}

/* One answer to a request that is not the first one. */
static void answer(const whet_request *request) {
    char room[8192] = { 0 };
    whet_reply reply = { .serial = request->serial, .kv_bytes = 4096, .workspace_bytes = 64 };
    if (is_mode("hangs")) sleep_for_ever();
    if (is_mode("exits")) _exit(7);
    if (is_mode("dies")) __builtin_trap();
    if (is_mode("closes")) {
        close(WHET_WORKER_SOCKET);
        sleep_for_ever();
    }
    if (is_mode("forks")) leave_a_child();
    if (is_mode("floods")) flood(&reply);
    if (is_mode("floods-blindly")) flood(&(whet_reply){ .kv_bytes = 4096 });
    if (is_mode("short")) tell(&reply, sizeof reply / 2);
    if (is_mode("long")) tell(memcpy(room, &reply, sizeof reply), sizeof reply + 1);
    if (is_mode("nothing")) tell(&reply, 0);
    if (is_mode("garbage")) tell(memset(room, 0xff, sizeof reply), sizeof reply);
    if (is_mode("other-serial")) reply.serial++;
    if (is_mode("no-such-answer")) reply.answer = WHET_N_ANSWERS;
    if (is_mode("broken")) {
        reply.answer = WHET_ANSWER_BROKEN;
        memset(reply.text, 'x', sizeof reply.text);
    }
    if (is_mode("unsupported")) {
        reply.answer = WHET_ANSWER_UNSUPPORTED;
        memset(reply.text, 'x', sizeof reply.text);
    }
    if (is_mode("odd-fault"))
        reply = (whet_reply){ .serial = reply.serial,
                              .answer = WHET_ANSWER_FAULT,
                              .signal = -1000,
                              .touch = 99,
                              .section = -5 };
    if (is_mode("large-cache")) reply.kv_bytes = UINT64_MAX;
    if (is_mode("no-cache")) reply.kv_bytes = 0;
    if (is_mode("large-workspace")) reply.workspace_bytes = UINT64_MAX - 4096;
    if (is_mode("counts-wrong")) reply.n_calls = UINT64_MAX;
    if (is_mode("counts-right")) reply.n_calls = (uint64_t)request->n_calls;
    if (is_mode("attacks")) {
        if (request->op == WHET_OP_RUN)
            reply.kv_bytes = first_byte(WHET_WORKER_INPUTS) << 8 | first_byte(WHET_WORKER_ROWS);
        attack(WHET_WORKER_INPUTS);
        attack(WHET_WORKER_ROWS);
        reply.n_calls = (uint64_t)request->n_calls;
    }
    if (is_mode("takes-away")) attack(WHET_WORKER_OUTPUTS);
    if (is_mode("scribbles")) scribble(WHET_WORKER_OUTPUTS);
    tell(&reply, sizeof reply);
}

int main(int argc, char **argv) {
    const char *slash = strrchr(argv[0], '/');
    whet_request request;
    bool is_first = true;
    mode = slash ? slash + 1 : argv[0];
    (void)argc;
    greet();
    while (recv(WHET_WORKER_SOCKET, &request, sizeof request, 0) == sizeof request) {
        if (is_first)
            tell(&(whet_reply){ .serial = request.serial }, sizeof(whet_reply));
        else if (request.op == WHET_OP_RECALL)
            recall(&request);
        else
            answer(&request);
        is_first = false;
    }
    return 0;
}
