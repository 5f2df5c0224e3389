/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/* A directory of its own for a test program, filled with files and removed at the end. Aborts when that fails. */

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "macros.h"

static char tree_top[64];

__attribute__((unused)) static void tree_must(int ok, const char *what)
{
	if (ok)
		return;
	printf("Bail out! %s: %s\n", what, strerror(errno));
	exit(1);
}

static int tree_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void tree_end(void)
{
	if (*tree_top)
		nftw(tree_top, tree_remove, 32, FTW_DEPTH | FTW_PHYS);
}

__attribute__((unused)) static void tree_begin(void)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(tree_top, sizeof(tree_top), "%s/virtdiag-test-XXXXXX", tmp && strlen(tmp) < 32 ? tmp : "/tmp");
	tree_must(mkdtemp(tree_top) != NULL, "mkdtemp");
	atexit(tree_end);
}

/* PATH below the tree; one of a few static buffers. */
static const char *tree_path(const char *path)
{
	static char paths[4][4096];
	static unsigned next;
	char *p = paths[next++ % 4];

	snprintf(p, sizeof(paths[0]), "%s/%s", tree_top, path);
	return p;
}

/* All directories of PATH, and PATH itself when it ends with a slash. */
static void tree_dirs(const char *path)
{
	char full[4096];

	snprintf(full, sizeof(full), "%s", tree_path(path));
	for (char *p = full + strlen(tree_top) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		tree_must(mkdir(full, 0755) == 0 || errno == EEXIST, full);
		*p = '/';
	}
}

__attribute__((unused)) static void tree_bytes(const char *path, const void *data, size_t len)
{
	VD_AUTO_CLOSE int fd = -1;

	tree_dirs(path);
	fd = open(tree_path(path), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	tree_must(fd >= 0 && write(fd, data, len) == (ssize_t)len, path);
}

__attribute__((unused)) static void tree_file(const char *path, const char *text)
{
	tree_bytes(path, text, strlen(text));
}

__attribute__((unused)) static void tree_link(const char *path, const char *target)
{
	tree_dirs(path);
	tree_must(symlink(target, tree_path(path)) == 0, path);
}
