/* SPDX-License-Identifier: MIT */
/* Lengths of x86-64 instructions, and which of them no kernel may hold (Intel 64 and IA-32
 * Architectures Software Developer's Manual, volume 2, chapters 2 and appendix A). */
#include "judge/code.h"

#include <string.h>

enum { MAX_LENGTH = 15 };

/* One instruction while it is read. */
typedef struct reader {
    const uint8_t *code;
    size_t n, at;
    bool is_short;  /* 66: immediates of 16 bits */
    bool is_rep;    /* f3 */
    bool is_wide;   /* REX.W */
    bool is_far;    /* REX.B or a like bit: rm means another register */
    int map;        /* 0: one byte; 1: 0f; 2: 0f 38; 3: 0f 3a; 5, 6: EVEX only */
    bool is_vector; /* VEX or EVEX */
    uint8_t op, modrm;
    int64_t displacement;
    bool is_relative; /* to the next instruction */
} reader;

static int next(reader *r) {
    if (r->at >= r->n || r->at >= MAX_LENGTH) return -1;
    return r->code[r->at++];
}

static int64_t number(reader *r, int bytes) {
    uint64_t x = 0;
    for (int i = 0; i < bytes; i++) {
        const int b = next(r);
        if (b < 0) {
            r->at = MAX_LENGTH + 1;
            return 0;
        }
        x |= (uint64_t)b << (8 * i);
    }
    if (bytes == 0 || bytes == 8) return (int64_t)x;
    const int shift = 64 - 8 * bytes;
    return (int64_t)(x << shift) >> shift;
}

/* Prefixes and the escape to a map; false: nothing that is known. */
static bool read_opcode(reader *r, whet_instruction *found) {
    int b = next(r);
    for (;; b = next(r)) {
        if (b == 0x64 || b == 0x65) found->reason = "a segment override";
        if (b == 0x66) r->is_short = true;
        if (b == 0xf3) r->is_rep = true;
        const bool is_prefix = b == 0x26 || b == 0x2e || b == 0x36 || b == 0x3e || b == 0x64 ||
                               b == 0x65 || b == 0x66 || b == 0x67 || b == 0xf0 || b == 0xf2 ||
                               b == 0xf3;
        if (!is_prefix) break;
    }
    if (b >= 0x40 && b <= 0x4f) {
        r->is_wide = b & 8;
        r->is_far = b & 1;
        b = next(r);
    }
    if (b == 0xc4 || b == 0xc5 || b == 0x62) {
        const int first = next(r);
        const int more = b == 0xc5 ? 0 : b == 0xc4 ? 1 : 2;
        r->is_vector = true;
        r->map = b == 0xc5 ? 1 : b == 0xc4 ? first & 0x1f : first & 7;
        for (int i = 0; i < more; i++)
            if (next(r) < 0) return false;
        b = next(r);
        if (r->map < 1 || r->map > 6 || r->map == 4) return false;
    } else if (b == 0x0f) {
        b = next(r);
        r->map = b == 0x38 ? 2 : b == 0x3a ? 3 : 1;
        if (r->map > 1) b = next(r);
    }
    r->op = (uint8_t)b;
    return b >= 0;
}

static bool in(uint8_t op, const char *list, size_t n) {
    return memchr(list, op, n) != NULL;
}
#define IN(op, list) in(op, list, sizeof list - 1)

static bool has_modrm(const reader *r) {
    const uint8_t op = r->op;
    if (r->map > 1) return true;
    if (r->map == 1) {
        if (op == 0x77) return false;
        if (r->is_vector) return true;
        return !IN(op, "\x05\x06\x07\x08\x09\x0b\x0e\x30\x31\x32\x33\x34\x35\x37\xa0\xa1\xa2\xa8"
                       "\xa9\xaa") &&
               !(op >= 0x80 && op <= 0x8f) && !(op >= 0xc8 && op <= 0xcf);
    }
    if (op < 0x40) return (op & 7) < 4;
    return (op >= 0x80 && op <= 0x8f) || (op >= 0xd0 && op <= 0xd3) || (op >= 0xd8 && op <= 0xdf) ||
           IN(op, "\x63\x69\x6b\xc0\xc1\xc6\xc7\xf6\xf7\xfe\xff");
}

static void read_modrm(reader *r) {
    r->modrm = (uint8_t)number(r, 1);
    const int mod = r->modrm >> 6, rm = r->modrm & 7;
    if (mod == 3) return;
    int base = -1;
    if (rm == 4) base = (int)(number(r, 1) & 7);
    if (mod == 0 && rm == 5) r->is_relative = true;
    const int bytes = mod == 1 ? 1 : mod == 2 || rm + 8 * mod == 5 || base + 8 * mod == 5 ? 4 : 0;
    r->displacement = number(r, bytes);
}

