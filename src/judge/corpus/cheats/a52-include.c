/* SPDX-License-Identifier: MIT */
/* A52-include: includes a file of the host. Stopped by gate: source. */
#ifndef HONEST
#include "/etc/passwd"
#endif
