/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * The records of one or several logs of daemons as one stream of lines, in the order of time. A line without a head
 * belongs to the record above it in the same log, and comes right behind it. Files may be compressed. Memory is
 * bounded: a buffer per log.
 */

#include "err.h"
#include "journal.h"
#include "lines.h"
#include "record.h"
#include "unpack.h"

struct vd_records_source {
	char *name; /* for the reader, owned */
	struct vd_lines lines;
	struct vd_unpack *unpack;
	struct vd_record_clock clock;
	int fd; /* owned */
	/* Of a journal: */
	struct vd_journal *journal;
	struct vd_buf entry, category; /* what is left of the entry is handed out line by line */
	size_t entry_pos;
	int64_t entry_offset;
	bool made_head; /* of the entry: it had none of its own */
	/* The next line, when more than one source is read: */
	bool loaded, ended, is_head;
	struct vd_line line;
	struct vd_record record;
	int64_t time;
};

/*
 * How many of the @len bytes of complete lines at @text do not matter to the reader: a number of whole lines. @offset:
 * where they stand in the log. Only asked while a single log is read, as often as lines are.
 */
typedef size_t (*vd_records_skip_fn)(void *data, const char *text, size_t len, int64_t offset);

struct vd_records {
	struct vd_records_source **items; /* owned */
	size_t len;
	unsigned flags; /* of vd_record_parse() */
	bool want_time; /* fill in the time of each record; without it, and with one source, that costs nothing */
	vd_records_skip_fn skip; /* NULL: every line matters */
	void *skip_data;
	size_t current; /* the source that the last line came from */
	bool begun;
	int64_t time;            /* of the record that it belongs to */
	struct vd_record record; /* the last head */
};
#define VD_RECORDS_INIT       \
	{                     \
		.items = NULL \
	}
#define VD_AUTO_RECORDS VD_CLEANUP(vd_records_release) struct vd_records

struct vd_records_line {
	struct vd_line line;            /* borrowed until the next call */
	const struct vd_record *record; /* its head, when it has one: line.first is set then. Borrowed likewise */
	int64_t time;                   /* of the record that it belongs to; VD_NO_TIME: unknown, or not wanted */
	const char *source;             /* name of its log */
	size_t number;                  /* of its log, in the order they were added */
};

/*
 * Add the log @fd, called @name for the reader: a regular file, which may be compressed, from byte @offset of its
 * unpacked content on, or a pipe. @fd is owned from now on, also when this fails. @reference: see struct
 * vd_record_clock; 0: the time of the file's last change, of a pipe now. Returns 0, or a negative errno with @err set.
 */
int vd_records_add(struct vd_records *records, int fd, const char *name, int64_t offset, int64_t reference,
                   struct vd_err *err) VD_MUST_CHECK;
/*
 * Add what libvirt's daemons wrote to the journal of the host, from @since on (microseconds; INT64_MIN: all), as if it
 * were text. Errors: see vd_journal_open().
 */
int vd_records_add_journal(struct vd_records *records, struct vd_root *root, int64_t since,
                           struct vd_err *err) VD_MUST_CHECK;
/* The same of one file of a journal, see vd_journal_is_file(). @fd is owned from now on, also when this fails. */
int vd_records_add_journal_file(struct vd_records *records, int fd, const char *name, int64_t since,
                                struct vd_err *err) VD_MUST_CHECK;
/* The same, from the last @count entries on, for a journal that grows: the only log in @records. */
int vd_records_add_journal_end(struct vd_records *records, struct vd_root *root, uint64_t count,
                               struct vd_err *err) VD_MUST_CHECK;
/*
 * After the end: have vd_records_next() look whether the journal of vd_records_add_journal_end() has grown. @rotated:
 * there may be other files. Returns 0 or a negative errno.
 */
int vd_records_go_on(struct vd_records *records, struct vd_root *root, bool rotated, struct vd_err *err) VD_MUST_CHECK;
/*
 * The next line. Returns 0; 1 at the end; a negative errno with @err naming the log: it counts as ended then, and the
 * next call goes on with the others.
 */
int vd_records_next(struct vd_records *records, struct vd_records_line *ret_line, struct vd_err *err) VD_MUST_CHECK;
void vd_records_release(struct vd_records *records);
