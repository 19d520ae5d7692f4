/* SPDX-License-Identifier: MIT */
/* What a call leaves in registers is gone before the next one. */
#ifndef WHET_JUDGE_REGISTERS_H
#define WHET_JUDGE_REGISTERS_H

/* Floating-point, vector, mask and tile registers, with their modes, become what they are when a
 * process begins. On other processors than x86-64 it does nothing. */
void whet_registers_wipe(void);

#endif
