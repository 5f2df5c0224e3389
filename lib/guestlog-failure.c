/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "guestlog.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vlog.h"

VLOG_CATEGORY("virtdiag.guestlog-failure");

/* How far back in the newest file is looked: some hundred starts, and quick for a thousand guests. */
#define LOOK_BACK (64 * 1024)
/* Of an error's line. */
#define MAX_ERROR 1024

static bool is_failure(const struct vd_boot *boot)
{
	return boot->end_kind == VD_BOOT_EARLY || boot->end_kind == VD_BOOT_FAILED ||
	       (boot->end_kind == VD_BOOT_ENDED &&
	        (!strcmp(boot->reason, "failed") || !strcmp(boot->reason, "crashed")));
}

/* Remember the line as the error of the boot that is read; later ones of the same boot are their consequences. */
static int note_error(struct vd_strv *errors, size_t boot, const struct vd_guestlog_line *line)
{
	const char *text = line->info.message ? line->info.message : line->line.text;
	size_t len = line->info.message ? line->info.message_len : line->line.len;

	while (errors->len < boot)
		if (vd_strv_add(errors, "") < 0)
			return -ENOMEM;
	if (*errors->items[boot - 1])
		return 0;
	free(errors->items[boot - 1]);
	errors->items[boot - 1] = strndup(text, len < MAX_ERROR ? len : MAX_ERROR);
	return errors->items[boot - 1] ? 0 : -ENOMEM;
}

static int read_end(struct vd_guestlog_reader *reader, struct vd_boots *boots, struct vd_strv *errors)
{
	struct vd_guestlog_line line;
	int rc;

	while ((rc = vd_guestlog_next(reader, &line)) == 0) {
		if (!line.line.first)
			continue;
		if (vd_boots_line(boots, &line.info, line.line.text, line.line.len) < 0)
			return -ENOMEM;
		if (line.info.level == VD_LEVEL_ERROR && line.info.kind != VD_KIND_SHUTDOWN && boots->len &&
		    note_error(errors, boots->len, &line) < 0)
			return -ENOMEM;
	}
	return rc < 0 ? rc : 0;
}

int vd_guestlog_last_failure(struct vd_root *root, const struct vd_guestlog *log,
                             struct vd_guestlog_failure *ret_failure, struct vd_err *err)
{
	VD_AUTO_GUESTLOG struct vd_guestlog_reader *reader = NULL;
	VD_CLEANUP(vd_boots_release) struct vd_boots boots = { 0 };
	VD_AUTO_STRV errors = VD_STRV_INIT;
	const struct vd_guestlog_file *newest = &log->files[log->n_files - 1];
	int rc;

	vd_boots_init(&boots, log->driver, true);
	rc = vd_guestlog_open(root, log, log->n_files - 1, newest->size > LOOK_BACK ? newest->size - LOOK_BACK : 0,
	                      &reader, err);
	if (rc == 0)
		rc = read_end(reader, &boots, &errors);
	if (rc < 0)
		return vd_err_set(err, -rc, "cannot read the log of %s: %s", log->guest, strerror(-rc));
	for (size_t i = boots.len; i-- > 0;) {
		VD_AUTO_BUF reason = VD_BUF_INIT;

		if (!is_failure(&boots.items[i]))
			continue;
		vd_boot_reason(&boots.items[i], log->driver, true, &reason);
		VLOG_DEBUG("%s: boot %zu of %zu read failed", log->guest, i + 1, boots.len);
		*ret_failure = (struct vd_guestlog_failure){
			.time = boots.items[i].end != VD_NO_TIME ? boots.items[i].end : boots.items[i].start,
			.reason = vd_buf_steal(&reason),
			.error = i < errors.len && *errors.items[i] ? vd_steal(errors.items[i]) : NULL,
		};
		return 0;
	}
	return 1;
}

void vd_guestlog_failure_release(struct vd_guestlog_failure *failure)
{
	free(failure->reason);
	free(failure->error);
	*failure = (struct vd_guestlog_failure){ 0 };
}
