/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "program.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.program");

/* One running program. */
struct child {
	pid_t pid; /* 0: none, or reaped */
	int out, errors;
	int64_t deadline; /* milliseconds of the monotonic clock */
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static int reap(struct child *c, int *ret_status)
{
	int status;

	while (waitpid(c->pid, &status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	c->pid = 0;
	*ret_status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
	return 0;
}

static void child_release(struct child *c)
{
	int status;

	if (c->pid > 0) {
		kill(-c->pid, SIGKILL);
		if (reap(c, &status) < 0)
			VLOG_DEBUG("process %ld could not be waited for", (long)c->pid);
	}
	vd_cleanup_close(&c->out);
	vd_cleanup_close(&c->errors);
}

/* --- starting ----------------------------------------------------------------------------------------------------- */

/* Is @entry a variable that the program must not inherit as it is? */
static bool is_changed(const char *entry)
{
	static const char *const names[] = { "LC_ALL=", "LANGUAGE=", "LIBVIRT_DEBUG=", "LIBVIRT_LOG_" };

	for (size_t i = 0; i < VD_ARRAY_SIZE(names); i++)
		if (!strncmp(entry, names[i], strlen(names[i])))
			return true;
	return false;
}

static int make_environment(struct vd_strv *env)
{
	for (char **e = environ; e && *e; e++)
		if (!is_changed(*e) && vd_strv_add(env, *e) < 0)
			return -ENOMEM;
	return vd_strv_add(env, "LC_ALL=C");
}

static int set_attributes(posix_spawnattr_t *attr)
{
	sigset_t none, all;
	int r;

	sigemptyset(&none);
	sigfillset(&all);
	r = posix_spawnattr_setflags(attr, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	if (!r)
		r = posix_spawnattr_setpgroup(attr, 0);
	if (!r)
		r = posix_spawnattr_setsigmask(attr, &none);
	return r ? r : posix_spawnattr_setsigdefault(attr, &all);
}

static int set_files(posix_spawn_file_actions_t *files, int out, int errors)
{
	int r = posix_spawn_file_actions_addopen(files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);

	if (!r)
		r = posix_spawn_file_actions_adddup2(files, out, STDOUT_FILENO);
	return r ? r : posix_spawn_file_actions_adddup2(files, errors, STDERR_FILENO);
}

/* Returns a positive errno, as the functions of posix_spawn() do. */
static int spawn_with(const char *const *argv, char *const *env, int out, int errors, pid_t *ret_pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int r = posix_spawn_file_actions_init(&files);

	if (r)
		return r;
	r = posix_spawnattr_init(&attr);
	if (r) {
		posix_spawn_file_actions_destroy(&files);
		return r;
	}
	r = set_files(&files, out, errors);
	if (!r)
		r = set_attributes(&attr);
	if (!r)
		r = posix_spawnp(ret_pid, argv[0], &files, &attr, (char *const *)(uintptr_t)argv, env);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	return r;
}

static int start(const char *const *argv, struct child *c)
{
	VD_AUTO_STRV env = VD_STRV_INIT;
	int out[2] = { -1, -1 }, errors[2] = { -1, -1 };
	int r = make_environment(&env);

	if (r < 0)
		return r;
	if (pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0 || pipe2(errors, O_CLOEXEC | O_NONBLOCK) < 0)
		r = -errno;
	c->out = out[0];
	c->errors = errors[0];
	/* The program's ends block, as programs expect. */
	if (r == 0 && (fcntl(out[1], F_SETFL, 0) < 0 || fcntl(errors[1], F_SETFL, 0) < 0))
		r = -errno;
	if (r == 0)
		r = -spawn_with(argv, env.items, out[1], errors[1], &c->pid);
	vd_cleanup_close(&out[1]);
	vd_cleanup_close(&errors[1]);
	return r;
}

/* --- reading ------------------------------------------------------------------------------------------------------ */

/* Reads what is there; closes *@fd at the end of the data. */
static int drain(int *fd, struct vd_buf *buf)
{
	char chunk[4096];
	ssize_t n = read(*fd, chunk, sizeof(chunk));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0) {
		vd_cleanup_close(fd);
		*fd = -1;
		return 0;
	}
	if (buf->len + (size_t)n > VD_PROGRAM_MAX_OUTPUT)
		n = (ssize_t)(VD_PROGRAM_MAX_OUTPUT - buf->len);
	return vd_buf_add(buf, chunk, (size_t)n);
}

static int collect(struct child *c, struct vd_buf *out, struct vd_buf *errors)
{
	while (c->out >= 0 || c->errors >= 0) {
		struct pollfd fds[2] = { { .fd = c->out, .events = POLLIN }, { .fd = c->errors, .events = POLLIN } };
		int64_t left = c->deadline - now_ms();
		int r;

		if (left <= 0)
			return -ETIMEDOUT;
		r = poll(fds, 2, (int)left);
		if (r < 0 && errno != EINTR)
			return -errno;
		if (r <= 0)
			continue;
		r = fds[0].revents ? drain(&c->out, out) : 0;
		if (r == 0 && fds[1].revents)
			r = drain(&c->errors, errors);
		if (r < 0)
			return r;
	}
	return 0;
}

/* It has closed its output, but may hang on without it. */
static int await_end(struct child *c, int *ret_status)
{
	siginfo_t info;

	for (;;) {
		info.si_pid = 0;
		if (waitid(P_PID, (id_t)c->pid, &info, WEXITED | WNOHANG | WNOWAIT) < 0 && errno != EINTR)
			return -errno;
		if (info.si_pid)
			return reap(c, ret_status);
		if (now_ms() >= c->deadline)
			return -ETIMEDOUT;
		poll(NULL, 0, 5);
	}
}

int vd_program_run(const char *const *argv, unsigned timeout_ms, struct vd_buf *out, struct vd_buf *errors,
                   int *ret_status, struct vd_err *err)
{
	VD_CLEANUP(child_release)
	struct child c = { .out = -1, .errors = -1, .deadline = now_ms() + timeout_ms };
	int r = start(argv, &c);

	VLOG_DEBUG("running %s: %s", argv[0], r < 0 ? strerror(-r) : "started");
	if (r == 0)
		r = collect(&c, out, errors);
	if (r == 0)
		r = await_end(&c, ret_status);
	if (r == -ETIMEDOUT)
		return vd_err_set(err, ETIMEDOUT, "%s did not answer within %u seconds and was stopped", argv[0],
		                  timeout_ms / 1000);
	if (r == -ENOENT)
		return vd_err_set(err, ENOENT, "cannot run %s: it is not installed", argv[0]);
	if (r < 0)
		return vd_err_set(err, -r, "cannot run %s: %s", argv[0], strerror(-r));
	VLOG_DEBUG("%s ended with status %d", argv[0], *ret_status);
	return 0;
}
