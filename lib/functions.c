/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "functions.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A power of two, so large that a third of it is filled. */
#define SLOTS 32768u

static uint32_t hash_of(const char *s, size_t len)
{
	uint64_t h = len * UINT64_C(0x9e3779b97f4a7c15), v;

	/* Eight bytes at a time: names differ at their ends and are some twenty bytes long. */
	for (; len >= 8; s += 8, len -= 8) {
		memcpy(&v, s, 8);
		h = (h ^ v) * UINT64_C(0xff51afd7ed558ccd);
		h ^= h >> 32;
	}
	v = 0;
	memcpy(&v, s, len);
	h = (h ^ v) * UINT64_C(0xff51afd7ed558ccd);
	return (uint32_t)(h >> 40);
}

static void add_name(struct vd_functions *f, const char *name, size_t len, unsigned category)
{
	uint32_t at = hash_of(name, len) % SLOTS;

	while (f->slots[at].len)
		at = (at + 1) % SLOTS;
	f->slots[at] = (struct vd_function_slot){ (uint32_t)(name - f->text), (uint16_t)len, (uint16_t)category };
}

static void add_names(struct vd_functions *f, const struct vd_field *names, unsigned category)
{
	const char *s = names->s, *end = names->s + names->len;

	while (s < end) {
		const char *blank = memchr(s, ' ', (size_t)(end - s));
		size_t len = (size_t)((blank ? blank : end) - s);

		if (len)
			add_name(f, s, len, category);
		s += len + 1;
	}
}

static size_t count_lines(const char *text, size_t len)
{
	size_t n = 0;

	for (const char *p = text; (p = memchr(p, '\n', (size_t)(text + len - p))) != NULL; p++)
		n++;
	return n;
}

int vd_functions_load(struct vd_functions *ret_functions)
{
	VD_AUTO_FUNCTIONS f = { .text = vd_data_functions, .error = VD_CATEGORY_NONE, .log = VD_CATEGORY_NONE };
	struct vd_field fields[2];
	size_t pos = 0;

	f.categories = calloc(count_lines(f.text, vd_data_functions_len) + 1, sizeof(*f.categories));
	f.slots = calloc(SLOTS, sizeof(*f.slots));
	if (!f.categories || !f.slots)
		return -ENOMEM;
	while (vd_data_next(f.text, vd_data_functions_len, &pos, fields, 2)) {
		unsigned number = (unsigned)f.n_categories;

		if (vd_field_is(&fields[0], "version")) {
			f.version = fields[1];
			continue;
		}
		f.categories[f.n_categories++] = fields[0];
		add_names(&f, &fields[1], number);
		if (vd_field_is(&fields[0], "util.error"))
			f.error = number;
		else if (vd_field_is(&fields[0], "util.log"))
			f.log = number;
	}
	*ret_functions = f;
	f.categories = NULL;
	f.slots = NULL;
	return 0;
}

void vd_functions_release(struct vd_functions *functions)
{
	free(functions->categories);
	free(functions->slots);
	functions->categories = NULL;
	functions->slots = NULL;
	functions->n_categories = 0;
}

unsigned vd_functions_find(const struct vd_functions *functions, const char *name, size_t len)
{
	uint32_t at = hash_of(name, len) % SLOTS;

	for (; functions->slots[at].len; at = (at + 1) % SLOTS) {
		const struct vd_function_slot *slot = &functions->slots[at];

		if (slot->len == len && memcmp(functions->text + slot->offset, name, len) == 0)
			return slot->category;
	}
	return VD_CATEGORY_NONE;
}

unsigned vd_functions_of(const struct vd_functions *functions, const struct vd_record *record)
{
	for (size_t i = 0; record->category.len && i < functions->n_categories; i++)
		if (functions->categories[i].len == record->category.len &&
		    memcmp(functions->categories[i].s, record->category.s, record->category.len) == 0)
			return (unsigned)i;
	if (record->category.len)
		return VD_CATEGORY_NONE;
	if (record->level == 4)
		return functions->error;
	if (record->is_banner)
		return functions->log;
	if (!record->function.len)
		return VD_CATEGORY_NONE;
	return vd_functions_find(functions, record->function.s, record->function.len);
}

struct vd_field vd_functions_category(const struct vd_functions *functions, unsigned number)
{
	static const struct vd_field none = { "", 0 };

	return number < functions->n_categories ? functions->categories[number] : none;
}
