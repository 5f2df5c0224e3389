/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Times two commands side by side: pair ROUNDS ::: COMMAND... ::: COMMAND..., or measures one: pair --peak COMMAND...
 * prints the largest memory that it held, in KiB.
 * Runs them in turn, ROUNDS times each after one round to warm up, with their output thrown away, and prints the median
 * of user and system time of each in microseconds, a blank between. A command that fails otherwise than by its exit
 * status, or that cannot be run, ends it with status 1.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define MAX_ROUNDS 1000

/* User and system time in microseconds; -1 when it failed. @ret_peak, which may be NULL: KiB. */
static long cpu_of(char *const *argv, long *ret_peak)
{
	struct rusage usage;
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, 0);
		dup2(null, 1);
		dup2(null, 2);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &usage) < 0)
		return -1;
	if (!WIFEXITED(status) || WEXITSTATUS(status) >= 126)
		return -1;
	if (ret_peak)
		*ret_peak = usage.ru_maxrss;
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 + usage.ru_utime.tv_usec +
	       usage.ru_stime.tv_usec;
}

static int compare(const void *a, const void *b)
{
	long x = *(const long *)a, y = *(const long *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	static long times[2][MAX_ROUNDS];
	char **commands[2] = { NULL, NULL };
	int found = 0, rounds = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 0;

	if (argc > 2 && !strcmp(argv[1], "--peak")) {
		long peak;

		if (cpu_of(argv + 2, &peak) < 0)
			return 1;
		printf("%ld\n", peak);
		return 0;
	}
	for (int i = 2; i < argc && found < 2; i++)
		if (!strcmp(argv[i], ":::")) {
			commands[found++] = argv + i + 1;
			argv[i] = NULL;
		}
	if (found != 2 || rounds < 1 || rounds > MAX_ROUNDS) {
		fputs("usage: pair ROUNDS ::: COMMAND... ::: COMMAND...\n", stderr);
		return 2;
	}
	for (int round = -1; round < rounds; round++)
		for (int k = 0; k < 2; k++) {
			long us = cpu_of(commands[k], NULL);

			if (us < 0) {
				fprintf(stderr, "pair: %s failed\n", commands[k][0]);
				return 1;
			}
			times[k][round < 0 ? 0 : round] = us;
		}
	for (int k = 0; k < 2; k++)
		qsort(times[k], (size_t)rounds, sizeof(long), compare);
	printf("%ld %ld\n", times[0][rounds / 2], times[1][rounds / 2]);
	return 0;
}
