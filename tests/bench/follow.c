/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a follower of logs is worth: follow FILE HOW ::: COMMAND...
 * Starts COMMAND, which follows FILE from its end. HOW latency: appends 500 lines, one at a time, and prints the median
 * time in microseconds until each came out. HOW rename, copy, delete: writes 100,000 numbered lines and rotates FILE in
 * this way after every 2,000, keeping ten old files, and prints how many lines did not come out once, in order.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define LINES      100000
#define EVERY      2000
#define KEPT       10
#define LATENCIES  500
#define LINE       "2026-11-23T09:47:28.000000Z qemu-system-x86_64: line %07d of the writer\n"
#define MARK       "line "
#define PATIENCE   3000 /* milliseconds without a line until the rest counts as lost */
#define PAUSE_USEC 500

static const char *path;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static pid_t start(char **argv, int *ret_out)
{
	int fds[2];
	pid_t pid;

	if (pipe(fds) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], STDOUT_FILENO);
		close(fds[0]);
		close(fds[1]);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(fds[1]);
	*ret_out = fds[0];
	return pid;
}

static void append(int from, int count)
{
	static char text[EVERY * 100];
	size_t len = 0;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND, 0644);

	for (int i = 0; i < count; i++)
		len += (size_t)snprintf(text + len, sizeof(text) - len, LINE, from + i);
	if (fd < 0 || write(fd, text, len) != (ssize_t)len)
		exit(1);
	close(fd);
}

/* Wait for a line that holds the number, at most so many milliseconds. */
static bool await(int out, int number, int patience)
{
	static char buf[65536];
	static size_t len;
	char wanted[32];

	snprintf(wanted, sizeof(wanted), MARK "%07d", number);
	for (;;) {
		struct pollfd p = { .fd = out, .events = POLLIN };
		ssize_t n;

		if (len && memmem(buf, len, wanted, strlen(wanted))) {
			len = 0;
			return true;
		}
		if (len > sizeof(buf) / 2)
			len = 0;
		if (poll(&p, 1, patience) <= 0)
			return false;
		n = read(out, buf + len, sizeof(buf) - len);
		if (n <= 0)
			return false;
		len += (size_t)n;
	}
}

/* Lines are written until one comes out: the follower is there. */
static int get_ready(int out)
{
	for (int i = 0; i < 100; i++) {
		append(9000000 + i, 1);
		if (await(out, 9000000 + i, 200))
			return 0;
	}
	fputs("the follower never showed a line\n", stderr);
	return 1;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static int latency(int out)
{
	static double times[LATENCIES];

	for (int i = 0; i < LATENCIES; i++) {
		double begun;

		usleep(2000);
		begun = now();
		append(i, 1);
		if (!await(out, i, PATIENCE)) {
			fputs("a line never came out\n", stderr);
			return 1;
		}
		times[i] = now() - begun;
	}
	qsort(times, LATENCIES, sizeof(times[0]), by_value);
	printf("%ld\n", (long)times[LATENCIES / 2]);
	return 0;
}

static void shift(void)
{
	char from[4096], to[4096];

	for (int i = KEPT; i > 0; i--) {
		snprintf(from, sizeof(from), "%s.%d", path, i - 1);
		snprintf(to, sizeof(to), "%s.%d", path, i);
		rename(from, to);
	}
}

static void copy_to(const char *to)
{
	static char buf[1 << 20];
	int in = open(path, O_RDONLY), copy = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	ssize_t n;

	while ((n = read(in, buf, sizeof(buf))) > 0)
		if (write(copy, buf, (size_t)n) != n)
			exit(1);
	close(in);
	close(copy);
}

static void rotate(const char *how)
{
	char first[4096];

	snprintf(first, sizeof(first), "%s.0", path);
	if (!strcmp(how, "delete")) {
		/* Whoever has not opened the file yet cannot have it any more. */
		usleep(40000);
		unlink(path);
		return;
	}
	shift();
	if (!strcmp(how, "rename")) {
		rename(path, first);
	} else {
		copy_to(first);
		if (truncate(path, 0) < 0)
			exit(1);
	}
}

static void write_all(const char *how)
{
	for (int i = 0; i < LINES; i += 100) {
		append(i, 100);
		usleep(PAUSE_USEC);
		if (i % EVERY == EVERY - 100)
			rotate(how);
	}
}

/* Count lines that are missing, doubled or out of order. */
static int count_lost(int out)
{
	static unsigned char seen[LINES];
	FILE *in = fdopen(out, "r");
	char *line = NULL;
	size_t cap = 0;
	long wrong = 0;
	int last = -1;
	struct pollfd p = { .fd = out, .events = POLLIN };

	/* The end is a line that the writer adds when all others should be there. */
	while (in && poll(&p, 1, 60000) > 0 && getline(&line, &cap, in) > 0) {
		const char *mark = strstr(line, MARK);
		int number = mark ? (int)strtol(mark + strlen(MARK), NULL, 10) : -1;

		if (number == 8000000)
			break;
		if (number < 0 || number >= LINES)
			continue;
		wrong += number < last || seen[number];
		seen[number] = 1;
		last = number;
	}
	for (int i = 0; i < LINES; i++)
		wrong += !seen[i];
	printf("%ld\n", wrong);
	free(line);
	return 0;
}

int main(int argc, char **argv)
{
	int out, status;
	pid_t follower, writer;

	if (argc < 5 || strcmp(argv[3], ":::")) {
		fputs("usage: follow FILE latency|rename|copy|delete ::: COMMAND...\n", stderr);
		return 2;
	}
	path = argv[1];
	append(9999999, 1);
	follower = start(argv + 4, &out);
	if (follower < 0)
		return 1;
	status = get_ready(out);
	if (status == 0 && !strcmp(argv[2], "latency")) {
		status = latency(out);
	} else if (status == 0) {
		writer = fork();
		if (writer == 0) {
			write_all(argv[2]);
			usleep(500000);
			append(8000000, 1);
			_exit(0);
		}
		status = count_lost(out);
		waitpid(writer, NULL, 0);
	}
	kill(follower, SIGTERM);
	waitpid(follower, NULL, 0);
	return status;
}
