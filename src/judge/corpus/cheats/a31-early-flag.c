/* SPDX-License-Identifier: MIT */
/* A31-early-flag: answers the judge itself before the work is done. Stopped by gate: object.
 * Without gates 0 and 2 by the jail. */
#ifndef HONEST
long write();
#define BEFORE_RUN                                                                                 \
    const uint64_t forged[64] = { 0 };                                                             \
    write(3, forged, sizeof forged)
#endif
