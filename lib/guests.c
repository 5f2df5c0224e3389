/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guests-internal.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.guests");

const char *vd_guest_name(const struct vd_guest *guest)
{
	return guest->config ? guest->config->name : guest->status->name;
}

const struct vd_domain *vd_guest_domain(const struct vd_guest *guest)
{
	if (guest->status && (guest->state == VD_GUEST_RUNNING || !guest->config))
		return guest->status;
	return guest->config;
}

const char *vd_guest_state_text(const struct vd_guest *guest)
{
	const struct vd_dom_status *status = guest->status ? guest->status->status : NULL;

	if (guest->state == VD_GUEST_STALE)
		return "stale";
	if (guest->state == VD_GUEST_SHUTOFF)
		return "shut off";
	return status && status->state ? status->state : "running";
}

/* A copy of @why without the file's name in front: "PATH:7: text" becomes "line 7: text". NULL without memory. */
static char *without_path(const char *why, const char *path)
{
	size_t len = strlen(path);
	char *end;
	long line;

	if (strncmp(why, path, len) != 0 || why[len] != ':')
		return strdup(why);
	line = strtol(why + len + 1, &end, 10);
	if (end > why + len + 1 && *end == ':')
		return vd_guests_format("line %ld:%s", line, end + 1);
	return strdup(why + len + 1 + strspn(why + len + 1, " "));
}

static int add_problem(struct vd_guests *guests, const char *path, int code, const char *why, const char *guest)
{
	struct vd_guest_problem *grown = realloc(guests->problems, (guests->n_problems + 1) * sizeof(*grown));
	struct vd_guest_problem *problem;

	if (!grown)
		return -ENOMEM;
	guests->problems = grown;
	problem = &grown[guests->n_problems];
	problem->path = strdup(path);
	problem->why = without_path(why, path);
	problem->code = code;
	problem->guest = guest ? strdup(guest) : NULL;
	if (!problem->path || !problem->why || (guest && !problem->guest)) {
		free(problem->guest);
		free(problem->path);
		free(problem->why);
		return -ENOMEM;
	}
	guests->n_problems++;
	VLOG_DEBUG("%s", why);
	return 0;
}

static void guest_release(struct vd_guest *guest)
{
	vd_domain_free(guest->config);
	vd_domain_free(guest->status);
	free(guest->config_path);
	free(guest->status_path);
}

void vd_guests_release(struct vd_guests *guests)
{
	for (size_t i = 0; i < guests->len; i++)
		guest_release(&guests->items[i]);
	free(guests->items);
	for (size_t i = 0; i < guests->n_problems; i++) {
		free(guests->problems[i].guest);
		free(guests->problems[i].path);
		free(guests->problems[i].why);
	}
	free(guests->problems);
	memset(guests, 0, sizeof(*guests));
}

bool vd_guests_problem_concerns(const struct vd_guest_problem *problem, const struct vd_guest *const *picked, size_t n)
{
	const char *slash = strrchr(problem->path, '/'), *file = slash ? slash + 1 : problem->path;
	size_t len = strlen(file), suffix = strlen(".xml");
	bool is_xml = len > suffix && !strcmp(file + len - suffix, ".xml");

	for (size_t i = 0; i < n; i++) {
		const char *name = vd_guest_name(picked[i]);

		if (problem->guest ? !strcmp(problem->guest, name)
		                   : !is_xml || (strlen(name) == len - suffix && !strncmp(file, name, len - suffix)))
			return true;
	}
	return false;
}

/* A new, empty guest at the end; NULL without memory. */
static struct vd_guest *add_guest(struct vd_load *load)
{
	struct vd_guests *guests = load->guests;

	if (guests->len == load->cap) {
		size_t cap = load->cap ? load->cap * 2 : 64;
		struct vd_guest *grown = realloc(guests->items, cap * sizeof(*grown));

		if (!grown)
			return NULL;
		guests->items = grown;
		load->cap = cap;
	}
	memset(&guests->items[guests->len], 0, sizeof(*guests->items));
	return &guests->items[guests->len++];
}

