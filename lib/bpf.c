/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bpf.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/bpf.h>
#include <sys/syscall.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.bpf");

#define MAX_INSNS   65536
#define MAX_ENTRIES 65536

static int bpf(enum bpf_cmd cmd, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return r < 0 ? -errno : (int)r;
}

static uint64_t pointer(const void *p)
{
	return (uint64_t)(uintptr_t)p;
}

int vd_bpf_device_programs(int fd, bool effective, uint32_t ret_ids[VD_BPF_MAX_PROGRAMS], size_t *ret_count)
{
	union bpf_attr attr;
	int r;

	memset(&attr, 0, sizeof(attr));
	attr.query.target_fd = (uint32_t)fd;
	attr.query.attach_type = BPF_CGROUP_DEVICE;
	attr.query.query_flags = effective ? BPF_F_QUERY_EFFECTIVE : 0;
	attr.query.prog_ids = pointer(ret_ids);
	attr.query.prog_cnt = VD_BPF_MAX_PROGRAMS;
	r = bpf(BPF_PROG_QUERY, &attr);
	if (r == -ENOSPC)
		return -E2BIG;
	if (r < 0)
		return r;
	*ret_count = attr.query.prog_cnt;
	return 0;
}

static int by_id(enum bpf_cmd cmd, uint32_t id)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.prog_id = id; /* the same place as map_id */
	return bpf(cmd, &attr);
}

static int get_info(int fd, void *info, uint32_t size)
{
	union bpf_attr attr;

	memset(&attr, 0, sizeof(attr));
	attr.info.bpf_fd = (uint32_t)fd;
	attr.info.info_len = size;
	attr.info.info = pointer(info);
	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr);
}

static int add_entry(struct vd_bpf_program *program, uint64_t key, uint32_t value)
{
	size_t n = program->n_entries;

	/* A power of two is full. */
	if (!(n & (n - 1))) {
		struct vd_bpf_entry *items = reallocarray(program->entries, n ? n * 2 : 1, sizeof(*items));

		if (!items)
			return -ENOMEM;
		program->entries = items;
	}
	program->entries[program->n_entries++] = (struct vd_bpf_entry){ key, value };
	return 0;
}

/* All pairs of the map. One that vanishes while it is walked begins the walk anew: the number of steps is limited. */
static int read_map(int fd, struct vd_bpf_program *program)
{
	uint64_t key = 0, next = 0;
	bool first = true;

	for (size_t i = 0; i < MAX_ENTRIES; i++) {
		union bpf_attr attr;
		uint32_t value = 0;
		int r;

		memset(&attr, 0, sizeof(attr));
		attr.map_fd = (uint32_t)fd;
		attr.key = first ? 0 : pointer(&key);
		attr.next_key = pointer(&next);
		r = bpf(BPF_MAP_GET_NEXT_KEY, &attr);
		if (r == -ENOENT)
			return 0;
		if (r < 0)
			return r;
		first = false;
		key = next;
		memset(&attr, 0, sizeof(attr));
		attr.map_fd = (uint32_t)fd;
		attr.key = pointer(&key);
		attr.value = pointer(&value);
		r = bpf(BPF_MAP_LOOKUP_ELEM, &attr);
		if (r == -ENOENT)
			continue;
		if (!r)
			r = add_entry(program, key, value);
		if (r < 0)
			return r;
	}
	return -E2BIG;
}

static int load_map(uint32_t id, struct vd_bpf_program *program)
{
	VD_AUTO_CLOSE int fd = by_id(BPF_MAP_GET_FD_BY_ID, id);
	struct bpf_map_info info;
	int r;

	if (fd < 0)
		return fd;
	memset(&info, 0, sizeof(info));
	r = get_info(fd, &info, sizeof(info));
	if (r < 0)
		return r;
	if (info.type != BPF_MAP_TYPE_HASH || info.key_size != sizeof(uint64_t) || info.value_size != sizeof(uint32_t))
		return 0;
	r = read_map(fd, program);
	program->has_map = !r;
	program->map_id = id;
	return r;
}

static int load_insns(int fd, uint32_t bytes, struct vd_bpf_program *program)
{
	size_t n = bytes / sizeof(struct bpf_insn);
	VD_AUTO_FREE struct bpf_insn *raw = NULL;
	struct bpf_prog_info info;
	int r;

	if (!n || n > MAX_INSNS)
		return 0;
	raw = calloc(n, sizeof(*raw));
	program->insns = calloc(n, sizeof(*program->insns));
	if (!raw || !program->insns)
		return -ENOMEM;
	memset(&info, 0, sizeof(info));
	info.xlated_prog_len = bytes;
	info.xlated_prog_insns = pointer(raw);
	r = get_info(fd, &info, sizeof(info));
	/* The kernel may keep them to itself: then it says so by taking the pointer away. */
	if (r < 0 || !info.xlated_prog_insns || info.xlated_prog_len < bytes) {
		free(program->insns);
		program->insns = NULL;
		return 0;
	}
	for (size_t i = 0; i < n; i++)
		program->insns[i] = (struct vd_bpf_insn){ .code = raw[i].code,
			                                  .dst = raw[i].dst_reg,
			                                  .src = raw[i].src_reg,
			                                  .off = raw[i].off,
			                                  .imm = raw[i].imm };
	program->n_insns = n;
	return 0;
}

int vd_bpf_load(uint32_t id, struct vd_bpf_program *ret_program)
{
	VD_CLEANUP(vd_bpf_program_release) struct vd_bpf_program program = { .id = id };
	VD_AUTO_CLOSE int fd = by_id(BPF_PROG_GET_FD_BY_ID, id);
	struct bpf_prog_info info;
	uint32_t map = 0;
	int r;

	if (fd < 0)
		return fd;
	memset(&info, 0, sizeof(info));
	info.nr_map_ids = 1;
	info.map_ids = pointer(&map);
	r = get_info(fd, &info, sizeof(info));
	if (r < 0)
		return r;
	program.n_maps = info.nr_map_ids;
	for (size_t i = 0; i < sizeof(info.tag); i++)
		snprintf(program.tag + i * 2, 3, "%02x", info.tag[i]);
	for (size_t i = 0; i < sizeof(info.name) && info.name[i]; i++)
		program.name[i] = isprint((unsigned char)info.name[i]) ? info.name[i] : '?';
	if (info.nr_map_ids == 1)
		r = load_map(map, &program);
	if (!r)
		r = load_insns(fd, info.xlated_prog_len, &program);
	if (r < 0)
		return r;
	VLOG_DEBUG("program %u '%s' tag %s: %zu instructions%s, %u maps, %zu entries", id, program.name, program.tag,
	           program.n_insns, program.insns ? "" : " (kept back)", program.n_maps, program.n_entries);
	*ret_program = program;
	program = (struct vd_bpf_program){ 0 };
	return 0;
}
