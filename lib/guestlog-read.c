/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A guest's log, rotated files included, as one stream of lines. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "guestlog.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.guestlog-read");

struct vd_guestlog_reader {
	struct vd_root *root;
	const struct vd_guestlog *log;
	struct vd_lines lines;
	struct vd_guestline_state state;
	struct vd_guestline info;
	/* The stream: */
	struct vd_unpack *file; /* NULL: none is open */
	size_t next;            /* the file to open next */
	int64_t skip;           /* where to begin in it */
	int64_t position;       /* bytes handed out */
	bool cut;               /* the last byte handed out was no newline */
	bool fresh;             /* nothing of the open file was handed out yet */
	bool torn;              /* something is missing before it */
	int64_t *begins;        /* of each file: where its byte 0 is in the stream; INT64_MAX not yet */
	size_t at;              /* the file of the last line */
	struct vd_strv problems;
};

static int note_problem(struct vd_guestlog_reader *r, size_t file, const char *why)
{
	const char *path = r->log->files[file].path;

	VLOG_DEBUG("%s: %s", path, why);
	r->torn = true;
	return vd_strv_add(&r->problems, path) < 0 || vd_strv_add(&r->problems, why) < 0 ? -ENOMEM : 0;
}

/* Open the next file that can be opened. 1: one is open; 0: there are no more; -ENOMEM. */
static int open_next(struct vd_guestlog_reader *r)
{
	while (r->next < r->log->n_files) {
		VD_AUTO_ERR err = VD_ERR_INIT;
		size_t i = r->next++;
		int fd, rc;

		rc = vd_root_open_file(r->root, r->log->files[i].path, &fd, &err);
		if (rc == 0)
			rc = vd_unpack_open(fd, r->skip, &r->file, &err);
		if (rc == 0) {
			r->begins[i] = r->position - r->skip;
			r->skip = 0;
			r->fresh = true;
			return 1;
		}
		/* A rotation may have taken the name away since the directory was read. */
		if (rc == -ENOENT && vd_root_is_live(r->root))
			continue;
		if (note_problem(r, i, vd_err_text(&err)) < 0)
			return -ENOMEM;
		r->skip = 0;
	}
	return 0;
}

/* The read function of vd_lines: all files, one after the other. */
static ssize_t read_stream(void *data, char *to, size_t max)
{
	struct vd_guestlog_reader *r = data;
	ssize_t n;
	int rc;

	if (max < 2)
		return -EINVAL;
	for (;;) {
		if (!r->file) {
			rc = open_next(r);
			if (rc <= 0)
				return rc;
		}
		/* One byte less: a newline may have to be put in front. */
		n = vd_unpack_read(r->file, to, max - 1);
		if (n > 0)
			break;
		if (n < 0 && note_problem(r, r->next - 1,
		                          n == -EBADMSG  ? "the packed data is damaged or cut off"
		                          : n == -ENOMEM ? "unpacking it takes too much memory"
		                                         : strerror((int)-n)) < 0)
			return -ENOMEM;
		vd_unpack_free(vd_steal(r->file));
	}
	/*
	 * virtlogd cuts at a byte count, so a line may go on in the next file; but one that was never finished, by a
	 * host that crashed, does not, nor one whose rest cannot be read. What begins with a time begins a line.
	 */
	if (r->fresh && r->cut && (r->torn || vd_guestline_begins(to, (size_t)n))) {
		memmove(to + 1, to, (size_t)n++);
		to[0] = '\n';
		r->begins[r->next - 1]++;
	}
	r->fresh = r->torn = false;
	r->cut = to[n - 1] != '\n';
	r->position += n;
	return n;
}

int vd_guestlog_open(struct vd_root *root, const struct vd_guestlog *log, size_t first, int64_t offset,
                     struct vd_guestlog_reader **ret_reader, struct vd_err *err)
{
	VD_AUTO_GUESTLOG struct vd_guestlog_reader *r = calloc(1, sizeof(*r));

	if (r) {
		r->lines = (struct vd_lines)VD_LINES_INIT;
		r->begins = malloc((log->n_files ? log->n_files : 1) * sizeof(*r->begins));
	}
	if (!r || !r->begins || vd_lines_init_read(&r->lines, read_stream, r, 0) < 0)
		return vd_err_set(err, ENOMEM, "no memory to read the log of %s", log->guest);
	for (size_t i = 0; i < log->n_files; i++)
		r->begins[i] = INT64_MAX;
	r->root = root;
	r->log = log;
	r->next = r->at = first;
	r->skip = offset;
	vd_guestline_init(&r->state, log->driver, log->only);
	*ret_reader = vd_steal(r);
	return 0;
}

