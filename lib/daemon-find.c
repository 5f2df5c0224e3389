/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All daemons of a host with their state, and whether it is a monolithic or a modular libvirt. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemons.h"
#include "guests.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.daemon-find");

#define MAX_UNIX_SOCKETS (32u << 20)
/* The start of a process is known to the second, and that of the kernel it is counted from no better. */
#define CLOCK_SLACK      2

/* One call of vd_daemons_load(). */
struct load {
	struct vd_root *root;
	const struct vd_daemon_scope *scope;
	struct vd_daemon_processes processes;
	struct vd_strv enabled;
	struct vd_buf sockets; /* /proc/net/unix; empty when it is not there */
	bool has_run;          /* the directory of the pid files is there: one that is missing tells something */
};

VD_PRINTF(1, 2) static char *format(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int len;

	va_start(ap, fmt);
	len = vasprintf(&text, fmt, ap);
	va_end(ap);
	return len < 0 ? NULL : text;
}

const char *vd_daemon_state_name(enum vd_daemon_state state)
{
	static const char *const names[VD_DAEMON_STATE_COUNT_] = { "unknown", "running", "waiting", "stopped",
		                                                   "absent" };

	return names[state];
}

const char *vd_daemon_mode_name(enum vd_daemon_mode mode)
{
	static const char *const names[] = { "none", "monolithic", "modular", "mixed", "unknown" };

	return names[mode];
}

/* --- scope -------------------------------------------------------------------------------------------------------- */

void vd_daemon_scope_release(struct vd_daemon_scope *scope)
{
	free(scope->conf_dir);
	free(scope->run_dir);
	free(scope->pid_dir);
	free(scope->log_dir);
	*scope = (struct vd_daemon_scope){ 0 };
}

static char *xdg_dir(struct vd_root *root, uid_t uid, const char *variable, const char *base, const char *below)
{
	const char *env = vd_session_env(root, uid, variable);

	return env ? format("%s/libvirt", env) : format("%s%s/libvirt", base, below);
}

static int session_scope(struct vd_root *root, const char *user, struct vd_daemon_scope *scope, struct vd_err *err)
{
	VD_AUTO_FREE char *home = NULL, *runtime = NULL;
	int r = vd_session_user(root, user, &scope->uid, &home, err);

	if (r < 0)
		return r;
	scope->session = true;
	runtime = format("/run/user/%lu", (unsigned long)scope->uid);
	if (!runtime)
		return -ENOMEM;
	scope->conf_dir = xdg_dir(root, scope->uid, "XDG_CONFIG_HOME", home, "/.config");
	scope->run_dir = xdg_dir(root, scope->uid, "XDG_RUNTIME_DIR", runtime, "");
	scope->log_dir = xdg_dir(root, scope->uid, "XDG_CACHE_HOME", home, "/.cache");
	scope->pid_dir = scope->run_dir ? strdup(scope->run_dir) : NULL;
	return 0;
}

int vd_daemon_scope_find(struct vd_root *root, bool session, const char *user, struct vd_daemon_scope *ret_scope,
                         struct vd_err *err)
{
	VD_AUTO_DAEMON_SCOPE scope = { .session = session };
	struct vd_stat st;
	int r;

	if (session) {
		r = session_scope(root, user, &scope, err);
		if (r < 0 && r != -ENOMEM)
			return r;
	} else {
		/* /var/run is a symlink to /run, except on very old hosts and in captures of half a host. */
		const char *run = vd_root_stat(root, "/run", &st, NULL) == -ENOENT ? "/var/run" : "/run";

		scope.conf_dir = strdup("/etc/libvirt");
		scope.run_dir = format("%s/libvirt", run);
		scope.pid_dir = strdup(run);
		scope.log_dir = strdup("/var/log/libvirt");
	}
	if (!scope.conf_dir || !scope.run_dir || !scope.pid_dir || !scope.log_dir)
		return vd_err_set(err, ENOMEM, "no memory to look for daemons");
	*ret_scope = scope;
	scope = (struct vd_daemon_scope){ 0 };
	return 0;
}

/* The one daemon whose sockets lack the "d". */
static const char *socket_stem(const char *name)
{
	return strcmp(name, "libvirtd") ? name : "libvirt";
}

char *vd_daemon_admin_uri(struct vd_root *root, const struct vd_daemon_scope *scope, const char *name)
{
	const char *kind = scope->session ? "session" : "system";

	if (vd_root_pid(root))
		return format("%s:///%s?socket=%s%s/%s-admin-sock", name, kind, vd_root_dir(root), scope->run_dir,
		              socket_stem(name));
	return format("%s:///%s", name, kind);
}

/* --- one daemon --------------------------------------------------------------------------------------------------- */

