/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a log statement costs: disabled ones net of an empty loop, and enabled ones written to a file, of vlog, of the
 * libvirt that is installed, of other libraries (peer.h), and of a bare write(2); with one thread and with two.
 * Usage: statements DIRECTORY PEER.so...
 * Prints rows for tests/bench/run: NAME, ours, peer, unit, highest ratio wanted; tabs between.
 */
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "libvirt-log.h"
#include "vlog.h"

VLOG_CATEGORY("bench.statements");

#define ROUNDS   9
#define DISABLED 4000000
#define ENABLED  40000

static struct libvirt_log libvirt;
static struct libvirt_source source = { "bench.statements", 0, 0 };
static int bare = -1;
static const char *const guest = "web01";

/* Keeps a loop that does nothing. */
#define BARRIER() __asm__ volatile("" ::: "memory")

static void run_empty(long n)
{
	for (long i = 0; i < n; i++)
		BARRIER();
}

static void run_vlog(long n)
{
	for (long i = 0; i < n; i++) {
		VLOG_DEBUG("guest %s: event %ld of %d", guest, i, 3);
		BARRIER();
	}
}

static void run_libvirt(long n)
{
	for (long i = 0; i < n; i++) {
		libvirt.message(&source, 1, __FILE__, __LINE__, __func__, NULL, "guest %s: event %ld of %d", guest, i,
		                3);
		BARRIER();
	}
}

static void run_bare(long n)
{
	static const char line[] =
	        "2026-11-23 09:18:05.788+0000: 4711: debug : run_vlog:62 : guest web01: event 4711 of 3\n";

	for (long i = 0; i < n; i++)
		if (write(bare, line, sizeof(line) - 1) < 0)
			exit(3);
}

struct job {
	void (*run)(long n);
	long n;
};

static void *thread(void *data)
{
	const struct job *job = data;

	job->run(job->n);
	return NULL;
}

