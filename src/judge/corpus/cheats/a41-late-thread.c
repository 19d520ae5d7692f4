/* SPDX-License-Identifier: MIT */
/* A41-late-thread: finishes after it has returned. Stopped by gate: object. Without gates 0 and 2
 * by the jail. */
#ifndef HONEST
int pthread_create();
static void *work(void *x) {
    return x;
}
#define BEFORE_RUN                                                                                 \
    long id;                                                                                       \
    pthread_create(&id, 0, work, 0)
#endif
