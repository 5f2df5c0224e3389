/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "devrule.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ANY 0xffffffffu

void vd_devrule_access(unsigned access, char buf[4])
{
	size_t n = 0;

	if (access & VD_DEV_READ)
		buf[n++] = 'r';
	if (access & VD_DEV_WRITE)
		buf[n++] = 'w';
	if (access & VD_DEV_MKNOD)
		buf[n++] = 'm';
	buf[n] = '\0';
}

static void number_text(int64_t n, char buf[24])
{
	if (n < 0)
		snprintf(buf, 24, "*");
	else
		snprintf(buf, 24, "%" PRId64, n);
}

void vd_devrule_text(const struct vd_devrule *rule, char buf[64])
{
	char major[24], minor[24], access[4];

	number_text(rule->major, major);
	number_text(rule->minor, minor);
	vd_devrule_access(rule->access, access);
	snprintf(buf, 64, "%c %s:%s %s", rule->type, major, minor, access);
}

bool vd_devrule_matches(const struct vd_devrule *rule, char type, int64_t major, int64_t minor)
{
	return (rule->type == 'a' || rule->type == type) && (rule->major < 0 || rule->major == major) &&
	       (rule->minor < 0 || rule->minor == minor);
}

bool vd_devrule_same_device(const struct vd_devrule *a, const struct vd_devrule *b)
{
	return a->type == b->type && a->major == b->major && a->minor == b->minor;
}

/* A number of the kernel's, or "*"; moves on behind it. */
static bool scan(const char **p, const char *end, int64_t *ret)
{
	int64_t n = 0;
	const char *start = *p;

	if (*p < end && **p == '*') {
		(*p)++;
		*ret = -1;
		return true;
	}
	for (; *p < end && isdigit((unsigned char)**p); (*p)++) {
		n = n * 10 + (**p - '0');
		if (n > UINT32_MAX)
			return false;
	}
	*ret = n;
	return *p > start;
}

static bool parse_rule(const char *p, const char *end, struct vd_devrule *rule)
{
	if (end - p < 6 || !memchr("abc", *p, 3) || p[1] != ' ')
		return false;
	rule->type = *p;
	p += 2;
	if (!scan(&p, end, &rule->major) || p == end || *p++ != ':' || !scan(&p, end, &rule->minor) || p == end ||
	    *p++ != ' ')
		return false;
	rule->access = 0;
	for (; p < end; p++) {
		unsigned bit = *p == 'r' ? VD_DEV_READ : *p == 'w' ? VD_DEV_WRITE : *p == 'm' ? VD_DEV_MKNOD : 0;

		if (!bit || rule->access & bit)
			return false;
		rule->access |= bit;
	}
	return rule->access != 0;
}

int vd_devrule_next(const char *text, size_t len, size_t *pos, struct vd_devrule *ret_rule)
{
	struct vd_devrule rule;
	const char *line, *end;

	if (*pos >= len)
		return 0;
	line = text + *pos;
	end = memchr(line, '\n', len - *pos);
	if (!end)
		end = text + len;
	*pos = (size_t)(end - text) + 1;
	if (!parse_rule(line, end, &rule))
		return -EINVAL;
	*ret_rule = rule;
	return 1;
}

void vd_bpf_program_release(struct vd_bpf_program *program)
{
	free(program->insns);
	free(program->entries);
	*program = (struct vd_bpf_program){ 0 };
}

bool vd_bpf_entry_rule(const struct vd_bpf_entry *entry, struct vd_devrule *ret_rule)
{
	uint32_t major = (uint32_t)(entry->key >> 32), minor = (uint32_t)entry->key, type = entry->value & 0xffff;
	unsigned access = entry->value >> 16;

	/* Both types at once is how "a" is written. */
	if (!type || type > 3 || !access || access > 7)
		return false;
	*ret_rule = (struct vd_devrule){ .type = type == 1   ? 'b'
		                                 : type == 2 ? 'c'
		                                             : 'a',
		                         .major = major == ANY ? -1 : (int64_t)major,
		                         .minor = minor == ANY ? -1 : (int64_t)minor,
		                         .access = access };
	return true;
}

static bool entry_allows(const struct vd_bpf_program *program, uint64_t key, uint32_t wanted)
{
	for (size_t i = 0; i < program->n_entries; i++)
		if (program->entries[i].key == key)
			return (program->entries[i].value & wanted) == wanted;
	return false;
}

/* What libvirt's program does: four lookups, each with more of the numbers left open. */
static bool by_map(const struct vd_bpf_program *program, char type, uint32_t major, uint32_t minor, unsigned access)
{
	uint32_t wanted = (type == 'b' ? 1u : 2u) | access << 16;

	return entry_allows(program, (uint64_t)major << 32 | minor, wanted) ||
	       entry_allows(program, (uint64_t)major << 32 | ANY, wanted) ||
	       entry_allows(program, (uint64_t)ANY << 32 | minor, wanted) || entry_allows(program, UINT64_MAX, wanted);
}

/* Does it decide as libvirt's program would with this map? */
static bool behaves(const struct vd_bpf_program *program)
{
	static const unsigned accesses[] = { VD_DEV_READ, VD_DEV_WRITE, VD_DEV_MKNOD, 7 };
	/* Devices that are hardly in any map, and borders of the numbers. */
	static const uint32_t others[][2] = {
		{ 1, 11 }, { 0, 0 }, { 4095, 1048575 }, { 8, 0 }, { 136, 3 }, { 511, 7 }
	};
	size_t n = program->n_entries + VD_ARRAY_SIZE(others);

	if (!program->insns || !program->has_map)
		return false;
	for (size_t i = 0; i < n; i++) {
		uint32_t major, minor;

		if (i < program->n_entries) {
			major = (uint32_t)(program->entries[i].key >> 32);
			minor = (uint32_t)program->entries[i].key;
			/* Of a rule for many one that it is about. */
			major = major == ANY ? 77 : major;
			minor = minor == ANY ? 99 : minor;
		} else {
			major = others[i - program->n_entries][0];
			minor = others[i - program->n_entries][1];
		}
		for (size_t k = 0; k < VD_ARRAY_SIZE(accesses) * 2; k++) {
			char type = k % 2 ? 'b' : 'c';
			unsigned access = accesses[k / 2];

			if (vd_bpf_run(program, type, major, minor, access) !=
			    by_map(program, type, major, minor, access))
				return false;
		}
	}
	return true;
}

bool vd_bpf_is_libvirt(const struct vd_bpf_program *program)
{
	/* The tags of the program in virCgroupV2DevicesLoadProg(), worked out from its instructions with both hashes.
	 */
	static const char *const tags[] = { "b95e404d31962705", "9b92522e365f8863" };

	if (!program->has_map)
		return false;
	for (size_t i = 0; i < VD_ARRAY_SIZE(tags); i++)
		if (!strcmp(program->tag, tags[i]))
			return true;
	/* A program that decides alike with an empty map decides nothing by it. */
	return program->n_entries && behaves(program);
}

int vd_bpf_decide(const struct vd_bpf_program *program, char type, uint32_t major, uint32_t minor, unsigned access)
{
	if (vd_bpf_is_libvirt(program))
		return by_map(program, type, major, minor, access);
	return vd_bpf_run(program, type, major, minor, access);
}
