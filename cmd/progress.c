/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "progress.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define NANO     1000000000LL
#define PATIENCE (NANO / 2)
#define INTERVAL (NANO / 10)

static int64_t now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NANO + t.tv_nsec;
}

void vd_progress_begin(const struct vd_ctx *ctx, const char *what, size_t total, struct vd_progress *ret_progress)
{
	*ret_progress = (struct vd_progress){ .what = what, .total = total };
	if (!ctx->quiet && isatty(STDERR_FILENO))
		ret_progress->next = now() + PATIENCE;
}

void vd_progress_step(void *progress, size_t done)
{
	struct vd_progress *p = progress;
	int64_t t;

	if (!p->next)
		return;
	t = now();
	if (t < p->next)
		return;
	p->next = t + INTERVAL;
	p->shown = true;
	fprintf(stderr, "\r%s: %zu of %zu\033[K", p->what, done, p->total);
	fflush(stderr);
}

void vd_progress_end(struct vd_progress *p)
{
	if (p->shown)
		fputs("\r\033[K", stderr);
	p->shown = false;
	p->next = 0;
}
