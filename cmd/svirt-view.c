/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the verbs of svirt look at: the host, and for each driver its file and its daemon. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "svirt-verbs.h"

const char *const vd_svirt_driver_words[] = { "qemu", "lxc", NULL };

enum vd_exit vd_svirt_view_load(struct vd_ctx *ctx, struct vd_svirt_view *ret_view)
{
	struct vd_svirt_settings settings;
	VD_AUTO_ERR err = VD_ERR_INIT;
	struct vd_guests_options options = { .use_session = ctx->use_session, .session_user = ctx->session_user };

	*ret_view = (struct vd_svirt_view){ .ctx = ctx };
	if (vd_svirt_settings_load(ctx->root, ctx->use_session, &settings, NULL, &err) < 0)
		return vd_fail(ctx, &err);
	ret_view->selinux = settings.selinux;
	vd_svirt_settings_release(&settings);
	vd_need_memory(vd_svirt_host_load(ctx->root, ret_view->selinux, ctx->use_session, &ret_view->host) == 0);
	if (vd_daemons_load(ctx->root, ctx->use_session, ctx->session_user, &ret_view->daemons, &err) < 0)
		return vd_fail(ctx, &err);
	if (vd_guests_load(ctx->root, &options, &ret_view->guests, &err) < 0)
		return vd_fail(ctx, &err);
	ret_view->has_guests = true;
	return VD_EXIT_OK;
}

void vd_svirt_view_release(struct vd_svirt_view *view)
{
	vd_daemons_release(&view->daemons);
	if (view->has_guests)
		vd_guests_release(&view->guests);
}

/* --- one driver --------------------------------------------------------------------------------------------------- */

static void find_daemon(struct vd_svirt_view *view, struct vd_svirt_file *f)
{
	const char *modular = f->driver == VD_DRIVER_LXC ? "virtlxcd" : "virtqemud";
	VD_AUTO_DAEMON_PLACE place = { 0 };

	vd_need_memory(vd_daemons_serving(view->ctx->root, &view->daemons, modular, &place, NULL) == 0);
	f->daemon_name = place.name;
	f->daemon_unknown = place.sure == VD_DAEMON_NOWHERE && view->daemons.unsure;
	f->daemon = vd_daemons_get(&view->daemons, place.name);
	f->process = f->daemon ? vd_daemon_main(f->daemon) : NULL;
}

void vd_svirt_file_load(struct vd_svirt_view *view, enum vd_driver driver, struct vd_svirt_file *ret_file)
{
	struct vd_svirt_file f = { .driver = driver, .exists = true, .changed = -1 };
	struct vd_stat st;
	int r;

	f.path = vd_svirt_conf_path(view->daemons.scope.conf_dir, driver);
	vd_need_memory(f.path != NULL);
	r = vd_root_read(view->ctx->root, f.path, VD_MAX_CONF, &f.text, &f.err);
	if (r == -ENOENT || r == -ENOTDIR) {
		f.exists = false;
		vd_err_release(&f.err);
		r = 0;
	}
	if (r == 0)
		r = vd_svirt_conf_parse(vd_buf_str(&f.text), f.text.len, f.path, driver, &f.conf, &f.err);
	vd_need_memory(r != -ENOMEM);
	if (r == 0)
		vd_need_memory(vd_svirt_outcome(&f.conf, &view->host, &f.next) == 0);
	if (f.exists && vd_root_stat(view->ctx->root, f.path, &st, NULL) == 0) {
		f.changed = st.changed > st.mtime ? st.changed : st.mtime;
		f.nlink = st.nlink;
	}
	find_daemon(view, &f);
	/* Both clocks tick in seconds, and the start of a process is rounded. */
	f.newer = f.process && f.process->since && f.changed > f.process->since + 1;
	*ret_file = f;
}

void vd_svirt_file_release(struct vd_svirt_file *file)
{
	free(file->path);
	vd_buf_release(&file->text);
	vd_svirt_conf_release(&file->conf);
	vd_svirt_outcome_release(&file->next);
	vd_err_release(&file->err);
}

/* --- words -------------------------------------------------------------------------------------------------------- */

static char *join(const struct vd_strv *names, const char *without, const char *empty)
{
	struct vd_buf text = VD_BUF_INIT;

	for (size_t i = 0; i < names->len; i++)
		if (!without || strcmp(names->items[i], without) != 0)
			vd_need_memory(vd_buf_addf(&text, "%s%s", text.len ? "," : "", names->items[i]) == 0);
	if (!text.len)
		vd_need_memory(vd_buf_adds(&text, empty) == 0);
	return vd_buf_steal(&text);
}

char *vd_svirt_names(const struct vd_svirt_conf *conf)
{
	char *text = join(&conf->names, NULL, conf->names.len ? "\"\"" : "probe");

	vd_need_memory(text != NULL);
	return text;
}

char *vd_svirt_models(const struct vd_svirt_outcome *outcome)
{
	char *text;

	if (outcome->fails || outcome->unsure)
		return NULL;
	text = join(&outcome->models, "dac", "none");
	vd_need_memory(text != NULL);
	return text;
}
