/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What `filters apply` remembers for `filters reset`: a small file per daemon, gone with the next boot. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "apply.h"
#include "json.h"
#include "vlog.h"

VLOG_CATEGORY("virtdiag.cmd.filters-state");

#define MAX_STATE (1u << 20)
#define DIR_NAME  "virtdiag"

void vd_remembered_release(struct vd_remembered *memory)
{
	for (int i = 0; i < VD_N_APPLIED; i++) {
		free(memory->old[i]);
		free(memory->set[i]);
	}
	*memory = (struct vd_remembered){ 0 };
}

/* /run, or the runtime directory of the session: where libvirt's own directory is. */
static char *base_dir(const struct vd_daemon_scope *scope)
{
	const char *slash = strrchr(scope->run_dir, '/');

	return strndup(scope->run_dir, slash ? (size_t)(slash - scope->run_dir) : 0);
}

static char *copy(const struct vd_value *object, const char *key)
{
	const char *s = vd_value_get_str(vd_value_find(object, key), NULL);

	return s ? strdup(s) : NULL;
}

int vd_remember_load(struct vd_root *root, const struct vd_daemon_scope *scope, const char *name,
                     const struct vd_daemon_process *process, struct vd_remembered *ret_memory, struct vd_err *err)
{
	VD_AUTO_FREE char *base = base_dir(scope);
	VD_AUTO_VALUE struct vd_value *state = NULL;
	VD_AUTO_BUF path = VD_BUF_INIT, text = VD_BUF_INIT;
	int r;

	if (!base || vd_buf_addf(&path, "%s/" DIR_NAME "/%s.json", base, name) < 0)
		return vd_err_set(err, ENOMEM, "no memory");
	r = vd_root_read(root, path.data, MAX_STATE, &text, err);
	if (r == 0)
		r = vd_json_parse(vd_buf_str(&text), text.len, &state, err);
	if (r < 0)
		return r;
	/* Of a process that is gone nothing is left to be reset. */
	if (vd_value_get_int(vd_value_find(state, "pid")) != process->pid ||
	    vd_value_get_int(vd_value_find(state, "ticks")) != (int64_t)process->ticks)
		return vd_err_set(err, ENOENT, "what is remembered of %s is about another process", name);
	ret_memory->pid = process->pid;
	ret_memory->ticks = process->ticks;
	for (int i = 0; i < VD_N_APPLIED; i++) {
		const struct vd_value *v = vd_value_find(state, vd_log_setting_name((enum vd_log_setting)i));

		ret_memory->old[i] = copy(v, "old");
		ret_memory->set[i] = copy(v, "set");
	}
	return 0;
}

static int make_text(const struct vd_remembered *m, struct vd_buf *text)
{
	VD_AUTO_VALUE struct vd_value *state = vd_value_object();
	int r = state ? 0 : -ENOMEM;

	if (r == 0)
		r = vd_value_set(state, "pid", vd_value_int(m->pid));
	if (r == 0)
		r = vd_value_set(state, "ticks", vd_value_int((int64_t)m->ticks));
	for (int i = 0; i < VD_N_APPLIED && r == 0; i++) {
		struct vd_value *v;

		if (!m->set[i])
			continue;
		v = vd_value_object();
		r = v ? vd_value_set(state, vd_log_setting_name((enum vd_log_setting)i), v) : -ENOMEM;
		if (r == 0)
			r = vd_value_set(v, "old", vd_value_str(m->old[i]));
		if (r == 0)
			r = vd_value_set(v, "set", vd_value_str(m->set[i]));
	}
	return r < 0 ? r : vd_json_print(text, state, 1);
}

static int write_state(int dirfd, const char *name, const struct vd_buf *text)
{
	VD_AUTO_BUF temp = VD_BUF_INIT;
	VD_AUTO_CLOSE int fd = -1;

	if (vd_buf_addf(&temp, ".%s.%ld", name, (long)getpid()) < 0)
		return -ENOMEM;
	fd = openat(dirfd, temp.data, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text->data, text->len) != (ssize_t)text->len || renameat(dirfd, temp.data, dirfd, name) < 0) {
		int r = errno ? -errno : -EIO;

		unlinkat(dirfd, temp.data, 0);
		return r;
	}
	return 0;
}

int vd_remember_save(struct vd_root *root, const struct vd_daemon_scope *scope, const char *name,
                     const struct vd_remembered *memory, struct vd_err *err)
{
	VD_AUTO_FREE char *base = base_dir(scope);
	VD_AUTO_CLOSE int parent = -1;
	VD_AUTO_CLOSE int dirfd = -1;
	VD_AUTO_BUF file = VD_BUF_INIT, text = VD_BUF_INIT;
	int r;

	if (!base || vd_buf_addf(&file, "%s.json", name) < 0 || make_text(memory, &text) < 0)
		return vd_err_set(err, ENOMEM, "no memory");
	r = vd_root_open_dir(root, base, &parent, err);
	if (r < 0)
		return r;
	if (mkdirat(parent, DIR_NAME, 0700) < 0 && errno != EEXIST)
		return vd_err_set(err, errno, "cannot make %s/" DIR_NAME ": %s", base, strerror(errno));
	dirfd = openat(parent, DIR_NAME, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (dirfd < 0)
		return vd_err_set(err, errno, "cannot open %s/" DIR_NAME ": %s", base, strerror(errno));
	if (!memory->set[0] && !memory->set[1])
		r = unlinkat(dirfd, file.data, 0) < 0 && errno != ENOENT ? -errno : 0;
	else
		r = write_state(dirfd, file.data, &text);
	VLOG_DEBUG("%s/" DIR_NAME "/%s: %s", base, file.data, r < 0 ? strerror(-r) : "written");
	return r < 0 ? vd_err_set(err, -r, "cannot write %s/" DIR_NAME "/%s: %s", base, file.data, strerror(-r)) : 0;
}
