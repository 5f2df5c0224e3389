/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The processes of libvirt's daemons, by what /proc shows of them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemons.h"
#include "guests.h"
#include "host.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.daemon-process");

#define MAX_CMDLINE (1u << 20)
#define MAX_MAPS    (8u << 20)
#define MAX_STATUS  (64u << 10)

/* --- single files ------------------------------------------------------------------------------------------------- */

static int read_proc(struct vd_root *root, pid_t pid, const char *file, size_t max, struct vd_buf *buf,
                     struct vd_err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%ld/%s", (long)pid, file);
	return vd_root_read(root, path, max, buf, err);
}

/* The command name and start of a process. A libtool wrapper's "lt-" is no part of the name. */
static int read_stat(struct vd_root *root, pid_t pid, char ret_name[32], uint64_t *ret_ticks)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	const char *open, *close, *p;
	char *end;
	int r = read_proc(root, pid, "stat", VD_MAX_CGROUP, &buf, NULL);

	if (r < 0)
		return r;
	open = strchr(vd_buf_str(&buf), '(');
	close = open ? strrchr(open, ')') : NULL;
	if (!close || close - open - 1 > 31)
		return -EBADMSG;
	open++;
	if (!strncmp(open, "lt-", 3))
		open += 3;
	snprintf(ret_name, 32, "%.*s", (int)(close - open), open);
	p = close;
	for (unsigned field = 2; p && field < 22; field++)
		p = strchr(p + 1, ' ');
	*ret_ticks = p ? strtoull(p + 1, &end, 10) : 0;
	return 0;
}

/* Whose it is, and whether it lives in a PID namespace below ours, as the processes of containers do. */
static void read_status(struct vd_root *root, struct vd_daemon_process *p)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	const char *line;
	unsigned real, effective;
	int inner = 0;

	if (read_proc(root, p->pid, "status", MAX_STATUS, &buf, NULL) < 0)
		return;
	line = strstr(vd_buf_str(&buf), "\nUid:");
	if (line && sscanf(line, "\nUid: %u %u", &real, &effective) == 2) {
		p->uid = effective;
		p->uid_known = true;
	}
	line = strstr(vd_buf_str(&buf), "\nNSpid:");
	if (line && sscanf(line, "\nNSpid: %*d%n", &inner) == 0 && inner && line[inner] == '\t')
		p->elsewhere = true;
}

static void read_context(struct vd_root *root, struct vd_daemon_process *p)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;

	if (read_proc(root, p->pid, "attr/current", 4096, &buf, NULL) < 0)
		return;
	while (buf.len && (buf.data[buf.len - 1] == '\n' || buf.data[buf.len - 1] == '\0'))
		buf.data[--buf.len] = '\0';
	if (buf.len)
		p->context = vd_buf_steal(&buf);
}

static int read_exe(struct vd_root *root, struct vd_daemon_process *p)
{
	static const char deleted[] = " (deleted)";
	char path[64];
	size_t len;
	int r;

	snprintf(path, sizeof(path), "/proc/%ld/exe", (long)p->pid);
	r = vd_root_readlink(root, path, &p->exe, NULL);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	len = strlen(p->exe);
	if (len > sizeof(deleted) - 1 && !strcmp(p->exe + len - (sizeof(deleted) - 1), deleted)) {
		p->exe[len - (sizeof(deleted) - 1)] = '\0';
		p->exe_deleted = true;
	}
	return 0;
}

/* The library that it has loaded tells its version better than what is installed by now. */
static void read_maps(struct vd_root *root, struct vd_daemon_process *p)
{
	static const char mark[] = "/libvirt.so.0.";
	VD_AUTO_BUF buf = VD_BUF_INIT;
	const char *at, *eol;
	unsigned middle, micro;

	if (read_proc(root, p->pid, "maps", MAX_MAPS, &buf, NULL) < 0)
		return;
	at = strstr(vd_buf_str(&buf), mark);
	if (!at || sscanf(at + strlen(mark), "%7u.%3u", &middle, &micro) != 2 || middle / 1000 > 4000)
		return;
	/* libvirt.so.0.MMMmmm.R, see lib/host.c */
	p->version = VD_VERSION(middle / 1000, middle % 1000, micro);
	eol = strchr(at, '\n');
	p->library_deleted = eol && eol - at > 10 && !strncmp(eol - 10, " (deleted)", 10);
}

/* --- command line ------------------------------------------------------------------------------------------------- */

static bool takes_value(char option)
{
	return option == 't' || option == 'f' || option == 'p';
}

static void take_option(struct vd_daemon_process *p, char option, const char *value)
{
	if (option == 'v')
		p->is_verbose = true;
	else if (option == 'd')
		p->is_daemonised = true;
	else if (option == 't' && value)
		p->timeout = strtol(value, NULL, 10);
	else if (option == 'f' && value && !p->config)
		p->config = strdup(value);
}

