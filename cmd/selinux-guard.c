/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "label.h"
#include "selinux-domain.h"
#include "selinux.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cmd.selinux-guard");

/* A domain that is not permissive any more was taken back by somebody else. */
static enum vd_selinux_restored domain_back(const char *type, struct vd_err *err)
{
	if (vd_policy_domain_permissive(type) == 0)
		return VD_RESTORED_OTHERS;
	return vd_selinux_domain_set(type, false, err) < 0 ? VD_RESTORED_FAILED : VD_RESTORED;
}

enum vd_selinux_restored vd_mode_take_back(const struct vd_mode_change *change, struct vd_err *err)
{
	enum vd_selinux_restored result = VD_RESTORED_NOTHING;

	if (!change->domains)
		return vd_selinux_restore(&change->before, err);
	for (size_t i = 0; i < change->domains->len; i++) {
		enum vd_selinux_restored one = domain_back(change->domains->items[i], err);

		if (one > result)
			result = one;
	}
	return result;
}

/* Who kills all processes that look like ours, by name or by command line, shall not hit the guard too. */
static void change_name(const struct vd_mode_change *change)
{
	static const char name[] = "selinux-restore";

	(void)prctl(PR_SET_NAME, name);
	for (int i = 0; i < change->argc && change->argv; i++) {
		size_t len = strlen(change->argv[i]);

		memset(change->argv[i], 0, len);
		if (!i)
			memcpy(change->argv[i], name, len < sizeof(name) ? len : sizeof(name));
	}
}

/* Lives until the life line breaks; out of reach of the terminal and of signals to our group. */
static void __attribute__((noreturn)) watch(int fd, const struct vd_mode_change *change)
{
	static const int ignored[] = { SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGTSTP };
	sigset_t none;
	char word = 0;
	ssize_t n;
	int null;

	(void)setsid();
	change_name(change);
	for (size_t i = 0; i < VD_ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	/* Who waits for the end of our output shall not wait for the guard. */
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	for (int i = 0; i <= STDERR_FILENO && null >= 0; i++)
		(void)dup2(null, i);
	do
		n = read(fd, &word, 1);
	while (n < 0 && errno == EINTR);
	/* A word: the change was taken back in peace. Only the end of the line: nobody else is left to do it. */
	if (n == 0)
		(void)vd_mode_take_back(change, NULL);
	_exit(0);
}

int vd_guard_start(const struct vd_mode_change *change, struct vd_guard *ret_guard, struct vd_err *err)
{
	int fds[2];
	pid_t pid;

	if (pipe(fds) < 0)
		return vd_err_set(err, errno, "cannot make a pipe: %s", strerror(errno));
	(void)fcntl(fds[0], F_SETFD, FD_CLOEXEC);
	pid = fork();
	if (pid < 0) {
		int code = errno;

		close(fds[0]);
		close(fds[1]);
		return vd_err_set(err, code, "cannot start the process that would restore the mode: %s",
		                  strerror(code));
	}
	if (!pid) {
		close(fds[1]);
		watch(fds[0], change);
	}
	close(fds[0]);
	*ret_guard = (struct vd_guard){ .pid = pid, .fd = fds[1] };
	return 0;
}

void vd_guard_end(struct vd_guard *guard, bool done)
{
	ssize_t n = 0;

	if (guard->pid <= 0)
		return;
	/* Without the word it takes the change back itself. It cannot be gone: it ends on this word or on our end. */
	if (done)
		n = write(guard->fd, "d", 1);
	VLOG_DEBUG("guard %ld dismissed: %zd", (long)guard->pid, n);
	close(guard->fd);
	while (waitpid(guard->pid, NULL, 0) < 0 && errno == EINTR)
		;
	guard->pid = 0;
}
