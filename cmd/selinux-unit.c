/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A second guard where systemd runs: a transient service, outside our session and our group, that systemd starts again
 * when it is killed. It runs `virtdiag __guard`, which waits for the end of the process that made the change.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "daemons.h"
#include "program.h"
#include "report.h"
#include "selinux.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cmd.selinux-unit");

/* systemd answers within a second; on a host that is stuck we go on with the child alone. */
#define TIMEOUT_MS 10000

enum {
	ARG_PID,
	ARG_TICKS,
	ARG_ENFORCING,
	ARG_COUNTED,
	ARG_SEQUENCE,
	ARG_LOADS,
	ARG_DOMAINS
};

static int add_number(struct vd_strv *argv, uint64_t n)
{
	char text[32];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)n);
	return vd_strv_add(argv, text);
}

static int add_words(struct vd_strv *argv, const struct vd_mode_change *change, uint64_t ticks, const char *exe)
{
	static const char *const words[] = {
		"systemd-run", "--quiet", "--collect",
		/* Told only once it runs: what systemd may not execute is an error here. */
		"--property=Type=exec", "--property=Restart=on-failure", "--property=RestartSec=100ms",
		"--property=OOMScoreAdjust=-900", "--description=takes back selinux permissive of virtdiag", NULL
	};
	VD_AUTO_BUF unit = VD_BUF_INIT;
	const uint64_t numbers[ARG_DOMAINS] = {
		[ARG_PID] = (uint64_t)getpid(),
		[ARG_TICKS] = ticks,
		[ARG_ENFORCING] = change->before.enforcing,
		[ARG_COUNTED] = change->before.counted,
		[ARG_SEQUENCE] = change->before.sequence,
		[ARG_LOADS] = change->before.loads,
	};
	int r = vd_buf_addf(&unit, "--unit=virtdiag-restore-%ld", (long)getpid());

	for (size_t i = 0; words[i] && !r; i++)
		r = vd_strv_add(argv, words[i]);
	if (!r)
		r = vd_strv_add(argv, vd_buf_str(&unit));
	if (!r)
		r = vd_strv_add(argv, "--");
	if (!r)
		r = vd_strv_add(argv, exe);
	if (!r)
		r = vd_strv_add(argv, "__guard");
	for (size_t i = 0; i < ARG_DOMAINS && !r; i++)
		r = add_number(argv, numbers[i]);
	for (size_t i = 0; change->domains && i < change->domains->len && !r; i++)
		r = vd_strv_add(argv, change->domains->items[i]);
	return r;
}

int vd_guard_unit_start(struct vd_root *root, const struct vd_mode_change *change, struct vd_err *err)
{
	VD_AUTO_BUF out = VD_BUF_INIT, errors = VD_BUF_INIT;
	VD_AUTO_STRV argv = VD_STRV_INIT;
	char exe[4096];
	struct stat st;
	ssize_t n;
	int status = 0, r;

	/* sd_booted(3) */
	if (lstat("/run/systemd/system", &st) < 0 || !S_ISDIR(st.st_mode))
		return vd_err_set(err, ENOENT, "systemd does not run here");
	n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);
	if (n < 0)
		return vd_err_set(err, errno, "cannot tell the name of this program: %s", strerror(errno));
	exe[n] = '\0';
	if (add_words(&argv, change, vd_process_ticks(root, getpid()), exe) < 0)
		return vd_err_set(err, ENOMEM, "no memory");
	r = vd_program_run((const char *const *)argv.items, TIMEOUT_MS, &out, &errors, &status, err);
	if (r < 0)
		return r;
	if (status)
		return vd_err_set(err, EIO, "systemd-run: status %d: %s", status, vd_buf_str(&errors));
	return 0;
}

/* --- virtdiag __guard --------------------------------------------------------------------------------------------- */

static bool parse_numbers(char **argv, uint64_t numbers[ARG_DOMAINS])
{
	for (size_t i = 0; i < ARG_DOMAINS; i++) {
		char *end;

		errno = 0;
		numbers[i] = strtoull(argv[i], &end, 10);
		if (errno || *end || end == argv[i])
			return false;
	}
	return numbers[ARG_PID] > 0 && numbers[ARG_PID] <= INT32_MAX && numbers[ARG_SEQUENCE] <= UINT32_MAX &&
	       numbers[ARG_LOADS] <= UINT32_MAX;
}

/* Returns when the process is gone, also when it was before. */
static void wait_for_end(struct vd_root *root, pid_t pid, uint64_t ticks)
{
	VD_AUTO_CLOSE int fd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = { .fd = fd, .events = POLLIN };

	/* The descriptor is of whoever has the number now. */
	if (!vd_process_is_same(root, pid, ticks))
		return;
	if (fd < 0) {
		/* A kernel before 5.3. */
		while (vd_process_is_same(root, pid, ticks))
			(void)poll(NULL, 0, 200);
		return;
	}
	while (poll(&p, 1, -1) < 0 && errno == EINTR)
		;
}

static enum vd_exit run_guard(struct vd_ctx *ctx, int argc, char **argv)
{
	VD_AUTO_STRV domains = VD_STRV_INIT;
	uint64_t numbers[ARG_DOMAINS];
	struct vd_mode_change change = { 0 };
	enum vd_selinux_restored result;
	VD_AUTO_ERR err = VD_ERR_INIT;

	if (argc < ARG_DOMAINS || !parse_numbers(argv, numbers))
		return vd_usage(ctx, "this command is for virtdiag's own use");
	for (int i = ARG_DOMAINS; i < argc; i++)
		vd_need_memory(vd_strv_add(&domains, argv[i]) == 0);
	change.before = (struct vd_selinux_state){ .enforcing = numbers[ARG_ENFORCING],
		                                   .counted = numbers[ARG_COUNTED],
		                                   .sequence = (uint32_t)numbers[ARG_SEQUENCE],
		                                   .loads = (uint32_t)numbers[ARG_LOADS] };
	change.domains = domains.len ? &domains : NULL;
	wait_for_end(ctx->root, (pid_t)numbers[ARG_PID], numbers[ARG_TICKS]);
	result = vd_mode_take_back(&change, &err);
	VLOG_INFO("process %llu has ended: %d", (unsigned long long)numbers[ARG_PID], (int)result);
	return result == VD_RESTORED_FAILED ? vd_fail(ctx, &err) : VD_EXIT_OK;
}

static const struct vd_arg guard_args[] = {
	{ .name = "NUMBER", .type = VD_OPT_STRING, .repeats = true, .help = "what was there before, and domains" },
	{ 0 },
};

extern const struct vd_cmd vd_cmd_guard;
const struct vd_cmd vd_cmd_guard = {
	.name = "__guard",
	.summary = "take a change of the SELinux mode back when a process ends",
	.args = guard_args,
	.flags = VD_CMD_HIDDEN | VD_CMD_LIVE_ONLY | VD_CMD_NO_JSON,
	.run = run_guard,
};
