/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lines of a guest's log, the starts they make, and the command line among them. */
#include "fuzz.h"
#include "guestboot.h"
#include "guestcmd.h"

static void check_line(const struct vd_guestline *line, const char *text, size_t len)
{
	FUZZ_CHECK((unsigned)line->kind < VD_KIND_COUNT_, "the kind is one of the kinds");
	FUZZ_CHECK(line->level >= VD_LEVEL_DEBUG && line->level <= VD_LEVEL_ERROR, "the level is one of the levels");
	FUZZ_CHECK(line->message >= text && line->message + line->message_len <= text + len,
	           "the message is a piece of the line");
}

static void check_command(const struct vd_buf *block, enum vd_driver driver)
{
	VD_CLEANUP(vd_guestcmd_release) struct vd_guestcmd cmd = { 0 }, again = { 0 };
	VD_AUTO_BUF shell = VD_BUF_INIT;
	enum vd_guestcmd_change *a, *b;

	if (vd_guestcmd_parse(vd_buf_str(block), block->len, driver, &cmd) < 0 || vd_guestcmd_shell(&shell, &cmd) < 0)
		return;
	a = calloc(cmd.len + 1, sizeof(*a));
	b = calloc(cmd.len + 1, sizeof(*b));
	if (a && b && vd_guestcmd_compare(&cmd, &cmd, a, b) == 0)
		for (size_t i = 0; i < cmd.len; i++)
			FUZZ_CHECK(a[i] == VD_GUESTCMD_SAME, "a command is the same as itself");
	free(a);
	free(b);
	/* Control characters are written with printf, which is no part of the log's quoting. */
	if (!cmd.len || cmd.items[0].kind == VD_GUESTCMD_OPTION || cmd.cut ||
	    memmem(shell.data, shell.len, "$(printf", 8) || memchr(vd_buf_str(block), '\0', block->len))
		return;
	if (vd_guestcmd_parse(shell.data + strlen("env -i \\\n"), shell.len - strlen("env -i \\\n"), VD_DRIVER_QEMU,
	                      &again) < 0)
		return;
	if (driver == VD_DRIVER_QEMU && vd_guestcmd_program(&cmd))
		FUZZ_CHECK(vd_guestcmd_program(&again) &&
		                   !strcmp(vd_guestcmd_program(&again), vd_guestcmd_program(&cmd)),
		           "what is written for a shell names the same program");
}

FUZZ_TARGET("guestlog")
{
	enum vd_driver driver = size && (data[size - 1] & 1) ? VD_DRIVER_LXC : VD_DRIVER_QEMU;
	VD_CLEANUP(vd_boots_release) struct vd_boots boots = { 0 };
	struct vd_guestline_state state;
	struct vd_guestline line;
	VD_AUTO_BUF block = VD_BUF_INIT, reason = VD_BUF_INIT;
	size_t begun = 0;

	vd_guestline_init(&state, driver, VD_KIND_START);
	vd_boots_init(&boots, driver, true);
	for (size_t pos = 0; pos < size;) {
		const char *text = (const char *)data + pos, *end = memchr(text, '\n', size - pos);
		size_t len = end ? (size_t)(end - text) : size - pos;
		int rc;

		vd_guestline_next(&state, text, len, &line);
		check_line(&line, text, len);
		rc = vd_boots_line(&boots, &line, text, len);
		if (rc < 0)
			return 0;
		begun += rc == 1;
		if ((line.kind == VD_KIND_ENV || line.kind == VD_KIND_ARGV) &&
		    (vd_buf_add(&block, text, len) < 0 || vd_buf_addc(&block, '\n') < 0))
			return 0;
		pos += len + 1;
	}
	FUZZ_CHECK(begun == vd_boots_count(&boots) && begun == boots.len, "each start is told of and kept");
	for (size_t i = 0; i < boots.len; i++) {
		vd_boot_reason(&boots.items[i], driver, true, &reason);
		FUZZ_CHECK(reason.len, "each start has ended somehow");
	}
	check_command(&block, driver);
	return 0;
}
