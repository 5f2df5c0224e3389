/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects device rules: devices.list, the entries of libvirt's map, and the machine that runs device programs:
 * libvirt's as it was loaded and as the kernel rewrites it, one like systemd's, and what it must refuse to judge.
 */
#include "devrule.h"

#include <errno.h>
#include <stdlib.h>

#include <linux/bpf.h>

#include "tap.h"

#define OP(CODE, DST, SRC, OFF, IMM)               \
	{                                          \
		(CODE), (DST), (SRC), (OFF), (IMM) \
	}
#define MOV(D, S)        OP(BPF_ALU64 | BPF_MOV | BPF_X, D, S, 0, 0)
#define MOVI(D, I)       OP(BPF_ALU64 | BPF_MOV | BPF_K, D, 0, 0, I)
#define LDW(D, S, O)     OP(BPF_LDX | BPF_MEM | BPF_W, D, S, O, 0)
#define STD(D, S, O)     OP(BPF_STX | BPF_MEM | BPF_DW, D, S, O, 0)
#define ALUI(F, D, I)    OP(BPF_ALU64 | (F) | BPF_K, D, 0, 0, I)
#define ALU(F, D, S)     OP(BPF_ALU64 | (F) | BPF_X, D, S, 0, 0)
#define ALU32I(F, D, I)  OP(BPF_ALU | (F) | BPF_K, D, 0, 0, I)
#define JI(F, D, I, O)   OP(BPF_JMP | (F) | BPF_K, D, 0, O, I)
#define JR(F, D, S, O)   OP(BPF_JMP | (F) | BPF_X, D, S, O, 0)
#define MAPFD(D)         OP(BPF_LD | BPF_IMM | BPF_DW, D, BPF_PSEUDO_MAP_FD, 0, 5), OP(0, 0, 0, 0, 0)
#define IMM64(D, LO, HI) OP(BPF_LD | BPF_IMM | BPF_DW, D, 0, 0, LO), OP(0, 0, 0, 0, HI)
#define CALL()           OP(BPF_JMP | BPF_CALL, 0, 0, 0, 1)
#define EXIT             OP(BPF_JMP | BPF_EXIT, 0, 0, 0, 0)
#define KERNEL_CALL()    OP(BPF_JMP | BPF_CALL, 0, 0, 0, 123456), JI(BPF_JEQ, 0, 0, 1), ALUI(BPF_ADD, 0, 56)

/* A lookup of the key in register R, LOOK being the call; then out by JUMP when the value has all that is asked. */
#define LOOKUP(R, LOOK, JUMP)                                                                                \
	STD(10, R, -8), MOV(2, 10), ALUI(BPF_ADD, 2, -8), MAPFD(1), LOOK(), MOV(1, 0), JI(BPF_JEQ, 1, 0, 5), \
	        MOVI(0, 1), LDW(2, 6, 0), LDW(1, 1, 0), ALU(BPF_AND, 1, 2), JR(BPF_JEQ, 1, 2, JUMP)
#define PROGRAM(LOOK, J1, J2, J3)                                                                            \
	MOV(6, 1), LDW(1, 6, 8), LDW(2, 6, 4), ALUI(BPF_LSH, 2, 32), ALU(BPF_OR, 2, 1), LOOKUP(2, LOOK, J1), \
	        LDW(1, 6, 4), ALUI(BPF_LSH, 1, 32), IMM64(2, -1, 0), ALU(BPF_OR, 1, 2), LOOKUP(1, LOOK, J2), \
	        LDW(1, 6, 8), IMM64(2, 0, -1), ALU(BPF_OR, 1, 2), LOOKUP(1, LOOK, J3), MOVI(1, -1),          \
	        LOOKUP(1, LOOK, 1), MOVI(0, 0), EXIT

static const struct vd_bpf_insn as_loaded[] = { PROGRAM(CALL, 50, 32, 15) };
/* Two more instructions in each of the three lookups that follow. */
static const struct vd_bpf_insn as_run[] = { PROGRAM(KERNEL_CALL, 56, 36, 17) };

static struct vd_bpf_entry entries[] = {
	{ UINT64_C(1) << 32 | 3, 2 | (VD_DEV_READ | VD_DEV_WRITE) << 16 },
	{ UINT64_C(136) << 32 | 0xffffffff, 2 | (VD_DEV_READ | VD_DEV_WRITE) << 16 },
	{ UINT64_C(254) << 32, 1 | VD_DEV_READ << 16 },
};

static struct vd_bpf_program make(const struct vd_bpf_insn *insns, size_t n)
{
	return (struct vd_bpf_program){ .insns = (struct vd_bpf_insn *)insns,
		                        .n_insns = n,
		                        .n_maps = 1,
		                        .has_map = true,
		                        .entries = entries,
		                        .n_entries = VD_ARRAY_SIZE(entries) };
}

