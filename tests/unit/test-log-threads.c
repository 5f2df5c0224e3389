/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Protects vlog under threads: while some log, others reconfigure, reopen and fork, and still no line is lost, torn or
 * mixed with another, none goes where it should not, and no thread is left behind with old settings. Meant to be run
 * with the thread sanitizer as well.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "macros.h"
#include "tap.h"
#include "vlog.h"

#define WRITERS  4
#define MESSAGES 3000

VLOG_CATEGORY("test.threads");

static char dir[64] = "/tmp/vlog-test-XXXXXX";
static char path_a[128], path_b[128];
static unsigned stop, handled, reconfigured, wrong_errno, change_failed;

/* The length varies from short to more than the buffer on the stack; the end shows that all of it came. */
static void *write_messages(void *data)
{
	unsigned writer = (unsigned)(uintptr_t)data;
	char filler[2000];

	memset(filler, '.', sizeof(filler));
	for (unsigned i = 0; i < MESSAGES; i++) {
		/* However busy the machine is: settings change at least once in a hundred messages. */
		while (__atomic_load_n(&reconfigured, __ATOMIC_RELAXED) < i / 100)
			usleep(100);
		errno = (int)i;
		VLOG_ERROR("w%u n%u %.*s end", writer, i, (int)(i * 37 % sizeof(filler)), filler);
		if (errno != (int)i)
			__atomic_fetch_add(&wrong_errno, 1, __ATOMIC_RELAXED);
		VLOG_DEBUG("debug w%u n%u end", writer, i);
	}
	return NULL;
}

static void *reconfigure(void *data)
{
	char outputs[3][400];
	const char *filters[] = { "", "1:test", "4:*", "2:threads 4:test" };
	unsigned i = 0;

	(void)data;
	snprintf(outputs[0], sizeof(outputs[0]), "1:file:%s", path_a);
	snprintf(outputs[1], sizeof(outputs[1]), "3:file:%s 4:file:%s", path_b, path_a);
	snprintf(outputs[2], sizeof(outputs[2]), "2:file:%s 4:file:%s", path_a, path_b);
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		if (vlog_set_outputs(outputs[i % 3], NULL) || vlog_set_filters(filters[i % 4], NULL) ||
		    vlog_set_default_level(1 + i % 4) || vlog_reopen())
			__atomic_store_n(&change_failed, 1, __ATOMIC_RELAXED);
		vlog_set_filters("9:bad", NULL);
		vlog_set_outputs("1:stderr 1:bad", NULL);
		vlog_set_banner(i % 2 ? "banner 1" : "another banner");
		__atomic_store_n(&reconfigured, ++i, __ATOMIC_RELAXED);
		usleep(200);
	}
	return NULL;
}

/* Children are made at any moment, whatever the other threads hold then; they must be able to log and reconfigure. */
static void *make_children(void *data)
{
	unsigned *bad = data;

	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED)) {
		pid_t child = fork();
		int status = -1;

		if (child == 0) {
			alarm(20);
			VLOG_ERROR("child end");
			vlog_set_filters("1:*", NULL);
			VLOG_DEBUG("child end");
			_exit(0);
		}
		if (child < 0 || waitpid(child, &status, 0) != child || status)
			(*bad)++;
		usleep(3000);
	}
	return NULL;
}

/* Counts each "wN nM" line, in order, and everything that is no whole line. */
static void read_back(const char *path, unsigned next[WRITERS], unsigned *ret_bad, unsigned *ret_disorder)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t size = 0;
	ssize_t length;

	while (file && (length = getline(&line, &size, file)) > 0) {
		unsigned writer, number, i, tid;
		int at = 0;
		char *text = strstr(line, "+0000: ");
		bool banner = strstr(line, " : banner 1\n") || strstr(line, " : another banner\n");

		if (!text || text != line + 23 || sscanf(text, "+0000: %u: ", &tid) != 1 ||
		    (!banner && strcmp(line + length - 5, " end\n"))) {
			(*ret_bad)++;
			continue;
		}
		if (sscanf(text, "+0000: %u: error : write_messages:%u : w%u n%u %n", &tid, &i, &writer, &number,
		           &at) != 4)
			continue;
		if (writer >= WRITERS || number != next[writer])
			(*ret_disorder)++;
		else
			next[writer]++;
		if (strspn(text + at, ".") != number * 37 % 2000)
			(*ret_bad)++;
	}
	free(line);
	if (file)
		fclose(file);
}

