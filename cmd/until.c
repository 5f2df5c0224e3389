/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "until.h"

#include <poll.h>
#include <time.h>
#include <unistd.h>

#include "macros.h"

static const int signals[VD_UNTIL_SIGNALS] = { SIGINT, SIGTERM, SIGHUP };

static volatile sig_atomic_t stop_signal;

static void on_signal(int sig)
{
	stop_signal = sig;
}

void vd_until_begin(struct vd_until *until)
{
	struct sigaction action = { .sa_handler = on_signal }, ignore = { .sa_handler = SIG_IGN };
	sigset_t blocked;

	stop_signal = 0;
	sigemptyset(&blocked);
	for (size_t i = 0; i < VD_ARRAY_SIZE(signals); i++) {
		sigaddset(&blocked, signals[i]);
		sigaction(signals[i], &action, &until->old[i]);
	}
	sigaction(SIGPIPE, &ignore, &until->old_pipe);
	/* They are let through while waiting only, so that none comes unseen between looking and waiting. */
	sigprocmask(SIG_BLOCK, &blocked, &until->before);
}

bool vd_until_wait(const struct vd_until *until, int fd, int timeout_ms)
{
	struct pollfd fds[2] = { { .fd = fd, .events = POLLIN }, { .fd = STDOUT_FILENO } };
	struct timespec wait = { timeout_ms / 1000, (long)(timeout_ms % 1000) * 1000000 };
	int r = ppoll(fds, 2, &wait, &until->before);

	/* When no line comes, no failed write would ever tell that the reader has gone. */
	return !stop_signal && !(r > 0 && fds[1].revents & (POLLERR | POLLHUP));
}

void vd_until_end(struct vd_until *until)
{
	for (size_t i = 0; i < VD_ARRAY_SIZE(signals); i++)
		sigaction(signals[i], &until->old[i], NULL);
	sigaction(SIGPIPE, &until->old_pipe, NULL);
	sigprocmask(SIG_SETMASK, &until->before, NULL);
}
