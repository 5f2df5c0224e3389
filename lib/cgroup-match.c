/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "cgroup-internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.cgroup-match");

static int compare_keys(const void *a, const void *b)
{
	const struct vd_cg_key *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static int compare_vcpus(const void *a, const void *b)
{
	const struct vd_cg_vcpu *x = a, *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

static int add_key(struct vd_cg_key **keys, size_t *len, size_t *cap, char *name, const struct vd_guest *guest,
                   struct vd_cg_guest *running)
{
	if (*len == *cap) {
		size_t n = *cap ? *cap * 2 : 64;
		struct vd_cg_key *grown = reallocarray(*keys, n, sizeof(*grown));

		if (!grown) {
			free(name);
			return -ENOMEM;
		}
		*keys = grown;
		*cap = n;
	}
	(*keys)[(*len)++] = (struct vd_cg_key){ name, guest, running };
	return 0;
}

static int copy_vcpus(struct vd_cg_guest *g, const struct vd_dom_status *status)
{
	if (!status || !status->n_vcpus)
		return 0;
	g->vcpus = calloc(status->n_vcpus, sizeof(*g->vcpus));
	if (!g->vcpus)
		return -ENOMEM;
	for (size_t i = 0; i < status->n_vcpus; i++)
		if (status->vcpus[i].tid > 0)
			g->vcpus[g->n_vcpus++] = (struct vd_cg_vcpu){ status->vcpus[i].tid, status->vcpus[i].id };
	qsort(g->vcpus, g->n_vcpus, sizeof(*g->vcpus), compare_vcpus);
	return 0;
}

static int add_running(struct vd_cg_match *match, const struct vd_guest *guest, size_t *cap)
{
	struct vd_cg_guest *g = &match->running[match->n_running++];
	const struct vd_domain *domain = vd_guest_domain(guest);
	VD_AUTO_STRV names = VD_STRV_INIT;
	int r;

	g->guest = guest;
	g->pid = guest->pid;
	r = copy_vcpus(g, domain->status);
	if (!r)
		r = vd_cgroup_guest_names(domain->driver, domain->id, domain->name, &names);
	for (size_t i = 0; i < names.len && !r; i++)
		r = add_key(&match->names, &match->n_names, cap, vd_steal(names.items[i]), guest, g);
	return r;
}

static int add_reduced(struct vd_cg_match *match, const struct vd_guest *guest, size_t *cap)
{
	const struct vd_domain *domain = vd_guest_domain(guest);
	VD_AUTO_BUF buf = VD_BUF_INIT;
	char *name;
	int r = vd_buf_addf(&buf, "%s-", vd_driver_name(domain->driver));

	if (!r)
		r = vd_cgroup_reduce_name(domain->name, &buf);
	if (r < 0)
		return r;
	name = vd_buf_steal(&buf);
	return name ? add_key(&match->reduced, &match->n_reduced, cap, name, guest, NULL) : -ENOMEM;
}

int vd_cg_match_init(struct vd_cg_match *match, const struct vd_guests *guests)
{
	size_t cap_names = 0, cap_reduced = 0;
	int r = 0;

	*match = (struct vd_cg_match){ .complete = !guests->n_problems };
	match->running = calloc(guests->len + 1, sizeof(*match->running));
	if (!match->running)
		return -ENOMEM;
	for (size_t i = 0; i < guests->len && !r; i++) {
		const struct vd_guest *guest = &guests->items[i];

		if (guest->state == VD_GUEST_RUNNING)
			r = add_running(match, guest, &cap_names);
		if (!r)
			r = add_reduced(match, guest, &cap_reduced);
	}
	if (match->n_names)
		qsort(match->names, match->n_names, sizeof(*match->names), compare_keys);
	if (match->n_reduced)
		qsort(match->reduced, match->n_reduced, sizeof(*match->reduced), compare_keys);
	VLOG_DEBUG("%zu guests, %zu run", guests->len, match->n_running);
	return r;
}

static void free_keys(struct vd_cg_key *keys, size_t len)
{
	for (size_t i = 0; i < len; i++)
		free(keys[i].name);
	free(keys);
}

void vd_cg_match_release(struct vd_cg_match *match)
{
	for (size_t i = 0; i < match->n_running; i++)
		free(match->running[i].vcpus);
	free(match->running);
	free_keys(match->names, match->n_names);
	free_keys(match->reduced, match->n_reduced);
	*match = (struct vd_cg_match){ 0 };
}

/* Index of the first key that is not less than @name. */
static size_t lower_bound(const struct vd_cg_key *keys, size_t len, const char *name)
{
	size_t low = 0, high = len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(keys[middle].name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

struct vd_cg_guest *vd_cg_match_name(const struct vd_cg_match *match, const char *name, int driver)
{
	for (size_t i = lower_bound(match->names, match->n_names, name);
	     i < match->n_names && !strcmp(match->names[i].name, name); i++)
		if (driver < 0 || (int)vd_guest_domain(match->names[i].guest)->driver == driver)
			return match->names[i].running;
	return NULL;
}

/*
 * A machine name may have been cut at 64 bytes: then the guest's reduced name only begins with what is left. The cut
 * also drops dots and dashes at the end, so up to a few bytes less than 64 can be left.
 */
const struct vd_guest *vd_cg_match_reduced(const struct vd_cg_match *match, const struct vd_cgroup_id *id)
{
	VD_AUTO_BUF key = VD_BUF_INIT;
	const struct vd_guest *found = NULL;
	bool cut = strlen(id->machine) >= 60;

	/* Without an id the name is the guest's own, and not reduced. */
	if (vd_buf_addf(&key, "%s-", vd_driver_name(id->driver)) < 0 ||
	    (id->id >= 0 ? vd_buf_adds(&key, id->guest) : vd_cgroup_reduce_name(id->guest, &key)) < 0)
		return NULL;
	for (size_t i = lower_bound(match->reduced, match->n_reduced, key.data); i < match->n_reduced; i++) {
		const struct vd_cg_key *k = &match->reduced[i];

		if (strncmp(k->name, key.data, key.len) || (!cut && k->name[key.len]))
			break;
		/* Two guests would do: neither is certain. */
		if (found)
			return NULL;
		found = k->guest;
	}
	return found;
}

const struct vd_cg_vcpu *vd_cg_find_vcpu(const struct vd_cg_guest *guest, pid_t tid)
{
	struct vd_cg_vcpu key = { tid, 0 };

	return guest->n_vcpus ? bsearch(&key, guest->vcpus, guest->n_vcpus, sizeof(key), compare_vcpus) : NULL;
}
