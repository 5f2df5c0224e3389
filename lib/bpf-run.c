/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A device program, run on one question. It knows the instructions that such programs are made of: arithmetic, jumps,
 * the three fields of the question, a stack, and a lookup in one map. Instruction set: kernel
 * Documentation/bpf/standardization/instruction-set.rst. Whatever else comes up ends with "cannot tell".
 */
#include <errno.h>
#include <string.h>

#include <linux/bpf.h>

#include "devrule.h"

#define STACK 512

enum kind {
	UNSET,
	NUMBER,
	QUESTION, /* the context; number: offset */
	FRAME,    /* into the stack; number: offset from its end, negative */
	MAP,
	ENTRY, /* a value in the map; number: which one. An offset into the kernel's element is not kept. */
};

struct reg {
	enum kind kind;
	uint64_t number;
};

struct machine {
	const struct vd_bpf_program *program;
	struct reg regs[11];
	uint8_t stack[STACK];
	bool written[STACK];
	uint32_t question[3]; /* access << 16 | type, major, minor */
};

static unsigned size_of(uint8_t code)
{
	switch (BPF_SIZE(code)) {
	case BPF_B:
		return 1;
	case BPF_H:
		return 2;
	case BPF_W:
		return 4;
	default:
		return 8;
	}
}

static uint64_t cut(uint64_t n, unsigned bytes)
{
	return bytes >= 8 ? n : n & ((UINT64_C(1) << bytes * 8) - 1);
}

/* Where in the stack, when all of it is inside. */
static bool stack_at(const struct reg *reg, int off, unsigned bytes, size_t *ret)
{
	uint64_t at = reg->number + (uint64_t)(int64_t)off + STACK;

	if (reg->kind != FRAME || at > STACK - bytes)
		return false;
	*ret = (size_t)at;
	return true;
}

static uint64_t little(const uint8_t *p, unsigned bytes)
{
	uint64_t n = 0;

	for (unsigned i = bytes; i-- > 0;)
		n = n << 8 | p[i];
	return n;
}

static bool load(struct machine *m, const struct vd_bpf_insn *insn)
{
	const struct reg *from = &m->regs[insn->src];
	unsigned bytes = size_of(insn->code);
	struct reg result = { NUMBER, 0 };
	size_t at;

	if (from->kind == QUESTION) {
		uint64_t off = from->number + (uint64_t)(int64_t)insn->off;

		/* A part of a field: the low end of it comes first. */
		if (off > 8 || bytes > 4 || off % 4 + bytes > 4)
			return false;
		result.number = cut((uint64_t)m->question[off / 4] >> off % 4 * 8, bytes);
	} else if (from->kind == ENTRY) {
		if (bytes != 4)
			return false;
		result.number = m->program->entries[from->number].value;
	} else if (stack_at(from, insn->off, bytes, &at)) {
		for (unsigned i = 0; i < bytes; i++)
			if (!m->written[at + i])
				return false;
		result.number = little(m->stack + at, bytes);
	} else {
		return false;
	}
	m->regs[insn->dst] = result;
	return true;
}

static bool store(struct machine *m, const struct vd_bpf_insn *insn, uint64_t value)
{
	unsigned bytes = size_of(insn->code);
	size_t at;

	if (!stack_at(&m->regs[insn->dst], insn->off, bytes, &at))
		return false;
	for (unsigned i = 0; i < bytes; i++) {
		m->stack[at + i] = (uint8_t)(value >> i * 8);
		m->written[at + i] = true;
	}
	return true;
}

static bool compute(uint8_t op, bool wide, uint64_t a, uint64_t b, uint64_t *ret)
{
	unsigned bits = wide ? 64 : 32, shift = (unsigned)(b & (bits - 1));

	switch (op) {
	case BPF_ADD:
		*ret = a + b;
		return true;
	case BPF_SUB:
		*ret = a - b;
		return true;
	case BPF_MUL:
		*ret = a * b;
		return true;
	case BPF_OR:
		*ret = a | b;
		return true;
	case BPF_AND:
		*ret = a & b;
		return true;
	case BPF_XOR:
		*ret = a ^ b;
		return true;
	case BPF_LSH:
		*ret = a << shift;
		return true;
	case BPF_RSH:
		*ret = a >> shift;
		return true;
	case BPF_ARSH:
		*ret = wide ? (uint64_t)((int64_t)a >> shift) : (uint64_t)((int32_t)a >> shift);
		return true;
	case BPF_NEG:
		*ret = 0 - a;
		return true;
	default:
		return false; /* division, byte order, ... */
	}
}

