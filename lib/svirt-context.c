/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "svirt.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int vd_context_parse(const char *text, struct vd_context *ret_context)
{
	struct vd_context context = { NULL, NULL, NULL, NULL, NULL };
	char **part[] = { &context.role, &context.type, &context.range };
	char *at;

	context.copy = strdup(text);
	if (!context.copy)
		return -ENOMEM;
	context.user = at = context.copy;
	/* The range holds colons itself, so only the first three separate. */
	for (size_t i = 0; i < VD_ARRAY_SIZE(part); i++) {
		at = strchr(at, ':');
		if (!at)
			break;
		*at++ = '\0';
		*part[i] = at;
	}
	if (!context.type || !*context.user || !*context.role || !*context.type || (context.range && !*context.range)) {
		free(context.copy);
		return -EINVAL;
	}
	*ret_context = context;
	return 0;
}

void vd_context_release(struct vd_context *context)
{
	free(context->copy);
	memset(context, 0, sizeof(*context));
}

/* "c" and a number up to 1023; moves @at behind it. */
static int parse_category(const char **at, const char *end, unsigned *ret_number)
{
	const char *p = *at;
	unsigned number = 0;

	if (p == end || *p++ != 'c')
		return -EINVAL;
	if (p == end || *p < '0' || *p > '9')
		return -EINVAL;
	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		number = number * 10 + (unsigned)(*p - '0');
		if (number > 1023)
			return -EINVAL;
	}
	*at = p;
	*ret_number = number;
	return 0;
}

static int parse_categories(const char *at, const char *end, struct vd_catset *set)
{
	unsigned first, last;

	for (;;) {
		if (parse_category(&at, end, &first) < 0)
			return -EINVAL;
		last = first;
		if (at < end && *at == '.') {
			at++;
			if (parse_category(&at, end, &last) < 0 || last < first)
				return -EINVAL;
		}
		for (unsigned c = first; c <= last; c++)
			set->bits[c / 64] |= UINT64_C(1) << (c % 64);
		if (at == end)
			return 0;
		if (*at++ != ',')
			return -EINVAL;
	}
}

int vd_range_parse(const char *range, char ret_sens[16], struct vd_catset *ret_set)
{
	const char *end = range + strcspn(range, "-");
	const char *colon = memchr(range, ':', (size_t)(end - range));
	size_t len = (size_t)((colon ? colon : end) - range);
	struct vd_catset set = { { 0 } };

	if (len == 0 || len > 15)
		return -EINVAL;
	if (colon && parse_categories(colon + 1, end, &set) < 0)
		return -EINVAL;
	memcpy(ret_sens, range, len);
	ret_sens[len] = '\0';
	*ret_set = set;
	return 0;
}

bool vd_catset_equal(const struct vd_catset *a, const struct vd_catset *b)
{
	return !memcmp(a->bits, b->bits, sizeof(a->bits));
}

bool vd_catset_subset(const struct vd_catset *a, const struct vd_catset *b)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(a->bits); i++)
		if (a->bits[i] & ~b->bits[i])
			return false;
	return true;
}

bool vd_catset_empty(const struct vd_catset *a)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(a->bits); i++)
		if (a->bits[i])
			return false;
	return true;
}
