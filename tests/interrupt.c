/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fault injection for commands that replace a file.
 *
 *   interrupt kill FILE OLD NEW -- COMMAND...   puts OLD into FILE and runs COMMAND, which is killed at a system call;
 *                                               again, killed at a later one; and so on until it ends by itself. FILE
 *                                               must always be OLD or NEW, bytewise. Prints how often it was which.
 *                                               Before the first call that makes a file nothing can happen: there
 *                                               only every 10th call is tried. From it on all are, counted from it:
 *                                               how many come before depends on what else runs on the machine.
 *   interrupt at SYSCALL HOOK -- COMMAND...     runs COMMAND; when it first enters SYSCALL the shell runs HOOK. Exits
 *                                               with the status of COMMAND.
 *   interrupt list -- COMMAND...                prints, in order, its calls of fsync, link and rename
 *
 * For x86-64 and arm64. Everything else in the directory of FILE is removed between the runs.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include <linux/ptrace.h>

static const struct {
	const char *name;
	long number;
} calls[] = {
	{ "fsync", SYS_fsync },       { "linkat", SYS_linkat },       { "renameat", SYS_renameat },
	{ "renameat2", SYS_renameat2 }, { "fchmod", SYS_fchmod },
};
#define N_CALLS (sizeof(calls) / sizeof(calls[0]))

static void die(const char *what)
{
	fprintf(stderr, "interrupt: %s: %s\n", what, strerror(errno));
	exit(125);
}

static pid_t start(char **argv, bool quiet)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0) {
		if (quiet) {
			int fd = open("/dev/null", O_WRONLY);

			dup2(fd, 1);
			dup2(fd, 2);
		}
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		execv(argv[0], argv);
		_exit(126);
	}
	waitpid(pid, NULL, 0);
	ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	return pid;
}

/* Has the process begun to change files? Flags of openat() are its third argument; other ways of opening are not used
 * for writing, which `list` would show as a rename without it. */
static bool writing;

static long number_of(pid_t pid)
{
	struct ptrace_syscall_info info;

	if (ptrace(PTRACE_GET_SYSCALL_INFO, pid, (void *)sizeof(info), &info) < 0)
		die("PTRACE_GET_SYSCALL_INFO");
	if (info.op != PTRACE_SYSCALL_INFO_ENTRY)
		return -1;
	if (info.entry.nr == SYS_openat && (info.entry.args[2] & O_CREAT))
		writing = true;
	return (long)info.entry.nr;
}

/* Lets it run to the next entry of a system call. False: it has ended, *@ret_status says how. */
static bool next_call(pid_t pid, long *ret_number, int *ret_status)
{
	int sig = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, NULL, (void *)(long)sig) < 0)
			die("PTRACE_SYSCALL");
		if (waitpid(pid, ret_status, 0) < 0)
			die("waitpid");
		if (WIFEXITED(*ret_status) || WIFSIGNALED(*ret_status))
			return false;
		sig = WSTOPSIG(*ret_status);
		if (sig == (SIGTRAP | 0x80)) {
			sig = 0;
			*ret_number = number_of(pid);
			if (*ret_number >= 0)
				return true;
		} else if (sig == SIGTRAP) {
			sig = 0;
		}
	}
}

static char *slurp(const char *path, size_t *ret_len)
{
	FILE *f = fopen(path, "r");
	char *data = malloc(1 << 20);

	if (!f || !data)
		die(path);
	*ret_len = fread(data, 1, 1 << 20, f);
	fclose(f);
	return data;
}

static void put(const char *path, const char *data, size_t len)
{
	FILE *f = fopen(path, "w");

	if (!f || fwrite(data, 1, len, f) != len || fclose(f))
		die(path);
}

static void empty_dir_of(const char *path)
{
	char *copy = strdup(path), *other = strdup(path), file[4096];
	const char *dir = dirname(copy), *base = basename(other);
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (e->d_type != DT_REG || !strcmp(e->d_name, base))
			continue;
		snprintf(file, sizeof(file), "%s/%s", dir, e->d_name);
		unlink(file);
	}
	closedir(d);
	free(copy);
	free(other);
}

/* Runs to call @at, counted from the first one that makes a file when @behind. False: it ended before, see *@ret_status. */
static bool run_to(pid_t pid, unsigned at, bool behind, int *ret_status)
{
	long number;

	writing = false;
	for (unsigned n = 0; n < at; n += !behind || writing)
		if (!next_call(pid, &number, ret_status))
			return false;
	return true;
}

static int kill_everywhere(const char *file, const char *old_file, const char *new_file, char **argv)
{
	size_t old_len, new_len, len;
	char *old = slurp(old_file, &old_len), *new = slurp(new_file, &new_len);
	unsigned n_old = 0, n_new = 0, at = 1;
	bool behind = false, ended = false;
	int status = 0;

	while (!ended) {
		char *data;
		pid_t pid;

		empty_dir_of(file);
		put(file, old, old_len);
		pid = start(argv, true);
		ended = !run_to(pid, at, behind, &status);
		if (!ended) {
			kill(pid, SIGKILL);
			waitpid(pid, NULL, 0);
		}
		data = slurp(file, &len);
		if (len == old_len && !memcmp(data, old, len)) {
			n_old++;
		} else if (len == new_len && !memcmp(data, new, len)) {
			n_new++;
		} else {
			printf("killed at call %u%s: neither the old nor the new file: %.*s\n", at,
			       behind ? " from the first that makes a file" : "", (int)len, data);
			return 1;
		}
		free(data);
		if (behind) {
			at++;
		} else if (writing) {
			behind = true;
			ended = false;
			at = 1;
		} else {
			at += 10;
		}
	}
	free(old);
	free(new);
	if (!WIFEXITED(status) || WEXITSTATUS(status)) {
		printf("not killed, it ends with wait status %#x\n", status);
		return 1;
	}
	printf("old %u, new %u\n", n_old, n_new);
	return n_old > 40 && n_new > 1 ? 0 : 1;
}

static int run(const char *at, const char *hook, char **argv)
{
	pid_t pid = start(argv, !hook);
	bool done = false;
	long number;
	int status;

	while (next_call(pid, &number, &status)) {
		for (size_t i = 0; i < N_CALLS; i++) {
			if (calls[i].number != number)
				continue;
			if (!hook) {
				puts(calls[i].name);
			} else if (!done && !strcmp(calls[i].name, at)) {
				done = true;
				if (system(hook) != 0)
					die(hook);
			}
		}
	}
	if (hook && !done) {
		fprintf(stderr, "interrupt: it never called %s\n", at);
		return 125;
	}
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	if (argc > 6 && !strcmp(argv[1], "kill") && !strcmp(argv[5], "--"))
		return kill_everywhere(argv[2], argv[3], argv[4], argv + 6);
	if (argc > 5 && !strcmp(argv[1], "at") && !strcmp(argv[4], "--"))
		return run(argv[2], argv[3], argv + 5);
	if (argc > 3 && !strcmp(argv[1], "list") && !strcmp(argv[2], "--"))
		return run(NULL, NULL, argv + 3);
	fprintf(stderr, "usage: see the top of interrupt.c\n");
	return 125;
}
