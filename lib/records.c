/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "records.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* With many logs at once each gets a smaller buffer. */
#define MANY        8
#define SMALL_PIECE ((size_t)128 << 10)

static void source_free(struct vd_records_source *source)
{
	if (!source)
		return;
	vd_lines_release(&source->lines);
	vd_unpack_free(source->unpack);
	if (source->fd >= 0)
		close(source->fd);
	free(source->name);
	free(source);
}

static void source_cleanup(struct vd_records_source **source)
{
	source_free(*source);
}

static ssize_t read_unpacked(void *data, char *to, size_t max)
{
	return vd_unpack_read(data, to, max);
}

/* Begin reading source->fd, through the unpacker when it is packed. */
static int begin(struct vd_records_source *source, int64_t offset, size_t piece, struct vd_err *err)
{
	struct stat st;
	int copy, r;

	if (fstat(source->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return vd_lines_init(&source->lines, source->fd, 0, piece);
	copy = dup(source->fd); /* the unpacker keeps what it gets */
	if (copy < 0)
		return -errno;
	r = vd_unpack_open(copy, offset, &source->unpack, err);
	if (r < 0)
		return r;
	if (vd_unpack_form(source->unpack) != VD_PACK_NONE)
		return vd_lines_init_read(&source->lines, read_unpacked, source->unpack, piece);
	vd_unpack_free(source->unpack);
	source->unpack = NULL;
	return vd_lines_init(&source->lines, source->fd, offset, piece);
}

int vd_records_add(struct vd_records *records, int fd, const char *name, int64_t offset, int64_t reference,
                   struct vd_err *err)
{
	VD_CLEANUP(source_cleanup) struct vd_records_source *source = calloc(1, sizeof(*source));
	struct vd_records_source **grown;
	struct stat st;
	int r;

	if (!source) {
		close(fd);
		return vd_err_set(err, ENOMEM, "no memory to read %s", name);
	}
	source->fd = fd;
	source->name = strdup(name);
	grown = realloc(records->items, (records->len + 1) * sizeof(struct vd_records_source *));
	if (grown)
		records->items = grown;
	if (!grown || !source->name)
		return vd_err_set(err, ENOMEM, "no memory to read %s", name);
	source->clock.reference = reference;
	if (!reference)
		source->clock.reference =
		        fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (int64_t)st.st_mtime : (int64_t)time(NULL);
	r = begin(source, offset, records->len < MANY ? 0 : SMALL_PIECE, err);
	if (r < 0) {
		if (err && !err->code)
			vd_err_set(err, -r, "cannot read %s: %s", name, strerror(-r));
		return r;
	}
	records->items[records->len++] = vd_steal(source);
	return 0;
}

void vd_records_release(struct vd_records *records)
{
	for (size_t i = 0; i < records->len; i++)
		source_free(records->items[i]);
	free(records->items);
	records->items = NULL;
	records->len = 0;
}

static int fail(const struct vd_records_source *source, int r, struct vd_err *err)
{
	return vd_err_set(err, -r, "cannot read %s: %s", source->name,
	                  r == -EBADMSG ? "the compressed data is damaged or cut off" : strerror(-r));
}

/* Have the next line of @source at hand. Returns 0 or a negative errno; source->ended tells the rest. */
static int load(const struct vd_records *records, struct vd_records_source *source)
{
	int r;

	if (source->loaded || source->ended)
		return 0;
	r = vd_lines_next(&source->lines, &source->line);
	if (r != 0) {
		source->ended = true;
		return r < 0 ? r : 0;
	}
	source->loaded = true;
	source->is_head = source->line.first &&
	                  vd_record_parse(source->line.text, source->line.len, records->flags, &source->record);
	if (source->is_head && records->want_time) {
		int64_t time = vd_record_time(&source->clock, &source->record);

		/* One without a time stays where it is among its own. */
		source->time = time == VD_NO_TIME && source->time ? source->time : time;
	}
	return 0;
}

/* The source whose next line is due: that of a record that is not complete, else the earliest. */
static int choose(struct vd_records *records, struct vd_err *err)
{
	size_t best = records->len;

	if (records->begun) {
		struct vd_records_source *source = records->items[records->current];
		int r = load(records, source);

		if (r < 0)
			return fail(source, r, err);
		if (!source->ended && !source->is_head)
			return 0;
	}
	for (size_t i = 0; i < records->len; i++) {
		struct vd_records_source *source = records->items[i];
		int r = load(records, source);

		if (r < 0)
			return fail(source, r, err);
		if (source->ended)
			continue;
		/* Lines before the first head come first; equal times keep the order of the logs. */
		if (best == records->len ||
		    (source->is_head ? source->time : VD_NO_TIME) <
		            (records->items[best]->is_head ? records->items[best]->time : VD_NO_TIME))
			best = i;
	}
	if (best == records->len)
		return 1;
	records->current = best;
	records->begun = true;
	return 0;
}

static int next_of_one(struct vd_records *records, struct vd_records_line *ret_line, struct vd_err *err)
{
	struct vd_records_source *source = records->items[0];
	const char *window;
	size_t len, skip;
	int r;

	while (records->skip && !source->ended && vd_lines_window(&source->lines, &window, &len)) {
		skip = records->skip(records->skip_data, window, len, source->lines.offset);
		vd_lines_skip(&source->lines, skip);
		if (skip < len)
			break;
	}
	r = source->ended ? 1 : vd_lines_next(&source->lines, &ret_line->line);

	if (r != 0) {
		source->ended = true;
		return r < 0 ? fail(source, r, err) : 1;
	}
	ret_line->record = NULL;
	if (ret_line->line.first &&
	    vd_record_parse(ret_line->line.text, ret_line->line.len, records->flags, &records->record)) {
		ret_line->record = &records->record;
		if (records->want_time)
			records->time = vd_record_time(&source->clock, &records->record);
	}
	ret_line->source = source->name;
	ret_line->number = 0;
	return 0;
}

int vd_records_next(struct vd_records *records, struct vd_records_line *ret_line, struct vd_err *err)
{
	struct vd_records_source *source;
	int r;

	if (!records->begun)
		records->time = VD_NO_TIME;
	if (records->len == 1) {
		r = next_of_one(records, ret_line, err);
		records->begun = true;
		ret_line->time = records->time;
		return r;
	}
	r = choose(records, err);
	if (r != 0)
		return r;
	source = records->items[records->current];
	source->loaded = false;
	ret_line->line = source->line;
	ret_line->record = NULL;
	if (source->is_head) {
		records->record = source->record;
		records->time = source->time;
		ret_line->record = &records->record;
	}
	ret_line->time = source->is_head ? source->time : records->time;
	ret_line->source = source->name;
	ret_line->number = records->current;
	return 0;
}
