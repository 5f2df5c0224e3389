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
	vd_journal_free(source->journal);
	vd_buf_release(&source->entry);
	vd_buf_release(&source->category);
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

/* A new source, not yet among the others, for which there is room. NULL without memory. */
static struct vd_records_source *source_new(struct vd_records *records, const char *name, int fd)
{
	struct vd_records_source *source = calloc(1, sizeof(*source)), **grown;

	if (!source) {
		if (fd >= 0)
			close(fd);
		return NULL;
	}
	source->fd = fd;
	source->name = strdup(name);
	grown = realloc(records->items, (records->len + 1) * sizeof(struct vd_records_source *));
	if (grown)
		records->items = grown;
	if (grown && source->name)
		return source;
	source_free(source);
	return NULL;
}

int vd_records_add(struct vd_records *records, int fd, const char *name, int64_t offset, int64_t reference,
                   struct vd_err *err)
{
	VD_CLEANUP(source_cleanup) struct vd_records_source *source = source_new(records, name, fd);
	struct stat st;
	int r;

	if (!source)
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

/* Add the journal; *@ret_journal, which is owned by its source, is to be put where reading begins. */
static int add_journal(struct vd_records *records, struct vd_root *root, struct vd_journal **ret_journal,
                       struct vd_err *err)
{
	VD_CLEANUP(source_cleanup) struct vd_records_source *source = source_new(records, "journal", -1);
	int r;

	if (!source)
		return vd_err_set(err, ENOMEM, "no memory to read the journal");
	r = vd_journal_open(root, &source->journal, err);
	if (r < 0)
		return r;
	*ret_journal = source->journal;
	records->items[records->len++] = vd_steal(source);
	return 0;
}

int vd_records_add_journal(struct vd_records *records, struct vd_root *root, int64_t since, struct vd_err *err)
{
	struct vd_journal *journal;
	int r = add_journal(records, root, &journal, err);

	if (r == 0 && since != INT64_MIN && (r = vd_journal_seek(journal, since)) < 0)
		return vd_err_set(err, -r, "cannot read the journal: %s", strerror(-r));
	return r;
}

int vd_records_add_journal_file(struct vd_records *records, int fd, const char *name, int64_t since, struct vd_err *err)
{
	VD_CLEANUP(source_cleanup) struct vd_records_source *source = source_new(records, name, fd);
	int r;

	if (!source)
		return vd_err_set(err, ENOMEM, "no memory to read %s", name);
	r = vd_journal_open_file(fd, name, &source->journal, err);
	if (r < 0)
		return r;
	if (since != INT64_MIN && (r = vd_journal_seek(source->journal, since)) < 0)
		return vd_err_set(err, -r, "cannot read %s: %s", name, strerror(-r));
	records->items[records->len++] = vd_steal(source);
	return 0;
}

int vd_records_add_journal_end(struct vd_records *records, struct vd_root *root, uint64_t count, struct vd_err *err)
{
	struct vd_journal *journal;
	int r = add_journal(records, root, &journal, err);

	if (r == 0 && (r = vd_journal_seek_last(journal, count)) < 0)
		return vd_err_set(err, -r, "cannot read the journal: %s", strerror(-r));
	return r;
}

int vd_records_go_on(struct vd_records *records, struct vd_root *root, bool rotated, struct vd_err *err)
{
	struct vd_records_source *source = records->items[0];

	source->ended = false;
	return rotated || vd_journal_is_incomplete(source->journal) ? vd_journal_reopen(source->journal, root, err) : 0;
}

/* The head that libvirt writes to a file, for an entry of the journal; the thread is its process. */
static int add_head(struct vd_buf *text, const struct vd_journal_entry *entry)
{
	time_t second = (time_t)(entry->time / 1000000);
	struct tm tm;

	if (!gmtime_r(&second, &tm))
		return -EINVAL;
	if (vd_buf_addf(text, "%04d-%02d-%02d %02d:%02d:%02d.%03d+0000: %u: %s : ", tm.tm_year + 1900, tm.tm_mon + 1,
	                tm.tm_mday, tm.tm_hour, tm.tm_min, tm.tm_sec, (int)(entry->time % 1000000 / 1000), entry->pid,
	                vd_record_level_name(entry->level ? entry->level : 2)) < 0)
		return -ENOMEM;
	if (!entry->function)
		return 0;
	return vd_buf_addf(text, "%.*s:%u : ", (int)entry->function_len, entry->function, entry->line);
}

/* Make the next entry of the journal the text of source->entry. Returns 0; 1 at the end; a negative errno. */
static int next_entry(struct vd_records_source *source)
{
	struct vd_journal_entry entry;
	struct vd_record record;
	int r = vd_journal_next(source->journal, &entry);

	if (r != 0)
		return r;
	vd_buf_clear(&source->entry);
	vd_buf_clear(&source->category);
	source->entry_pos = 0;
	/* What a daemon wrote to standard error has a head of its own. */
	source->made_head = !entry.message || !vd_record_parse(entry.message, entry.message_len, 0, &record);
	if (source->made_head)
		r = add_head(&source->entry, &entry);
	if (r == 0 && entry.message)
		r = vd_buf_add(&source->entry, entry.message, entry.message_len);
	if (r == 0 && entry.category)
		r = vd_buf_add(&source->category, entry.category, entry.category_len);
	return r == 0 ? vd_buf_reserve(&source->entry, VD_LINES_SLACK) : r;
}

/* vd_lines_next() of whatever the source is. */
static int next_line(struct vd_records_source *source, struct vd_line *ret_line)
{
	const char *s, *newline;
	size_t left;
	int r;

	if (!source->journal)
		return vd_lines_next(&source->lines, ret_line);
	if (source->entry_pos >= source->entry.len) {
		r = next_entry(source);
		if (r != 0)
			return r;
	}
	s = source->entry.data + source->entry_pos;
	left = source->entry.len - source->entry_pos;
	newline = memchr(s, '\n', left);
	left = newline ? (size_t)(newline - s) : left;
	*ret_line = (struct vd_line){
		.text = s, .len = left, .offset = source->entry_offset, .first = true, .last = true, .newline = true
	};
	source->entry_pos += left + 1;
	source->entry_offset += (int64_t)left + 1;
	return 0;
}

/* What a record of the journal has or lacks, compared with that of a file. */
static void take_journal(const struct vd_records_source *source, struct vd_record *record)
{
	if (!source->journal)
		return;
	record->category = (struct vd_slice){ source->category.data, source->category.len };
	record->no_thread = source->made_head;
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
	r = next_line(source, &source->line);
	if (r != 0) {
		source->ended = true;
		return r < 0 ? r : 0;
	}
	source->loaded = true;
	source->is_head = source->line.first &&
	                  vd_record_parse(source->line.text, source->line.len, records->flags, &source->record);
	if (source->is_head)
		take_journal(source, &source->record);
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

	while (records->skip && !source->journal && !source->ended && vd_lines_window(&source->lines, &window, &len)) {
		skip = records->skip(records->skip_data, window, len, source->lines.offset);
		vd_lines_skip(&source->lines, skip);
		if (skip < len)
			break;
	}
	r = source->ended ? 1 : next_line(source, &ret_line->line);

	if (r != 0) {
		source->ended = true;
		return r < 0 ? fail(source, r, err) : 1;
	}
	ret_line->record = NULL;
	if (ret_line->line.first &&
	    vd_record_parse(ret_line->line.text, ret_line->line.len, records->flags, &records->record)) {
		ret_line->record = &records->record;
		take_journal(source, &records->record);
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
