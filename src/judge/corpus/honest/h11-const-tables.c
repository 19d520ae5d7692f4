/* SPDX-License-Identifier: MIT */
/* H11-const-tables: large constant tables, with bytes that look like system calls. Must pass. */
static const uint16_t table[4096] = { 0x050f, 0x80cd, 0x310f, 0xd0ff };
#define AFTER_ROW out[0] ^= table[c0(last)]
static int c0(int x) {
    return x % 4092 + 4;
}