static char short_name(const char *name, size_t len)
{
	static const char *const names[] = { "verbose", "daemon", "timeout", "fconfig", "pid-file" };

	for (size_t i = 0; i < VD_ARRAY_SIZE(names); i++) {
		const char *s = names[i] + (i == 3);

		if (strlen(s) == len && !strncmp(s, name, len))
			return names[i][0];
	}
	return 0;
}

/* The arguments end with NUL each; @args of @len bytes has one behind the last. */
static void parse_cmdline(struct vd_daemon_process *p, const char *args, size_t len)
{
	const char *end = args + len, *arg = args + strlen(args) + 1, *next;

	for (; arg < end; arg = next) {
		const char *equals = strchr(arg, '=');

		next = arg + strlen(arg) + 1;
		if (!strcmp(arg, "--"))
			return;
		if (!strncmp(arg, "--", 2)) {
			char option = short_name(arg + 2, equals ? (size_t)(equals - arg) - 2 : strlen(arg) - 2);
			bool separate = takes_value(option) && !equals && next < end;

			take_option(p, option, equals ? equals + 1 : separate ? next : NULL);
			if (separate)
				next += strlen(next) + 1;
			continue;
		}
		for (const char *o = arg + 1; arg[0] == '-' && *o; o++) {
			bool separate = takes_value(*o) && !o[1] && next < end;

			take_option(p, *o, separate ? next : takes_value(*o) ? o + 1 : NULL);
			if (separate)
				next += strlen(next) + 1;
			if (takes_value(*o))
				break;
		}
	}
}

static int read_cmdline(struct vd_root *root, struct vd_daemon_process *p)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	int r = read_proc(root, p->pid, "cmdline", MAX_CMDLINE, &buf, NULL);

	if (r < 0 || !buf.len)
		return r == -ENOMEM ? r : 0;
	if (vd_buf_addc(&buf, '\0') < 0)
		return -ENOMEM;
	parse_cmdline(p, buf.data, buf.len);
	return 0;
}

/* --- environment and identity ------------------------------------------------------------------------------------- */

int vd_process_env(struct vd_root *root, pid_t pid, const char *name, char **ret_value, struct vd_err *err)
{
	VD_AUTO_BUF buf = VD_BUF_INIT;
	size_t n = strlen(name);
	char *value = NULL;
	int r = read_proc(root, pid, "environ", MAX_CMDLINE, &buf, err);

	if (r < 0)
		return r;
	if (vd_buf_addc(&buf, '\0') < 0)
		return vd_err_set(err, ENOMEM, "no memory to read the environment of process %ld", (long)pid);
	for (const char *p = buf.data; p < buf.data + buf.len && !value; p += strlen(p) + 1)
		if (!strncmp(p, name, n) && p[n] == '=' && !(value = strdup(p + n + 1)))
			return vd_err_set(err, ENOMEM, "no memory to read the environment of process %ld", (long)pid);
	*ret_value = value;
	return 0;
}

uint64_t vd_process_ticks(struct vd_root *root, pid_t pid)
{
	char name[32];
	uint64_t ticks = 0;

	return read_stat(root, pid, name, &ticks) == 0 ? ticks : 0;
}

bool vd_process_is_same(struct vd_root *root, pid_t pid, uint64_t ticks)
{
	char name[32];
	uint64_t now = 0;
	int r = read_stat(root, pid, name, &now);

	if (r == -ENOENT || r == -ESRCH)
		return false;
	return r < 0 || !ticks || !now || now == ticks;
}

/* --- finding them ------------------------------------------------------------------------------------------------- */

static const char *daemon_called(const char *name)
{
	for (size_t i = 0; vd_daemon_names[i]; i++)
		if (!strcmp(vd_daemon_names[i], name))
			return vd_daemon_names[i];
	return NULL;
}

/* Any program may call itself virtqemud: where the binary is known, its name counts too. */
static bool is_binary_of(const char *exe, const char *name)
{
	const char *slash = strrchr(exe, '/');

	exe = slash ? slash + 1 : exe;
	if (!strncmp(exe, "lt-", 3))
		exe += 3;
	return !strcmp(exe, name);
}

/* Is @dir the directory libvirt below @parent? */
static bool is_libvirt_of(const char *dir, const char *parent)
{
	size_t n = strlen(parent);

	while (n > 1 && parent[n - 1] == '/')
		n--;
	return !strncmp(dir, parent, n) && !strcmp(dir + n, "/libvirt");
}

/*
 * A process with another /run/libvirt than ours serves others, and so does a daemon of this user that was started with
 * another XDG_RUNTIME_DIR. Only this machine's own root can be compared.
 */
