/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Making a daemon read its configuration again. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "program.h"
#include "report.h"
#include "svirt-verbs.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cmd.svirt-restart");

#define RESTART_MS 120000u
#define ASK_MS     120000u
#define END_MS     20000

static void add_words(struct vd_strv *argv, const char *const *words)
{
	for (; *words; words++)
		vd_need_memory(vd_strv_add(argv, *words) == 0);
}

static void because(struct vd_svirt_restart *r, const char *why)
{
	r->why = strdup(why);
	vd_need_memory(r->why != NULL);
}

/* Was the process started by the unit, so that systemd can restart it? Its cgroup tells. */
static bool is_of_unit(struct vd_root *root, const struct vd_svirt_file *file)
{
	VD_AUTO_BUF path = VD_BUF_INIT, text = VD_BUF_INIT, unit = VD_BUF_INIT;

	vd_need_memory(vd_buf_addf(&path, "/proc/%ld/cgroup", (long)file->process->pid) == 0 &&
	               vd_buf_addf(&unit, "/%s.service", file->daemon_name) == 0);
	return vd_root_read(root, path.data, VD_MAX_CGROUP, &text, NULL) == 0 &&
	       strstr(vd_buf_str(&text), unit.data) != NULL;
}

static bool is_there(struct vd_root *root, const char *path)
{
	struct vd_stat st;

	return vd_root_stat(root, path, &st, NULL) == 0;
}

static void plan_session(const struct vd_svirt_file *file, struct vd_svirt_restart *r)
{
	char pid[24];
	const char *const words[] = { "kill", "--", pid, NULL };

	snprintf(pid, sizeof(pid), "%ld", (long)file->process->pid);
	r->how = VD_RESTART_SIGNAL;
	add_words(&r->argv, words);
}

static void plan_system(struct vd_root *root, const struct vd_svirt_file *file, struct vd_svirt_restart *r)
{
	VD_AUTO_BUF unit = VD_BUF_INIT, script = VD_BUF_INIT;

	vd_need_memory(vd_buf_addf(&unit, "%s.service", file->daemon_name) == 0 &&
	               vd_buf_addf(&script, "/etc/init.d/%s", file->daemon_name) == 0);
	if (is_there(root, "/run/systemd/system")) {
		const char *const words[] = { "systemctl", "restart", "--", unit.data, NULL };

		if (is_of_unit(root, file)) {
			r->how = VD_RESTART_COMMAND;
			add_words(&r->argv, words);
		} else {
			r->how = VD_RESTART_BY_HAND;
			because(r, "it was not started by its unit: end it and start it as it was started");
		}
	} else if (is_there(root, script.data)) {
		const char *const words[] = { script.data, "restart", NULL };

		r->how = VD_RESTART_COMMAND;
		add_words(&r->argv, words);
	} else {
		r->how = VD_RESTART_BY_HAND;
		because(r, "there is neither systemd nor an init script: end it and start it as it was started");
	}
}

void vd_svirt_restart_plan(struct vd_svirt_view *view, const struct vd_svirt_file *file, struct vd_svirt_restart *ret)
{
	struct vd_svirt_restart r = { 0 };
	struct vd_root *root = view->ctx->root;

	if (file->daemon_unknown) {
		r.how = VD_RESTART_BY_HAND;
	} else if (!file->daemon || file->daemon->state == VD_DAEMON_ABSENT) {
		because(&r, "it is not installed here");
	} else if (!vd_root_is_live(root)) {
		r.how = VD_RESTART_BY_HAND;
	} else if (!file->process) {
		because(&r, file->daemon->state == VD_DAEMON_WAITING || view->daemons.scope.session
		                    ? "it does not run; the next client starts it, with the new file"
		                    : "it does not run: it reads the new file when it is started");
	} else if (vd_root_pid(root)) {
		r.how = VD_RESTART_BY_HAND;
		because(&r, "it belongs to another mount namespace: restart it there");
	} else if (view->daemons.scope.session) {
		plan_session(file, &r);
	} else {
		plan_system(root, file, &r);
	}
	*ret = r;
}

void vd_svirt_restart_release(struct vd_svirt_restart *restart)
{
	vd_strv_release(&restart->argv);
	free(restart->why);
}

/* --- doing it ----------------------------------------------------------------------------------------------------- */

/*
 * A daemon reports that it has started before its drivers have read their files, and ends when one of them cannot: only
 * an answer of the driver tells. Without virsh there is none to ask.
 */
