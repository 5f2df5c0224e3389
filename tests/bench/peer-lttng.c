/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* LTTng: a tracepoint that no session has enabled. Enabled ones go to a daemon's shared memory, not to a file: no peer.
 */
#define LTTNG_UST_TRACEPOINT_CREATE_PROBES
#define LTTNG_UST_TRACEPOINT_DEFINE
#include "peer-lttng.h"

#include "peer.h"

static const char *const guest = "web01";

int peer_open(const char *dir)
{
	(void)dir;
	return 0;
}

void peer_disabled(long n)
{
	for (long i = 0; i < n; i++) {
		lttng_ust_tracepoint(virtdiag_bench, event, guest, i, 3);
		__asm__ volatile("" ::: "memory");
	}
}
