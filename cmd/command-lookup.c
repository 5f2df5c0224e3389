/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "command-internal.h"

#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "report.h"
#include "near.h"

/* --- lookup ---------------------------------------------------------------------------------------------------- */

static const struct vd_opt *find_in(const struct vd_opt *opts, const char *name, size_t len, char letter)
{
	for (const struct vd_opt *o = opts; o && o->name; o++)
		if (name ? strlen(o->name) == len && !memcmp(o->name, name, len) : o->short_name == letter)
			return o;
	return NULL;
}

static const struct vd_opt *find_opt(const struct vd_cmd *cmd, const char *name, size_t len, char letter)
{
	const struct vd_opt *o = cmd ? find_in(cmd->opts, name, len, letter) : NULL;

	if (!o && cmd && cmd->flags & VD_CMD_TABLE)
		o = find_in(vd_table_opts, name, len, letter);
	return o ? o : find_in(vd_global_opts, name, len, letter);
}

const struct vd_opt *vd_find_long(const struct vd_cmd *cmd, const char *name, size_t len)
{
	return find_opt(cmd, name, len, 0);
}

const struct vd_opt *vd_find_short(const struct vd_cmd *cmd, char letter)
{
	return find_opt(cmd, NULL, 0, letter);
}

const struct vd_cmd *vd_find_cmd(const struct vd_cmd *const *list, const char *name)
{
	for (; *list; list++)
		if (!strcmp((*list)->name, name))
			return *list;
	return NULL;
}

const struct vd_arg *vd_arg_at(const struct vd_cmd *cmd, int n)
{
	const struct vd_arg *a = cmd->args;

	for (; a && a->name; a++)
		if (!n-- || a->repeats)
			return a;
	return NULL;
}

const struct vd_col *vd_find_col(const struct vd_col *cols, size_t n_cols, const char *name, size_t len)
{
	for (size_t i = 0; i < n_cols; i++)
		if (strlen(cols[i].name) == len && !strncasecmp(cols[i].name, name, len) &&
		    !(cols[i].flags & VD_COL_JSON_ONLY) && cols[i].type != VD_COL_VALUE)
			return &cols[i];
	return NULL;
}

bool vd_is_own_opt(const struct vd_cmd *cmd, const struct vd_opt *opt)
{
	return cmd && find_in(cmd->opts, opt->name, strlen(opt->name), 0) == opt;
}

/* --- did you mean ---------------------------------------------------------------------------------------------- */

const char *vd_nearest(const char *word, const char *const *candidates)
{
	enum {
		LIMIT = 64
	};
	size_t len = strlen(word), best = LIMIT + 1;
	const char *found = NULL;

	for (; *candidates; candidates++) {
		size_t n = vd_edit_distance(word, len, *candidates, strlen(*candidates), LIMIT);

		/* The start of a longer name was meant as an abbreviation: always near. */
		if (len >= 3 && !strncmp(word, *candidates, len))
			n = 1;
		if (n < best) {
			best = n;
			found = *candidates;
		}
	}
	return best <= LIMIT && best <= 1 + len / 4 ? found : NULL;
}
