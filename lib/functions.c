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

static void add_pattern(struct vd_functions *f, const char *name, size_t len, unsigned category)
{
	if (f->n_patterns < VD_ARRAY_SIZE(f->patterns))
		f->patterns[f->n_patterns++] = (struct vd_function_pattern){ { name, len }, category };
}

/* Each name with what stands behind it about lines of its source: see the head of the file. */
static void add_names(struct vd_functions *f, const struct vd_field *names, unsigned category)
{
	const char *s = names->s, *end = names->s + names->len;

	while (s < end) {
		const char *blank = memchr(s, ' ', (size_t)(end - s));
		size_t len = (size_t)((blank ? blank : end) - s), name = 0;

		while (name < len && s[name] != '!' && s[name] != '@')
			name++;
		if (memchr(s, '*', name))
			add_pattern(f, s, name, category);
		else if (name)
			add_name(f, s, name, category);
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
	VD_AUTO_FUNCTIONS f = { .text = vd_data_functions,
		                .error = VD_CATEGORY_NONE,
		                .log = VD_CATEGORY_NONE,
		                .daemon = VD_CATEGORY_NONE };
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
		else if (vd_field_is(&fields[0], "daemon.libvirtd"))
			f.daemon = number;
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

/* Is @line among the numbers at @s, "12,15"? */
static bool has_line(const char *s, uint32_t line)
{
	while (*s >= '0' && *s <= '9') {
		uint32_t n = 0;

		for (; *s >= '0' && *s <= '9'; s++)
			n = n * 10 + (uint32_t)(*s - '0');
		if (n == line)
			return true;
		s += *s == ',';
	}
	return false;
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* What the catalogue says behind a name, at @s, decides. False: another of its entries may fit. */
static bool category_of(const struct vd_functions *f, const struct vd_function_slot *slot, unsigned level,
                        uint32_t line, unsigned *ret_category)
{
	const char *s = f->text + slot->offset + slot->len;
	bool several = *s == '@';

	*ret_category = slot->category;
	if (level != 4)
		return !several || has_line(s + 1, line);
	if (several) {
		s++;
		while (is_digit(*s) || *s == ',')
			s++;
	}
	if (*s == '!' && (!is_digit(s[1]) || has_line(s + 1, line)))
		return true;
	*ret_category = f->error;
	return !several;
}

static unsigned find_pattern(const struct vd_functions *f, const char *name, size_t len)
{
	for (size_t i = 0; i < f->n_patterns; i++) {
		const struct vd_field *pattern = &f->patterns[i].name;
		size_t before = (size_t)((const char *)memchr(pattern->s, '*', pattern->len) - pattern->s);
		size_t behind = pattern->len - before - 1;

		if (len >= before + behind && !memcmp(name, pattern->s, before) &&
		    !memcmp(name + len - behind, pattern->s + before + 1, behind))
			return f->patterns[i].category;
	}
	return VD_CATEGORY_NONE;
}

unsigned vd_functions_find(const struct vd_functions *functions, const char *name, size_t len, unsigned level,
                           uint32_t line)
{
	uint32_t at = hash_of(name, len) % SLOTS;
	unsigned category;

	for (; functions->slots[at].len; at = (at + 1) % SLOTS) {
		const struct vd_function_slot *slot = &functions->slots[at];

		if (slot->len == len && memcmp(functions->text + slot->offset, name, len) == 0 &&
		    category_of(functions, slot, level, line, &category))
			return category;
	}
	return level == 4 ? functions->error : find_pattern(functions, name, len);
}

/*
 * Errors that libvirt's daemons log as debug messages: what is merely not there, or not possible now. Their text begins
 * with that of the error's code.
 */
static bool is_quiet_error(const struct vd_record *record)
{
	static const char *const texts[] = {
		"Domain not found",
		"Network not found",
		"Storage pool not found",
		"Storage volume not found",
		"Node device not found",
		"Interface not found",
		"Network filter not found",
		"Network filter binding not found",
		"Secret not found",
		"Domain snapshot not found",
		"Requested operation is not valid",
		"metadata not found",
		"Server not found",
		"Client not found",
		"no hostname found",
	};
	const struct vd_slice *message = &record->message;

	if (record->level != 1 || message->len < strlen("Client not found") || !memchr("DNSIRmCn", *message->s, 8))
		return false;
	for (size_t i = 0; i < VD_ARRAY_SIZE(texts); i++) {
		size_t len = strlen(texts[i]);

		if (message->len >= len && !memcmp(message->s, texts[i], len) &&
		    (message->len == len || message->s[len] == ':'))
			return true;
	}
	return false;
}

static unsigned category_named(const struct vd_functions *functions, const char *prefix, const char *name, size_t len)
{
	size_t before = strlen(prefix);

	for (size_t i = 0; i < functions->n_categories; i++) {
		const struct vd_field *category = &functions->categories[i];

		if (category->len == before + len && !memcmp(category->s, prefix, before) &&
		    !memcmp(category->s + before, name, len))
			return (unsigned)i;
	}
	return VD_CATEGORY_NONE;
}

/* The file that all daemons are made of has a category for each of them. */
static unsigned of_daemon(const struct vd_functions *functions, const struct vd_record *record, const char *source)
{
	const char *slash = source ? strrchr(source, '/') : NULL;
	unsigned found = VD_CATEGORY_NONE;

	if (record->program.len)
		found = category_named(functions, "daemon.", record->program.s, record->program.len);
	if (found == VD_CATEGORY_NONE && source) {
		source = slash ? slash + 1 : source;
		found = category_named(functions, "daemon.", source, strcspn(source, "."));
	}
	return found == VD_CATEGORY_NONE ? functions->daemon : found;
}

unsigned vd_functions_of(const struct vd_functions *functions, const struct vd_record *record, const char *source)
{
	unsigned found;

	if (record->category.len)
		return category_named(functions, "", record->category.s, record->category.len);
	if (record->is_banner)
		return functions->log;
	if (is_quiet_error(record))
		return functions->error;
	if (!record->function.len)
		return record->level == 4 ? functions->error : VD_CATEGORY_NONE;
	found = vd_functions_find(functions, record->function.s, record->function.len, record->level, record->line);
	return found == functions->daemon ? of_daemon(functions, record, source) : found;
}

struct vd_field vd_functions_category(const struct vd_functions *functions, unsigned number)
{
	static const struct vd_field none = { "", 0 };

	return number < functions->n_categories ? functions->categories[number] : none;
}
