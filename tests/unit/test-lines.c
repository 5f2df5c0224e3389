/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects lib/lines: lines, pieces and offsets for any sizes of reads, growing files, and reading backwards. */

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buf.h"
#include "lines.h"
#include "tap.h"

/* A regular file in memory. */
static int file_of(const char *data, size_t len)
{
	int fd = memfd_create("lines", MFD_CLOEXEC);

	if (fd < 0 || (len && write(fd, data, len) != (ssize_t)len))
		abort();
	return fd;
}

/* All pieces as "OFFSET:text[flags]" where flags are f, l, n. */
static char *all_of(struct vd_lines *lines)
{
	struct vd_buf out = VD_BUF_INIT;
	struct vd_line line;
	int r;

	while ((r = vd_lines_next(lines, &line)) == 0)
		if (vd_buf_addf(&out, "%lld:%.*s[%s%s%s] ", (long long)line.offset, (int)line.len, line.text,
		                line.first ? "f" : "", line.last ? "l" : "", line.newline ? "n" : "") < 0)
			abort();
	if (r < 0 && vd_buf_addf(&out, "error %d", r) < 0)
		abort();
	return vd_buf_adds(&out, "") < 0 ? NULL : vd_buf_steal(&out);
}

static void test_lines(void)
{
	static const struct {
		const char *data;
		size_t piece;
		const char *wanted, *what;
	} cases[] = {
		{ "", 0, "", "nothing" },
		{ "\n", 0, "0:[fln] ", "an empty line" },
		{ "a", 0, "0:a[fl] ", "a line without newline" },
		{ "a\n", 0, "0:a[fln] ", "one line" },
		{ "a\n\nbc\nd", 0, "0:a[fln] 2:[fln] 3:bc[fln] 6:d[fl] ", "several, the last unfinished" },
		{ "abcdef\ngh\n", 4, "0:abcd[f] 4:ef[ln] 7:gh[fln] ", "a long line in two pieces" },
		{ "abcd\nx", 4, "0:abcd[fln] 5:x[fl] ", "a line of just the piece" },
		{ "abcd", 4, "0:abcd[fl] ", "a line of just the piece, unfinished" },
		{ "abcdefgh\n", 4, "0:abcd[f] 4:efgh[ln] ", "a line of two pieces" },
		{ "abcdefghi", 4, "0:abcd[f] 4:efgh[] 8:i[l] ", "three pieces, unfinished" },
		{ "abc\xc3\xa9z", 4, "0:abc[f] 3:\xc3\xa9z[l] ", "a character at the cut" },
		{ "a\xe2\x82\xac\n", 3, "0:a[f] 1:\xe2\x82\xac[ln] ", "a longer one" },
		{ "ab\xe9z", 3, "0:ab[f] 2:\xe9z[l] ", "a byte that is none" },
		{ "\x80\x80\x80\x80\x80", 3, "0:\x80\x80\x80[f] 3:\x80\x80[l] ", "binary" },
		{ "a\r\n", 0, "0:a\r[fln] ", "a carriage return stays" },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_CLOSE int fd = file_of(cases[i].data, strlen(cases[i].data));
		VD_AUTO_LINES lines = VD_LINES_INIT;
		VD_AUTO_FREE char *got = NULL;

		tap_int(vd_lines_init(&lines, fd, 0, cases[i].piece), 0, "lines: %s: begins", cases[i].what);
		got = all_of(&lines);
		tap_str(got, cases[i].wanted, "lines: %s", cases[i].what);
	}
}

/* A pipe, fed a few bytes at a time, gives the same lines as a file; NUL bytes are bytes like others. */
struct feed {
	const char *data;
	size_t len, pos, step;
};

static ssize_t feed_read(void *data, char *to, size_t max)
{
	struct feed *feed = data;
	size_t n = feed->len - feed->pos;

	n = n < feed->step ? n : feed->step;
	n = n < max ? n : max;
	memcpy(to, feed->data + feed->pos, n);
	feed->pos += n;
	return (ssize_t)n;
}