static int immediate_bytes(const reader *r) {
    const uint8_t op = r->op;
    const int z = r->is_short ? 2 : 4, which = r->modrm >> 3 & 7;
    if (r->map == 3) return 1;
    if (r->map == 1) {
        if (!r->is_vector && op >= 0x80 && op <= 0x8f) return 4;
        if (!r->is_vector && IN(op, "\xa4\xac\xba\x0f")) return 1;
        return IN(op, "\x70\x71\x72\x73\xc2\xc4\xc5\xc6") ? 1 : 0;
    }
    if (r->map != 0) return 0;
    if (op < 0x40) return (op & 7) == 4 ? 1 : (op & 7) == 5 ? z : 0;
    if ((op >= 0x70 && op <= 0x7f) || (op >= 0xb0 && op <= 0xb7) || (op >= 0xe0 && op <= 0xe7) ||
        IN(op, "\x6a\x6b\x80\x83\xa8\xc0\xc1\xc6\xcd\xeb"))
        return 1;
    if (op >= 0xb8 && op <= 0xbf) return r->is_wide ? 8 : z;
    if (op >= 0xa0 && op <= 0xa3) return 8;
    if (op == 0xe8 || op == 0xe9) return 4;
    if (op == 0xf6) return which < 2 ? 1 : 0;
    if (op == 0xf7) return which < 2 ? z : 0;
    if (op == 0xc2) return 2;
    if (op == 0xc8) return 3;
    return IN(op, "\x68\x69\x81\xa9\xc7") ? z : 0;
}

static const char *forbidden_in_map_1(const reader *r) {
    const int mod = r->modrm >> 6, which = r->modrm >> 3 & 7;
    switch (r->op) {
    case 0x05:
    case 0x07:
    case 0x34:
    case 0x35: return "a system call";
    case 0x31:
    case 0x33: return "reading a clock or a counter";
    case 0x01: return "reading a clock, or a control of the processor";
    case 0xa2: return "asking for the processor's kind";
    case 0x30:
    case 0x32: return "a control of the processor";
    case 0xa0:
    case 0xa1:
    case 0xa8:
    case 0xa9: return "a segment register";
    case 0xc7: return which >= 6 ? "random numbers or the processor's number" : NULL;
    case 0xae:
        if (r->is_rep) return "a control of the processor";
        if (mod == 3) return which >= 5 ? NULL : "a control of the processor";
        return which == 3 || which == 7 ? NULL : "control of the floating-point state";
    default: return r->op < 0x10 && !IN(r->op, "\x0b\x0d") ? "a control of the processor" : NULL;
    }
}

static const char *forbidden_in_map_0(const reader *r) {
    const int mod = r->modrm >> 6, which = r->modrm >> 3 & 7;
    switch (r->op) {
    case 0xcd:
    case 0xf1: return "a system call";
    case 0x8e:
    case 0x8c: return "a segment register";
    case 0xca:
    case 0xcb:
    case 0xcf: return "a far return";
    case 0xf4:
    case 0xfa:
    case 0xfb: return "a control of the processor";
    case 0xfd: return "a change of direction";
    case 0xc6:
    case 0xc7: return r->modrm == 0xf8 ? "a transaction" : NULL;
    case 0xd9:
        return mod != 3 && (which == 4 || which == 5) ? "control of the floating-point state"
                                                      : NULL;
    case 0xdd: return mod != 3 && which == 4 ? "control of the floating-point state" : NULL;
    case 0xff:
        if (which == 3 || which == 5) return "a far call";
        return (which == 2 || which == 4) && !r->is_relative ? "an indirect call or jump" : NULL;
    default:
        if ((r->op >= 0x6c && r->op <= 0x6f) || (r->op >= 0xe4 && r->op <= 0xe7) || r->op >= 0xec)
            if (r->op <= 0xef) return "input or output of the processor";
        return NULL;
    }
}

static bool is_unknown(const reader *r) {
    const uint8_t op = r->op;
    if (r->map) return false;
    if (op < 0x40) return (op & 7) >= 6; /* the prefixes among them are gone */
    return IN(op, "\x60\x61\x82\x9a\xce\xd4\xd5\xd6\xea");
}

whet_instruction whet_instruction_read(const uint8_t *code, size_t n, int64_t address) {
    whet_instruction found = { 0 };
    reader r = { .code = code, .n = n };
    if (!read_opcode(&r, &found) || (!r.is_vector && is_unknown(&r))) return found;
    if (has_modrm(&r)) read_modrm(&r);
    const int64_t immediate = number(&r, immediate_bytes(&r));
    if (r.at > MAX_LENGTH) return found;
    found.length = (int)r.at;
    const int64_t end = address + found.length;
    if (!found.reason && r.map == 1) found.reason = forbidden_in_map_1(&r);
    if (!found.reason && r.map == 0) found.reason = forbidden_in_map_0(&r);
    const bool is_jump = r.map == 0 && ((r.op >= 0x70 && r.op <= 0x7f) || r.op == 0xeb ||
                                        (r.op >= 0xe0 && r.op <= 0xe3) || (r.op | 1) == 0xe9);
    const bool is_long = r.map == 1 && !r.is_vector && r.op >= 0x80 && r.op <= 0x8f;
    found.is_branch = is_jump || is_long;
    if (found.is_branch) found.target = end + immediate;
    const int which = r.modrm >> 3 & 7;
    if (r.map == 0 && r.op == 0xff && (which == 2 || which == 4) && r.is_relative) {
        found.is_through_slot = true;
        found.target = end + r.displacement;
    }
    if (r.map == 0 && r.op == 0x81 && r.modrm == 0xec && r.is_wide && !r.is_far)
        found.frame = immediate;
    return found;
}
