/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "log-internal.h"

#define FILE_MODE  0600
/* How long to wait for a reader of a pipe or terminal that someone else made non-blocking. */
#define WAIT_MS    1000
#define MAX_WAITS  10
#define MAX_BANNER 256

/* --- paths and files ---------------------------------------------------------------------------------------------- */

int vlog_high_fd(int fd)
{
	int high, saved;

	if (fd < 0 || fd > STDERR_FILENO)
		return fd;
	high = fcntl(fd, F_DUPFD_CLOEXEC, STDERR_FILENO + 1);
	saved = errno;
	close(fd);
	errno = saved;
	return high;
}

/* Removes "//", "/./" and "/../" from an absolute path by its letters alone, in place, as libvirt does. */
static void canonicalise(char *path)
{
	char *to = path;

	for (const char *from = path; *from;) {
		size_t length;

		while (*from == '/')
			from++;
		length = strcspn(from, "/");
		if (length == 2 && !memcmp(from, "..", 2)) {
			while (to > path && *--to != '/')
				;
		} else if (length && !(length == 1 && *from == '.')) {
			*to++ = '/';
			memmove(to, from, length);
			to += length;
		}
		from += length;
	}
	if (to == path)
		*to++ = '/';
	*to = 0;
}

/* Absolute, so that a file is found again by vlog_reopen() after the program has gone to another directory. */
static int absolute_path(const char *s, size_t length, char **ret_path)
{
	char *path, *cwd = NULL;

	if (!length || s[0] != '/') {
		cwd = getcwd(NULL, 0);
		if (!cwd)
			return -errno;
	}
	if (asprintf(&path, "%s%s%.*s", cwd ? cwd : "", cwd ? "/" : "", (int)length, s) < 0) {
		free(cwd);
		return -ENOMEM;
	}
	free(cwd);
	canonicalise(path);
	*ret_path = path;
	return 0;
}

/* Non-blocking while it is opened: a FIFO without a reader is an error then, not a program that hangs. */
static int open_file(const char *path)
{
	int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, FILE_MODE), flags;

	fd = vlog_high_fd(fd);
	if (fd < 0)
		return -errno;
	flags = fcntl(fd, F_GETFL);
	if (flags >= 0)
		fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	return fd;
}

static bool is_pipe(int fd)
{
	struct stat about;

	return !fstat(fd, &about) && (S_ISFIFO(about.st_mode) || S_ISSOCK(about.st_mode));
}

/* --- the list ------------------------------------------------------------------------------------------------------
 */

static void close_output(struct vlog_output *output)
{
	if (output->dest != VLOG_DEST_STDERR && output->fd >= 0)
		close(output->fd);
	free(output->name);
}

void vlog_outputs_free(struct vlog_outputs *outputs)
{
	if (!outputs)
		return;
	for (size_t i = 0; i < outputs->count; i++)
		close_output(&outputs->item[i]);
	free(outputs->item);
	free(outputs);
}

static bool same_destination(const struct vlog_output *a, const struct vlog_output *b)
{
	return a->dest == b->dest && (!a->name || !b->name || !strcmp(a->name, b->name));
}

/* Appends @output, which takes the place of an earlier one for the same destination, as in libvirt. */
static void add_output(struct vlog_outputs *outputs, const struct vlog_output *output)
{
	for (size_t i = 0; i < outputs->count; i++) {
		if (same_destination(&outputs->item[i], output)) {
			close_output(&outputs->item[i]);
			outputs->count--;
			memmove(&outputs->item[i], &outputs->item[i + 1],
			        (outputs->count - i) * sizeof(*outputs->item));
			break;
		}
	}
	outputs->item[outputs->count++] = *output;
}

static int fail_open(struct vlog_error *error, int status, const struct vlog_item *item, const char *what)
{
	char shown[160];

	vlog_escape(what, strlen(what), shown, sizeof(shown));
	errno = -status;
	return vlog_fail(error, status, item->argument.length ? item->argument : item->match, "cannot open %s: %m",
	                 shown);
}

static int open_output(const char *s, const struct vlog_item *item, struct vlog_error *error,
                       struct vlog_output *ret_output)
{
	struct vlog_output output = { .dest = item->dest, .level = item->level, .fd = STDERR_FILENO };
	const char *argument = s + item->argument.offset;
	int status = 0;