static int ask(const struct vd_svirt_file *file, struct vd_err *err)
{
	const char *const argv[] = { "virsh", "-q",
		                     "-c",    file->driver == VD_DRIVER_LXC ? "lxc:///system" : "qemu:///system",
		                     "uri",   NULL };
	VD_AUTO_BUF out = VD_BUF_INIT, errors = VD_BUF_INIT;
	int status = 0, r;

	r = vd_program_run(argv, ASK_MS, &out, &errors, &status, err);
	if (r == -ENOENT) {
		vd_err_release(err);
		return 0;
	}
	if (r == 0 && !status)
		return 0;
	if (r == 0)
		vd_err_set(err, EIO, "%.*s", (int)strcspn(vd_buf_str(&errors), "\n"), vd_buf_str(&errors));
	return vd_err_prefix(err, "%s was restarted, but its %s driver does not answer; its log says why",
	                     file->daemon_name, vd_driver_name(file->driver));
}

static int run(const struct vd_svirt_file *file, const struct vd_svirt_restart *restart, struct vd_err *err)
{
	VD_AUTO_BUF out = VD_BUF_INIT, errors = VD_BUF_INIT;
	int status, r;

	r = vd_program_run((const char *const *)restart->argv.items, RESTART_MS, &out, &errors, &status, err);
	if (r < 0)
		return vd_err_prefix(err, "cannot restart %s", file->daemon_name);
	if (!status)
		return ask(file, err);
	return vd_err_set(err, EIO, "%s could not be restarted (status %d): %.*s; its log says why: journalctl -u %s",
	                  file->daemon_name, status, (int)strcspn(vd_buf_str(&errors), "\n"), vd_buf_str(&errors),
	                  file->daemon_name);
}

/* Its process and no other that has taken its number. */
static int end(struct vd_svirt_view *view, const struct vd_svirt_file *file, struct vd_err *err)
{
	const struct vd_daemon_process *p = file->process;
	VD_AUTO_CLOSE int fd = (int)syscall(SYS_pidfd_open, p->pid, 0);
	struct pollfd gone = { .fd = fd, .events = POLLIN };

	if (fd < 0 && errno == ESRCH)
		return 0;
	if (fd < 0)
		return vd_err_set(err, errno, "cannot end %s (pid %ld): %s", file->daemon_name, (long)p->pid,
		                  strerror(errno));
	if (!vd_process_is_same(view->ctx->root, p->pid, p->ticks))
		return 0;
	if (syscall(SYS_pidfd_send_signal, fd, SIGTERM, NULL, 0) < 0 && errno != ESRCH)
		return vd_err_set(err, errno, "cannot end %s (pid %ld): %s", file->daemon_name, (long)p->pid,
		                  strerror(errno));
	if (poll(&gone, 1, END_MS) == 1)
		return 0;
	return vd_err_set(err, ETIMEDOUT, "%s (pid %ld) was told to end and has not after %d seconds",
	                  file->daemon_name, (long)p->pid, END_MS / 1000);
}

int vd_svirt_restart_run(struct vd_svirt_view *view, const struct vd_svirt_file *file,
                         const struct vd_svirt_restart *restart, struct vd_err *err)
{
	switch (restart->how) {
	case VD_RESTART_COMMAND:
		return run(file, restart, err);
	case VD_RESTART_SIGNAL:
		return end(view, file, err);
	case VD_RESTART_BY_HAND:
		return vd_err_set(err, ENOTSUP, "%s was not restarted: %s", file->daemon_name, restart->why);
	case VD_RESTART_NOTHING:
		break;
	}
	return 0;
}

int vd_svirt_restart_again(struct vd_svirt_view *view, const struct vd_svirt_file *file,
                           const struct vd_svirt_restart *restart, struct vd_err *err)
{
	const char *first = restart->argv.len ? restart->argv.items[0] : "";
	VD_AUTO_BUF out = VD_BUF_INIT, errors = VD_BUF_INIT;
	int status = 0;

	/* A unit that failed too often is not started any more; its sockets have then failed as well. */
	if (!strcmp(first, "systemctl")) {
		VD_AUTO_BUF unit = VD_BUF_INIT, socket = VD_BUF_INIT;
		const char *words[] = { "systemctl", "reset-failed", "--", NULL, NULL, NULL };

		vd_need_memory(vd_buf_addf(&unit, "%s.service", file->daemon_name) == 0 &&
		               vd_buf_addf(&socket, "%s*.socket", file->daemon_name) == 0);
		words[3] = unit.data;
		words[4] = socket.data;
		if (vd_program_run(words, RESTART_MS, &out, &errors, &status, NULL) < 0 || status)
			VLOG_DEBUG("reset-failed: status %d: %s", status, vd_buf_str(&errors));
	}
	return vd_svirt_restart_run(view, file, restart, err);
}
