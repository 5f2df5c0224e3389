/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Following a log through anything that may be done to it between two looks: each line comes once and in order. The
 * first byte says how the log is rotated, each further one what happens next. Nothing is lost by these rotations, as
 * there are fewer than are caught up with.
 */
#include "fuzz.h"

#include <sys/stat.h>
#include <unistd.h>

#include "follow.h"

#define MAX_STEPS 50

static char dir[64];
static int at = -1;

/* The log as it is being written. */
struct writer {
	unsigned line;      /* number of the next line */
	unsigned rotations; /* so far */
	bool open;          /* a line has begun */
	bool has_line;      /* a whole one was begun in the file that has the name */
	bool copying;       /* rotated by copying and emptying, not by renaming */
	unsigned bad;       /* lines that came out of order */
	unsigned next;      /* the line that has to come next */
};

static void empty_dir(void)
{
	char name[32];

	unlinkat(at, "a.log", 0);
	for (unsigned i = 0; i <= MAX_STEPS; i++) {
		snprintf(name, sizeof(name), "a.log.%u", i);
		unlinkat(at, name, 0);
		snprintf(name, sizeof(name), "a.log-2026%04u", i);
		unlinkat(at, name, 0);
		snprintf(name, sizeof(name), "a.log-2026%04u.gz", i);
		unlinkat(at, name, 0);
	}
}

static void remove_dir(void)
{
	empty_dir();
	rmdir(dir);
}

static void add(const char *text)
{
	VD_AUTO_CLOSE int fd = openat(at, "a.log", O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, text, strlen(text)) < 0)
		exit(0);
}

static void write_line(struct writer *w, bool half)
{
	char text[64];

	if (w->open) {
		snprintf(text, sizeof(text), " goes on %05u\n", w->line - 1);
		add(text);
		w->open = false;
		return;
	}
	/* The copies are told apart by their first bytes: one that holds but half a line may be any. */
	half &= w->has_line;
	snprintf(text, sizeof(text), "2026-11-23T09:47:28.000000Z line %05u%s", w->line++, half ? "" : "\n");
	add(text);
	w->open = half;
	w->has_line |= !half;
}

static void rotate_by_name(struct writer *w)
{
	char from[32], to[32];

	for (unsigned i = w->rotations; i > 0; i--) {
		snprintf(from, sizeof(from), "a.log.%u", i - 1);
		snprintf(to, sizeof(to), "a.log.%u", i);
		if (renameat(at, from, at, to) < 0)
			exit(3);
	}
	if (renameat(at, "a.log", at, "a.log.0") < 0)
		exit(3);
}

static void copy_and_empty(const struct writer *w)
{
	VD_AUTO_CLOSE int from = openat(at, "a.log", O_RDWR | O_CLOEXEC);
	VD_AUTO_CLOSE int to = -1;
	char name[32], bytes[65536];
	ssize_t n;

	snprintf(name, sizeof(name), "a.log-2026%04u", w->rotations);
	to = openat(at, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	n = read(from, bytes, sizeof(bytes));
	if (from < 0 || to < 0 || n < 0 || write(to, bytes, (size_t)n) != n || ftruncate(from, 0) < 0)
		exit(3);
}

static void rotate(struct writer *w)
{
	if (!w->has_line)
		return;
	if (w->copying)
		copy_and_empty(w);
	else
		rotate_by_name(w);
	w->rotations++;
	w->has_line = false;
}

/* The newest copy gets the name of a packed one: a file is what its first bytes say. */
static void rename_newest(const struct writer *w)
{
	char from[32], to[32];

	if (!w->copying || !w->rotations)
		return;
	snprintf(from, sizeof(from), "a.log-2026%04u", w->rotations - 1);
	snprintf(to, sizeof(to), "a.log-2026%04u.gz", w->rotations - 1);
	renameat(at, from, at, to);
}

static int on_line(void *data, void *file, const struct vd_line *line, const char *path)
{
	struct writer *w = data;
	unsigned number;
	char text[64] = { 0 };

	(void)file, (void)path;
	memcpy(text, line->text, line->len < sizeof(text) - 1 ? line->len : sizeof(text) - 1);
	FUZZ_CHECK(sscanf(text, "2026-11-23T09:47:28.000000Z line %5u", &number) == 1 && number == w->next,
	           "'%s' instead of line %u", text, w->next);
	FUZZ_CHECK(line->first && line->last && (line->len == 38 || line->len == 52), "%zu bytes of line %u", line->len,
	           number);
	w->next++;
	return 0;
}

static void on_note(void *data, void *file, enum vd_follow_note note)
{
	(void)data, (void)file;
	FUZZ_CHECK(note != VD_FOLLOW_LOST, "something is lost");
}

static void step(struct writer *w, struct vd_follow *follow, uint8_t what)
{
	switch (what % 8) {
	case 0:
	case 1:
		write_line(w, false);
		break;
	case 2:
		write_line(w, true);
		break;
	case 3:
	case 4:
		rotate(w);
		break;
	case 5:
		rename_newest(w);
		break;
	default:
		FUZZ_CHECK(vd_follow_read(follow) == 0, "it cannot be read");
	}
}

FUZZ_TARGET("follow")
{
	struct writer w = { .copying = size && data[0] & 1 };
	const struct vd_follow_calls calls = { on_line, on_note, NULL, &w };
	VD_AUTO_ROOT struct vd_root *root = NULL;
	struct vd_follow *follow = NULL;

	if (at < 0)
		at = fuzz_dir(dir, remove_dir);
	if (vd_root_open(dir, 0, &root, NULL) < 0 || vd_follow_new(root, &calls, &follow, NULL) < 0)
		exit(0);
	empty_dir();
	write_line(&w, false);
	if (vd_follow_add(follow, "/a.log", 0, NULL, NULL) < 0 || vd_follow_read(follow) < 0)
		exit(0);
	for (size_t i = 1; i < size && i <= MAX_STEPS; i++)
		step(&w, follow, data[i]);
	if (w.open)
		write_line(&w, false);
	write_line(&w, false);
	FUZZ_CHECK(vd_follow_read(follow) == 0 && w.next == w.line, "line %u did not come", w.next);
	vd_follow_free(follow);
	return 0;
}
