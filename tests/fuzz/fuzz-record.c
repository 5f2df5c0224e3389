/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Any line: what is found of a record's head lies inside the line, and a head that is written anew is found again. */
#include "fuzz.h"

#include "record.h"
#include "whose.h"

static void check_slice(const struct vd_slice *slice, const char *line, size_t len, const char *what)
{
	if (!slice->len)
		return;
	FUZZ_CHECK(slice->s >= line && slice->s + slice->len <= line + len, "%s lies outside the line", what);
}

static void check_again(const struct vd_record *record)
{
	char head[512];
	struct vd_record again;
	int n;

	if (record->form != VD_RECORD_ZONED || !record->function.len || record->function.len > 256)
		return;
	n = snprintf(head, sizeof(head), "%.*s: %u: %s : %.*s:%u : ", (int)record->stamp.len, record->stamp.s,
	             record->thread, vd_record_level_name(record->level), (int)record->function.len, record->function.s,
	             record->line);
	FUZZ_CHECK(vd_record_parse(head, (size_t)n, 0, &again), "no record when written anew: %s", head);
	FUZZ_CHECK(again.level == record->level && again.thread == record->thread && again.line == record->line &&
	                   again.function.len == record->function.len && again.message.len == 0,
	           "another record when written anew: %s", head);
}

/* Whose it is, asked twice: the second time the names are known. */
static void check_owner(const struct vd_record *record)
{
	VD_CLEANUP(vd_whose_cleanup) struct vd_whose *whose = vd_whose_new();

	if (!whose)
		return;
	vd_whose_want(whose, "web 01", "00000000-0000-4000-8000-000000000102");
	for (int i = 0; i < 2; i++) {
		int guest = vd_whose_record(whose, 0, record);

		FUZZ_CHECK(guest >= -1 && (guest < 0 || vd_whose_name(whose, guest)), "guest %d has no name", guest);
		vd_whose_wanted(whose, guest);
	}
}

FUZZ_TARGET("record")
{
	struct vd_record_clock clock = { .reference = 1795435200 }, far = { .reference = INT64_MAX };
	char *line = malloc(size ? size : 1); /* of exactly this size */
	struct vd_record record;

	if (!line)
		return 0;
	if (size)
		memcpy(line, data, size);
	for (unsigned flags = 0; flags <= VD_RECORD_PASTED; flags++) {
		if (!vd_record_parse(line, size, flags, &record))
			continue;
		FUZZ_CHECK(record.form < VD_RECORD_COUNT_ && record.level <= 4, "form or level is none");
		FUZZ_CHECK(record.prefix <= size, "the prefix is longer than the line");
		check_slice(&record.stamp, line, size, "stamp");
		check_slice(&record.outer_stamp, line, size, "outer stamp");
		check_slice(&record.function, line, size, "function");
		check_slice(&record.level_word, line, size, "level word");
		check_slice(&record.program, line, size, "program");
		FUZZ_CHECK(record.message.s + record.message.len == line + size, "the message ends before the line");
		vd_record_time(&clock, &record);
		/* As a file's time may be: any number. */
		memcpy(&far.reference, line, size < sizeof(far.reference) ? size : sizeof(far.reference));
		vd_record_time(&far, &record);
		check_again(&record);
		check_owner(&record);
	}
	free(line);
	return 0;
}