static bool arithmetic(struct machine *m, const struct vd_bpf_insn *insn)
{
	bool wide = BPF_CLASS(insn->code) == BPF_ALU64;
	uint8_t op = BPF_OP(insn->code);
	struct reg *dst = &m->regs[insn->dst], value = { NUMBER, (uint64_t)(int64_t)insn->imm };

	/* An offset here means a signed division or move. */
	if (insn->off)
		return false;
	if (BPF_SRC(insn->code) == BPF_X && op != BPF_NEG)
		value = m->regs[insn->src];
	if (op == BPF_MOV) {
		if (value.kind == UNSET || (!wide && value.kind != NUMBER))
			return false;
		value.number = wide ? value.number : (uint32_t)value.number;
		*dst = value;
		return true;
	}
	if (value.kind != NUMBER)
		return false;
	/* The kernel's own code adds the offset of the value in its element. */
	if (dst->kind == ENTRY && op == BPF_ADD && wide)
		return true;
	if ((dst->kind == FRAME || dst->kind == QUESTION) && wide && (op == BPF_ADD || op == BPF_SUB))
		return compute(op, true, dst->number, value.number, &dst->number);
	if (dst->kind != NUMBER || !compute(op, wide, wide ? dst->number : (uint32_t)dst->number,
	                                    wide ? value.number : (uint32_t)value.number, &dst->number))
		return false;
	if (!wide)
		dst->number = (uint32_t)dst->number;
	return true;
}

/* 1 yes, 0 no, -1 not understood. */
static int compare(uint8_t op, bool wide, uint64_t a, uint64_t b)
{
	int64_t x = wide ? (int64_t)a : (int32_t)a, y = wide ? (int64_t)b : (int32_t)b;

	if (!wide) {
		a = (uint32_t)a;
		b = (uint32_t)b;
	}
	switch (op) {
	case BPF_JEQ:
		return a == b;
	case BPF_JNE:
		return a != b;
	case BPF_JGT:
		return a > b;
	case BPF_JGE:
		return a >= b;
	case BPF_JLT:
		return a < b;
	case BPF_JLE:
		return a <= b;
	case BPF_JSET:
		return (a & b) != 0;
	case BPF_JSGT:
		return x > y;
	case BPF_JSGE:
		return x >= y;
	case BPF_JSLT:
		return x < y;
	case BPF_JSLE:
		return x <= y;
	default:
		return -1;
	}
}

static int jumps(const struct machine *m, const struct vd_bpf_insn *insn)
{
	const struct reg *a = &m->regs[insn->dst];
	struct reg b = { NUMBER, (uint64_t)(int64_t)insn->imm };
	uint8_t op = BPF_OP(insn->code);

	if (BPF_SRC(insn->code) == BPF_X)
		b = m->regs[insn->src];
	/* A value that was found is not NULL. */
	if (a->kind == ENTRY && b.kind == NUMBER && !b.number && (op == BPF_JEQ || op == BPF_JNE))
		return op == BPF_JNE;
	if (a->kind != NUMBER || b.kind != NUMBER)
		return -1;
	return compare(op, BPF_CLASS(insn->code) == BPF_JMP, a->number, b.number);
}

