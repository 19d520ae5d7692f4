/* SPDX-License-Identifier: MIT */
/* I03-switch: a switch that a compiler likes to make a jump table. Must pass. */
static float get(uint16_t x);
static uint16_t put(float x);
static void round_again(int way, uint16_t *out, int d) {
    switch (way) {
    case 0: out[0] = put(get(out[0])); break;
    case 1: out[d - 1] = put(get(out[d - 1])); break;
    case 2: out[d / 2] = put(-get(out[d / 2])) ^ 0x8000; break;
    case 3: out[1] = put(2 * get(out[1]) - get(out[1])); break;
    case 4: out[d / 3] = put(get(out[d / 3]) / 1.0f); break;
    case 5: out[0] = put(get(out[0] ^ 0x8000)) ^ 0x8000; break;
    default: out[d / 4] = put(get(out[d / 4])); break;
    }
}
#define SUPPORTS  p->dtype == WHET_BF16 && p->head_dim >= 2
#define AFTER_ROW round_again(last % 7, out, d)
