/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which log files there are, whose they are, and in which order their rotated files follow each other. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guestlog.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.guestlog-find");

/* More rotated files of one log than this are not read: libvirt keeps at most 32, logrotate as many as it is told. */
#define MAX_FILES 1000

/* How a rotated file got its name. Those of one way are in order by themselves. */
enum rotation {
	ROT_DATED,    /* .log-20261123 */
	ROT_NUMBERED, /* .log.1, .log.2.gz */
	ROT_VIRTLOGD, /* .log.0, .log.1 */
	ROT_CURRENT,
	ROT_COUNT_
};

/* One file before it is known to which log it belongs. */
struct found {
	char *path;
	char *base;         /* of the log: "web01", "web01-fs0-virtiofsd" */
	const char *suffix; /* in path, behind ".log" */
	size_t place;
	enum rotation rotation;
	long number;
	int64_t size;
	int64_t time; /* of its first line with one; VD_NO_TIME */
};

/* A directory with logs. */
struct place {
	char *dir;
	enum vd_driver driver;
	bool helpers_only; /* only logs of swtpm are there */
};

struct search {
	struct vd_root *root;
	struct vd_guestlogs *logs;
	const struct vd_guests *guests;
	struct place places[12];
	size_t n_places;
	struct found *items;
	size_t len, cap;
};

/* --- names ----------------------------------------------------------------------------------------------------- */

static size_t digits(const char *s)
{
	return strspn(s, "0123456789");
}

bool vd_guestlog_is_rotation(const char *s)
{
	static const char *const packed[] = { "", ".gz", ".xz", ".zst", ".bz2", NULL };

	if (*s == '.') {
		s++;
		if (!digits(s) || digits(s) > 6)
			return false;
		s += digits(s);
	} else if (*s == '-') {
		s++;
		if (digits(s) < 8)
			return false;
		s += digits(s);
		if (*s == '-' && digits(s + 1))
			s += 1 + digits(s + 1);
	} else if (*s) {
		return false;
	}
	for (size_t i = 0; packed[i]; i++)
		if (!strcmp(s, packed[i]))
			return true;
	return false;
}

size_t vd_guestlog_base(const char *name)
{
	size_t found = 0;

	/* A guest may be called "a.log-20261123" or "web.log": the last ".log" that only a rotation follows counts. */
	for (const char *p = strstr(name, ".log"); p; p = strstr(p + 1, ".log"))
		if (vd_guestlog_is_rotation(p + 4))
			found = (size_t)(p - name);
	return found;
}

static void rotation_of(struct found *f)
{
	const char *s = f->suffix;

	if (!*s)
		f->rotation = ROT_CURRENT;
	else if (*s == '-')
		f->rotation = ROT_DATED;
	else
		f->rotation = ROT_NUMBERED;
	f->number = f->rotation == ROT_NUMBERED ? strtol(s + 1, NULL, 10) : 0;
}

/* --- places ---------------------------------------------------------------------------------------------------- */

static int add_place(struct search *s, char *dir, enum vd_driver driver, bool helpers_only)
{
	if (!dir)
		return -ENOMEM;
	s->places[s->n_places++] = (struct place){ dir, driver, helpers_only };
	return vd_strv_add(&s->logs->dirs, dir);
}

/*
 * Beside libvirt's own directories those that OpenStack mounts into its libvirt containers, as seen from the host and
 * so in its sosreport.
 */
static int system_places(struct search *s)
{
	static const struct {
		const char *dir;
		enum vd_driver driver;
		bool helpers_only;
	} known[] = {
		{ "/var/log/libvirt/qemu", VD_DRIVER_QEMU, false },
		{ "/var/log/libvirt/lxc", VD_DRIVER_LXC, false },
		{ "/var/log/containers/libvirt/qemu", VD_DRIVER_QEMU, false },
		{ "/var/log/containers/libvirt/lxc", VD_DRIVER_LXC, false },
		{ "/var/log/containers/qemu", VD_DRIVER_QEMU, false },
		{ "/var/log/swtpm/libvirt/qemu", VD_DRIVER_QEMU, true },
		{ "/var/log/containers/libvirt/swtpm/libvirt/qemu", VD_DRIVER_QEMU, true },
	};
	int rc = 0;

	for (size_t i = 0; i < VD_ARRAY_SIZE(known) && rc == 0; i++)
		rc = add_place(s, strdup(known[i].dir), known[i].driver, known[i].helpers_only);
	return rc;
}

