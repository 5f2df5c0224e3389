/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the verbs of `virtdiag selinux` share in words. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "report.h"
#include "selinux.h"
#include "svirt.h"

const char *vd_short_context(struct vd_report *report, const char *context)
{
	VD_AUTO_BUF text = VD_BUF_INIT;
	struct vd_context c = { 0 };
	const char *result;
	int r;

	if (!context)
		return NULL;
	if (vd_context_parse(context, &c) < 0)
		return vd_esc(report, context);
	if ((!strcmp(c.user, "system_u") || !strcmp(c.user, "unconfined_u")) &&
	    (!strcmp(c.role, "object_r") || !strcmp(c.role, "system_r") || !strcmp(c.role, "unconfined_r")))
		r = vd_buf_addf(&text, "%s%s%s", c.type, c.range ? ":" : "", c.range ? c.range : "");
	else
		r = vd_buf_adds(&text, context);
	vd_context_release(&c);
	result = vd_esc(report, vd_buf_str(&text));
	return r < 0 ? "?" : result;
}

struct vd_value *vd_fix_value(const char *const *command, const char *risk, const char *const *undo)
{
	VD_AUTO_VALUE struct vd_value *list = vd_value_array();
	struct vd_value *one;

	if (!command || !command[0])
		return vd_steal(list);
	one = vd_value_object();
	if (!list || vd_value_set(one, "command", vd_value_strings(command)) < 0 ||
	    vd_value_set(one, "risk", vd_value_str(risk)) < 0 ||
	    vd_value_set(one, "undo", undo && undo[0] ? vd_value_strings(undo) : vd_value_array()) < 0) {
		vd_value_free(one);
		return NULL;
	}
	return vd_value_append(list, one) < 0 ? NULL : vd_steal(list);
}

int vd_open_given(const char *path, int *ret_fd, struct vd_err *err)
{
	int fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY)
	                           : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return vd_err_set(err, errno, "cannot open '%s': %s", path, strerror(errno));
	*ret_fd = fd;
	return 0;
}