static bool has_our_sockets(struct vd_root *root, const struct vd_daemon_scope *scope, pid_t pid)
{
	VD_AUTO_FREE char *runtime = NULL;
	const char *run_dir = scope->run_dir;
	VD_AUTO_BUF path = VD_BUF_INIT;
	struct vd_stat ours, theirs;

	if (vd_root_pid(root) || !vd_root_is_live(root) || strcmp(vd_root_dir(root), "/") != 0)
		return true;
	if (scope->session && vd_process_env(root, pid, "XDG_RUNTIME_DIR", &runtime, NULL) == 0 && runtime &&
	    *runtime == '/' && !is_libvirt_of(run_dir, runtime))
		return false;
	if (vd_buf_addf(&path, "/proc/%ld/root%s", (long)pid, run_dir) < 0 ||
	    vd_root_stat(root, run_dir, &ours, NULL) < 0 || vd_root_stat(root, path.data, &theirs, NULL) < 0)
		return true;
	return ours.dev == theirs.dev && ours.ino == theirs.ino;
}

void vd_daemon_process_release(struct vd_daemon_process *p)
{
	free(p->exe);
	free(p->context);
	free(p->config);
	*p = (struct vd_daemon_process){ 0 };
}

void vd_daemon_processes_release(struct vd_daemon_processes *processes)
{
	for (size_t i = 0; i < processes->len; i++)
		vd_daemon_process_release(&processes->items[i].process);
	free(processes->items);
	*processes = (struct vd_daemon_processes){ 0 };
}

/* Fills in what /proc tells. Returns 1 when it belongs to the scope, 0 when not, -ENOMEM. */
static int examine(struct vd_root *root, const struct vd_daemon_scope *scope, const char *name, time_t boot,
                   struct vd_daemon_process *p)
{
	time_t since = 0;
	int r;

	read_status(root, p);
	if (p->uid_known ? p->uid != scope->uid && !p->elsewhere : scope->session)
		return 0;
	r = read_exe(root, p);
	if (r == 0 && p->exe && !is_binary_of(p->exe, name))
		return 0;
	if (r == 0)
		r = read_cmdline(root, p);
	if (r < 0)
		return r;
	read_context(root, p);
	read_maps(root, p);
	if (boot && vd_process_since(root, p->pid, boot, &since) == 0)
		p->since = since;
	p->elsewhere |= !has_our_sockets(root, scope, p->pid);
	VLOG_DEBUG("process %ld is %s%s", (long)p->pid, name, p->elsewhere ? ", elsewhere" : "");
	return 1;
}

static int add(struct vd_daemon_processes *ps, const char *name, const struct vd_daemon_process *process)
{
	if (ps->len == ps->cap) {
		size_t want = ps->cap ? ps->cap * 2 : 8;
		struct vd_named_process *grown = reallocarray(ps->items, want, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		ps->items = grown;
		ps->cap = want;
	}
	ps->items[ps->len++] = (struct vd_named_process){ name, *process };
	return 0;
}

static int look_at(struct vd_root *root, const struct vd_daemon_scope *scope, pid_t pid, time_t boot,
                   struct vd_daemon_processes *ps)
{
	struct vd_daemon_process p = { .pid = pid };
	const char *daemon;
	char name[32];
	int r = read_stat(root, pid, name, &p.ticks);

	if (r < 0)
		return r == -ENOMEM ? r : 0;
	ps->seen = true;
	daemon = daemon_called(name);
	if (!daemon)
		return 0;
	r = examine(root, scope, daemon, boot, &p);
	if (r > 0)
		r = add(ps, daemon, &p);
	else
		vd_daemon_process_release(&p);
	return r;
}

int vd_daemon_processes_load(struct vd_root *root, const struct vd_daemon_scope *scope,
                             struct vd_daemon_processes *ret_processes)
{
	VD_CLEANUP(vd_daemon_processes_release) struct vd_daemon_processes ps = { 0 };
	VD_AUTO_STRV names = VD_STRV_INIT;
	time_t boot = 0;
	int r = vd_root_list(root, "/proc", &names, NULL);

	if (r == -ENOMEM)
		return r;
	if (vd_boot_time(root, &boot) < 0)
		boot = 0;
	for (size_t i = 0; i < names.len; i++) {
		const char *name = names.items[i];

		if (strspn(name, "0123456789") != strlen(name) || strlen(name) > 9)
			continue;
		r = look_at(root, scope, (pid_t)strtol(name, NULL, 10), boot, &ps);
		if (r == -ENOMEM)
			return r;
	}
	*ret_processes = ps;
	ps = (struct vd_daemon_processes){ 0 };
	return 0;
}