	if (item->dest == VLOG_DEST_FILE) {
		status = absolute_path(argument, item->argument.length, &output.name);
	} else if (item->dest == VLOG_DEST_SYSLOG) {
		output.name = strndup(argument, item->argument.length);
		status = output.name ? 0 : -ENOMEM;
	}
	if (!status && item->dest != VLOG_DEST_STDERR) {
		output.fd = item->dest == VLOG_DEST_FILE ? open_file(output.name) : vlog_socket_new();
		status = output.fd < 0 ? output.fd : 0;
	}
	if (status) {
		fail_open(error, status, item, output.name ? output.name : vlog_dest_name(item->dest));
		free(output.name);
		return status;
	}
	output.pipe = item->dest == VLOG_DEST_FILE && is_pipe(output.fd);
	*ret_output = output;
	return 0;
}

/* Nothing is opened before the whole string is known to be good, so a bad one leaves no files behind. */
static int count_items(const char *s, struct vlog_error *error, size_t *ret_count)
{
	struct vlog_item item;
	size_t pos = 0, count = 0;

	for (; vlog_output_next(s, strlen(s), &pos, &item); count++)
		if (item.error)
			return vlog_fail_item(error, s, &item);
	*ret_count = count;
	return 0;
}

int vlog_outputs_new(const char *s, struct vlog_error *error, struct vlog_outputs **ret_outputs)
{
	struct vlog_outputs *outputs;
	struct vlog_item item;
	size_t pos = 0, count = 0;
	int status = count_items(s, error, &count);

	if (status)
		return status;
	if (!count) {
		*ret_outputs = NULL;
		return 0;
	}
	outputs = calloc(1, sizeof(*outputs));
	if (outputs)
		outputs->item = calloc(count, sizeof(*outputs->item));
	if (!outputs || !outputs->item) {
		free(outputs);
		return vlog_fail(error, -ENOMEM, (struct vlog_span){ 0, 0 }, "out of memory");
	}
	while (vlog_output_next(s, strlen(s), &pos, &item)) {
		struct vlog_output output;

		status = open_output(s, &item, error, &output);
		if (status) {
			vlog_outputs_free(outputs);
			return status;
		}
		add_output(outputs, &output);
	}
	outputs->readers = 1;
	outputs->lowest = VLOG_LEVEL_ERROR;
	for (size_t i = 0; i < outputs->count; i++)
		if (outputs->item[i].level < outputs->lowest)
			outputs->lowest = outputs->item[i].level;
	*ret_outputs = outputs;
	return 0;
}

/* --- reopening -----------------------------------------------------------------------------------------------------
 */

static bool same_file(int a, int b)
{
	struct stat stat_a, stat_b;

	return !fstat(a, &stat_a) && !fstat(b, &stat_b) && stat_a.st_dev == stat_b.st_dev &&
	       stat_a.st_ino == stat_b.st_ino;
}

static int reopen(struct vlog_output *output)
{
	int fd = open_file(output->name), status = 0;
	bool same;

	if (fd < 0)
		return fd;
	same = same_file(fd, output->fd);
	/* In one step, so that a thread that is about to write meets either file and never a closed descriptor. */
	if (dup3(fd, output->fd, O_CLOEXEC) < 0)
		status = -errno;
	close(fd);
	if (status)
		return status;
	__atomic_store_n(&output->complained, 0, __ATOMIC_RELAXED);
	__atomic_store_n(&output->pipe, is_pipe(output->fd), __ATOMIC_RELAXED);
	if (!same) {
		__atomic_store_n(&output->torn, 0, __ATOMIC_RELAXED);
		__atomic_store_n(&output->banner, 0, __ATOMIC_RELAXED);
	}
	return 0;
}

int vlog_outputs_reopen(struct vlog_outputs *outputs)
{
	int first = 0;

	for (size_t i = 0; i < outputs->count; i++) {
		int status = outputs->item[i].dest == VLOG_DEST_FILE ? reopen(&outputs->item[i]) : 0;

		if (status && !first)
			first = status;
	}
	return first;
}

/* --- writing -------------------------------------------------------------------------------------------------------
 */

/*
 * write(2) without being a point of cancellation. Cancellation is off here, and libc's function would still pay for it,
 * with two atomic operations a message.
 */
static ssize_t write_once(int fd, const char *line, size_t length)
{
	return syscall(SYS_write, fd, line, length);
}

/* Writes all of @line, with one call where the kernel takes it at once. Returns how many bytes, errno set on error. */
static size_t write_all(int fd, const char *line, size_t length, bool newline_first)
{
	struct iovec part[2] = { { (char *)"\n", 1 }, { (char *)line, length } };
	size_t done = 0, waits = 0;
	ssize_t got = newline_first ? writev(fd, part, 2) - 1 : write_once(fd, line, length);

	for (;;) {
		struct pollfd wait = { .fd = fd, .events = POLLOUT };

		if (got >= 0)
			done += (size_t)got;
		else if (errno == EAGAIN && waits++ < MAX_WAITS)
			poll(&wait, 1, WAIT_MS);
		else if (errno != EINTR)
			return done;
		if (done >= length)
			return done;
		got = write_once(fd, line + done, length - done);
	}
}

