/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

/*
 * An error as data: a code and one sentence for the user. lib/ fills it and never prints it; cmd/ prints it once.
 * The sentence says what was tried, on what, and why it failed; callers may put context in front.
 */

#include "macros.h"

struct vd_err {
	int code;   /* a positive errno value; 0: no error */
	char *text; /* owned; NULL when there was no error or no memory */
};

#define VD_ERR_INIT     \
	{               \
		0, NULL \
	}
#define VD_AUTO_ERR VD_CLEANUP(vd_err_release) struct vd_err

/*
 * Set @err (which may be NULL) to @code, a positive errno value, and a formatted sentence. An earlier error in @err
 * is replaced. Returns -@code, so that callers can write `return vd_err_set(...)`.
 */
int vd_err_set(struct vd_err *err, int code, const char *fmt, ...) VD_PRINTF(3, 4);

/*
 * Put "CONTEXT: " in front of the sentence in @err (which may be NULL or empty: then nothing happens).
 * Returns -code of @err, 0 when there is none.
 */
int vd_err_prefix(struct vd_err *err, const char *fmt, ...) VD_PRINTF(2, 3);

/* The sentence, or strerror() of the code when there is none. Never NULL; valid until @err changes. */
const char *vd_err_text(const struct vd_err *err);

/* Frees the sentence and makes @err empty and reusable. */
void vd_err_release(struct vd_err *err);
