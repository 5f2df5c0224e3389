/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "report-internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <unistd.h>

size_t vd_terminal_width(void)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;
	char *end;
	long n;

	if (!isatty(STDOUT_FILENO))
		return 0;
	n = columns ? strtol(columns, &end, 10) : 0;
	if (columns && *columns && !*end && n > 0 && n < 100000)
		return (size_t)n;
	return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

/* The user's pager as git finds it; NULL when there is none or none is wanted. */
static const char *pager_command(const struct vd_ctx *ctx)
{
	const char *command = getenv("VIRTDIAG_PAGER");

	if (ctx->no_pager || ctx->json || !isatty(STDOUT_FILENO))
		return NULL;
	if (!command)
		command = getenv("PAGER");
	if (!command)
		command = "if command -v less >/dev/null 2>&1; then exec less; else exec cat; fi";
	return *command && strcmp(command, "cat") ? command : NULL;
}

static void run_pager(const char *command, int in)
{
	/* less: leave at once when one screen is enough, show colours, keep the screen. As git sets them. */
	setenv("LESS", "FRX", 0);
	setenv("LV", "-c", 0);
	if (dup2(in, STDIN_FILENO) >= 0)
		execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}

bool vd_pager_open(const struct vd_ctx *ctx, struct vd_pager *ret_pager)
{
	const char *command = pager_command(ctx);
	int fds[2], saved;
	pid_t pid;

	if (!command || pipe2(fds, O_CLOEXEC) < 0)
		return false;
	fflush(stdout);
	saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
	pid = saved < 0 ? -1 : fork();
	if (pid == 0)
		run_pager(command, fds[0]);
	close(fds[0]);
	if (pid < 0 || dup2(fds[1], STDOUT_FILENO) < 0) {
		close(fds[1]);
		if (saved >= 0)
			close(saved);
		return false;
	}
	close(fds[1]);
	/*
	 * Whether the reader leaves early or an interrupt is meant for it: it has to be waited for, or the shell's
	 * prompt gets into its screen.
	 */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	ret_pager->pid = pid;
	ret_pager->saved_stdout = saved;
	return true;
}

void vd_pager_close(struct vd_pager *pager)
{
	fflush(stdout);
	clearerr(stdout);
	dup2(pager->saved_stdout, STDOUT_FILENO);
	close(pager->saved_stdout);
	while (waitpid(pager->pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
}
