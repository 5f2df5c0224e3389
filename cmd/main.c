/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "command-internal.h"
#include "vlog.h"

/*
 * A standard descriptor that is closed would be taken by the next file that is opened, and output would go there.
 * Opened for reading only, so that writing to it fails as it does on a closed one.
 */
static void hold_standard_fds(void)
{
	for (int fd = 0; fd <= 2; fd++)
		if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", O_RDONLY) < 0)
			return;
}

int main(int argc, char **argv)
{
	enum vd_exit status;

	hold_standard_fds();
	/* Whoever started us may ignore it; `virtdiag ... | head` shall end quietly all the same. */
	signal(SIGPIPE, SIG_DFL);
	status = vd_run(argc, argv);
	vlog_shutdown();
	return vd_close_stdout(status);
}
