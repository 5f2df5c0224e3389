/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * devices.list, and device programs: any instructions with any map. Running them ends, stays inside, and decides the
 * same twice; a rule that was read is written as it stood.
 */
#include "fuzz.h"

#include <errno.h>

#include "devrule.h"

static void check_list(const char *text, size_t len)
{
	struct vd_devrule rule;
	size_t pos = 0, before = 0;
	int r;

	for (; (r = vd_devrule_next(text, len, &pos, &rule)) != 0; before = pos) {
		char buf[64];
		struct vd_devrule again;
		size_t at = 0;

		FUZZ_CHECK(pos > before && pos <= len + 1, "position %zu after %zu", pos, before);
		if (r < 0) {
			FUZZ_CHECK(r == -EINVAL, "returned %d", r);
			continue;
		}
		vd_devrule_text(&rule, buf);
		FUZZ_CHECK(vd_devrule_next(buf, strlen(buf), &at, &again) == 1 &&
		                   vd_devrule_same_device(&rule, &again) && rule.access == again.access,
		           "'%s' reads differently", buf);
	}
}

/* The first byte: how many entries of the map; 12 bytes each; the rest are instructions of 8 bytes. */
static void check_program(const uint8_t *data, size_t size)
{
	struct vd_bpf_program p = { .n_maps = 1, .has_map = true };
	static const unsigned accesses[] = { 1, 2, 4, 7 };

	if (size < 9)
		return;
	p.n_entries = data[0] % 8;
	data++, size--;
	if (size < p.n_entries * 12)
		return;
	p.entries = calloc(p.n_entries + 1, sizeof(*p.entries));
	if (!p.entries)
		exit(0);
	for (size_t i = 0; i < p.n_entries; i++, data += 12, size -= 12) {
		struct vd_devrule rule;

		memcpy(&p.entries[i].key, data, 8);
		memcpy(&p.entries[i].value, data + 8, 4);
		if (vd_bpf_entry_rule(&p.entries[i], &rule))
			FUZZ_CHECK(rule.access && rule.access <= 7 && memchr("abc", rule.type, 3),
			           "a rule of nonsense");
	}
	p.n_insns = size / 8;
	p.insns = calloc(p.n_insns + 1, sizeof(*p.insns));
	if (!p.insns)
		exit(0);
	for (size_t i = 0; i < p.n_insns; i++, data += 8) {
		p.insns[i] = (struct vd_bpf_insn){ .code = data[0], .dst = data[1] & 15, .src = data[1] >> 4 };
		memcpy(&p.insns[i].off, data + 2, 2);
		memcpy(&p.insns[i].imm, data + 4, 4);
	}
	for (size_t i = 0; i < sizeof(accesses) / sizeof(accesses[0]); i++) {
		int r = vd_bpf_run(&p, i % 2 ? 'b' : 'c', 1, 3, accesses[i]);

		FUZZ_CHECK(r == 0 || r == 1 || r == -ENOTSUP, "returned %d", r);
		FUZZ_CHECK(vd_bpf_run(&p, i % 2 ? 'b' : 'c', 1, 3, accesses[i]) == r,
		           "decides differently the next time");
		if (r < 0)
			FUZZ_CHECK(!vd_bpf_is_libvirt(&p), "cannot be run, yet recognised");
	}
	vd_bpf_program_release(&p);
}

FUZZ_TARGET("devrule")
{
	check_list((const char *)data, size);
	check_program(data, size);
	return 0;
}