struct cost {
	double cpu, wall; /* nanoseconds a statement, per thread for wall */
};

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static struct cost once(void (*run)(long), long n, unsigned threads)
{
	double cpu = seconds(CLOCK_PROCESS_CPUTIME_ID), wall = seconds(CLOCK_MONOTONIC);
	struct job job = { run, n };
	pthread_t other;

	if (threads > 1 && pthread_create(&other, NULL, thread, &job) != 0)
		exit(3);
	run(n);
	if (threads > 1)
		pthread_join(other, NULL);
	return (struct cost){ (seconds(CLOCK_PROCESS_CPUTIME_ID) - cpu) * 1e9 / (double)n / threads,
		              (seconds(CLOCK_MONOTONIC) - wall) * 1e9 / (double)n };
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

/* Medians of all variants, run in turn. */
static void measure(void (*const *runs)(long), size_t count, long n, unsigned threads, struct cost *ret)
{
	double cpu[4][ROUNDS], wall[4][ROUNDS];

	for (int round = -1; round < ROUNDS; round++)
		for (size_t k = 0; k < count; k++) {
			struct cost c = once(runs[k], n, threads);

			cpu[k][round < 0 ? 0 : round] = c.cpu;
			wall[k][round < 0 ? 0 : round] = c.wall;
		}
	for (size_t k = 0; k < count; k++) {
		qsort(cpu[k], ROUNDS, sizeof(double), compare);
		qsort(wall[k], ROUNDS, sizeof(double), compare);
		ret[k] = (struct cost){ cpu[k][ROUNDS / 2], wall[k][ROUNDS / 2] };
	}
}

static void row(const char *name, double ours, double peer, const char *goal)
{
	printf("%s\t%.3f\t%.3f\tns\t%s\n", name, ours, peer, goal);
	fflush(stdout);
}

static void bench_disabled(bool peer)
{
	void (*const runs[])(long) = { run_empty, run_vlog, run_libvirt };
	struct cost one[3], two[3];

	measure(runs, peer ? 3 : 2, DISABLED, 1, one);
	if (peer)
		row("vlog disabled statement / libvirt", one[1].cpu - one[0].cpu, one[2].cpu - one[0].cpu, "0.05");
	measure(runs, 2, DISABLED, 2, two);
	row("vlog disabled, 2 threads / 1 thread", two[1].cpu, one[1].cpu, "1.3");
}

static void bench_enabled(bool peer)
{
	void (*const runs[])(long) = { run_bare, run_vlog, run_libvirt };
	struct cost one[3], two[3];

	measure(runs, peer ? 3 : 2, ENABLED, 1, one);
	if (peer)
		row("vlog to a file / libvirt", one[1].cpu, one[2].cpu, "0.65");
	row("vlog to a file / bare write", one[1].cpu, one[0].cpu, "1.35");
	measure(runs, peer ? 3 : 2, ENABLED / 2, 2, two);
	if (peer)
		row("vlog to a file, 2 threads, wall / libvirt", two[1].wall, two[2].wall, "0.4");
}

/* A symbol of a library as a function; void * and functions do not convert to each other in C. */
static bool look_up(void *library, const char *name, void *ret_function)
{
	void *symbol = dlsym(library, name);

	memcpy(ret_function, &symbol, sizeof(symbol));
	return symbol != NULL;
}

/* Another library beside vlog. Debug statements of vlog are on when this begins. */
static void bench_library(const char *file, const char *dir)
{
	void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL);
	const char *base = strrchr(file, '/');
	char name[32], text[96];
	int (*open_it)(const char *);
	void (*disabled)(long), (*enabled)(long), (*enable)(void);
	struct cost one[3], two[3];

	if (!library || sscanf(base ? base + 1 : file, "peer-%31[a-z].so", name) != 1 ||
	    !look_up(library, "peer_open", &open_it) || !look_up(library, "peer_disabled", &disabled) ||
	    open_it(dir) < 0) {
		printf("# vlog / %s\tcannot be measured here\n", file);
		return;
	}
	if (vlog_set_default_level(3) < 0)
		exit(3);
	measure((void (*const[])(long)){ run_empty, run_vlog, disabled }, 3, DISABLED, 1, one);
	snprintf(text, sizeof(text), "vlog disabled statement / %s", name);
	row(text, one[1].cpu - one[0].cpu, one[2].cpu - one[0].cpu, "");
	measure((void (*const[])(long)){ run_empty, run_vlog, disabled }, 3, DISABLED, 2, two);
	snprintf(text, sizeof(text), "vlog disabled statement, 2 threads / %s", name);
	row(text, two[1].cpu - two[0].cpu, two[2].cpu - two[0].cpu, "");

	if (vlog_set_default_level(1) < 0)
		exit(3);
	if (!look_up(library, "peer_enable", &enable) || !look_up(library, "peer_enabled", &enabled))
		return;
	enable();
	measure((void (*const[])(long)){ run_vlog, enabled }, 2, ENABLED, 1, one);
	snprintf(text, sizeof(text), "vlog to a file / %s", name);
	row(text, one[0].cpu, one[1].cpu, "");
	measure((void (*const[])(long)){ run_vlog, enabled }, 2, ENABLED / 2, 2, two);
	snprintf(text, sizeof(text), "vlog to a file, 2 threads, wall / %s", name);
	row(text, two[0].wall, two[1].wall, "");
}

int main(int argc, char **argv)
{
	bool peer = libvirt_log_open(&libvirt);
	char outputs[512];

	if (argc < 2)
		return 2;
	if (!peer)
		puts("# vlog / libvirt\tno libvirt.so.0 with its private log functions");
	bench_disabled(peer);
	snprintf(outputs, sizeof(outputs), "%s/bare", argv[1]);
	bare = open(outputs, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	snprintf(outputs, sizeof(outputs), "1:file:%s/vlog", argv[1]);
	if (bare < 0 || vlog_set_default_level(1) < 0 || vlog_set_outputs(outputs, NULL) < 0)
		return 3;
	snprintf(outputs, sizeof(outputs), "1:file:%s/libvirt", argv[1]);
	/* libvirt keeps the level that a source has looked up: a new one looks again. */
	source = (struct libvirt_source){ "bench.statements", 0, 0 };
	if (peer && (libvirt.set_default_priority(1) < 0 || libvirt.set_outputs(outputs) < 0))
		return 3;
	bench_enabled(peer);
	for (int i = 2; i < argc; i++)
		bench_library(argv[i], argv[1]);
	vlog_shutdown();
	return 0;
}
