/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* glog: VLOG(1), whose cheap refusal is a level cached at the statement. */
#include <glog/logging.h>

#include "peer.h"

static const char *const guest = "web01";

int peer_open(const char *dir)
{
	FLAGS_log_dir = dir;
	FLAGS_minloglevel = google::GLOG_INFO;
	FLAGS_logbuflevel = -1; /* no buffering */
	FLAGS_max_log_size = 1000;
	FLAGS_stderrthreshold = google::GLOG_FATAL;
	FLAGS_v = 0;
	google::InitGoogleLogging("statements");
	return 0;
}

void peer_disabled(long n)
{
	for (long i = 0; i < n; i++) {
		VLOG(1) << "guest " << guest << ": event " << i << " of " << 3;
		__asm__ volatile("" ::: "memory");
	}
}

void peer_enable(void)
{
	FLAGS_v = 1;
}

void peer_enabled(long n)
{
	peer_disabled(n);
}
