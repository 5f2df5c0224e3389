/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Protects running other programs: output, status, environment, signals, and that nothing hangs. */
#include "../../lib/program.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include "tap.h"

static int run(const char *script, unsigned timeout, struct vd_buf *out, struct vd_buf *errors, int *ret_status,
               struct vd_err *err)
{
	const char *const argv[] = { "sh", "-c", script, "a b", NULL };

	return vd_program_run(argv, timeout, out, errors, ret_status, err);
}

static void test_results(void)
{
	static const struct {
		const char *script, *out, *errors;
		int status;
	} cases[] = {
		{ "echo out; echo err >&2; exit 3", "out\n", "err\n", 3 },
		{ "echo \"$0\"", "a b\n", "", 0 },
		{ "kill -TERM $$", "", "", 143 },
		{ "cat", "", "", 0 },
		{ "echo $LC_ALL/$LIBVIRT_DEBUG/$LIBVIRT_LOG_FILTERS/$KEPT", "C///yes\n", "", 0 },
		/* Signals are neither blocked nor ignored. */
		{ "(sleep 0.1; kill -INT $$) & wait", "", "", 130 },
	};

	for (size_t i = 0; i < VD_ARRAY_SIZE(cases); i++) {
		VD_AUTO_BUF out = VD_BUF_INIT, errors = VD_BUF_INIT;
		int status = -1;

		tap_int(run(cases[i].script, 5000, &out, &errors, &status, NULL), 0, "%s: runs", cases[i].script);
		tap_int(status, cases[i].status, "%s: status", cases[i].script);
		tap_str(vd_buf_str(&out), cases[i].out, "%s: output", cases[i].script);
		tap_str(vd_buf_str(&errors), cases[i].errors, "%s: errors", cases[i].script);
	}
}

static void test_limits(void)
{
	VD_AUTO_BUF out = VD_BUF_INIT, errors = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	const char *const nothing[] = { "virtdiag-no-such-program", NULL };
	int status = -1;

	tap_int(run("sleep 60", 200, &out, &errors, &status, &err), -ETIMEDOUT, "a program that hangs");
	tap_ok(strstr(vd_err_text(&err), "did not answer") != NULL, "a program that hangs: sentence");
	tap_int(run("exec >&- 2>&-; sleep 60", 200, &out, &errors, &status, &err), -ETIMEDOUT,
	        "a program that hangs without output");
	tap_int(run("sleep 60 & sleep 60", 200, &out, &errors, &status, &err), -ETIMEDOUT,
	        "a program whose child hangs");
	tap_int(status, -1, "status untouched");
	tap_int(vd_program_run(nothing, 1000, &out, &errors, &status, &err), -ENOENT, "no such program");
	vd_buf_clear(&out);
	tap_int(run("head -c 3000000 /dev/zero", 20000, &out, &errors, &status, &err), 0, "a flood");
	tap_int(out.len, VD_PROGRAM_MAX_OUTPUT, "a flood is cut");
}

int main(void)
{
	sigset_t set;

	setenv("LIBVIRT_DEBUG", "1", 1);
	setenv("LIBVIRT_LOG_FILTERS", "9:bad", 1);
	setenv("LC_ALL", "de_DE.UTF-8", 1);
	setenv("KEPT", "yes", 1);
	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGINT, SIG_IGN);
	test_results();
	test_limits();
	return tap_done();
}
