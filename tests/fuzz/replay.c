/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Runs the seeds of all fuzz targets without a fuzzer, and with each seed some pieces and damaged copies of it, the
 * same ones in every run. Protects what fuzzing has found, with any compiler and sanitizer. Run from the top directory.
 *
 * tests/fuzz/seeds.tsv lists the seeds: TARGET, "whole" or "lines" (each line of the file is a seed), and a pattern of
 * files.
 */
#include "fuzz.h"

#include <glob.h>

#include "buf.h"
#include "../unit/tap.h"

#define SEED_MAX (1u << 20)
#define DAMAGED  24

static struct fuzz_target *targets;
static uint64_t state;

void fuzz_register(struct fuzz_target *target)
{
	struct fuzz_target **at = &targets;

	while (*at && strcmp((*at)->name, target->name) < 0)
		at = &(*at)->next;
	target->next = *at;
	*at = target;
}

/* A generator of our own (xorshift), so that every run on every machine does the same. */
static size_t below(size_t n)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return n ? (size_t)(state % n) : 0;
}

/* Run @size bytes in memory of exactly that size, so that a sanitizer sees one byte too many. */
static void run_exact(const struct fuzz_target *t, const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	t->run(copy, size);
	free(copy);
}

static void run_damaged(const struct fuzz_target *t, const uint8_t *data, size_t size)
{
	static const uint8_t odd[] = { 0, 0xff, 0x80, 0x7f, '\n', ' ', ':', '"', '/', '-', '<', '9', '{', '\\' };
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	for (int i = 0; i < DAMAGED && size; i++) {
		memcpy(copy, data, size);
		for (size_t k = 1 + below(4); k; k--)
			copy[below(size)] = below(3) ? odd[below(sizeof(odd))] : (uint8_t)below(256);
		run_exact(t, copy, size);
	}
	free(copy);
}

/* Returns how many inputs were run. */
static size_t run_seed(const struct fuzz_target *t, const uint8_t *data, size_t size)
{
	state = 88172645463325252u;
	run_exact(t, data, size);
	for (size_t i = 0; i < 16; i++)
		run_exact(t, data, size * i / 16);
	run_damaged(t, data, size);
	return 1 + 16 + (size ? DAMAGED : 0);
}

static bool read_file(const char *path, struct vd_buf *ret)
{
	char piece[4096];
	FILE *f = fopen(path, "rbe");
	size_t n;

	if (!f)
		return false;
	while ((n = fread(piece, 1, sizeof(piece), f)) > 0 && ret->len < SEED_MAX)
		if (vd_buf_add(ret, piece, n) < 0)
			abort();
	fclose(f);
	return true;
}

static size_t run_file(const struct fuzz_target *t, const char *path, bool lines)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	size_t n = 0;

	if (!read_file(path, &text))
		return 0;
	if (!lines)
		return run_seed(t, (const uint8_t *)vd_buf_str(&text), text.len);
	for (char *line = text.data, *end; line && *line; line = end + 1) {
		end = strchr(line, '\n');
		n += run_seed(t, (const uint8_t *)line, end ? (size_t)(end - line) : strlen(line));
		if (!end)
			break;
	}
	return n;
}

/* One line of the list. */
static size_t run_pattern(const struct fuzz_target *t, const char *how, const char *pattern)
{
	glob_t found;
	size_t n = 0;

	if (glob(pattern, 0, NULL, &found) != 0)
		return 0;
	for (size_t i = 0; i < found.gl_pathc; i++)
		n += run_file(t, found.gl_pathv[i], !strcmp(how, "lines"));
	globfree(&found);
	return n;
}

static size_t run_target(const struct fuzz_target *t, const char *list)
{
	size_t n = 0;
	char name[64], how[16], pattern[256];

	for (const char *line = list; *line; line = strchrnul(line, '\n'), line += *line == '\n') {
		if (*line == '#' || sscanf(line, "%63[^\t]\t%15[^\t]\t%255[^\n]", name, how, pattern) != 3 ||
		    strcmp(name, t->name) != 0)
			continue;
		size_t ran = run_pattern(t, how, pattern);

		tap_ok(ran > 0, "%s: %s -> %zu inputs", t->name, pattern, ran);
		n += ran;
	}
	return n;
}

int main(int argc, char **argv)
{
	VD_AUTO_BUF list = VD_BUF_INIT;

	if (!tap_ok(read_file("tests/fuzz/seeds.tsv", &list), "the list of seeds is there"))
		return tap_done();
	for (const struct fuzz_target *t = targets; t; t = t->next)
		if (argc < 2 || !strcmp(argv[1], t->name))
			tap_ok(run_target(t, vd_buf_str(&list)) > 0, "%s: has seeds, and all properties hold", t->name);
	return tap_done();
}
