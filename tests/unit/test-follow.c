/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Following files, a look at a time, so that each state between two steps of a rotation is seen or not as wanted. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <string.h>

#include "buf.h"
#include "follow.h"
#include "tap.h"
#include "tree.h"

static struct vd_buf got = VD_BUF_INIT; /* lines, each with '$', pieces with '+'; notes in brackets */

static const char *stop_at; /* the reader has enough with this line */

/* What happens when a directory has been listed, once; this program's closedir() takes the place of the C library's. */
static void (*when_listed)(void);
static unsigned listings;

int closedir(DIR *dir)
{
	int (*real)(DIR * dir) = NULL;
	void (*hook)(void) = when_listed;
	void *symbol = dlsym(RTLD_NEXT, "closedir");

	memcpy(&real, &symbol, sizeof(real));
	when_listed = NULL;
	listings++;
	if (hook)
		hook();
	return real(dir);
}

static int on_line(void *data, void *file, const struct vd_line *line, const char *path)
{
	(void)data, (void)file, (void)path;
	tree_must(vd_buf_add(&got, line->text, line->len < 20 ? line->len : 20) == 0, "memory");
	tree_must(vd_buf_adds(&got, line->last ? "$" : "+") == 0, "memory");
	return stop_at && line->len == strlen(stop_at) && !memcmp(line->text, stop_at, line->len) ? -EINTR : 0;
}

static void on_note(void *data, void *file, enum vd_follow_note note)
{
	static const char *const names[] = { "[came]", "[rotated]", "[truncated]", "[lost]", "[gone]" };

	(void)data, (void)file;
	tree_must(vd_buf_adds(&got, names[note]) == 0, "memory");
}

static void on_name(void *data, const char *dir, const char *name)
{
	(void)data;
	tree_must(vd_buf_addf(&got, "{%s/%s}", dir, name) == 0, "memory");
}

static void append(const char *path, const char *text)
{
	FILE *f = fopen(tree_path(path), "a");

	tree_must(f && fputs(text, f) >= 0 && fclose(f) == 0, "append");
}

static void move(const char *from, const char *to)
{
	tree_must(rename(tree_path(from), tree_path(to)) == 0, "rename");
}

/* What one look brings. */
static void look(struct vd_follow *f, const char *wanted, const char *what)
{
	vd_buf_clear(&got);
	tap_int(vd_follow_read(f), 0, "%s", what);
	tap_str(vd_buf_str(&got), wanted, "%s -> what is told", what);
}

static struct vd_follow *begin(struct vd_root *root)
{
	const struct vd_follow_calls calls = { on_line, on_note, on_name, NULL };
	struct vd_follow *f = NULL;

	tree_must(vd_follow_new(root, &calls, &f, NULL) == 0, "vd_follow_new");
	return f;
}

/* Follow /PATH, which has the line @line, and read that. */
static struct vd_follow *begin_with(struct vd_root *root, const char *path, const char *line)
{
	struct vd_follow *f = begin(root);
	char absolute[64], wanted[64];

	append(path, line);
	append(path, "\n");
	snprintf(absolute, sizeof(absolute), "/%s", path);
	snprintf(wanted, sizeof(wanted), "%s$", line);
	tap_int(vd_follow_add(f, absolute, 0, NULL, NULL), 0, "%s is followed", path);
	look(f, wanted, "from the start");
	return f;
}

