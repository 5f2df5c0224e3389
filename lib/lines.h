/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Lines of a file or pipe of any size, in bounded memory: one buffer, large reads, no allocation per line. A line that
 * is longer than the bound comes in pieces that cut no UTF-8 character. Knows nothing of what the lines say. The
 * descriptor comes from lib/root, or is a standard stream; it stays the caller's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "macros.h"

/* The longest piece unless another is asked for; also how far a pattern looks into a line. */
#define VD_LINES_PIECE (1u << 20)

/* So many bytes behind a line may be read as well, whatever they are: for those who look at many bytes at once. */
#define VD_LINES_SLACK 128

struct vd_line {
	const char *text; /* borrowed until the next call; not NUL-terminated; may hold NUL bytes */
	size_t len;       /* without the newline */
	int64_t offset;   /* of text[0], in bytes from the start of the file, of a pipe from where reading began */
	bool first;       /* the line begins here; false: a further piece of it */
	bool last;        /* the line ends here */
	bool newline;     /* ... with a newline; false with last: the data ended without one */
};

/*
 * Where the bytes come from, when not from a descriptor: writes at most @max bytes to @to and returns their number, 0
 * at the end, a negative errno. At the end it is called again when lines are asked for again.
 */
typedef ssize_t (*vd_lines_read_fn)(void *data, char *to, size_t max);

/* Private, but for: fd, which may be exchanged for one of the same file. */
struct vd_lines {
	int fd;
	bool seekable; /* read by pread(2), so that the position of the descriptor does not matter */
	vd_lines_read_fn read;
	void *data;
	char *buf;
	size_t cap, piece, chunk;
	size_t start, end, scanned; /* what is left in buf; no newline before scanned */
	int64_t offset;             /* of buf[start] */
	bool inside;                /* a piece of the line was handed out already */
	bool at_end;                /* the last read found the end */
};
#define VD_AUTO_LINES VD_CLEANUP(vd_lines_release) struct vd_lines
#define VD_LINES_INIT    \
	{                \
		.fd = -1 \
	}

/*
 * Begin reading at @offset of the regular file @fd, or of the pipe, socket or terminal @fd where it stands (@offset
 * only counts on). @piece is the longest piece in bytes, 0: VD_LINES_PIECE. Returns 0 or -ENOMEM.
 */
int vd_lines_init(struct vd_lines *lines, int fd, int64_t offset, size_t piece) VD_MUST_CHECK;
/* The same with a function for the bytes, unpacked ones for example. */
int vd_lines_init_read(struct vd_lines *lines, vd_lines_read_fn read, void *data, size_t piece) VD_MUST_CHECK;
/* Frees the buffer; harmless after VD_LINES_INIT. */
void vd_lines_release(struct vd_lines *lines);

/*
 * The next line or piece. At the end of the data, and before a failure is told, a line without newline is handed out
 * with last set.
 * Returns 0; 1 at the end; a negative errno of read(2), after which the call may be repeated.
 */
int vd_lines_next(struct vd_lines *lines, struct vd_line *ret_line) VD_MUST_CHECK;
/*
 * The same for a file that may grow: a line without newline is kept back, and after 1 a later call sees what was
 * appended. Pieces of a line that is too long are handed out. -EAGAIN of a non-blocking descriptor counts as the end.
 */
int vd_lines_next_complete(struct vd_lines *lines, struct vd_line *ret_line) VD_MUST_CHECK;
/* What vd_lines_next_complete() keeps back: true, and the unfinished line as it is so far. It stays kept. */
bool vd_lines_rest(const struct vd_lines *lines, struct vd_line *ret_line);
/*
 * Forget what is buffered and go on at @offset of @fd, in another file after a rotation for example; an unfinished line
 * is lost: ask vd_lines_rest() first.
 */
void vd_lines_restart(struct vd_lines *lines, int fd, int64_t offset);
/* Is a complete line or piece buffered, so that the next call will not read? */
bool vd_lines_ready(struct vd_lines *lines);

/*
 * What is buffered of complete lines, when the next line begins there: their bytes, the last newline included. For
 * those who look at many lines at once and vd_lines_skip() the ones that do not matter. Reads once when nothing is
 * buffered. Returns false when there is no complete line.
 */
bool vd_lines_window(struct vd_lines *lines, const char **ret_text, size_t *ret_len);
/* Go on behind @len bytes of the window: the end of one of its lines. */
void vd_lines_skip(struct vd_lines *lines, size_t len);

/*
 * Where the last @count lines of the regular file @fd begin, read backwards in blocks: as tail(1) counts, an unfinished
 * last line is one. 0 when it has no more; its size for none. Returns 0; -ESPIPE when @fd cannot seek; a negative errno
 * of pread(2).
 */
int vd_lines_tail(int fd, uint64_t count, int64_t *ret_offset) VD_MUST_CHECK;
/*
 * Where the line that holds the byte at @offset of the regular file @fd begins. For searches by halving. Looks back at
 * most @max bytes: -EFBIG beyond. Otherwise as vd_lines_tail().
 */
int vd_lines_start_of(int fd, int64_t offset, int64_t max, int64_t *ret_offset) VD_MUST_CHECK;
