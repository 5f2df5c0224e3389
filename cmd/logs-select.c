/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "logs-records.h"
#include "when.h"

const char *const vd_level_words[] = { "debug", "info", "warning", "error", NULL };

void vd_complete_category(struct vd_ctx *ctx, const char *prefix, struct vd_strv *words)
{
	VD_AUTO_FUNCTIONS functions = VD_FUNCTIONS_INIT;

	(void)ctx;
	(void)prefix;
	if (vd_functions_load(&functions) < 0)
		return;
	for (size_t i = 0; i < functions.n_categories; i++)
		if (vd_strv_addn(words, functions.categories[i].s, functions.categories[i].len) < 0)
			return;
}

static enum vd_exit read_time(struct vd_ctx *ctx, const char *name, int64_t *ret_time)
{
	const char *text = vd_opt_str(ctx, name, NULL);
	struct timespec now;

	if (!text)
		return VD_EXIT_OK;
	clock_gettime(CLOCK_REALTIME, &now);
	if (vd_when_parse(text, (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, ret_time) < 0)
		return vd_usage(ctx, "'%s' is no time for --%s; examples: '2026-11-23 03:00', '03:00', yesterday, -1h",
		                text, name);
	return VD_EXIT_OK;
}

/* Which categories --category means; none is as good as certainly a typo. */
static enum vd_exit match_categories(struct vd_ctx *ctx, struct vd_select *select)
{
	size_t found = 0;

	vd_report_check(vd_functions_load(&select->functions));
	select->categories = vd_report_need(calloc(select->functions.n_categories, sizeof(bool)));
	for (size_t i = 0; i < select->functions.n_categories; i++) {
		const struct vd_field *name = &select->functions.categories[i];

		select->categories[i] = vd_glob_matches(select->category, name->s, name->len);
		found += select->categories[i];
	}
	if (!found)
		return vd_usage(ctx, "no log category of libvirt %.*s matches '%s'; 'virtdiag filters list' has them",
		                (int)select->functions.version.len, select->functions.version.s, select->category);
	return VD_EXIT_OK;
}

enum vd_exit vd_select_init(struct vd_ctx *ctx, bool time_only, struct vd_select *select)
{
	const char *level = time_only ? NULL : vd_opt_str(ctx, "level", NULL);
	enum vd_exit status;

	*select = (struct vd_select){ .level = 1, .since = INT64_MIN, .until = INT64_MAX };
	for (unsigned i = 0; level && vd_level_words[i]; i++)
		if (!strcmp(level, vd_level_words[i]))
			select->level = i + 1;
	if (!time_only) {
		select->thread = vd_opt_num(ctx, "thread", 0);
		select->function = vd_opt_str(ctx, "function", NULL);
		select->category = vd_opt_str(ctx, "category", NULL);
	}
	status = read_time(ctx, "since", &select->since);
	if (status == VD_EXIT_OK)
		status = read_time(ctx, "until", &select->until);
	if (status == VD_EXIT_OK && select->category)
		status = match_categories(ctx, select);
	select->any = select->level == 1 && !select->thread && !select->function && !select->category &&
	              !vd_select_wants_time(select);
	return status;
}

void vd_select_release(struct vd_select *select)
{
	free(select->categories);
	vd_functions_release(&select->functions);
	vd_match_free(select->match);
	select->match = NULL;
}

bool vd_select_wants_time(const struct vd_select *select)
{
	return select->since != INT64_MIN || select->until != INT64_MAX;
}

void vd_select_warn_none(struct vd_ctx *ctx, const struct vd_select *select, const char *guest)
{
	bool other = select->level > 1 || select->function || select->category || select->match ||
	             vd_select_wants_time(select);
	VD_AUTO_BUF what = VD_BUF_INIT;

	if (guest)
		vd_report_check(vd_buf_addf(&what, " about %s", guest));
	if (select->thread)
		vd_report_check(vd_buf_addf(&what, " of thread %ld", select->thread));
	if (other)
		vd_report_check(vd_buf_addf(&what, " that fits the %sconditions", what.len ? "other " : ""));
	vd_warn(ctx, "no record%s was found there", what.len ? what.data : " of libvirt's");
}

bool vd_select_takes(const struct vd_select *select, const struct vd_record *record, const char *source, int64_t time)
{
	if (select->any)
		return true;
	if (!record || record->level < select->level)
		return false;
	if (select->thread && (long)record->thread != select->thread)
		return false;
	if (select->function &&
	    !(record->function.len && vd_glob_matches(select->function, record->function.s, record->function.len)))
		return false;
	if (select->categories) {
		unsigned category = vd_functions_of(&select->functions, record, source);

		if (category == VD_CATEGORY_NONE || !select->categories[category])
			return false;
	}
	return time == VD_NO_TIME ? !vd_select_wants_time(select) : time >= select->since && time <= select->until;
}

void vd_want_guest(struct vd_ctx *ctx, struct vd_whose *whose, const char *guest, struct vd_strv *names)
{
	bool is_uuid =
	        strlen(guest) == 36 && guest[8] == '-' && guest[13] == '-' && guest[18] == '-' && guest[23] == '-';
	struct vd_guests_options options = { .session_user = ctx->session_user, .use_session = ctx->use_session };
	const struct vd_guest *found[2];
	struct vd_guests guests = { 0 };

	if (!strncmp(guest, "qemu:", 5) || !strncmp(guest, "lxc:", 4))
		guest = strchr(guest, ':') + 1;
	/* A log of another host, or of a guest that is gone, is as good. */
	if (vd_guests_load(ctx->root, &options, &guests, NULL) == 0 && vd_guests_find(&guests, guest, found, 2) == 1) {
		const struct vd_domain *domain = vd_guest_domain(found[0]);

		vd_report_check(vd_strv_add(names, domain->name));
		vd_report_check(domain->uuid[0] ? vd_strv_add(names, domain->uuid) : 0);
		vd_whose_want(whose, names->items[0], names->len > 1 ? names->items[1] : NULL);
	} else {
		vd_whose_want(whose, is_uuid ? NULL : guest, is_uuid ? guest : NULL);
	}
	vd_guests_release(&guests);
}