int vd_guestlog_next(struct vd_guestlog_reader *r, struct vd_guestlog_line *ret_line)
{
	int rc = vd_lines_next(&r->lines, &ret_line->line);

	if (rc != 0)
		return rc;
	if (ret_line->line.first) {
		vd_guestline_next(&r->state, ret_line->line.text, ret_line->line.len, &r->info);
		while (r->at + 1 < r->log->n_files && r->begins[r->at + 1] <= ret_line->line.offset)
			r->at++;
		ret_line->path = r->log->files[r->at].path;
		ret_line->offset = ret_line->line.offset - r->begins[r->at];
	}
	ret_line->info = r->info;
	return 0;
}

const struct vd_strv *vd_guestlog_problems(const struct vd_guestlog_reader *reader)
{
	return &reader->problems;
}

void vd_guestlog_close(struct vd_guestlog_reader *r)
{
	if (!r)
		return;
	vd_lines_release(&r->lines);
	vd_unpack_free(r->file);
	vd_strv_release(&r->problems);
	free(r->begins);
	free(r);
}

void vd_guestlog_cleanup(struct vd_guestlog_reader **reader)
{
	vd_guestlog_close(*reader);
}

int vd_guestlog_boots(struct vd_root *root, const struct vd_guestlog *log, bool keep, struct vd_boots *boots,
                      struct vd_strv *problems, struct vd_err *err)
{
	VD_AUTO_GUESTLOG struct vd_guestlog_reader *reader = NULL;
	struct vd_guestlog_line line;
	int rc;

	vd_boots_init(boots, log->driver, keep);
	rc = vd_guestlog_open(root, log, 0, 0, &reader, err);
	if (rc < 0)
		return rc;
	while ((rc = vd_guestlog_next(reader, &line)) == 0)
		if (line.line.first && vd_boots_line(boots, &line.info, line.line.text, line.line.len) < 0)
			return vd_err_set(err, ENOMEM, "no memory to read the log of %s", log->guest);
	for (size_t i = 0; i < reader->problems.len && rc >= 0; i++)
		if (vd_strv_add(problems, reader->problems.items[i]) < 0)
			rc = -ENOMEM;
	return rc < 0 ? vd_err_set(err, -rc, "cannot read the log of %s: %s", log->guest, strerror(-rc)) : 0;
}

void vd_guestlog_command_release(struct vd_guestlog_command *command)
{
	vd_buf_release(&command->text);
	vd_buf_release(&command->init);
}

/* Add a line, or a piece of one, to what it belongs to. */
static int add_command_line(struct vd_guestlog_command *command, const struct vd_guestlog *log,
                            const struct vd_guestlog_line *line, bool *in_init)
{
	struct vd_buf *to;

	if (line->line.first)
		*in_init = log->driver == VD_DRIVER_LXC && command->text.len > 0;
	to = *in_init ? &command->init : &command->text;
	if (to->len + line->line.len > VD_GUESTLOG_MAX_COMMAND)
		return -EFBIG;
	if (vd_buf_add(to, line->line.text, line->line.len) < 0)
		return -ENOMEM;
	return line->line.last ? vd_buf_addc(to, '\n') : 0;
}

int vd_guestlog_find_command(struct vd_root *root, const struct vd_guestlog *log, size_t number,
                             struct vd_guestlog_command *ret_command, struct vd_err *err)
{
	VD_AUTO_GUESTLOG struct vd_guestlog_reader *reader = NULL;
	VD_CLEANUP(vd_boots_release) struct vd_boots boots = { 0 };
	struct vd_guestlog_line line;
	bool in_init = false;
	int rc;

	memset(ret_command, 0, sizeof(*ret_command));
	vd_boots_init(&boots, log->driver, false);
	rc = vd_guestlog_open(root, log, 0, 0, &reader, err);
	while (rc == 0 && (rc = vd_guestlog_next(reader, &line)) == 0) {
		if (line.line.first)
			rc = vd_boots_line(&boots, &line.info, line.line.text, line.line.len) < 0 ? -ENOMEM : 0;
		if (rc < 0 || vd_boots_count(&boots) > number + 1)
			break;
		if (vd_boots_count(&boots) < number + 1 ||
		    (line.info.kind != VD_KIND_ENV && line.info.kind != VD_KIND_ARGV))
			continue;
		ret_command->beginning_lost |= line.info.block_begins && line.line.offset == 0;
		rc = add_command_line(ret_command, log, &line, &in_init);
	}
	if (rc == -EFBIG)
		return vd_err_set(err, EFBIG, "the command line in the log of %s is longer than %u MiB", log->guest,
		                  VD_GUESTLOG_MAX_COMMAND >> 20);
	return rc < 0 ? vd_err_set(err, -rc, "cannot read the log of %s: %s", log->guest, strerror(-rc)) : 0;
}