static int session_places(struct search *s, const char *user, struct vd_err *err)
{
	VD_AUTO_FREE char *home = NULL;
	const char *cache;
	char *dir;
	uid_t uid;
	int rc = vd_session_user(s->root, user, &uid, &home, err);

	if (rc < 0)
		return rc;
	cache = vd_session_env(s->root, uid, "XDG_CACHE_HOME");
	if (asprintf(&dir, "%s%s/libvirt/qemu/log", cache ? cache : home, cache ? "" : "/.cache") < 0)
		return -ENOMEM;
	return add_place(s, dir, VD_DRIVER_QEMU, false);
}

/* --- collecting ------------------------------------------------------------------------------------------------ */

static int add_found(struct search *s, size_t place, const char *name)
{
	size_t base = vd_guestlog_base(name);
	struct vd_stat st;
	struct found f = { .place = place, .time = VD_NO_TIME, .size = -1 };

	if (!base)
		return 0;
	if (s->len == s->cap) {
		size_t cap = s->cap ? s->cap * 2 : 64;
		struct found *items = realloc(s->items, cap * sizeof(*items));

		if (!items)
			return -ENOMEM;
		s->items = items;
		s->cap = cap;
	}
	f.base = strndup(name, base);
	if (!f.base || asprintf(&f.path, "%s/%s", s->places[place].dir, name) < 0) {
		free(f.base);
		return -ENOMEM;
	}
	f.suffix = f.path + strlen(s->places[place].dir) + 1 + base + strlen(".log");
	rotation_of(&f);
	if (vd_root_stat(s->root, f.path, &st, NULL) == 0) {
		f.size = st.size;
		if (st.type == VD_FILE_DIR) {
			free(f.base);
			free(f.path);
			return 0;
		}
	}
	s->items[s->len++] = f;
	return 0;
}

static int add_problem(struct search *s, const char *path, const struct vd_err *err, int code)
{
	struct vd_guestlogs *logs = s->logs;
	struct vd_guest_problem *items = realloc(logs->problems, (logs->n_problems + 1) * sizeof(*items));
	struct vd_guest_problem *p;

	if (!items)
		return -ENOMEM;
	logs->problems = items;
	p = &items[logs->n_problems];
	*p = (struct vd_guest_problem){ .path = strdup(path), .why = strdup(vd_err_text(err)), .code = code };
	logs->n_problems++;
	return p->path && p->why ? 0 : -ENOMEM;
}

static int collect(struct search *s, size_t place)
{
	VD_AUTO_STRV names = VD_STRV_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int rc = vd_root_list(s->root, s->places[place].dir, &names, &err);

	if (rc == -ENOENT || rc == -ENOTDIR)
		return 0;
	if (rc == -ENOMEM)
		return rc;
	if (rc < 0)
		return add_problem(s, s->places[place].dir, &err, -rc);
	for (size_t i = 0; i < names.len && rc == 0; i++)
		rc = add_found(s, place, names.items[i]);
	VLOG_DEBUG("%s: %zu names", s->places[place].dir, names.len);
	return rc;
}

/* --- order ----------------------------------------------------------------------------------------------------- */

static int by_log(const void *a, const void *b)
{
	const struct found *f = a, *g = b;
	int rc = strcmp(f->base, g->base);

	if (f->place != g->place)
		return f->place < g->place ? -1 : 1;
	if (rc == 0)
		rc = (int)f->rotation - (int)g->rotation;
	if (rc == 0 && f->rotation != ROT_DATED)
		rc = f->number == g->number ? 0 : f->number > g->number ? -1 : 1;
	return rc ? rc : strcmp(f->suffix, g->suffix);
}