static void test_rotations(struct vd_root *root)
{
	struct vd_follow *f = begin(root);

	tree_dirs("log/");
	append("log/a.log", "one\ntwo\n");
	tap_int(vd_follow_add(f, "/log/a.log", 4, NULL, NULL), 0, "add");
	look(f, "two$", "from an offset");
	append("log/a.log", "th");
	look(f, "", "an unfinished line");
	append("log/a.log", "ree\nfour\n");
	move("log/a.log", "log/a.log.0");
	append("log/a.log", "five\n");
	look(f, "three$four$[rotated]five$", "renamed");
	move("log/a.log.0", "log/a.log.2");
	append("log/a.log", "six\n");
	move("log/a.log", "log/a.log.1");
	append("log/a.log.0", "seven\n");
	append("log/a.log", "");
	look(f, "six$", "renamed twice, the new file is empty");
	append("log/a.log", "eight\n");
	look(f, "seven$[rotated]eight$", "renamed twice");
	append("log/a.log", "nine\n");
	tree_must(link(tree_path("log/a.log"), tree_path("log/saved")) == 0, "link");
	tree_must(unlink(tree_path("log/a.log")) == 0, "unlink");
	look(f, "nine$[gone]", "deleted");
	append("log/saved", "ten\n");
	append("log/a.log", "eleven\n");
	look(f, "ten$[rotated]eleven$", "deleted and made anew, written to until then");
	vd_follow_free(f);
}

/* Outputs of a daemon may be called anything. */
static void test_no_dot(struct vd_root *root)
{
	struct vd_follow *f = begin_with(root, "plain", "one");

	move("plain", "plain-20261123");
	append("plain", "two\n");
	look(f, "[rotated]two$", "no dot: renamed");
	vd_follow_free(f);
}

static void copy(const char *from, const char *to)
{
	char text[256];
	FILE *f = fopen(tree_path(from), "r");
	size_t n;

	tree_must(f != NULL, "open");
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	append(to, text);
}

/* As logrotate does with copytruncate. */
static void copy_and_empty(const char *from, const char *to)
{
	copy(from, to);
	tree_must(truncate(tree_path(from), 0) == 0, "truncate");
}

static void test_truncation(struct vd_root *root)
{
	struct vd_follow *f;

	tree_dirs("cut/");
	f = begin_with(root, "cut/a.log", "first line");
	append("cut/a.log", "second\n");
	copy_and_empty("cut/a.log", "cut/a.log.1");
	append("cut/a.log", "third\n");
	look(f, "[truncated]second$third$", "copied and truncated");
	move("cut/a.log.1", "cut/a.log.2");
	copy_and_empty("cut/a.log", "cut/a.log.1");
	append("cut/a.log", "three\n");
	look(f, "[truncated]three$", "copied and truncated, to the same size");
	tree_must(truncate(tree_path("cut/a.log"), 0) == 0, "truncate");
	append("cut/a.log", "fourth line, and longer\n");
	look(f, "[truncated][lost]fourth line, and lon$", "truncated without a copy, to a larger size");
	vd_follow_free(f);
}

/*
 * Between catching up with what a rotation left and reading on another rotation is done: its copy was made, but not yet
 * read, when the first one was caught up with.
 */
static void test_truncation_between(struct vd_root *root)
{
	struct vd_follow *f;

	tree_dirs("between/");
	f = begin_with(root, "between/a.log", "first line");
	append("between/a.log", "second\n");
	copy_and_empty("between/a.log", "between/a.log-20261123");
	append("between/a.log", "third\nfourth\n");
	copy("between/a.log", "between/a.log-20261124");
	stop_at = "second";
	vd_buf_clear(&got);
	tap_int(vd_follow_read(f), -EINTR, "stopped while it catches up");
	tap_str(vd_buf_str(&got), "[truncated]second$", "stopped while it catches up -> what is told");
	stop_at = NULL;
	tree_must(truncate(tree_path("between/a.log"), 0) == 0, "truncate");
	append("between/a.log", "fifth\n");
	look(f, "third$fourth$fifth$", "truncated after the copy was seen");
	vd_follow_free(f);
}

static void pack_copy(void)
{
	move("listed/a.log-20261123", "listed/a.log-20261123.gz");
}

static void rotate_again(void)
{
	move("listed/b.log.1", "listed/b.log.2");
	move("listed/b.log.0", "listed/b.log.1");
	move("listed/b.log", "listed/b.log.0");
	append("listed/b.log", "four\n");
}

