/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "lines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "buf.h"

/* Bytes per read: large enough that the system call does not count, small enough to stay in a CPU's second cache. */
#define CHUNK ((size_t)256 << 10)
/* Moving this much costs less than touching other memory. */
#define SMALL 4096
/* The block of reading backwards. */
#define BLOCK 65536

static int init(struct vd_lines *lines, size_t piece)
{
	piece = piece ? piece : VD_LINES_PIECE;
	lines->piece = piece;
	lines->chunk = piece < CHUNK ? piece : CHUNK;
	/* Pages that no long line ever reaches cost nothing. Zeroed, so that what is read behind a line is defined. */
	lines->cap = piece + lines->chunk;
	lines->buf = calloc(1, lines->cap + VD_LINES_SLACK);
	return lines->buf ? 0 : -ENOMEM;
}

int vd_lines_init(struct vd_lines *lines, int fd, int64_t offset, size_t piece)
{
	memset(lines, 0, sizeof(*lines));
	vd_lines_restart(lines, fd, offset);
	return init(lines, piece);
}

int vd_lines_init_read(struct vd_lines *lines, vd_lines_read_fn read, void *data, size_t piece)
{
	memset(lines, 0, sizeof(*lines));
	lines->fd = -1;
	lines->read = read;
	lines->data = data;
	return init(lines, piece);
}

void vd_lines_release(struct vd_lines *lines)
{
	free(lines->buf);
	lines->buf = NULL;
	lines->start = lines->end = lines->scanned = 0;
}

void vd_lines_restart(struct vd_lines *lines, int fd, int64_t offset)
{
	struct stat st;

	lines->fd = fd;
	lines->seekable = fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	lines->offset = offset;
	lines->start = lines->end = lines->scanned = 0;
	lines->inside = lines->at_end = false;
}

/* Read once behind what is there. Returns the number of bytes, 0 at the end, a negative errno. */
static ssize_t fill(struct vd_lines *lines)
{
	size_t room;
	ssize_t n;

	if (lines->start == lines->end) {
		lines->start = lines->end = lines->scanned = 0;
	} else if (lines->start && (lines->end - lines->start < SMALL || lines->cap - lines->end < lines->chunk)) {
		/* The start of a line that is not complete. Moved, so that reads always meet the same, cached memory.
		 */
		memmove(lines->buf, lines->buf + lines->start, lines->end - lines->start);
		lines->end -= lines->start;
		lines->scanned -= lines->start;
		lines->start = 0;
	}
	room = lines->cap - lines->end;
	room = room < lines->chunk ? room : lines->chunk;
	do {
		if (lines->read)
			n = lines->read(lines->data, lines->buf + lines->end, room);
		else if (lines->seekable)
			n = pread(lines->fd, lines->buf + lines->end, room,
			          (off_t)(lines->offset + (int64_t)(lines->end - lines->start)));
		else
			n = read(lines->fd, lines->buf + lines->end, room);
		if (n < 0 && !lines->read)
			n = -errno;
	} while (n == -EINTR);
	lines->at_end = n == 0;
	if (n > 0)
		lines->end += (size_t)n;
	return n;
}

/* Hand out @len bytes from the start of the buffer; @newline: a newline follows them. */
static void take(struct vd_lines *lines, size_t len, bool last, bool newline, struct vd_line *ret_line)
{
	ret_line->text = lines->buf + lines->start;
	ret_line->len = len;
	ret_line->offset = lines->offset;
	ret_line->first = !lines->inside;
	ret_line->last = last;
	ret_line->newline = newline;
	lines->inside = !last;
	lines->start += len + newline;
	lines->scanned = lines->start;
	lines->offset += (int64_t)(len + newline);
}

/* A line or piece from what is buffered. */
static bool take_buffered(struct vd_lines *lines, struct vd_line *ret_line)
{
	const char *newline;
	size_t len;

	if (lines->start == lines->end)
		return false;
	newline = memchr(lines->buf + lines->scanned, '\n', lines->end - lines->scanned);
	len = (newline ? (size_t)(newline - lines->buf) : lines->end) - lines->start;
	if (len > lines->piece) {
		take(lines, vd_utf8_whole(lines->buf + lines->start, lines->piece), false, false, ret_line);
		return true;
	}
	if (!newline) {
		lines->scanned = lines->end;
		return false;
	}
	take(lines, len, true, true, ret_line);
	return true;
}