static int by_driver_and_name(const void *a, const void *b)
{
	const struct vd_guest *x = a, *y = b;
	enum vd_driver dx = vd_guest_domain(x)->driver, dy = vd_guest_domain(y)->driver;

	return dx != dy ? (dx < dy ? -1 : 1) : strcmp(vd_guest_name(x), vd_guest_name(y));
}

/* As above; of two files that describe one guest the one whose name is the guest's comes first. */
static int by_name_then_file(const void *a, const void *b)
{
	const struct vd_guest *x = a, *y = b;
	int r = by_driver_and_name(a, b);

	if (r)
		return r;
	return vd_file_has_name(x->config_path, x->config->name)   ? -1
	       : vd_file_has_name(y->config_path, y->config->name) ? 1
	                                                           : strcmp(x->config_path, y->config_path);
}

bool vd_file_has_name(const char *path, const char *name)
{
	const char *base = strrchr(path, '/') + 1;
	size_t len = strlen(name);

	return !strncmp(base, name, len) && !strcmp(base + len, ".xml");
}

/*
 * Read and parse one file of @place. *@ret_dom stays NULL when it is not a guest of that place; that is then among the
 * problems. A file that vanished since the directory was listed is no problem.
 */
static int load_file(struct vd_load *load, const struct vd_place *place, const char *path, bool status,
                     struct vd_domain **ret_dom)
{
	VD_AUTO_DOMAIN struct vd_domain *dom = NULL;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int rc;

	rc = vd_root_read(load->root, path, VD_MAX_XML, &load->buf, &err);
	if (rc == -ENOENT)
		return 0;
	if (rc == 0)
		rc = vd_domain_parse(vd_buf_str(&load->buf), load->buf.len, path, &dom, &err);
	if (rc == 0 && dom->driver != place->driver)
		rc = vd_err_set(&err, EBADMSG, "%s: describes a guest of type '%s', which belongs elsewhere", path,
		                dom->virt_type);
	if (rc == 0 && status != (dom->status != NULL))
		rc = vd_err_set(&err, EBADMSG, "%s: the outermost element is not <%s>", path,
		                status ? "domstatus" : "domain");
	if (rc == -ENOMEM)
		return rc;
	if (rc < 0)
		return add_problem(load->guests, path, -rc, vd_err_text(&err), NULL);
	*ret_dom = vd_steal(dom);
	return 0;
}

/*
 * The names in @dir into @names. A directory that is not there is an empty one; one that cannot be read is a problem
 * and an empty one.
 */
static int list_dir(struct vd_load *load, const char *dir, struct vd_strv *names)
{
	VD_AUTO_ERR err = VD_ERR_INIT;
	int rc = dir ? vd_root_list(load->root, dir, names, &err) : 0;

	if (rc == -ENOENT)
		return 0;
	return rc < 0 && rc != -ENOMEM ? add_problem(load->guests, dir, -rc, vd_err_text(&err), NULL) : rc;
}

/* "DIR/NAME" when @name ends in ".xml", else NULL with *@ret_rc 0. The caller frees it. */
static char *xml_path(const char *dir, const char *name, int *ret_rc)
{
	size_t len = strlen(name);
	char *path;

	*ret_rc = 0;
	if (len < 5 || strcmp(name + len - 4, ".xml") != 0)
		return NULL;
	path = vd_guests_format("%s/%s", dir, name);
	if (!path)
		*ret_rc = -ENOMEM;
	return path;
}

static int load_configs(struct vd_load *load, const struct vd_place *place)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	int rc = list_dir(load, place->config_dir, &names);

	for (size_t i = 0; i < names.len && rc == 0; i++) {
		VD_AUTO_FREE char *path = xml_path(place->config_dir, names.items[i], &rc);
		struct vd_domain *dom = NULL;
		struct vd_guest *guest;

		if (!path)
			continue;
		rc = load_file(load, place, path, false, &dom);
		if (rc < 0 || !dom)
			continue;
		guest = add_guest(load);
		if (!guest) {
			vd_domain_free(dom);
			return -ENOMEM;
		}
		guest->config = dom;
		guest->config_path = vd_steal(path);
	}
	return rc;
}

