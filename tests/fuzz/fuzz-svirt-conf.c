/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* svirt disable and enable: whatever the file, "none" is in force in between, and the old bytes come back. */
#include "fuzz.h"

#include <errno.h>

#include "svirt-conf.h"

static void check_outcomes(const struct vd_svirt_conf *conf)
{
	for (unsigned i = 0; i < 9; i++) {
		struct vd_svirt_host host = { .selinux = i % 3, .apparmor = i / 3 };
		VD_AUTO_SVIRT_OUTCOME o = { 0 };

		if (vd_svirt_outcome(conf, &host, &o) < 0)
			return;
		FUZZ_CHECK(!o.fails || (!o.models.len && !o.confines && !o.unsure), "a daemon that fails has models");
		FUZZ_CHECK(!conf->fatal || o.fails, "fatal, and it starts");
		FUZZ_CHECK(!o.confines || o.unsure ||
		                   vd_strv_has(&o.models, "selinux") != vd_strv_has(&o.models, "apparmor") ||
		                   conf->names.len > 1,
		           "it confines, with what?");
	}
}

FUZZ_TARGET("svirt-conf")
{
	enum vd_driver driver = size && data[0] == ' ' ? VD_DRIVER_LXC : VD_DRIVER_QEMU;
	const char *text = (const char *)data;
	VD_AUTO_SVIRT_CONF conf = { 0 }, between = { 0 };
	VD_AUTO_BUF off = VD_BUF_INIT, on = VD_BUF_INIT;
	VD_AUTO_ERR err = VD_ERR_INIT;
	int r = vd_svirt_conf_parse(text, size, "f", driver, &conf, &err);

	if (r == -ENOMEM)
		return 0;
	fuzz_check_err(r, &err);
	if (r == 0)
		check_outcomes(&conf);
	vd_err_release(&err);
	r = vd_svirt_conf_disable(text, size, "f", driver, &off, &err);
	if (r <= 0) {
		FUZZ_CHECK(r == 0 || r == -ENOMEM || r == -EBADMSG || r == -EPERM || r == -ESTALE, "off: %d: %s", r,
		           vd_err_text(&err));
		return 0;
	}
	FUZZ_CHECK(vd_svirt_conf_parse(off.data, off.len, "f", driver, &between, &err) == 0 && !between.fatal &&
	                   between.names.len == 1 && !strcmp(between.names.items[0], "none") && between.by_us,
	           "off, but not in force");
	r = vd_svirt_conf_enable(off.data, off.len, "f", driver, &on, &err);
	if (r == -ENOMEM)
		return 0;
	FUZZ_CHECK(r == 1, "on again: %d: %s", r, vd_err_text(&err));
	FUZZ_CHECK(on.len == size && (!size || !memcmp(on.data, data, size)), "the old bytes do not come back");
	return 0;
}