static void daemon_release(struct vd_daemon *d)
{
	free(d->binary);
	free(d->conf);
	free(d->pid_file);
	free(d->unsure);
	free(d->service.path);
	free(d->socket.path);
	for (size_t i = 0; i < d->n_processes; i++)
		vd_daemon_process_release(&d->processes[i]);
	free(d->processes);
	*d = (struct vd_daemon){ 0 };
}

/* Not every trace of a capture stands in its manifest: the file itself counts too. */
static bool is_there(struct vd_root *root, const char *path)
{
	VD_AUTO_FREE char *target = NULL;
	VD_AUTO_CLOSE int fd = -1;
	struct vd_stat st;

	return vd_root_lstat(root, path, &st, NULL) == 0 || vd_root_readlink(root, path, &target, NULL) == 0 ||
	       vd_root_open_file(root, path, &fd, NULL) == 0;
}

static int find_binary(struct load *l, struct vd_daemon *d)
{
	static const char *const dirs[] = { "/usr/sbin", "/usr/bin", "/sbin", "/usr/local/sbin" };

	for (size_t i = 0; i < VD_ARRAY_SIZE(dirs) && !d->binary; i++) {
		VD_AUTO_FREE char *path = format("%s/%s", dirs[i], d->name);

		if (!path)
			return -ENOMEM;
		if (is_there(l->root, path))
			d->binary = vd_steal(path);
	}
	return 0;
}

static int find_units(struct load *l, struct vd_daemon *d)
{
	VD_AUTO_FREE char *service = format("%s.service", d->name), *sock = format("%s.socket", d->name);

	if (!service || !sock)
		return -ENOMEM;
	if (l->scope->session)
		return 0;
	if (vd_unit_find(l->root, service, &l->enabled, &d->service) < 0)
		return -ENOMEM;
	return vd_unit_find(l->root, sock, &l->enabled, &d->socket);
}

/* The pid that the pid file names; 0 without one. */
static int read_pid_file(struct load *l, struct vd_daemon *d, pid_t *ret_pid)
{
	VD_AUTO_FREE char *path = format("%s/%s.pid", l->scope->pid_dir, d->name);
	VD_AUTO_BUF text = VD_BUF_INIT;
	long pid;
	int r;

	*ret_pid = 0;
	if (!path)
		return -ENOMEM;
	r = vd_root_read(l->root, path, 64, &text, NULL);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return 0;
	pid = strtol(vd_buf_str(&text), NULL, 10);
	if (pid > 0 && pid < 1 << 30)
		*ret_pid = (pid_t)pid;
	d->pid_file = vd_steal(path);
	return 0;
}

/* Who serves this host comes first: the one of the pid file, else the one that began first. */
static int by_rank(const void *a, const void *b)
{
	const struct vd_daemon_process *p = a, *q = b;

	if (p->elsewhere != q->elsewhere)
		return p->elsewhere - q->elsewhere;
	if (p->by_pid_file != q->by_pid_file)
		return q->by_pid_file - p->by_pid_file;
	if (p->ticks != q->ticks)
		return p->ticks < q->ticks ? -1 : 1;
	return (p->pid > q->pid) - (p->pid < q->pid);
}

static int take_processes(struct load *l, struct vd_daemon *d, pid_t pid)
{
	size_t n = 0;

	for (size_t i = 0; i < l->processes.len; i++)
		n += l->processes.items[i].name == d->name;
	if (!n)
		return 0;
	d->processes = calloc(n, sizeof(*d->processes));
	if (!d->processes)
		return -ENOMEM;
	for (size_t i = 0; i < l->processes.len; i++) {
		struct vd_named_process *p = &l->processes.items[i];

		if (p->name != d->name)
			continue;
		p->process.by_pid_file = p->process.pid == pid;
		d->processes[d->n_processes++] = p->process;
		p->process = (struct vd_daemon_process){ 0 };
		p->name = "";
	}
	qsort(d->processes, d->n_processes, sizeof(*d->processes), by_rank);
	return 0;
}

const struct vd_daemon_process *vd_daemon_main(const struct vd_daemon *daemon)
{
	return daemon->n_processes && !daemon->processes[0].elsewhere ? &daemon->processes[0] : NULL;
}

static int find_conf(struct load *l, struct vd_daemon *d)
{
	const struct vd_daemon_process *p = vd_daemon_main(d);
	struct vd_stat st;

	d->conf = p && p->config && *p->config == '/' ? strdup(p->config)
	                                              : format("%s/%s.conf", l->scope->conf_dir, d->name);
	if (!d->conf)
		return -ENOMEM;
	d->has_conf = is_there(l->root, d->conf);
	if (d->has_conf && p && p->since && vd_root_stat(l->root, d->conf, &st, NULL) == 0)
		d->conf_newer = st.mtime > p->since && st.mtime - CLOCK_SLACK > p->since;
	return 0;
}