static int next(struct vd_lines *lines, bool complete, struct vd_line *ret_line)
{
	ssize_t n;

	while (!take_buffered(lines, ret_line)) {
		n = fill(lines);
		/* What came before the failure is still a line, and one of which pieces were handed out ends. */
		if (n < 0 && n != -EAGAIN && lines->start != lines->end) {
			take(lines, lines->end - lines->start, true, false, ret_line);
			return 0;
		}
		if (n < 0 && !(n == -EAGAIN && complete))
			return (int)n;
		if (n > 0)
			continue;
		if (complete || lines->start == lines->end)
			return 1;
		take(lines, lines->end - lines->start, true, false, ret_line);
		return 0;
	}
	return 0;
}

int vd_lines_next(struct vd_lines *lines, struct vd_line *ret_line)
{
	return next(lines, false, ret_line);
}

int vd_lines_next_complete(struct vd_lines *lines, struct vd_line *ret_line)
{
	return next(lines, true, ret_line);
}

bool vd_lines_rest(const struct vd_lines *lines, struct vd_line *ret_line)
{
	if (lines->start == lines->end)
		return false;
	ret_line->text = lines->buf + lines->start;
	ret_line->len = lines->end - lines->start;
	ret_line->offset = lines->offset;
	ret_line->first = !lines->inside;
	ret_line->last = true;
	ret_line->newline = false;
	return true;
}

bool vd_lines_ready(struct vd_lines *lines)
{
	if (lines->start == lines->end)
		return false;
	if (lines->end - lines->start > lines->piece)
		return true;
	if (memchr(lines->buf + lines->scanned, '\n', lines->end - lines->scanned))
		return true;
	lines->scanned = lines->end;
	return false;
}

bool vd_lines_window(struct vd_lines *lines, const char **ret_text, size_t *ret_len)
{
	const char *text, *newline;

	if (lines->inside || (lines->start == lines->end && (lines->at_end || fill(lines) <= 0)))
		return false;
	text = lines->buf + lines->start;
	newline = memrchr(text, '\n', lines->end - lines->start);
	if (!newline)
		return false;
	*ret_text = text;
	*ret_len = (size_t)(newline - text) + 1;
	return true;
}

void vd_lines_skip(struct vd_lines *lines, size_t len)
{
	lines->start += len;
	lines->scanned = lines->start;
	lines->offset += (int64_t)len;
}

static int size_of(int fd, int64_t *ret_size)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -ESPIPE;
	*ret_size = st.st_size;
	return 0;
}

/* Read the @len bytes at @offset; less when the file became shorter meanwhile. */
static ssize_t read_block(int fd, char *to, size_t len, int64_t offset)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = pread(fd, to + done, len - done, (off_t)(offset + (int64_t)done));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		done += (size_t)n;
	}
	return (ssize_t)done;
}

int vd_lines_tail(int fd, uint64_t count, int64_t *ret_offset)
{
	char block[BLOCK];
	int64_t size = 0, at;
	int r = size_of(fd, &size);

	if (r < 0)
		return r;
	*ret_offset = size;
	if (!count)
		return 0;
	for (at = size; at > 0;) {
		int64_t from = at > BLOCK ? at - BLOCK : 0;
		ssize_t n = read_block(fd, block, (size_t)(at - from), from);

		if (n < 0)
			return (int)n;
		/* A newline ends the line before it; the one at the very end of the file begins none. */
		for (const char *p = block + n; (p = memrchr(block, '\n', (size_t)(p - block))) != NULL;) {
			int64_t after = from + (p - block) + 1;

			if (after < size && --count == 0) {
				*ret_offset = after;
				return 0;
			}
		}
		at = from;
	}
	*ret_offset = 0;
	return 0;
}

int vd_lines_start_of(int fd, int64_t offset, int64_t max, int64_t *ret_offset)
{
	char block[BLOCK];
	int64_t size = 0, at;
	int r = size_of(fd, &size);

	if (r < 0)
		return r;
	at = offset < size ? offset : size;
	for (int64_t stop = at > max ? at - max : 0; at > stop;) {
		int64_t from = at - stop > BLOCK ? at - BLOCK : stop;
		ssize_t n = read_block(fd, block, (size_t)(at - from), from);
		const char *p;

		if (n < 0)
			return (int)n;
		p = memrchr(block, '\n', (size_t)n);
		if (p) {
			*ret_offset = from + (p - block) + 1;
			return 0;
		}
		at = from;
	}
	if (at > 0)
		return -EFBIG;
	*ret_offset = 0;
	return 0;
}
