/* SPDX-License-Identifier: MIT */
/* A52-incbin: carries a file of the host away. Stopped by gate: source. */
#ifndef HONEST
__asm__(".incbin \"/etc/passwd\"");
#endif