/* A lookup by the key on the stack: in a program with one map of libvirt's form no other helper takes these. */
static bool call(struct machine *m)
{
	uint64_t key;
	size_t at;

	if (m->regs[1].kind != MAP || !m->program->has_map || !stack_at(&m->regs[2], 0, 8, &at))
		return false;
	for (size_t i = 0; i < 8; i++)
		if (!m->written[at + i])
			return false;
	key = little(m->stack + at, 8);
	for (size_t r = 1; r <= 5; r++)
		m->regs[r] = (struct reg){ UNSET, 0 };
	m->regs[0] = (struct reg){ NUMBER, 0 };
	for (size_t i = 0; i < m->program->n_entries; i++)
		if (m->program->entries[i].key == key)
			m->regs[0] = (struct reg){ ENTRY, i };
	return true;
}

/* A constant of two instructions. */
static bool load_constant(struct machine *m, const struct vd_bpf_insn *insn, size_t left)
{
	if (left < 2 || insn->code != (BPF_LD | BPF_IMM | BPF_DW))
		return false;
	if (insn->src == BPF_PSEUDO_MAP_FD)
		m->regs[insn->dst] = (struct reg){ MAP, 0 };
	else if (!insn->src)
		m->regs[insn->dst] =
		        (struct reg){ NUMBER, (uint64_t)(uint32_t)insn[1].imm << 32 | (uint32_t)insn->imm };
	else
		return false;
	return true;
}

/* One instruction that is no jump; @left: how many there are from it on. */
static bool step(struct machine *m, const struct vd_bpf_insn *insn, size_t left)
{
	switch (BPF_CLASS(insn->code)) {
	case BPF_ALU:
	case BPF_ALU64:
		return arithmetic(m, insn);
	case BPF_LDX:
		return BPF_MODE(insn->code) == BPF_MEM && load(m, insn);
	case BPF_ST:
		return BPF_MODE(insn->code) == BPF_MEM && store(m, insn, (uint64_t)(int64_t)insn->imm);
	case BPF_STX:
		return BPF_MODE(insn->code) == BPF_MEM && m->regs[insn->src].kind == NUMBER &&
		       store(m, insn, m->regs[insn->src].number);
	case BPF_LD:
		return load_constant(m, insn, left);
	default:
		return false;
	}
}

int vd_bpf_run(const struct vd_bpf_program *program, char type, uint32_t major, uint32_t minor, unsigned access)
{
	struct machine m = { .program = program };
	size_t at = 0;

	m.question[0] = (type == 'b' ? BPF_DEVCG_DEV_BLOCK : BPF_DEVCG_DEV_CHAR) | access << 16;
	m.question[1] = major;
	m.question[2] = minor;
	m.regs[1].kind = QUESTION;
	m.regs[10].kind = FRAME;
	/* Without a loop, which these programs do not have, no instruction runs twice. */
	for (size_t steps = 0; program->insns && steps < program->n_insns && at < program->n_insns; steps++) {
		const struct vd_bpf_insn *insn = &program->insns[at];
		bool jump = BPF_CLASS(insn->code) == BPF_JMP || BPF_CLASS(insn->code) == BPF_JMP32;
		int taken = 1;

		if (insn->dst > 10 || insn->src > 10)
			return -ENOTSUP;
		if (insn->code == (BPF_JMP | BPF_EXIT))
			return m.regs[0].kind == NUMBER ? (m.regs[0].number & 1) != 0 : -ENOTSUP;
		if (insn->code == (BPF_JMP | BPF_CALL)) {
			if (insn->src || !call(&m))
				return -ENOTSUP;
			at++;
			continue;
		}
		if (!jump) {
			/* The frame's own register is only read, but a store names it as its target. */
			if (!step(&m, insn, program->n_insns - at) ||
			    (insn->dst == 10 && BPF_CLASS(insn->code) != BPF_ST && BPF_CLASS(insn->code) != BPF_STX))
				return -ENOTSUP;
			at += insn->code == (BPF_LD | BPF_IMM | BPF_DW) ? 2 : 1;
			continue;
		}
		if (insn->code != (BPF_JMP | BPF_JA))
			taken = jumps(&m, insn);
		if (taken < 0)
			return -ENOTSUP;
		/* Backwards below zero becomes huge, and ends the loop. */
		at = (size_t)((int64_t)at + 1 + (taken ? insn->off : 0));
	}
	return -ENOTSUP;
}
