/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int vd_err_set(struct vd_err *err, int code, const char *fmt, ...)
{
	char *text = NULL;
	va_list ap;

	if (!err)
		return -code;
	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	/* The old text may be an argument of the new one: free it last. */
	free(err->text);
	err->text = text;
	err->code = code;
	return -code;
}

int vd_err_prefix(struct vd_err *err, const char *fmt, ...)
{
	VD_AUTO_FREE char *context = NULL;
	char *text = NULL;
	va_list ap;

	if (!err || !err->code)
		return 0;
	va_start(ap, fmt);
	if (vasprintf(&context, fmt, ap) < 0)
		context = NULL;
	va_end(ap);
	if (context && asprintf(&text, "%s: %s", context, vd_err_text(err)) >= 0) {
		free(err->text);
		err->text = text;
	}
	return -err->code;
}

const char *vd_err_text(const struct vd_err *err)
{
	return err->text ? err->text : strerror(err->code);
}

void vd_err_release(struct vd_err *err)
{
	free(err->text);
	err->text = NULL;
	err->code = 0;
}
