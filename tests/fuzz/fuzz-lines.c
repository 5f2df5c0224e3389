/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Lines of any bytes, read in any portions: put together they are the bytes, each is where it says, none is too long,
 * and no character is cut. Beginning at the end, or in the middle, finds what counting from the start finds.
 * The first two bytes say how long pieces and portions are.
 */
#include "fuzz.h"

#include <errno.h>
#include <sys/mman.h>
#include <unistd.h>

#include "buf.h"
#include "lines.h"

struct source {
	const char *text;
	size_t len, pos, portion;
};

static ssize_t portion(void *data, char *to, size_t max)
{
	struct source *s = data;
	size_t n = s->len - s->pos;

	n = n < s->portion ? n : s->portion;
	n = n < max ? n : max;
	memcpy(to, s->text + s->pos, n);
	s->pos += n;
	return (ssize_t)n;
}

/* Is the cut behind @at in the text, of a piece of @len bytes, in a character? */
static bool cuts(const char *text, size_t size, size_t at, size_t len)
{
	for (size_t back = 1; back <= 3 && back <= len; back++) {
		size_t n = fuzz_utf8(text + at - back, size - (at - back));

		if (n)
			return n > back;
	}
	return false;
}

static void check_lines(struct vd_lines *lines, const char *text, size_t size, size_t piece, bool windows)
{
	size_t pos = 0;
	bool begins = true;
	struct vd_line line;

	for (;;) {
		const char *window;
		size_t len;
		int r;

		if (windows && vd_lines_window(lines, &window, &len)) {
			FUZZ_CHECK(begins && len && len <= size - pos && !memcmp(window, text + pos, len) &&
			                   window[len - 1] == '\n',
			           "a window of %zu bytes at %zu", len, pos);
			/* The first line of it. */
			len = (size_t)((const char *)memchr(window, '\n', len) - window) + 1;
			vd_lines_skip(lines, len);
			pos += len;
		}
		r = vd_lines_next(lines, &line);
		FUZZ_CHECK(r == 0 || r == 1, "returned %d", r);
		if (r == 1)
			break;
		FUZZ_CHECK(line.offset == (int64_t)pos && line.len <= size - pos &&
		                   !memcmp(line.text, text + pos, line.len),
		           "%zu bytes said to be at %lld, at %zu", line.len, (long long)line.offset, pos);
		FUZZ_CHECK(line.len <= piece && !memchr(line.text, '\n', line.len), "a piece of %zu", line.len);
		FUZZ_CHECK(line.first == begins && (line.last || line.len), "first %d, last %d", line.first, line.last);
		pos += line.len;
		FUZZ_CHECK(line.last || !cuts(text, size, pos, line.len), "a character is cut at %zu", pos);
		FUZZ_CHECK(!line.newline || (line.last && pos < size && text[pos] == '\n'), "no newline at %zu", pos);
		FUZZ_CHECK(!line.last || line.newline || pos == size, "a line without end at %zu", pos);
		pos += line.newline;
		begins = line.last;
	}
	FUZZ_CHECK(pos == size && begins, "%zu of %zu bytes", pos, size);
}

/* Where the last @count lines begin, and the line of byte @at, as one counts by hand. */
static void check_places(int fd, const char *text, size_t size, uint64_t count, size_t at)
{
	size_t tail = size, start = at < size ? at : size;
	int64_t offset = -1;

	for (uint64_t n = 0; n < count && tail > 0; n++)
		for (tail--; tail > 0 && text[tail - 1] != '\n'; tail--)
			;
	FUZZ_CHECK(vd_lines_tail(fd, count, &offset) == 0 && offset == (int64_t)tail,
	           "the last %llu lines at %lld, not %zu", (unsigned long long)count, (long long)offset, tail);
	while (start > 0 && text[start - 1] != '\n')
		start--;
	FUZZ_CHECK(vd_lines_start_of(fd, (int64_t)at, (int64_t)size + 1, &offset) == 0 && offset == (int64_t)start,
	           "the line of %zu at %lld, not %zu", at, (long long)offset, start);
}

FUZZ_TARGET("lines")
{
	size_t piece = size ? 4u + data[0] * 4u : 0, part = size > 1 ? 1u + data[1] * 2u : 0;
	VD_AUTO_CLOSE int fd = -1;

	if (size < 2)
		return 0;
	data += 2, size -= 2;
	fd = memfd_create("lines", MFD_CLOEXEC);
	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		exit(0);
	for (int windows = 0; windows < 2; windows++) {
		struct source source = { (const char *)data, size, 0, part };
		VD_AUTO_LINES by_portions = VD_LINES_INIT;
		VD_AUTO_LINES of_file = VD_LINES_INIT;

		if (vd_lines_init_read(&by_portions, portion, &source, piece) < 0 ||
		    vd_lines_init(&of_file, fd, 0, piece) < 0)
			return 0;
		check_lines(&by_portions, (const char *)data, size, piece, windows);
		check_lines(&of_file, (const char *)data, size, piece, windows);
	}
	check_places(fd, (const char *)data, size, part / 2, piece);
	return 0;
}