static void test_list(void)
{
	static const char text[] =
	        "c 1:3 rwm\nb *:* m\na *:* rwm\nnonsense\nc 136:* rw\nc 1:3 rr\nc 1:3\nc 5000000000:1 r\n";
	static const char *const wanted[] = {
		"c 1:3 rwm", "b *:* m", "a *:* rwm", NULL, "c 136:* rw", NULL, NULL, NULL
	};
	struct vd_devrule rule;
	size_t pos = 0;
	char buf[64];

	for (size_t i = 0; i < VD_ARRAY_SIZE(wanted); i++) {
		int r = vd_devrule_next(text, sizeof(text) - 1, &pos, &rule);

		tap_int(r, wanted[i] ? 1 : -EINVAL, "line %zu of devices.list -> %s", i,
		        wanted[i] ? "rule" : "refused");
		if (r == 1)
			vd_devrule_text(&rule, buf);
		tap_str(r == 1 ? buf : NULL, wanted[i], "line %zu of devices.list -> the same text", i);
	}
	tap_int(vd_devrule_next(text, sizeof(text) - 1, &pos, &rule), 0, "devices.list ends");
}

static void test_entries(void)
{
	static const struct {
		struct vd_bpf_entry entry;
		const char *wanted;
	} rows[] = {
		{ { UINT64_C(10) << 32 | 232, 0x00060002 }, "c 10:232 rw" },
		{ { UINT64_C(0x88) << 32 | 0xffffffff, 0x00060002 }, "c 136:* rw" },
		{ { UINT64_C(8) << 32 | 1, 0x00020001 }, "b 8:1 r" },
		{ { UINT64_MAX, 0x00070003 }, "a *:* rwm" },
		{ { 0, 0x00070000 }, NULL },
		{ { 0, 0x00000002 }, NULL },
		{ { 0, 0xffffffff }, NULL },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(rows); i++) {
		struct vd_devrule rule;
		char buf[64];
		bool ok = vd_bpf_entry_rule(&rows[i].entry, &rule);

		if (ok)
			vd_devrule_text(&rule, buf);
		tap_str(ok ? buf : NULL, rows[i].wanted, "entry %zu of a map -> %s", i,
		        rows[i].wanted ? rows[i].wanted : "no rule of libvirt's");
	}
}

static void asks(struct vd_bpf_program *p, const char *name)
{
	static const struct {
		char type;
		uint32_t major, minor;
		unsigned access;
		int wanted;
	} rows[] = {
		{ 'c', 1, 3, VD_DEV_READ, 1 },       { 'c', 1, 3, VD_DEV_READ | VD_DEV_WRITE, 1 },
		{ 'c', 1, 3, VD_DEV_MKNOD, 0 },      { 'b', 1, 3, VD_DEV_READ, 0 },
		{ 'c', 1, 11, VD_DEV_READ, 0 },      { 'c', 136, 0, VD_DEV_WRITE, 1 },
		{ 'c', 136, 77777, VD_DEV_READ, 1 }, { 'b', 254, 0, VD_DEV_READ, 1 },
		{ 'b', 254, 0, VD_DEV_WRITE, 0 },    { 'b', 254, 1, VD_DEV_READ, 0 },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(rows); i++)
		tap_int(vd_bpf_run(p, rows[i].type, rows[i].major, rows[i].minor, rows[i].access), rows[i].wanted,
		        "%s: %c %u:%u, access %u -> %d", name, rows[i].type, rows[i].major, rows[i].minor,
		        rows[i].access, rows[i].wanted);
	tap_ok(vd_bpf_is_libvirt(p), "%s: no known tag, but it decides like libvirt's -> recognised", name);
}

/* What systemd loads for DeviceAllow=/dev/null rw, in its manner: 32 bit moves, masks, one block for each device. */
static const struct vd_bpf_insn like_systemd[] = {
	LDW(2, 1, 0),
	ALU32I(BPF_AND, 2, 0xffff),
	LDW(3, 1, 0),
	ALU32I(BPF_RSH, 3, 16),
	LDW(4, 1, 4),
	LDW(5, 1, 8),
	JI(BPF_JNE, 2, BPF_DEVCG_DEV_CHAR, 7),
	OP(BPF_ALU | BPF_MOV | BPF_X, 1, 3, 0, 0),
	ALU32I(BPF_AND, 1, BPF_DEVCG_ACC_READ | BPF_DEVCG_ACC_WRITE),
	JR(BPF_JNE, 1, 3, 4),
	JI(BPF_JNE, 4, 1, 3),
	JI(BPF_JNE, 5, 3, 2),
	MOVI(0, 1),
	EXIT,
	MOVI(0, 0),
	EXIT,
};

static void refuses(const struct vd_bpf_insn *insns, size_t n, const char *name)
{
	struct vd_bpf_program p = make(insns, n);

	tap_int(vd_bpf_run(&p, 'c', 1, 3, VD_DEV_READ), -ENOTSUP, "%s -> cannot tell", name);
	tap_ok(!vd_bpf_is_libvirt(&p), "%s -> not libvirt's", name);
}