static void test_files(void)
{
	pthread_t writer[WRITERS], changer, forker;
	unsigned next[WRITERS] = { 0 }, bad = 0, disorder = 0, bad_children = 0;
	char outputs[200];

	snprintf(outputs, sizeof(outputs), "1:file:%s", path_a);
	tap_int(vlog_set_outputs(outputs, NULL), 0, "the first output");
	pthread_create(&changer, NULL, reconfigure, NULL);
	pthread_create(&forker, NULL, make_children, &bad_children);
	for (uintptr_t i = 0; i < WRITERS; i++)
		pthread_create(&writer[i], NULL, write_messages, (void *)i);
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(writer[i], NULL);
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(changer, NULL);
	pthread_join(forker, NULL);
	read_back(path_a, next, &bad, &disorder);
	for (unsigned i = 0; i < WRITERS; i++)
		tap_int(next[i], MESSAGES, "thread %u: every message is there, in order", i);
	tap_int(bad, 0, "no line is torn or mixed");
	tap_int(disorder, 0, "none came twice");
	tap_int(bad_children, 0, "children could log");
	tap_int(wrong_errno, 0, "errno was kept");
	tap_ok(!change_failed && reconfigured >= MESSAGES / 100 - 1, "settings changed %u times meanwhile",
	       reconfigured);
}

static void count(const struct vlog_record *record, void *data)
{
	(void)record;
	__atomic_fetch_add((unsigned *)data, 1, __ATOMIC_RELAXED);
}

static void *log_until_stopped(void *data)
{
	(void)data;
	while (!__atomic_load_n(&stop, __ATOMIC_RELAXED))
		VLOG_DEBUG("x");
	return NULL;
}

/* After the last change each category goes by it, also one that was being refreshed while it came. */
static void test_last_word(void)
{
	pthread_t thread[WRITERS];
	unsigned stale = 0;

	__atomic_store_n(&stop, 0, __ATOMIC_RELAXED);
	vlog_set_handler(count, &handled);
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_create(&thread[i], NULL, log_until_stopped, NULL);
	for (unsigned i = 0; i < 3000 || (!__atomic_load_n(&handled, __ATOMIC_RELAXED) && i < 300000); i++) {
		if (i % 16 == 15)
			sched_yield();
		vlog_set_filters(i % 2 ? "1:test" : "4:test", NULL);
		if (vlog_enabled(&vlog_self, VLOG_LEVEL_DEBUG) != (i % 2 == 1))
			stale++;
	}
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	for (unsigned i = 0; i < WRITERS; i++)
		pthread_join(thread[i], NULL);
	tap_int(stale, 0, "a change counts at once for the thread that makes it");
	tap_ok(handled > 0, "the handler was called %u times", handled);
}

static void *log_and_test_cancel(void *data)
{
	(void)data;
	for (;;) {
		VLOG_ERROR("until cancelled end");
		pthread_testcancel();
	}
	return NULL;
}

/*
 * write(2) is a point where a thread can be cancelled; it must not take its count as a reader of the outputs with it,
 * or their descriptor stays open for ever.
 */
static void test_cancel(void)
{
	const struct timespec pause = { 0, 1000000 };
	char outputs[200];
	pthread_t thread;
	int before, after;

	vlog_shutdown();
	before = open("/dev/null", O_RDONLY | O_CLOEXEC);
	snprintf(outputs, sizeof(outputs), "1:file:%s", path_b);
	vlog_set_outputs(outputs, NULL);
	for (unsigned i = 0; i < 30; i++) {
		pthread_create(&thread, NULL, log_and_test_cancel, NULL);
		nanosleep(&pause, NULL);
		pthread_cancel(thread);
		pthread_join(thread, NULL);
	}
	vlog_shutdown();
	/* The lowest free number is again the one that the output had. */
	after = open("/dev/null", O_RDONLY | O_CLOEXEC);
	tap_int(after, before + 1, "a cancelled thread leaves no descriptor behind");
	close(before);
	close(after);
}

int main(void)
{
	char command[128];

	if (!mkdtemp(dir))
		return 1;
	snprintf(path_a, sizeof(path_a), "%s/a.log", dir);
	snprintf(path_b, sizeof(path_b), "%s/b.log", dir);
	test_files();
	test_last_word();
	test_cancel();
	vlog_shutdown();
	snprintf(command, sizeof(command), "rm -rf %s", dir);
	tap_ok(system(command) == 0, "the directory is removed");
	return tap_done();
}
