/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The tracepoint of peer-lttng.c; LTTng includes this file several times, so it has a guard of its own kind. */
#undef LTTNG_UST_TRACEPOINT_PROVIDER
#define LTTNG_UST_TRACEPOINT_PROVIDER virtdiag_bench

#undef LTTNG_UST_TRACEPOINT_INCLUDE
#define LTTNG_UST_TRACEPOINT_INCLUDE "./peer-lttng.h"

#if !defined(VD_PEER_LTTNG_H) || defined(LTTNG_UST_TRACEPOINT_HEADER_MULTI_READ)
#define VD_PEER_LTTNG_H

#include <lttng/tracepoint.h>

/* clang-format off */
LTTNG_UST_TRACEPOINT_EVENT(
	virtdiag_bench,
	event,
	LTTNG_UST_TP_ARGS(const char *, guest, long, number, int, of),
	LTTNG_UST_TP_FIELDS(
		lttng_ust_field_string(guest, guest)
		lttng_ust_field_integer(long, number, number)
		lttng_ust_field_integer(int, of, of)
	)
)
/* clang-format on */

#endif

#include <lttng/tracepoint-event.h>