/* --- states ------------------------------------------------------------------------------------------------------- */

/* Does anybody listen on the daemon's socket? Lines end with the path; flag 10000 means listening (unix(7)). */
static bool is_listened(struct load *l, const char *name)
{
	VD_AUTO_FREE char *path = format("%s/%s-sock", l->scope->run_dir, socket_stem(name));
	size_t n = path ? strlen(path) : 0;

	for (const char *line = vd_buf_str(&l->sockets); path && line && *line;) {
		const char *eol = strchr(line, '\n');
		size_t len = eol ? (size_t)(eol - line) : strlen(line);
		char head[64]; /* sscanf() looks for the end of all that follows first */
		unsigned flags = 0;

		if (len > n && line[len - n - 1] == ' ' && !memcmp(line + len - n, path, n)) {
			snprintf(head, sizeof(head), "%.*s", (int)(len < sizeof(head) ? len : sizeof(head)), line);
			if (sscanf(head, "%*[0-9a-f]: %*x %*x %x", &flags) == 1 && (flags & 0x10000))
				return true;
		}
		line = eol ? eol + 1 : NULL;
	}
	return false;
}

/* A manifest must say so; without one the directory must be there. */
static bool has_no_pid_file(struct load *l, const struct vd_daemon *d)
{
	VD_AUTO_FREE char *path = format("%s/%s.pid", l->scope->pid_dir, d->name);
	struct vd_stat st;

	return path && vd_root_lstat(l->root, path, &st, NULL) == -ENOENT &&
	       (l->has_run || vd_root_has_manifest(l->root));
}

static int capture_state(struct load *l, struct vd_daemon *d)
{
	if (d->pid_file)
		d->unsure = format("there is %s, but nothing of its process", d->pid_file);
	else if (l->sockets.len && is_listened(l, d->name))
		d->state = VD_DAEMON_WAITING;
	else if (has_no_pid_file(l, d))
		d->state = VD_DAEMON_STOPPED;
	else
		d->unsure = format("neither its process nor a pid file in %s is in the capture", l->scope->pid_dir);
	return d->state == VD_DAEMON_UNKNOWN && !d->unsure ? -ENOMEM : 0;
}

static int set_state(struct load *l, struct vd_daemon *d)
{
	d->stale_pid_file = d->pid_file && l->processes.seen && !vd_daemon_main(d) && vd_root_is_live(l->root);
	if (vd_daemon_main(d))
		d->state = VD_DAEMON_RUNNING;
	else if (!vd_root_is_live(l->root))
		return capture_state(l, d);
	else if (is_listened(l, d->name))
		d->state = VD_DAEMON_WAITING;
	else
		d->state = d->binary ? VD_DAEMON_STOPPED : VD_DAEMON_ABSENT;
	return 0;
}

static int load_daemon(struct load *l, struct vd_daemon *d)
{
	pid_t pid = 0;

	if (find_binary(l, d) < 0 || find_units(l, d) < 0 || read_pid_file(l, d, &pid) < 0 ||
	    take_processes(l, d, pid) < 0 || find_conf(l, d) < 0)
		return -ENOMEM;
	return set_state(l, d);
}

static bool has_trace(const struct load *l, const struct vd_daemon *d)
{
	/* A session has no binaries of its own: only what the user has touched. */
	return d->n_processes || d->pid_file || d->has_conf || (!l->scope->session && d->binary) || d->service.path ||
	       d->socket.path || d->service.state != VD_UNIT_NONE || d->socket.state != VD_UNIT_NONE;
}

/* --- mode --------------------------------------------------------------------------------------------------------- */

static unsigned weight(const struct vd_daemon *d)
{
	if (d->state == VD_DAEMON_RUNNING || d->state == VD_DAEMON_WAITING || d->service.state == VD_UNIT_ENABLED ||
	    d->socket.state == VD_UNIT_ENABLED)
		return 2;
	return d->binary || d->service.state > VD_UNIT_NONE ? 1 : 0;
}

static bool has_entries(struct vd_root *root, const char *dir)
{
	VD_AUTO_STRV names = VD_STRV_INIT;

	return vd_root_list(root, dir, &names, NULL) == 0 && names.len;
}

static bool is_not_there(struct vd_root *root, const char *path)
{
	struct vd_stat st;

	return vd_root_lstat(root, path, &st, NULL) == -ENOENT;
}

/*
 * Is no daemon here, when none was found? On a live host; of a capture with a manifest, when that says so; of any other
 * tree, when it holds programs and a daemon's is not among them. A session has processes alone.
 */