static void test_any_steps(void)
{
	char data[5000];
	unsigned seed = 7;
	bool same = true;

	for (size_t i = 0; i < sizeof(data); i++) {
		seed = seed * 1103515245 + 12345;
		data[i] = (seed >> 16) % 23 == 0 ? '\n' : (char)((seed >> 20) % 7 ? 'a' + (seed >> 24) % 26 : 0);
	}
	for (size_t step = 1; step < 40; step++) {
		for (size_t piece = 3; piece < 100; piece += 13) {
			struct feed feed = { data, sizeof(data), 0, step };
			VD_AUTO_LINES lines = VD_LINES_INIT;
			VD_AUTO_BUF joined = VD_BUF_INIT;
			struct vd_line line;
			bool first = true;

			if (vd_lines_init_read(&lines, feed_read, &feed, piece) < 0)
				abort();
			while (vd_lines_next(&lines, &line) == 0) {
				same = same && line.first == first && line.offset == (int64_t)joined.len &&
				       line.len <= piece && !memchr(line.text, '\n', line.len);
				first = line.last;
				if (vd_buf_add(&joined, line.text, line.len) < 0 ||
				    (line.newline && vd_buf_addc(&joined, '\n') < 0))
					abort();
			}
			same = same && joined.len == sizeof(data) && memcmp(joined.data, data, sizeof(data)) == 0;
		}
	}
	tap_ok(same, "lines: reads of 1 to 39 bytes, pieces of 3 to 94: all bytes, offsets and marks are right");
}

static void test_growing(void)
{
	VD_AUTO_CLOSE int fd = file_of("one\ntw", 6);
	VD_AUTO_LINES lines = VD_LINES_INIT;
	struct vd_line line;

	if (vd_lines_init(&lines, fd, 0, 0) < 0)
		abort();
	tap_ok(vd_lines_next_complete(&lines, &line) == 0 && line.len == 3, "growing: the complete line comes");
	tap_int(vd_lines_next_complete(&lines, &line), 1, "growing: the unfinished one is kept back");
	tap_ok(vd_lines_rest(&lines, &line) && line.len == 2 && line.offset == 4 && !line.newline,
	       "growing: and can be looked at");
	tap_int(pwrite(fd, "o\nthr", 5, 6), 5, "growing: more is written");
	tap_ok(vd_lines_next_complete(&lines, &line) == 0 && line.len == 3 && memcmp(line.text, "two", 3) == 0 &&
	               line.offset == 4 && line.first && line.last,
	       "growing: the line comes whole, once it is finished");
	tap_int(vd_lines_next_complete(&lines, &line), 1, "growing: the next is kept back");
	tap_ok(!vd_lines_ready(&lines), "growing: nothing is ready");
	vd_lines_restart(&lines, fd, 4);
	tap_ok(vd_lines_next_complete(&lines, &line) == 0 && line.offset == 4 && line.len == 3,
	       "restart: goes on elsewhere");
	tap_ok(!vd_lines_rest(&lines, &line) || line.len == 3, "restart: what was kept is gone");
}

static void test_tail(void)
{
	static const struct {
		const char *data;
		uint64_t count;
		int64_t wanted;
	} cases[] = {
		{ "", 3, 0 },          { "a\nb\nc\n", 1, 4 }, { "a\nb\nc", 1, 4 },
		{ "a\nb\nc\n", 2, 2 }, { "a\nb\nc\n", 3, 0 }, { "a\nb\nc\n", 9, 0 },
		{ "a\nb\nc\n", 0, 6 }, { "\n\n\n", 2, 1 },    { "long", 1, 0 },
	};
	VD_AUTO_FREE char *big = malloc(300001);
	int64_t offset = -1;
	int pipes[2];

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_CLOSE int fd = file_of(cases[i].data, strlen(cases[i].data));

		offset = -1;
		tap_int(vd_lines_tail(fd, cases[i].count, &offset), 0, "tail: case %zu works", i);
		tap_int(offset, cases[i].wanted, "tail: case %zu: the last %llu lines", i,
		        (unsigned long long)cases[i].count);
	}
	if (!big || pipe(pipes) < 0)
		abort();
	for (int i = 0; i < 300000; i++)
		big[i] = i % 100 == 99 ? '\n' : 'x';
	VD_AUTO_CLOSE int fd = file_of(big, 300000);

	tap_ok(vd_lines_tail(fd, 2000, &offset) == 0 && offset == 100000, "tail: over several blocks");
	tap_ok(vd_lines_start_of(fd, 150050, 4096, &offset) == 0 && offset == 150000,
	       "start of: the line in the middle");
	tap_ok(vd_lines_start_of(fd, 50, 4096, &offset) == 0 && offset == 0, "start of: the first line");
	tap_int(vd_lines_start_of(fd, 150050, 20, &offset), -EFBIG, "start of: does not look back further than told");
	tap_int(vd_lines_tail(pipes[0], 1, &offset), -ESPIPE, "tail: a pipe cannot be read backwards");
	close(pipes[0]);
	close(pipes[1]);
}

int main(void)
{
	test_lines();
	test_any_steps();
	test_growing();
	test_tail();
	return tap_done();
}
