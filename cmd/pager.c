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

/* The words of @command where the shell would see no more in it than words: then it need not be asked. */
static int split(const char *command, struct vd_strv *words)
{
	VD_AUTO_BUF word = VD_BUF_INIT;

	if (command[strcspn(command, "|&;<>()$`\\\"'\n*?[#~=%{}!")])
		return 0;
	for (const char *p = command;; p++) {
		if (*p && *p != ' ' && *p != '\t') {
			if (vd_buf_addc(&word, *p) < 0)
				return -ENOMEM;
			continue;
		}
		if (word.len && vd_strv_add(words, vd_buf_str(&word)) < 0)
			return -ENOMEM;
		vd_buf_clear(&word);
		if (!*p)
			return 0;
	}
}

/* In the child. What keeps the pager from being run is written to @failed, as an errno. */
static void run_pager(const char *command, const struct vd_strv *words, int in, int failed)
{
	int why;

	/* less: leave at once when one screen is enough, show colours, keep the screen. As git sets them. */
	setenv("LESS", "FRX", 0);
	setenv("LV", "-c", 0);
	if (dup2(in, STDIN_FILENO) >= 0) {
		if (words->len)
			execvp(words->items[0], words->items);
		else
			execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	}
	why = errno;
	while (write(failed, &why, sizeof(why)) < 0 && errno == EINTR)
		continue;
	_exit(127);
}

/* 0 once the pager @pid runs, else the errno, and it has been waited for. @failed is closed by a successful exec. */
static int wait_for_exec(pid_t pid, int failed)
{
	int why = 0;
	ssize_t n;

	do
		n = read(failed, &why, sizeof(why));
	while (n < 0 && errno == EINTR);
	if (n != (ssize_t)sizeof(why))
		return 0;
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		continue;
	return why;
}

/* Start it with @in as its standard input. Its pid; -1 when it does not run, which was said. */
static pid_t start(const struct vd_ctx *ctx, const char *command, int in)
{
	VD_AUTO_STRV words = VD_STRV_INIT;
	int failed[2], why;
	pid_t pid;

	if (split(command, &words) < 0 || pipe2(failed, O_CLOEXEC) < 0)
		return -1;
	pid = fork();
	if (pid == 0)
		run_pager(command, &words, in, failed[1]);
	why = pid < 0 ? errno : 0;
	close(failed[1]);
	if (pid > 0)
		why = wait_for_exec(pid, failed[0]);
	close(failed[0]);
	if (!why)
		return pid;
	vd_warn(ctx, "cannot run the pager '%s': %s; printing without one", command, strerror(why));
	return -1;
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
	pid = saved < 0 ? -1 : start(ctx, command, fds[0]);
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

bool vd_pager_close(const struct vd_ctx *ctx, struct vd_pager *pager)
{
	int status = 0;
	bool ran;

	fflush(stdout);
	clearerr(stdout);
	dup2(pager->saved_stdout, STDOUT_FILENO);
	close(pager->saved_stdout);
	while (waitpid(pager->pid, &status, 0) < 0 && errno == EINTR)
		continue;
	signal(SIGPIPE, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	signal(SIGQUIT, SIG_DFL);
	/* So the shell says that it found no such program, or may not run it. */
	ran = !WIFEXITED(status) || (WEXITSTATUS(status) != 126 && WEXITSTATUS(status) != 127);
	if (!ran)
		vd_warn(ctx, "the pager '%s' did not run", pager_command(ctx));
	return ran;
}