/* The time of the first line that has one, within the first lines of the file. */
static int64_t first_time(struct vd_root *root, const char *path)
{
	VD_AUTO_UNPACK struct vd_unpack *file = NULL;
	char head[16384];
	int64_t time;
	size_t len = 0;
	int fd;

	if (vd_root_open_file(root, path, &fd, NULL) < 0 || vd_unpack_open(fd, 0, &file, NULL) < 0)
		return VD_NO_TIME;
	while (len < sizeof(head)) {
		ssize_t n = vd_unpack_read(file, head + len, sizeof(head) - len);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	for (const char *p = head; p < head + len;) {
		size_t left = (size_t)(head + len - p);
		const char *end = memchr(p, '\n', left);

		if (vd_guestline_time(p, left, &time))
			return time;
		p = end ? end + 1 : head + len;
	}
	return VD_NO_TIME;
}

/*
 * virtlogd numbers from 0, logrotate from 1. When both were at work, ".1" is of virtlogd and ".1.gz" of logrotate;
 * files of one family are in order by name, and the families are merged by the time of their first lines.
 */
static void order_files(struct search *s, struct found *f, size_t n)
{
	bool virtlogd = false, mixed = false;

	for (size_t i = 0; i < n; i++)
		virtlogd |= f[i].rotation == ROT_NUMBERED && f[i].number == 0 && strlen(f[i].suffix) == 2;
	for (size_t i = 0; i < n && virtlogd; i++)
		if (f[i].rotation == ROT_NUMBERED && f[i].suffix[1 + digits(f[i].suffix + 1)] == '\0')
			f[i].rotation = ROT_VIRTLOGD;
	qsort(f, n, sizeof(*f), by_log);
	for (size_t i = 1; i < n; i++)
		mixed |= f[i].rotation != f[i - 1].rotation && f[i].rotation != ROT_CURRENT;
	for (size_t i = 0; i < n && mixed; i++)
		if (f[i].rotation != ROT_CURRENT)
			f[i].time = first_time(s->root, f[i].path);
	/* Insertion keeps the order within a family: a file only passes those of other families that are younger. */
	for (size_t i = 1; i < n && mixed; i++)
		for (size_t k = i; k > 0 && f[k].rotation != ROT_CURRENT && f[k - 1].rotation != f[k].rotation &&
		                   f[k].time != VD_NO_TIME && f[k].time < f[k - 1].time;
		     k--) {
			struct found swap = f[k];

			f[k] = f[k - 1];
			f[k - 1] = swap;
		}
}

/* --- whose it is ----------------------------------------------------------------------------------------------- */

static bool is_guest(const struct search *s, enum vd_driver driver, const char *name, size_t len)
{
	for (size_t i = 0; s->guests && i < s->guests->len; i++) {
		const struct vd_domain *d = vd_guest_domain(&s->guests->items[i]);

		if (d->driver == driver && strlen(d->name) == len && !memcmp(d->name, name, len))
			return true;
	}
	return false;
}

/* Is there a log of a guest of that name? */
static bool has_log(const struct search *s, enum vd_driver driver, const char *name, size_t len)
{
	for (size_t i = 0; i < s->len; i++)
		if (s->places[s->items[i].place].driver == driver && !s->places[s->items[i].place].helpers_only &&
		    strlen(s->items[i].base) == len && !memcmp(s->items[i].base, name, len))
			return true;
	return false;
}

static bool ends_with(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len > n && !memcmp(s + len - n, end, n);
}

/* Where "NAME-ALIAS" of @len bytes is cut: the length of NAME, 0 when it has no alias. */
static size_t cut_alias(const struct search *s, const char *text, size_t len)
{
	size_t cut = 0;

	/* The longest name that is a guest's: an alias of a user's choice may hold dashes too. */
	for (size_t i = len - 1; i > 0 && !cut; i--)
		if (text[i] == '-' && (is_guest(s, VD_DRIVER_QEMU, text, i) || has_log(s, VD_DRIVER_QEMU, text, i)))
			cut = i;
	for (size_t i = 1; i + 4 < len && !cut; i++)
		if (!memcmp(text + i, "-ua-", 4))
			cut = i;
	for (size_t i = len - 1; i > 0 && !cut; i--)
		if (text[i] == '-')
			cut = i;
	return cut;
}

/* Fill guest, alias and only from the base name. 0, 1 when the file is nobody's, -ENOMEM. */
static int attribute(const struct search *s, const struct found *f, struct vd_guestlog *log)
{
	const struct place *place = &s->places[f->place];
	size_t len = strlen(f->base), cut;

	log->driver = place->driver;
	log->only = VD_KIND_START;
	if (place->driver == VD_DRIVER_QEMU && ends_with(f->base, len, "-swtpm") &&
	    (place->helpers_only || !is_guest(s, VD_DRIVER_QEMU, f->base, len))) {
		log->only = VD_KIND_SWTPM;
		log->guest = strndup(f->base, len - strlen("-swtpm"));
		return log->guest ? 0 : -ENOMEM;
	}
	if (place->helpers_only)
		return 1;
	if (place->driver == VD_DRIVER_QEMU && ends_with(f->base, len, "-virtiofsd") &&
	    !is_guest(s, VD_DRIVER_QEMU, f->base, len)) {
		len -= strlen("-virtiofsd");
		cut = cut_alias(s, f->base, len);
		if (cut) {
			log->only = VD_KIND_VIRTIOFSD;
			log->guest = strndup(f->base, cut);
			log->alias = strndup(f->base + cut + 1, len - cut - 1);
			return log->guest && log->alias ? 0 : -ENOMEM;
		}
	}
	log->guest = strdup(f->base);
	return log->guest ? 0 : -ENOMEM;
}

/* --- logs ------------------------------------------------------------------------------------------------------ */

static void log_release(struct vd_guestlog *log)
{
	free(log->guest);
	free(log->alias);
	free(log->path);
	for (size_t i = 0; i < log->n_files; i++)
		free(log->files[i].path);
	free(log->files);
}

/* The files f[0..n) are those of one log. */
static int add_log(struct search *s, struct found *f, size_t n)
{
	struct vd_guestlogs *logs = s->logs;
	struct vd_guestlog *items = realloc(logs->items, (logs->len + 1) * sizeof(*items)), *log;
	int rc;

	if (!items)
		return -ENOMEM;
	logs->items = items;
	log = &items[logs->len];
	memset(log, 0, sizeof(*log));
	order_files(s, f, n);
	if (n > MAX_FILES) {
		f += n - MAX_FILES;
		n = MAX_FILES;
	}
	rc = attribute(s, &f[n - 1], log);
	if (rc == 0) {
		log->files = calloc(n, sizeof(*log->files));
		rc = log->files && asprintf(&log->path, "%s/%s.log", s->places[f->place].dir, f->base) >= 0 ? 0
		                                                                                            : -ENOMEM;
	}
	if (rc) {
		log_release(log);
		return rc < 0 ? rc : 0;
	}
	for (size_t i = 0; i < n; i++)
		log->files[log->n_files++] = (struct vd_guestlog_file){ vd_steal(f[i].path), f[i].size };
	log->has_current = f[n - 1].rotation == ROT_CURRENT;
	logs->len++;
	return 0;
}

static int by_guest(const void *a, const void *b)
{
	const struct vd_guestlog *l = a, *m = b;
	int rc = (int)l->driver - (int)m->driver;

	if (rc == 0)
		rc = strcmp(l->guest, m->guest);
	if (rc == 0)
		rc = (int)l->only - (int)m->only;
	return rc ? rc : strcmp(l->path, m->path);
}

static int make_logs(struct search *s)
{
	int rc = 0;

	if (s->len > 1)
		qsort(s->items, s->len, sizeof(*s->items), by_log);
	for (size_t i = 0, n; i < s->len && rc == 0; i += n) {
		for (n = 1; i + n < s->len && s->items[i + n].place == s->items[i].place &&
		            !strcmp(s->items[i + n].base, s->items[i].base);
		     n++)
			;
		rc = add_log(s, &s->items[i], n);
	}
	if (s->logs->len > 1)
		qsort(s->logs->items, s->logs->len, sizeof(*s->logs->items), by_guest);
	return rc;
}

static void search_release(struct search *s)
{
	for (size_t i = 0; i < s->len; i++) {
		free(s->items[i].path);
		free(s->items[i].base);
	}
	free(s->items);
	for (size_t i = 0; i < s->n_places; i++)
		free(s->places[i].dir);
}

int vd_guestlogs_load(struct vd_root *root, const struct vd_guests_options *options, const struct vd_guests *guests,
                      struct vd_guestlogs *ret_logs, struct vd_err *err)
{
	VD_CLEANUP(vd_guestlogs_release) struct vd_guestlogs logs = { .session = options->use_session };
	VD_CLEANUP(search_release) struct search s = { .root = root, .logs = &logs, .guests = guests };
	int rc;

	if (options->use_session) {
		rc = session_places(&s, options->session_user, err);
		if (rc < 0 && rc != -ENOMEM)
			return rc;
	} else {
		rc = system_places(&s);
	}
	for (size_t i = 0; i < s.n_places && rc == 0; i++)
		rc = collect(&s, i);
	if (rc == 0)
		rc = make_logs(&s);
	if (rc < 0)
		return vd_err_set(err, -rc, "no memory to look for guest logs");
	*ret_logs = logs;
	memset(&logs, 0, sizeof(logs));
	return 0;
}

void vd_guestlogs_release(struct vd_guestlogs *logs)
{
	for (size_t i = 0; i < logs->len; i++)
		log_release(&logs->items[i]);
	free(logs->items);
	for (size_t i = 0; i < logs->n_problems; i++) {
		free(logs->problems[i].path);
		free(logs->problems[i].why);
	}
	free(logs->problems);
	vd_strv_release(&logs->dirs);
	memset(logs, 0, sizeof(*logs));
}

const struct vd_guestlog *vd_guestlogs_get(const struct vd_guestlogs *logs, enum vd_driver driver, const char *guest)
{
	size_t low = 0, high = logs->len;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct vd_guestlog *log = &logs->items[middle];
		int rc = (int)log->driver - (int)driver;

		if (rc == 0)
			rc = strcmp(log->guest, guest);
		if (rc < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < logs->len && logs->items[low].driver == driver && !strcmp(logs->items[low].guest, guest) &&
	                       logs->items[low].only == VD_KIND_START
	               ? &logs->items[low]
	               : NULL;
}