static bool shows_absence(const struct load *l)
{
	if (vd_root_is_live(l->root))
		return true;
	if (l->scope->session)
		return l->processes.seen;
	if (vd_root_has_manifest(l->root))
		return is_not_there(l->root, "/usr/sbin/libvirtd") && is_not_there(l->root, "/usr/sbin/virtqemud");
	return has_entries(l->root, "/usr/sbin") || has_entries(l->root, "/usr/bin");
}

static const char *why_unsure(const struct load *l, const struct vd_daemons *ds)
{
	bool unknown = false;

	for (size_t i = 0; i < ds->len; i++)
		unknown |= ds->items[i].state == VD_DAEMON_UNKNOWN && strcmp(ds->items[i].name, "virtlogd") != 0 &&
		           strcmp(ds->items[i].name, "virtlockd") != 0;
	if (!unknown && shows_absence(l))
		return NULL;
	return l->scope->session ? "the capture holds no processes"
	                         : "the capture holds neither programs nor units, processes or pid files that would "
	                           "tell which of them are here";
}

static void find_mode(const struct load *l, struct vd_daemons *ds)
{
	unsigned monolithic = 0, modular = 0;

	for (size_t i = 0; i < ds->len; i++) {
		unsigned w = weight(&ds->items[i]);
		unsigned *side = vd_daemon_is_modular(ds->items[i].name)  ? &modular
		                 : !strcmp(ds->items[i].name, "libvirtd") ? &monolithic
		                                                          : NULL;

		if (side && w > *side)
			*side = w;
	}
	ds->mode_by_use = monolithic == 2 || modular == 2;
	if (monolithic == modular)
		ds->mode = monolithic ? VD_MODE_MIXED : VD_MODE_NONE;
	else
		ds->mode = monolithic > modular ? VD_MODE_MONOLITHIC : VD_MODE_MODULAR;
	if (ds->mode == VD_MODE_NONE && (ds->unsure = why_unsure(l, ds)))
		ds->mode = VD_MODE_UNKNOWN;
	VLOG_DEBUG("%zu daemons, %s", ds->len, vd_daemon_mode_name(ds->mode));
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

void vd_daemons_release(struct vd_daemons *daemons)
{
	for (size_t i = 0; i < daemons->len; i++)
		daemon_release(&daemons->items[i]);
	free(daemons->items);
	vd_daemon_scope_release(&daemons->scope);
	*daemons = (struct vd_daemons){ 0 };
}

const struct vd_daemon *vd_daemons_get(const struct vd_daemons *daemons, const char *name)
{
	for (size_t i = 0; i < daemons->len; i++)
		if (!strcmp(daemons->items[i].name, name))
			return &daemons->items[i];
	return NULL;
}

static void load_release(struct load *l)
{
	vd_daemon_processes_release(&l->processes);
	vd_strv_release(&l->enabled);
	vd_buf_release(&l->sockets);
}

static int prepare(struct load *l)
{
	VD_AUTO_CLOSE int fd = -1;

	if (vd_daemon_processes_load(l->root, l->scope, &l->processes) < 0 ||
	    vd_units_enabled(l->root, &l->enabled) < 0 ||
	    vd_root_read(l->root, "/proc/net/unix", MAX_UNIX_SOCKETS, &l->sockets, NULL) == -ENOMEM)
		return -ENOMEM;
	l->has_run = vd_root_open_dir(l->root, l->scope->pid_dir, &fd, NULL) == 0;
	return 0;
}

static int load_all(struct load *l, struct vd_daemons *ds)
{
	size_t n = 0;
	int r = prepare(l);

	while (vd_daemon_names[n])
		n++;
	ds->items = calloc(n, sizeof(*ds->items));
	if (!ds->items)
		return -ENOMEM;
	for (size_t i = 0; i < n && r == 0; i++) {
		struct vd_daemon *d = &ds->items[ds->len++];

		d->name = vd_daemon_names[i];
		r = load_daemon(l, d);
		if (r == 0 && !has_trace(l, d))
			daemon_release(&ds->items[--ds->len]);
	}
	return r;
}

int vd_daemons_load(struct vd_root *root, bool session, const char *user, struct vd_daemons *ret_daemons,
                    struct vd_err *err)
{
	VD_AUTO_DAEMONS ds = { 0 };
	VD_CLEANUP(load_release) struct load l = { .root = root, .scope = &ds.scope };
	int r = vd_daemon_scope_find(root, session, user, &ds.scope, err);

	if (r < 0)
		return r;
	if (load_all(&l, &ds) < 0)
		return vd_err_set(err, ENOMEM, "no memory to look for daemons");
	find_mode(&l, &ds);
	*ret_daemons = ds;
	ds = (struct vd_daemons){ 0 };
	return 0;
}