#define REFUSES(NAME, ...)                                                  \
	do {                                                                \
		static const struct vd_bpf_insn insns_[] = { __VA_ARGS__ }; \
		refuses(insns_, VD_ARRAY_SIZE(insns_), NAME);               \
	} while (0)

static void test_refused(void)
{
	REFUSES("a loop without end", OP(BPF_JMP | BPF_JA, 0, 0, -1, 0));
	REFUSES("a jump below the start", OP(BPF_JMP | BPF_JA, 0, 0, -5, 0));
	REFUSES("a jump behind the end", OP(BPF_JMP | BPF_JA, 0, 0, 7, 0), EXIT);
	REFUSES("no end", MOVI(0, 1));
	REFUSES("a result that was never set", EXIT);
	REFUSES("a register that does not exist", OP(BPF_ALU64 | BPF_MOV | BPF_K, 13, 0, 0, 1), MOVI(0, 1), EXIT);
	REFUSES("the frame's register as a target", MOVI(10, 1), MOVI(0, 1), EXIT);
	REFUSES("a field that does not exist", LDW(0, 1, 12), EXIT);
	REFUSES("a field below the first", LDW(0, 1, -4), EXIT);
	REFUSES("8 bytes of a field", OP(BPF_LDX | BPF_MEM | BPF_DW, 0, 1, 0, 0), EXIT);
	REFUSES("stack that was never written", OP(BPF_LDX | BPF_MEM | BPF_DW, 0, 10, -8, 0), EXIT);
	REFUSES("above the stack", MOVI(3, 1), STD(10, 3, 0), MOVI(0, 1), EXIT);
	REFUSES("below the stack", MOVI(3, 1), STD(10, 3, -520), MOVI(0, 1), EXIT);
	REFUSES("far above the stack", MOV(3, 10), IMM64(2, -8, 0x7fffffff), ALU(BPF_ADD, 3, 2), LDW(0, 3, 0), EXIT);
	REFUSES("the highest address", MOV(3, 10), IMM64(2, -1, 0x7fffffff), ALU(BPF_ADD, 3, 2), LDW(0, 3, -512), EXIT);
	REFUSES("another helper", MOVI(1, 0), CALL(), MOVI(0, 1), EXIT);
	REFUSES("a division", MOVI(0, 1), ALUI(BPF_DIV, 0, 1), EXIT);
	REFUSES("half of a constant", OP(BPF_LD | BPF_IMM | BPF_DW, 0, 0, 0, 1));
	REFUSES("a pointer as the result", MOV(0, 10), EXIT);
	REFUSES("a comparison of a pointer", JI(BPF_JGT, 10, 0, 0), MOVI(0, 1), EXIT);
}

int main(void)
{
	struct vd_bpf_program p = make(as_loaded, VD_ARRAY_SIZE(as_loaded));
	static const struct vd_bpf_insn yes[] = { MOVI(0, 1), EXIT };

	test_list();
	test_entries();
	tap_int(VD_ARRAY_SIZE(as_loaded), 69, "libvirt's program has 69 instructions");
	tap_int(VD_ARRAY_SIZE(as_run), 77, "the kernel makes 77 of them");
	asks(&p, "as loaded");
	p = make(as_run, VD_ARRAY_SIZE(as_run));
	asks(&p, "as the kernel runs it");
	p.insns = NULL;
	tap_int(vd_bpf_decide(&p, 'c', 1, 3, VD_DEV_READ), -ENOTSUP,
	        "instructions kept back, unknown tag -> cannot tell");
	snprintf(p.tag, sizeof(p.tag), "9b92522e365f8863");
	tap_int(vd_bpf_decide(&p, 'c', 1, 3, VD_DEV_READ), 1, "instructions kept back, libvirt's tag -> by the map");
	tap_int(vd_bpf_decide(&p, 'c', 1, 11, VD_DEV_READ), 0, "the same, no rule -> denied");
	p = make(like_systemd, VD_ARRAY_SIZE(like_systemd));
	p.has_map = false;
	p.n_entries = 0;
	tap_int(vd_bpf_decide(&p, 'c', 1, 3, VD_DEV_READ | VD_DEV_WRITE), 1, "like systemd's: its device -> allowed");
	tap_int(vd_bpf_decide(&p, 'c', 1, 3, VD_DEV_MKNOD), 0, "like systemd's: mknod of it -> denied");
	tap_int(vd_bpf_decide(&p, 'b', 1, 3, VD_DEV_READ), 0, "like systemd's: a block device -> denied");
	tap_ok(!vd_bpf_is_libvirt(&p), "like systemd's -> not libvirt's");
	p = make(yes, VD_ARRAY_SIZE(yes));
	tap_ok(!vd_bpf_is_libvirt(&p), "a program that allows all, with a map beside it -> not libvirt's");
	tap_int(vd_bpf_decide(&p, 'b', 8, 0, 7), 1, "a program that allows all -> allowed");
	test_refused();
	return tap_done();
}