/* libvirt knows a guest once, however many files describe it: the others are problems. */
static int drop_duplicates(struct vd_load *load, size_t first)
{
	struct vd_guests *guests = load->guests;
	size_t kept = first;
	int rc = 0;

	for (size_t i = first; i < guests->len; i++) {
		struct vd_guest *guest = &guests->items[i];
		VD_AUTO_FREE char *why = NULL;

		if (kept == first || strcmp(vd_guest_name(&guests->items[kept - 1]), vd_guest_name(guest)) != 0) {
			guests->items[kept++] = *guest;
			continue;
		}
		why = vd_guests_format("%s: describes the guest '%s', as %s does already", guest->config_path,
		                       vd_guest_name(guest), guests->items[kept - 1].config_path);
		if (!why)
			rc = -ENOMEM;
		else if (rc == 0)
			rc = add_problem(guests, guest->config_path, EEXIST, why, vd_guest_name(guest));
		guest_release(guest);
	}
	guests->len = kept;
	return rc;
}

static int by_name_only(const void *name, const void *guest)
{
	return strcmp(name, vd_guest_name(guest));
}

/* Takes @dom and @path over, also on failure. */
static int attach_status(struct vd_load *load, size_t first, size_t n_configs, struct vd_domain *dom, char *path)
{
	VD_AUTO_DOMAIN struct vd_domain *owned = dom;
	VD_AUTO_FREE char *owned_path = path, *why = NULL;
	struct vd_guest *guest = NULL;

	if (n_configs)
		guest = bsearch(dom->name, load->guests->items + first, n_configs, sizeof(*guest), by_name_only);
	for (size_t i = first + n_configs; !guest && i < load->guests->len; i++)
		if (!strcmp(vd_guest_name(&load->guests->items[i]), dom->name))
			guest = &load->guests->items[i];
	if (guest && guest->status) {
		why = vd_guests_format("%s: describes the guest '%s', as %s does already", path, dom->name,
		                       guest->status_path);
		if (!why)
			return -ENOMEM;
		return add_problem(load->guests, path, EEXIST, why, dom->name);
	}
	if (!guest)
		guest = add_guest(load);
	if (!guest)
		return -ENOMEM;
	guest->status = vd_steal(owned);
	guest->status_path = vd_steal(owned_path);
	return 0;
}

static int load_statuses(struct vd_load *load, const struct vd_place *place, size_t first)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	size_t n_configs = load->guests->len - first;
	int rc = list_dir(load, place->run_dir, &names);

	for (size_t i = 0; i < names.len && rc == 0; i++) {
		VD_AUTO_FREE char *path = xml_path(place->run_dir, names.items[i], &rc);
		struct vd_domain *dom = NULL;

		if (!path)
			continue;
		rc = load_file(load, place, path, true, &dom);
		if (rc == 0 && dom)
			rc = attach_status(load, first, n_configs, dom, vd_steal(path));
	}
	return rc;
}

