/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The event loop of a daemon with 500 guests: each turn every guest's console has something to read, poll(2) watches
 * 1,000 descriptors, and 2,034 disabled log statements are passed. How much of the time is logging, by how it is done:
 *   no-op         statements that are not there
 *   ring          every message is formatted into a ring in memory, for a crash dump that nobody reads
 *   gated, N      a mutex and a search through N filters decide each message; then the ring
 *   vlog          two comparisons
 *   libvirt       the library that is installed
 * Prints rows for tests/bench/run: user and system time of one turn.
 */
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "libvirt-log.h"
#include "vlog.h"

VLOG_CATEGORY("bench.loop");

#define GUESTS 500
#define ROUNDS 7
#define TURNS  40

static struct pollfd fds[2 * GUESTS];
static int writers[GUESTS];
static struct libvirt_log libvirt;
static struct libvirt_source source = { "bench.loop", 0, 0 };

/* --- the ways ---------------------------------------------------------------------------------------------------- */

static char ring[64 * 1024];
static size_t ring_at;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *const filters[] = { "rpc", "qemu.qemu_monitor", "util.json", "remote", "event", "access" };
static size_t n_filters;

__attribute__((format(printf, 1, 0))) static void into_ring(const char *fmt, va_list ap)
{
	char message[512];
	struct timespec now;
	struct tm tm;
	size_t used;

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	used = strftime(message, sizeof(message), "%Y-%m-%d %H:%M:%S", &tm);
	used += (size_t)snprintf(message + used, sizeof(message) - used,
	                         ".%03ld+0000: %d: debug : %s:%d : ", now.tv_nsec / 1000000, (int)getpid(), "turn", 1);
	vsnprintf(message + used, sizeof(message) - used, fmt, ap);
	used = strlen(message);
	for (size_t i = 0; i < used; i++)
		ring[ring_at++ % sizeof(ring)] = message[i];
}

__attribute__((format(printf, 1, 2), noinline)) static void log_ring(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	pthread_mutex_lock(&lock);
	into_ring(fmt, ap);
	pthread_mutex_unlock(&lock);
	va_end(ap);
}

__attribute__((format(printf, 2, 3), noinline)) static void log_gated(const char *category, const char *fmt, ...)
{
	bool wanted = false;
	va_list ap;

	pthread_mutex_lock(&lock);
	for (size_t i = 0; i < n_filters && !wanted; i++)
		wanted = strstr(category, filters[i]) != NULL;
	if (wanted) {
		va_start(ap, fmt);
		into_ring(fmt, ap);
		va_end(ap);
	}
	pthread_mutex_unlock(&lock);
}

/* --- the loop ---------------------------------------------------------------------------------------------------- */

/* One turn: 34 statements around it and 4 a guest. STATEMENT is passed where a daemon would log. */
#define DEFINE_TURN(NAME, STATEMENT)                                                                 \
	static void NAME(void)                                                                       \
	{                                                                                            \
		char byte = 'x';                                                                     \
                                                                                                     \
		for (int i = 0; i < GUESTS; i++)                                                     \
			if (write(writers[i], &byte, 1) != 1)                                        \
				exit(3);                                                             \
		if (poll(fds, 2 * GUESTS, 0) < GUESTS)                                               \
			exit(3);                                                                     \
		for (int i = 0; i < 34; i++)                                                         \
			STATEMENT("turn %d of %p", i, (void *)fds);                                  \
		for (int i = 0; i < GUESTS; i++) {                                                   \
			STATEMENT("descriptor %d of guest %d has %x", fds[i].fd, i, fds[i].revents); \
			if (read(fds[i].fd, &byte, 1) != 1)                                          \
				exit(3);                                                             \
			STATEMENT("read %d byte from guest %d", 1, i);                               \
			STATEMENT("console of guest %d: %c", i, byte);                               \
			STATEMENT("watch %d again for %s", fds[i].fd, "reading");                    \
		}                                                                                    \
	}

#define NO_OP(...)   ((void)0)
#define RING(...)    log_ring(__VA_ARGS__)
#define GATED(...)   log_gated(vlog_self.name, __VA_ARGS__)
#define LIBVIRT(...) libvirt.message(&source, 1, __FILE__, __LINE__, __func__, NULL, __VA_ARGS__)

DEFINE_TURN(turn_no_op, NO_OP)
DEFINE_TURN(turn_ring, RING)
DEFINE_TURN(turn_gated, GATED)
DEFINE_TURN(turn_vlog, VLOG_DEBUG)
DEFINE_TURN(turn_libvirt, LIBVIRT)

static const struct variant {
	const char *name, *goal;
	void (*turn)(void);
	size_t filters;
} variants[] = {
	{ "no-op", "", turn_no_op, 0 },
	{ "vlog", "1.03", turn_vlog, 0 },
	{ "ring", "", turn_ring, 0 },
	{ "gated ring, 1 filter", "", turn_gated, 1 },
	{ "gated ring, 6 filters", "", turn_gated, 6 },
	{ "libvirt", "", turn_libvirt, 0 },
};
#define COUNT (sizeof(variants) / sizeof(variants[0]))

static double once(const struct variant *v)
{
	struct timespec a, b;

	n_filters = v->filters;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	for (int i = 0; i < TURNS; i++)
		v->turn();
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	return ((double)(b.tv_sec - a.tv_sec) * 1e6 + (double)(b.tv_nsec - a.tv_nsec) / 1e3) / TURNS;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Consoles are read and watched for hanging up by a second descriptor, so 1,000 are polled. */
static void open_consoles(void)
{
	for (int i = 0; i < GUESTS; i++) {
		int ends[2];

		if (pipe2(ends, O_CLOEXEC) < 0) {
			perror("pipe");
			exit(3);
		}
		writers[i] = ends[1];
		fds[i] = (struct pollfd){ .fd = ends[0], .events = POLLIN };
		fds[GUESTS + i] = (struct pollfd){ .fd = ends[1], .events = 0 };
	}
}

int main(void)
{
	static double times[COUNT][ROUNDS];
	size_t count = libvirt_log_open(&libvirt) ? COUNT : COUNT - 1;

	open_consoles();
	for (int round = -1; round < ROUNDS; round++)
		for (size_t k = 0; k < count; k++)
			times[k][round < 0 ? 0 : round] = once(&variants[k]);
	for (size_t k = 0; k < count; k++)
		qsort(times[k], ROUNDS, sizeof(double), compare);
	for (size_t k = 1; k < count; k++)
		printf("500-guest loop: %s / no-op\t%.1f\t%.1f\tus\t%s\n", variants[k].name, times[k][ROUNDS / 2],
		       times[0][ROUNDS / 2], variants[k].goal);
	if (count < COUNT)
		puts("# 500-guest loop: libvirt\tno libvirt.so.0 with its private log functions");
	return 0;
}