/* Names that were listed are others when they are opened: each file is found all the same. */
static void test_renamed_while_listed(struct vd_root *root)
{
	struct vd_follow *f;

	tree_dirs("listed/");
	f = begin_with(root, "listed/a.log", "one");
	append("listed/a.log", "two\n");
	copy_and_empty("listed/a.log", "listed/a.log-20261123");
	append("listed/a.log", "three\n");
	when_listed = pack_copy;
	look(f, "[truncated]two$three$", "the copy gets its packed name when its old one was listed");
	vd_follow_free(f);

	f = begin_with(root, "listed/b.log", "one");
	move("listed/b.log", "listed/b.log.1");
	append("listed/b.log.0", "two\n");
	append("listed/b.log", "three\n");
	when_listed = rotate_again;
	look(f, "two$[rotated]three$[rotated]four$", "rotated once more when the names were listed");
	tap_ok(!when_listed, "the names were listed");
	vd_follow_free(f);
}

/* A link to nothing has a name, but no content that may have been missed. */
static void test_dangling(struct vd_root *root)
{
	struct vd_follow *f = begin_with(root, "listed/c.log", "one");
	unsigned without;

	move("listed/c.log", "listed/c.log.0");
	append("listed/c.log", "two\n");
	listings = 0;
	look(f, "[rotated]two$", "rotated");
	without = listings;
	tree_link("listed/c.log.9", "nowhere");
	move("listed/c.log.0", "listed/c.log.1");
	move("listed/c.log", "listed/c.log.0");
	append("listed/c.log", "three\n");
	listings = 0;
	look(f, "[rotated]three$", "rotated beside a link to nothing");
	tap_int(listings, without, "the names are listed no more often for it");
	vd_follow_free(f);
}

static void test_late(struct vd_root *root)
{
	struct vd_follow *f = begin(root);

	tap_int(vd_follow_add_dir(f, "/late/deep", NULL), 0, "a directory that is not there");
	tap_int(vd_follow_add(f, "/late/deep/a.log", 0, NULL, NULL), 0, "a file in it");
	look(f, "", "nothing is there");
	tree_dirs("late/deep/");
	append("late/deep/a.log", "hello\n");
	append("late/deep/b.log", "x\n");
	look(f, "{/late/deep/a.log}{/late/deep/b.log}[came]hello$", "directory and files came");
	append("late/deep/a.log", "more\n");
	append("late/deep/c.log", "x\n");
	look(f, "{/late/deep/c.log}more$", "and go on");
	vd_follow_free(f);
}

static void test_long(struct vd_root *root)
{
	static char line[2 * VD_FOLLOW_PIECE + 1];
	struct vd_follow *f = begin(root);
	const char *rest;
	size_t len;
	int mark;

	tree_dirs("long/");
	append("long/a.log", "unfinished");
	tap_int(vd_follow_add(f, "/long/a.log", 0, &mark, NULL), 0, "add");
	look(f, "", "an unfinished line");
	tap_ok(vd_follow_rest(f, &mark, 0, &rest, &len) && len == 10 && !memcmp(rest, "unfinished", 10),
	       "its beginning is there when asked for");
	tap_ok(!vd_follow_rest(f, &mark, 60000, &rest, &len), "not while it may still grow");
	memset(line, 'x', sizeof(line) - 1);
	append("long/a.log", line);
	look(f, "unfinishedxxxxxxxxxx+xxxxxxxxxxxxxxxxxxxx+", "a line of more than two pieces");
	append("long/a.log", "end\n");
	look(f, "end$", "its end");
	vd_follow_free(f);
}

int main(void)
{
	VD_AUTO_ROOT struct vd_root *root = NULL;

	tree_begin();
	tree_must(vd_root_open(tree_top, 0, &root, NULL) == 0, "vd_root_open");
	test_rotations(root);
	test_truncation(root);
	test_truncation_between(root);
	test_renamed_while_listed(root);
	test_dangling(root);
	test_no_dot(root);
	test_late(root);
	test_long(root);
	vd_buf_release(&got);
	return tap_done();
}