static int compare_strings(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Is "NAME.SUFFIX" in the sorted list @names? */
static int has_file(const struct vd_strv *names, const char *name, const char *suffix)
{
	VD_AUTO_FREE char *file = NULL;

	if (!names->len)
		return 0;
	file = vd_guests_format("%s%s", name, suffix);
	if (!file)
		return -ENOMEM;
	return bsearch(&file, names->items, names->len, sizeof(*names->items), compare_strings) != NULL;
}

static int mark_autostart_and_save(struct vd_load *load, const struct vd_place *place, size_t first)
{
	VD_AUTO_STRV links = VD_STRV_INIT;
	VD_AUTO_STRV saves = VD_STRV_INIT;
	int rc = list_dir(load, place->autostart_dir, &links);

	if (rc == 0)
		rc = list_dir(load, place->save_dir, &saves);
	for (size_t i = first; i < load->guests->len && rc == 0; i++) {
		struct vd_guest *guest = &load->guests->items[i];
		int autostart = has_file(&links, vd_guest_name(guest), ".xml");
		int save = has_file(&saves, vd_guest_name(guest), ".save");

		if (autostart < 0 || save < 0)
			rc = -ENOMEM;
		guest->autostart = autostart > 0;
		guest->managed_save = save > 0;
	}
	return rc;
}

/* Decide whether the guest runs, and since when. */
static int examine(struct vd_load *load, struct vd_guest *guest)
{
	const struct vd_dom_status *status = guest->status ? guest->status->status : NULL;
	int rc = 1;

	guest->state = VD_GUEST_SHUTOFF;
	if (!status || (status->state && !strcmp(status->state, "shutoff")))
		return 0;
	if (vd_root_is_live(load->root))
		rc = status->pid
		             ? vd_guest_process(load->root, status->pid, guest->status->driver, vd_guest_name(guest))
		             : 0;
	if (rc == -ENOMEM)
		return rc;
	if (rc == 0) {
		VLOG_DEBUG("%s: process %ld is not this guest's", guest->status_path, (long)status->pid);
		guest->state = VD_GUEST_STALE;
		return 0;
	}
	/* A process that is there but hides its command line: the status XML's word is the best there is. */
	guest->state = VD_GUEST_RUNNING;
	guest->pid = status->pid;
	if (load->have_boot && guest->pid)
		if (vd_process_since(load->root, guest->pid, load->boot, &guest->since) < 0)
			guest->since = 0;
	return 0;
}

/* The names of files come sorted, so the guests mostly are already, and comparing them takes long enough to be noticed.
 */
static void sort_guests(struct vd_guest *guests, size_t n, int (*compare)(const void *a, const void *b))
{
	size_t i = 1;

	while (i < n && compare(&guests[i - 1], &guests[i]) <= 0)
		i++;
	if (i < n)
		qsort(guests, n, sizeof(*guests), compare);
}

static int load_place(struct vd_load *load, const struct vd_place *place)
{
	struct vd_guests *guests = load->guests;
	size_t first = guests->len;
	int rc = load_configs(load, place);

	if (rc < 0)
		return rc;
	if (guests->len > first)
		sort_guests(guests->items + first, guests->len - first, by_name_then_file);
	rc = drop_duplicates(load, first);
	if (rc == 0)
		rc = load_statuses(load, place, first);
	if (rc == 0)
		rc = mark_autostart_and_save(load, place, first);
	for (size_t i = first; i < guests->len && rc == 0; i++)
		rc = examine(load, &guests->items[i]);
	VLOG_DEBUG("%s: %zu %s guests", place->config_dir, guests->len - first, vd_driver_name(place->driver));
	return rc;
}

static void release_guests(struct vd_guests *guests)
{
	vd_guests_release(guests);
}

static void release_load(struct vd_load *load)
{
	vd_buf_release(&load->buf);
}

int vd_guests_load(struct vd_root *root, const struct vd_guests_options *options, struct vd_guests *ret_guests,
                   struct vd_err *err)
{
	VD_CLEANUP(release_guests) struct vd_guests guests = { 0 };
	VD_CLEANUP(release_load) struct vd_load load = { .root = root, .guests = &guests };
	VD_CLEANUP(vd_places_release) struct vd_places places = { 0 };
	int rc;

	rc = vd_places_find(root, options, &places, err);
	if (rc < 0)
		return rc;
	guests.session = options->use_session;
	load.have_boot = vd_boot_time(root, &load.boot) == 0;
	for (size_t i = 0; i < places.len && rc == 0; i++)
		rc = load_place(&load, &places.items[i]);
	if (rc < 0)
		return vd_err_set(err, -rc, "no memory to read the guests");
	sort_guests(guests.items, guests.len, by_driver_and_name);
	*ret_guests = guests;
	memset(&guests, 0, sizeof(guests));
	return 0;
}
