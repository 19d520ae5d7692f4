/* SPDX-License-Identifier: MIT */
/* I03-switch: a switch that a compiler likes to make a jump table. Must pass. */
static int pick(int x) {
    switch (x) {
    case 0: return 3;
    case 1: return 5;
    case 2: return 9;
    case 3: return 17;
    case 4: return 2;
    case 5: return 40;
    case 6: return 11;
    default: return 0;
    }
}
#define AFTER_ROW                                                                                  \
    if (pick(last) == 77) out[0] = 0
