/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Device rules of cgroups, and the device programs of v2, which are run here as the kernel would: pure, no I/O.
 * Formats: kernel Documentation/admin-guide/cgroup-v1/devices.rst, include/uapi/linux/bpf.h (struct
 * bpf_cgroup_dev_ctx).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "macros.h"

/* Access: what a rule allows, what is asked for. The values are those of BPF_DEVCG_ACC_*. */
#define VD_DEV_MKNOD 1u
#define VD_DEV_READ  2u
#define VD_DEV_WRITE 4u

/* A rule that allows. */
struct vd_devrule {
	char type;            /* 'a' (any), 'b', 'c' */
	int64_t major, minor; /* -1: any */
	unsigned access;      /* VD_DEV_* */
};

/* "rwm" and its parts, in that order, into @buf. */
void vd_devrule_access(unsigned access, char buf[4]);
/* "c 136:* rw" into @buf. */
void vd_devrule_text(const struct vd_devrule *rule, char buf[64]);
/* Does @rule speak of the device of @type ('b' or 'c') with these numbers? */
bool vd_devrule_matches(const struct vd_devrule *rule, char type, int64_t major, int64_t minor);
/* The same rule but for what it allows? */
bool vd_devrule_same_device(const struct vd_devrule *a, const struct vd_devrule *b);

/*
 * The next rule of a devices.list of v1 ("c 1:3 rwm" a line) from *@pos on, which moves behind it. Returns 1, 0 at the
 * end, and -EINVAL for a line that is no rule: it is passed over, so the caller can go on.
 */
int vd_devrule_next(const char *text, size_t len, size_t *pos, struct vd_devrule *ret_rule) VD_MUST_CHECK;

/* An instruction, as struct bpf_insn. */
struct vd_bpf_insn {
	uint8_t code, dst, src;
	int16_t off;
	int32_t imm;
};

/* A device program and its map, when it has exactly one of libvirt's form: hash, key 8 bytes, value 4. */
struct vd_bpf_program {
	uint32_t id;
	char name[17];             /* "" usually; printable only */
	char tag[17];              /* hexadecimal */
	struct vd_bpf_insn *insns; /* as the kernel runs them; NULL: it does not hand them out */
	size_t n_insns;
	unsigned n_maps;
	bool has_map; /* its only map was read */
	uint32_t map_id;
	struct vd_bpf_entry {
		uint64_t key;   /* major << 32 | minor; 0xffffffff is any */
		uint32_t value; /* type | access << 16: type 1 block, 2 char */
	} * entries;
	size_t n_entries;
};
void vd_bpf_program_release(struct vd_bpf_program *program);

/* The rule of an entry in libvirt's map. False when its value is none that libvirt writes. */
bool vd_bpf_entry_rule(const struct vd_bpf_entry *entry, struct vd_devrule *ret_rule);

/*
 * What the instructions decide on a device: 1 allowed, 0 denied, -ENOTSUP when they do what is not understood here
 * (loops without end, helpers other than a lookup in the map), or are not known. Never reads outside of the program.
 */
int vd_bpf_run(const struct vd_bpf_program *program, char type, uint32_t major, uint32_t minor,
               unsigned access) VD_MUST_CHECK;

/*
 * Is it the program that libvirt attaches (the same from 5.9 to 11)? By its tag, a hash over the instructions as they
 * were loaded (SHA-1; SHA-256 from Linux 6.18 on), or because it decides on all devices of its map, and on some that
 * are not in it, as that program does.
 */
bool vd_bpf_is_libvirt(const struct vd_bpf_program *program);
/* The verdict of @program by its map when it is libvirt's, else by its instructions; as vd_bpf_run(). */
int vd_bpf_decide(const struct vd_bpf_program *program, char type, uint32_t major, uint32_t minor,
                  unsigned access) VD_MUST_CHECK;
