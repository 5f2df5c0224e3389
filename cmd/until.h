/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * Waiting for input of commands that go on until they are interrupted. A signal that ends them is an ordinary end: what
 * was read is printed, and the exit status is theirs. The same when nobody reads standard output any more.
 */

#include <signal.h>
#include <stdbool.h>

#define VD_UNTIL_SIGNALS 3 /* SIGINT, SIGTERM, SIGHUP */

struct vd_until {
	struct sigaction old[VD_UNTIL_SIGNALS], old_pipe;
	sigset_t before;
};

/*
 * From now on the signals only end vd_until_wait(), and writing to a pipe that nobody reads fails with EPIPE. One at a
 * time in the program.
 */
void vd_until_begin(struct vd_until *until);
/*
 * Wait until @fd, which may be -1, has input or @timeout_ms are over. Returns false when the command should end: on a
 * signal, also one that came before, or when the reader of standard output, a pipe, has gone.
 */
bool vd_until_wait(const struct vd_until *until, int fd, int timeout_ms);
/* The signals do again what they did before. */
void vd_until_end(struct vd_until *until);