/*
 * Writing to a pipe that nobody reads any more raises SIGPIPE, which would end the process. It is held back for this
 * thread, and taken away unless it was already waiting before.
 */
static size_t write_pipe(int fd, const char *line, size_t length, bool newline_first)
{
	const struct timespec now = { 0, 0 };
	sigset_t pipe_only, pending, old;
	size_t done;
	int saved;

	sigemptyset(&pipe_only);
	sigaddset(&pipe_only, SIGPIPE);
	sigemptyset(&pending);
	sigpending(&pending);
	pthread_sigmask(SIG_BLOCK, &pipe_only, &old);
	done = write_all(fd, line, length, newline_first);
	saved = errno;
	if (done < length && saved == EPIPE && !sigismember(&pending, SIGPIPE))
		while (sigtimedwait(&pipe_only, NULL, &now) < 0 && errno == EINTR)
			;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	errno = saved;
	return done;
}

/* Says once that a log file takes nothing any more. Errors on standard error itself have nowhere to go. */
static void complain(struct vlog_output *output)
{
	char path[512], text[768];
	int length, reason = errno;

	if (output->dest != VLOG_DEST_FILE || __atomic_exchange_n(&output->complained, 1, __ATOMIC_RELAXED))
		return;
	vlog_escape(output->name, strlen(output->name), path, sizeof(path));
	errno = reason;
	length = snprintf(text, sizeof(text), "%s: cannot write to the log file %s, its messages are lost: %m\n",
	                  program_invocation_short_name, path);
	if (length > 0)
		write_pipe(STDERR_FILENO, text, (size_t)length < sizeof(text) ? (size_t)length : sizeof(text) - 1,
		           false);
}

static void write_text(struct vlog_output *output, struct vlog_line *line)
{
	bool torn = __atomic_load_n(&output->torn, __ATOMIC_RELAXED);
	bool pipe = output->dest == VLOG_DEST_STDERR ? is_pipe(STDERR_FILENO)
	                                             : __atomic_load_n(&output->pipe, __ATOMIC_RELAXED);
	size_t done;

	vlog_line_make_safe(line);
	done = (pipe ? write_pipe : write_all)(output->fd, line->safe, line->safe_length, torn);
	if (done == line->safe_length) {
		if (torn)
			__atomic_store_n(&output->torn, 0, __ATOMIC_RELAXED);
		return;
	}
	/* A disk that became full in the middle: the next line that fits must not be glued to this half. */
	if (done)
		__atomic_store_n(&output->torn, 1, __ATOMIC_RELAXED);
	complain(output);
}

static void write_one(struct vlog_output *output, struct vlog_line *line, const struct vlog_record *record)
{
	switch (output->dest) {
	case VLOG_DEST_JOURNALD:
		vlog_journald_write(output->fd, line, record);
		break;
	case VLOG_DEST_SYSLOG:
		vlog_syslog_write(output->fd, output->name, line, record->level);
		break;
	default:
		write_text(output, line);
	}
}

/* The banner has the time and thread of the message that it precedes, and no category, file or function. */
static void write_banner(struct vlog_output *output, const struct vlog_line *first)
{
	static const struct vlog_record about = { .category = NULL, .level = VLOG_LEVEL_INFO };
	char banner[MAX_BANNER];

	if (__atomic_load_n(&output->banner, __ATOMIC_RELAXED) || !vlog_copy_banner(banner, sizeof(banner)) ||
	    __atomic_exchange_n(&output->banner, 1, __ATOMIC_RELAXED))
		return;
	for (const char *text = banner; *text;) {
		VLOG_AUTO_LINE line;
		size_t length = strcspn(text, "\n");

		vlog_line_start(&line, &first->time, VLOG_LEVEL_INFO, NULL, 0);
		vlog_line_append(&line, text, length);
		write_one(output, &line, &about);
		text += length + (text[length] == '\n');
	}
}

void vlog_outputs_write(struct vlog_outputs *outputs, struct vlog_line *line, const struct vlog_record *record)
{
	for (size_t i = 0; i < outputs->count; i++) {
		struct vlog_output *output = &outputs->item[i];

		if (record->level < output->level)
			continue;
		write_banner(output, line);
		write_one(output, line, record);
	}
}
