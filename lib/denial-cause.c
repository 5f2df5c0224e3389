/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "denials.h"

#include <errno.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "data.h"

/* The fields of denials.tsv. */
enum field {
	F_ID,
	F_SUBJECT,
	F_OBJECT,
	F_CLASS,
	F_PERMS,
	F_KIND,
	F_VERDICT,
	F_BOOLEAN,
	F_FIX,
	F_CAUSE,
	F_ADVICE,
	F_COUNT_
};

struct vd_denial_rule {
	const char *subject, *object, *tclass, *perms, *kind;
};

static const char *or_null(const char *s)
{
	return strcmp(s, "-") ? s : NULL;
}

int vd_denial_causes_load(struct vd_denial_causes *ret_causes)
{
	struct vd_denial_causes c = { 0 };
	struct vd_field fields[F_COUNT_];
	size_t pos = 0, lines = 0;

	while (vd_data_next(vd_data_denials, vd_data_denials_len, &pos, fields, F_COUNT_))
		lines++;
	c.items = calloc(lines + 1, sizeof(*c.items));
	c.rules = calloc(lines + 1, sizeof(*c.rules));
	c.text = malloc(vd_data_denials_len + 1);
	if (!c.items || !c.rules || !c.text) {
		vd_denial_causes_release(&c);
		return -ENOMEM;
	}
	memcpy(c.text, vd_data_denials, vd_data_denials_len + 1);
	for (pos = 0; vd_data_next(vd_data_denials, vd_data_denials_len, &pos, fields, F_COUNT_); c.len++) {
		const char *f[F_COUNT_];

		for (size_t i = 0; i < F_COUNT_; i++) {
			char *word = c.text + (fields[i].s - vd_data_denials);

			word[fields[i].len] = '\0';
			f[i] = word;
		}
		c.items[c.len] = (struct vd_denial_cause){ .id = f[F_ID],
			                                   .text = f[F_CAUSE],
			                                   .advice = or_null(f[F_ADVICE]),
			                                   .boolean = or_null(f[F_BOOLEAN]),
			                                   .harmless = !strcmp(f[F_VERDICT], "harmless"),
			                                   .see_check = !strcmp(f[F_FIX], "check") };
		c.rules[c.len] =
		        (struct vd_denial_rule){ f[F_SUBJECT], f[F_OBJECT], f[F_CLASS], f[F_PERMS], f[F_KIND] };
	}
	*ret_causes = c;
	return 0;
}

void vd_denial_causes_release(struct vd_denial_causes *causes)
{
	free(causes->items);
	free(causes->rules);
	free(causes->text);
	*causes = (struct vd_denial_causes){ 0 };
}

/* Does one of the globs in @list, "a*|b", fit the @len bytes at @word? */
static bool fits(const char *list, const char *word, size_t len)
{
	char text[128], glob[128];

	if (len >= sizeof(text))
		return false;
	memcpy(text, word, len);
	text[len] = '\0';
	while (*list) {
		size_t n = strcspn(list, "|");

		if (n < sizeof(glob)) {
			memcpy(glob, list, n);
			glob[n] = '\0';
			if (!fnmatch(glob, text, 0))
				return true;
		}
		list += n + (list[n] == '|');
	}
	return false;
}

/* One of the permissions that were denied must fit; where it shall be harmless, each. */
static bool perms_fit(const char *list, const char *perms, bool all)
{
	bool any = false;

	while (*perms) {
		size_t n = strcspn(perms, " ");
		bool fit = n && fits(list, perms, n);

		if (n && !fit && all)
			return false;
		any |= fit;
		perms += n + (perms[n] == ' ');
	}
	return any;
}

static bool rule_fits(const struct vd_denial_rule *rule, const struct vd_denial *d, bool harmless)
{
	struct vd_context s = { 0 }, t = { 0 };
	bool ok = vd_context_parse(d->scontext, &s) == 0 && vd_context_parse(d->tcontext, &t) == 0;

	ok = ok && fits(rule->subject, s.type, strlen(s.type));
	ok = ok &&
	     (!strcmp(rule->object, "self") ? !strcmp(s.type, t.type) : fits(rule->object, t.type, strlen(t.type)));
	ok = ok && fits(rule->tclass, d->tclass, strlen(d->tclass)) && perms_fit(rule->perms, d->perms, harmless);
	ok = ok && (!strcmp(rule->kind, "any") || !strcmp(rule->kind, vd_denial_kind_name(d->kind)));
	vd_context_release(&s);
	vd_context_release(&t);
	return ok;
}

void vd_denials_explain(struct vd_denials *denials, const struct vd_denial_causes *causes)
{
	for (size_t i = 0; i < denials->len; i++) {
		denials->items[i].cause = NULL;
		for (size_t k = 0; k < causes->len; k++) {
			if (!rule_fits(&causes->rules[k], &denials->items[i], causes->items[k].harmless))
				continue;
			denials->items[i].cause = &causes->items[k];
			break;
		}
	}
}
